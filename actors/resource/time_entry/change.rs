//! Holding an entry, and writing what became of it: the row, its totals, its event, and word to the
//! draft of the client whom it is billed to.
//!
//! In this order, which is that of all who write: member, entry, what the entry's row refers to
//! (project, client, task), totals, and drafts last. Two who want the same rows so never wait for one
//! another. A reference counts as much as a hold: PostgreSQL mostly lets one refer to a row that
//! another holds, but not when the row was changed just before.

use std::collections::BTreeSet;
use std::slice;

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
use crate::write::{Changed, Stamp};

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

/// What is still to be written once the rows of entries are: totals, and word to drafts.
#[derive(Debug, Default)]
#[must_use = "totals and drafts follow their entries"]
pub(super) struct Rest {
    totals: Changes,
    /// The clients that an entry was, or is, billed to; a running one is on no draft.
    clients: BTreeSet<ClientId>,
}

impl Rest {
    /// What the change of entries leaves to be written.
    fn of(before: &[TimeEntryState], after: &[TimeEntryState]) -> Self {
        Self {
            totals: Changes::between(before, after),
            clients: (before.iter().chain(after))
                .filter(|entry| !entry.is_running())
                .filter_map(|entry| entry.client)
                .collect(),
        }
    }

    /// What two changes leave to be written.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.clients.extend(other.clients);
        Self {
            totals: self.totals.and(other.totals),
            clients: self.clients,
        }
    }

    /// Writes it.
    pub(super) async fn write(
        self,
        conn: &mut Conn,
        stamp: &Stamp,
        organization: OrganizationId,
    ) -> Result<(), Error> {
        self.totals.write(conn, organization).await?;
        self.tell(conn, stamp, organization).await
    }

    /// In one order, as with every row that two transactions may both want.
    async fn tell(
        self,
        conn: &mut Conn,
        stamp: &Stamp,
        organization: OrganizationId,
    ) -> Result<(), Error> {
        for client in self.clients {
            draft_changed(conn, stamp, organization, Some(client)).await?;
        }
        Ok(())
    }
}

/// Writes the rows and events of new entries.
pub(super) async fn add(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    entries: &[TimeEntryState],
) -> Result<Rest, Error> {
    sql::insert(conn, organization, entries)
        .await
        .map_err(|error| timer::refused(error, entries))?;
    let footings: BTreeSet<_> = entries
        .iter()
        .map(|entry| (entry.project, entry.client, entry.currency))
        .collect();
    for (project, client, currency) in footings {
        must_stand(conn, organization, project, client, currency).await?;
    }
    let created = entries.iter().map(created);
    stamp
        .events(conn, EventType::TimeEntryCreated, created)
        .await?;
    Ok(Rest::of(&[], entries))
}

/// What the event of a new entry says.
fn created(entry: &TimeEntryState) -> Changed {
    Changed {
        resource_id: entry.id.0,
        object: entry.to_event(),
        previous: None,
    }
}

/// Writes a change to the row and its event, if it is one.
pub(super) async fn save(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    before: &TimeEntryState,
    entry: &mut TimeEntryState,
) -> Result<Rest, Error> {
    let Some(previous) = settle(before, entry, stamp.now) else {
        return Ok(Rest::default());
    };
    sql::update(conn, organization, before, entry)
        .await
        .map_err(|error| timer::refused(error, slice::from_ref(entry)))?;
    if entry.project != before.project {
        stands(conn, organization, entry).await?;
    }
    let kind = EventType::TimeEntryUpdated;
    stamp
        .event(conn, kind, entry.id.0, entry.to_event(), Some(previous))
        .await?;
    Ok(Rest::of(slice::from_ref(before), slice::from_ref(entry)))
}

/// Takes an entry away, totals and drafts included.
pub(super) async fn remove(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    entry: &TimeEntryState,
) -> Result<(), Error> {
    let rest = Rest::of(slice::from_ref(entry), &[]);
    rest.totals.write(conn, organization).await?;
    sql::delete(conn, organization, entry.id).await?;
    let kind = EventType::TimeEntryDeleted;
    stamp
        .event(conn, kind, entry.id.0, entry.to_event(), None)
        .await?;
    rest.tell(conn, stamp, organization).await
}

/// Refuses an entry whose project, client or currency changed since it was looked up.
async fn stands(
    conn: &mut Conn,
    organization: OrganizationId,
    entry: &TimeEntryState,
) -> Result<(), Error> {
    let (client, currency) = (entry.client, entry.currency);
    must_stand(conn, organization, entry.project, client, currency).await
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
