//! Holding an entry, and writing what became of it: the row, its totals, its event, and word to the
//! draft of the client whom it is billed to.
//!
//! In this order, which is that of all who write: member, entry, tasks, what the entry's row refers
//! to, months of projects, and drafts last. Two who want the same rows so never wait for one another.

use std::collections::BTreeSet;

use hoursmith_domain::{
    ClientId, Code, EventType, InvoiceId, MemberId, OrganizationId, Problem, TimeEntryId,
};
use hoursmith_store::Conn;

use super::rollup::Changes;
use super::state::TimeEntryState;
use super::terms::hold_member;
use super::{sql, timer};
use crate::base::{Stored as _, settle};
use crate::error::Error;
use crate::invoice::{Billing, draft_changed, tell};
use crate::sight::Reach;
use crate::work::must_stand;
use crate::write::Stamp;

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

/// Writes a new entry.
pub(super) async fn add(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    entry: &TimeEntryState,
) -> Result<(), Error> {
    let totals = Changes::between(None, Some(entry));
    totals.add_to_tasks(conn, organization).await?;
    sql::insert(conn, organization, entry)
        .await
        .map_err(|error| timer::refused(error, entry))?;
    must_stand(
        conn,
        organization,
        entry.project,
        entry.client,
        entry.currency,
    )
    .await?;
    totals.add_to_months(conn, organization).await?;
    let kind = EventType::TimeEntryCreated;
    stamp
        .event(conn, kind, entry.id.0, entry.to_event(), None)
        .await?;
    tell_drafts(conn, stamp, organization, &[entry]).await
}

/// Writes a change; false if it is none. The drafts are for the caller to tell, last of all.
pub(super) async fn save(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    before: &TimeEntryState,
    entry: &mut TimeEntryState,
) -> Result<bool, Error> {
    let Some(previous) = settle(before, entry, stamp.now) else {
        return Ok(false);
    };
    let totals = Changes::between(Some(before), Some(entry));
    totals.add_to_tasks(conn, organization).await?;
    sql::update(conn, organization, before, entry)
        .await
        .map_err(|error| timer::refused(error, entry))?;
    if entry.project != before.project {
        must_stand(
            conn,
            organization,
            entry.project,
            entry.client,
            entry.currency,
        )
        .await?;
    }
    totals.add_to_months(conn, organization).await?;
    let kind = EventType::TimeEntryUpdated;
    stamp
        .event(conn, kind, entry.id.0, entry.to_event(), Some(previous))
        .await?;
    Ok(true)
}

/// Takes an entry away.
pub(super) async fn remove(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    entry: &TimeEntryState,
) -> Result<(), Error> {
    let totals = Changes::between(Some(entry), None);
    totals.add_to_tasks(conn, organization).await?;
    totals.add_to_months(conn, organization).await?;
    sql::delete(conn, organization, entry.id).await?;
    let kind = EventType::TimeEntryDeleted;
    stamp
        .event(conn, kind, entry.id.0, entry.to_event(), None)
        .await?;
    tell_drafts(conn, stamp, organization, &[entry]).await
}

/// Tells the drafts of the clients that an entry was, or is, billed to; a running one is on none. In
/// one order, as with every row that two transactions may both want.
pub(super) async fn tell_drafts(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    entries: &[&TimeEntryState],
) -> Result<(), Error> {
    let clients: BTreeSet<ClientId> = entries
        .iter()
        .filter(|entry| !entry.is_running())
        .filter_map(|entry| entry.client)
        .collect();
    for client in clients {
        draft_changed(conn, stamp, organization, Some(client)).await?;
    }
    Ok(())
}

/// Counts the change of what an invoice took, or is about to release, and writes the events.
pub(crate) async fn tell_of_invoice(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    invoice: InvoiceId,
    billing: Billing,
) -> Result<(), Error> {
    sql::touch_billed(conn, organization, invoice, stamp.now).await?;
    let billed = sql::billed(conn, organization, invoice).await?;
    let free = |entry: &TimeEntryState| TimeEntryState {
        invoice: None,
        ..entry.clone()
    };
    let kind = EventType::TimeEntryUpdated;
    tell(conn, stamp, kind, billed, billing, free).await
}
