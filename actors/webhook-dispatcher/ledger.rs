//! The ledger: each event and each endpoint that wants it, held against the deliveries there are.
//!
//! It reads what is stored and trusts none of those who wrote it. What an endpoint wanted at an
//! earlier time is not kept, so an event is owed to the endpoints that are enabled and have been as
//! they are since well before it; for the others nothing can be shown either way, and whatever
//! deliveries they have are counted.

mod sql;

use std::collections::{BTreeMap, BTreeSet};

use hoursmith_domain::{OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_store::{Conn, Db, Error, Statement};
use uuid::Uuid;

use crate::dispatch::Wanted;
use crate::feed::{self, DISORDER};

/// Events read at a time, with their deliveries: a few megabytes where each has fifty.
const PAGE: i64 = 1_000;

/// Missing pairs that are named.
const NAMED: usize = 20;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// What became of each event for each endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Public events.
    pub events: u64,
    /// Those that have not got their deliveries yet.
    pub waiting: u64,
    /// Deliveries that are yet to be sent, or sent again.
    pub pending: u64,
    /// Those that arrived.
    pub delivered: u64,
    /// Those that were given up.
    pub failed: u64,
    /// Those that are not sent, for a reason that they say.
    pub skipped: u64,
    /// Deliveries that are owed and do not exist.
    pub missing: u64,
    /// The first of these: the event and the endpoint.
    pub named: Vec<(Uuid, Uuid)>,
    /// Endpoints of which nobody can tell what they want; they get nothing.
    pub unreadable: Vec<Uuid>,
}

/// An endpoint that events are owed to.
#[derive(Debug)]
struct Owed {
    id: Uuid,
    wanted: Wanted,
    since: Timestamp,
}

/// Reads the ledger of the events made in a span of time, in every organization.
pub async fn ledger(db: &Db, from: Timestamp, until: Timestamp) -> Result<Ledger, Error> {
    let mut ledger = Ledger::default();
    let mut conn = db.read().await?;
    for organization in sql::organizations(&mut conn).await? {
        let organization = OrganizationId(organization);
        ledger.add(&mut conn, organization, from, until).await?;
    }
    Ok(ledger)
}

impl Ledger {
    /// Reads an organization's events, in their order.
    async fn add(
        &mut self,
        conn: &mut Conn,
        organization: OrganizationId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<(), Error> {
        let mut owed = Vec::new();
        for (id, events, updated_at) in sql::endpoints(conn, organization).await? {
            let Ok(wanted) = Wanted::stored(WebhookEndpointId(id), &events) else {
                self.unreadable.push(id);
                continue;
            };
            let since = Timestamp::from_micros(updated_at).plus(DISORDER);
            owed.push(Owed { id, wanted, since });
        }
        let mut after = feed::last_before(conn, organization, from.minus(DISORDER)).await?;
        loop {
            // Deliveries after the events: one that is fanned out has all of its deliveries by then.
            let events = sql::events(conn, organization, after, until, PAGE).await?;
            let Some(last) = events.last().map(|event| event.sequence) else {
                return Ok(());
            };
            let mut found: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
            for made in sql::deliveries(conn, organization, after, last, from, until).await? {
                self.count(&made.status);
                found
                    .entry(made.event_id)
                    .or_default()
                    .insert(made.endpoint_id);
            }
            for event in events
                .iter()
                .filter(|event| event.created_at >= from.as_micros())
            {
                self.hold(event, &owed, found.get(&event.id));
            }
            after = last;
        }
    }

    fn count(&mut self, status: &str) {
        let count = match status {
            "pending" => &mut self.pending,
            "delivered" => &mut self.delivered,
            "failed" => &mut self.failed,
            _ => &mut self.skipped,
        };
        *count = count.saturating_add(1);
    }

    /// Holds an event against the deliveries that it has.
    fn hold(&mut self, event: &sql::Event, owed: &[Owed], found: Option<&BTreeSet<Uuid>>) {
        self.events = self.events.saturating_add(1);
        if !event.fanned_out {
            self.waiting = self.waiting.saturating_add(1);
            return;
        }
        let at = Timestamp::from_micros(event.created_at);
        for one in owed {
            let is_there = found.is_some_and(|found| found.contains(&one.id));
            if is_there || one.since > at || !one.wanted.wants(&event.kind, event.resource_id) {
                continue;
            }
            self.missing = self.missing.saturating_add(1);
            if self.named.len() < NAMED {
                self.named.push((event.id, one.id));
            }
        }
    }
}
