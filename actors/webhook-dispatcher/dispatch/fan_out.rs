//! Gives each public event its deliveries: one for each endpoint of its organization that wants it.
//!
//! What waits is found by its state, and loses it in the transaction that writes the deliveries: an
//! event has all of its deliveries or none. The endpoint's row is held while a delivery is written
//! for it, so that an endpoint that is deleted or disabled meanwhile has either not been asked or
//! finds the delivery and ends it.
//!
//! One transaction at a time does this, whatever the process: what two would do at once they would
//! only do in each other's way.

mod sql;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_domain::{OrganizationId, Plan, Timestamp};
use hoursmith_kit::{Clock, Random};
use hoursmith_store::{Conn, Db, Error, Statement, leases};
use uuid::Uuid;

use super::wanted::Wanted;

/// Name of the row whose holder fans out.
const LEASE: &str = "webhook-fan-out";

pub(super) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// Fans out, a batch at a time.
#[derive(Debug, Clone)]
pub(super) struct FanOut {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    /// Who holds the row meanwhile: this process.
    pub(super) holder: Uuid,
    /// Events in one transaction.
    pub(super) batch: NonZeroU32,
}

impl FanOut {
    /// Takes a batch and tells how many events it had; fewer than asked for means that no more
    /// waited.
    pub(super) async fn batch(&self) -> Result<usize, Error> {
        // A look costs a read where nothing waits, which it mostly does.
        if !sql::anything_waits(&mut *self.db.read().await?).await? {
            return Ok(0);
        }
        let this = self.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let now = this.clock.now();
                    // Taken for no time at all: it is held by the transaction and by nothing else.
                    leases::take(conn, LEASE, this.holder, now, now).await?;
                    let mut events = sql::take(conn, this.batch.get()).await?;
                    events.sort_unstable_by_key(|event| event.position);
                    let taken = events.len();
                    let mut of_organization: BTreeMap<Uuid, Vec<sql::PublicEvent>> =
                        BTreeMap::new();
                    for event in events {
                        of_organization
                            .entry(event.organization_id)
                            .or_default()
                            .push(event);
                    }
                    for (organization, events) in of_organization {
                        let organization = OrganizationId(organization);
                        this.deliver(conn, organization, &events, now).await?;
                    }
                    Ok(taken)
                })
            })
            .await
    }

    /// Writes the deliveries of some events of an organization.
    async fn deliver(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
        events: &[sql::PublicEvent],
        now: Timestamp,
    ) -> Result<(), Error> {
        let asked = sql::endpoints(conn, organization).await?;
        if asked.is_empty() {
            return Ok(());
        }
        let fires = sql::plan(conn, organization).await?.as_deref() == Some(Plan::Agency.as_str());
        for (endpoint, filters) in asked {
            let wanted = Wanted::new(endpoint, &filters);
            let wants = |event: &&sql::PublicEvent| wanted.wants(&event.kind, event.resource_id);
            let events: Vec<_> = events.iter().filter(wants).collect();
            if events.is_empty() {
                continue;
            }
            // From here on its row is held. It may be gone by now, or disabled.
            let due = fires.then_some(now);
            if !sql::hold(conn, organization, endpoint, due).await? {
                continue;
            }
            let new: Vec<sql::NewDelivery> = (events.into_iter().zip(0..))
                .map(|(event, after)| sql::NewDelivery {
                    id: self.random.uuid_v7(now),
                    event: event.id,
                    // A microsecond apart, so that they are first tried in the order of the feed.
                    due: due.map(|due| due.plus(Duration::from_micros(after))),
                })
                .collect();
            sql::insert(conn, organization, endpoint, &new, now).await?;
        }
        Ok(())
    }
}
