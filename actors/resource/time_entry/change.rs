//! Holding an entry, and writing what became of it: the row, its totals, its event, and word to the
//! draft of the client whom it is billed to.

use std::collections::BTreeSet;

use hoursmith_domain::{
    ClientId, Code, EventType, InvoiceId, MemberId, OrganizationId, Problem, TimeEntryId,
};
use hoursmith_store::Conn;

use super::rollup::{self, Changes};
use super::state::TimeEntryState;
use super::terms::hold_member;
use super::{sql, timer};
use crate::base::{Stored as _, settle};
use crate::error::Error;
use crate::invoice::draft_changed;
use crate::sight::Reach;
use crate::write::{Stamp, changed_fields};

/// An entry within the caller's reach, held by the transaction together with its member and the one
/// it may pass to.
pub(super) async fn hold(
    conn: &mut Conn,
    organization: OrganizationId,
    reach: Reach,
    id: TimeEntryId,
    other: Option<MemberId>,
) -> Result<Option<TimeEntryState>, Error> {
    let Some(member) = sql::member_of(conn, organization, id).await? else {
        return Ok(None);
    };
    let members: BTreeSet<MemberId> = other.into_iter().chain([member]).collect();
    for member in members {
        hold_member(conn, organization, member).await?;
    }
    sql::hold(conn, organization, id).await?;
    match sql::find(conn, organization, id, reach).await? {
        Some(entry) if entry.member != member => Err(Problem::new(
            Code::Conflict,
            "The time entry passed to another member meanwhile. Read it again.",
        )
        .into()),
        found => Ok(found),
    }
}

/// Writes new entries.
pub(super) async fn add(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    entries: &[TimeEntryState],
) -> Result<(), Error> {
    sql::insert(conn, organization, entries)
        .await
        .map_err(timer::taken)?;
    rollup::keep(conn, organization, Changes::between(None, entries)).await?;
    let objects = entries.iter().map(|entry| (entry.id.0, entry.to_event()));
    stamp
        .events(conn, EventType::TimeEntryCreated, objects)
        .await?;
    tell_drafts(conn, stamp, organization, entries).await
}

/// Writes a change, if it is one.
pub(super) async fn save(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    before: &TimeEntryState,
    entry: &mut TimeEntryState,
) -> Result<(), Error> {
    let Some(previous) = settle(before, entry, stamp.now) else {
        return Ok(());
    };
    sql::update(conn, organization, before, entry)
        .await
        .map_err(timer::taken)?;
    let changes = Changes::between(Some(before), Some(&*entry));
    rollup::keep(conn, organization, changes).await?;
    let kind = EventType::TimeEntryUpdated;
    stamp
        .event(conn, kind, entry.id.0, entry.to_event(), Some(previous))
        .await?;
    tell_drafts(conn, stamp, organization, [before, entry]).await
}

/// Takes an entry away.
pub(super) async fn remove(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    entry: &TimeEntryState,
) -> Result<(), Error> {
    sql::delete(conn, organization, entry.id).await?;
    rollup::keep(conn, organization, Changes::between(Some(entry), None)).await?;
    let kind = EventType::TimeEntryDeleted;
    stamp
        .event(conn, kind, entry.id.0, entry.to_event(), None)
        .await?;
    tell_drafts(conn, stamp, organization, [entry]).await
}

/// Tells the drafts of the clients that an entry was, or is, billed to; a running one is on none. In
/// one order, as with every row that two transactions may both want.
async fn tell_drafts<'a>(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    entries: impl IntoIterator<Item = &'a TimeEntryState>,
) -> Result<(), Error> {
    let clients: BTreeSet<ClientId> = entries
        .into_iter()
        .filter(|entry| !entry.is_running())
        .filter_map(|entry| entry.client)
        .collect();
    for client in clients {
        draft_changed(conn, stamp, organization, Some(client)).await?;
    }
    Ok(())
}

/// Counts a change of an entry's invoice, which was `was`, and writes its event.
pub(super) async fn tell_of_invoice(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    id: TimeEntryId,
    was: Option<InvoiceId>,
) -> Result<(), Error> {
    sql::touch(conn, organization, id, stamp.now).await?;
    let Some(entry) = sql::find(conn, organization, id, Reach::ALL).await? else {
        return Ok(());
    };
    let before = TimeEntryState {
        invoice: was,
        ..entry.clone()
    };
    let previous = changed_fields(&before.to_event(), &entry.to_event());
    let kind = EventType::TimeEntryUpdated;
    stamp
        .event(conn, kind, id.0, entry.to_event(), Some(previous))
        .await
}
