//! Deletes deliveries and events that are old enough, a few at a time.
//!
//! A delivery that is pending stays however old it is, and an event stays while it has deliveries,
//! or is yet to be published or to get them. The organization's counter of events stays: their
//! sequence goes on where it was.

mod sql;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_domain::Timestamp;
use hoursmith_kit::Clock;
use hoursmith_store::{Conn, Db, Error, Statement, leases};
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

#[cfg(test)]
pub(super) use sql::delete_deliveries;

/// Name of the row whose holder deletes: two at once would only wait for each other's rows.
const LEASE: &str = "webhook-retention";

/// Rest after each batch: whoever writes comes first.
const REST: Duration = Duration::from_millis(20);

pub(super) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// Deletes what is old enough.
#[derive(Debug, Clone)]
pub(super) struct Retention {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
    /// Who holds the row meanwhile: this process.
    pub(super) holder: Uuid,
    pub(super) every: Duration,
    pub(super) batch: NonZeroU32,
    pub(super) deliveries: Duration,
    pub(super) events: Duration,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Deliveries,
    Events,
}

impl Retention {
    /// Deletes for good.
    pub(super) async fn run(self) {
        let mut rounds = tokio::time::interval(self.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            // Deliveries first: their events can go once they are gone.
            for what in [What::Deliveries, What::Events] {
                if let Err(error) = self.round(what).await {
                    tracing::warn!(
                        plugin.name = crate::actor::NAME,
                        error = &error as &dyn std::error::Error,
                        "Old webhook deliveries or events could not be deleted; the next round \
                         tries again."
                    );
                }
            }
        }
    }

    /// Deletes batches until one is not full. Each is a write of its own.
    async fn round(&self, what: What) -> Result<(), Error> {
        let now = self.clock.now();
        let before = now.minus(match what {
            What::Deliveries => self.deliveries,
            What::Events => self.events,
        });
        let (batch, holder) = (self.batch.get(), self.holder);
        loop {
            let deleted = self
                .db
                .write(move |conn| {
                    Box::pin(async move {
                        // Taken for no time at all: it is held by the transaction.
                        leases::take(conn, LEASE, holder, now, now).await?;
                        delete(conn, what, before, batch).await
                    })
                })
                .await?;
            if deleted < u64::from(batch) {
                return Ok(());
            }
            tokio::time::sleep(REST).await;
        }
    }
}

async fn delete(conn: &mut Conn, what: What, before: Timestamp, limit: u32) -> Result<u64, Error> {
    match what {
        What::Deliveries => sql::delete_deliveries(conn, before, limit).await,
        What::Events => sql::delete_events(conn, before, limit).await,
    }
}
