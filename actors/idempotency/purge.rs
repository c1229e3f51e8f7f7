//! Deletes records that no longer count, a few at a time.
//!
//! Nothing rests on it but the size of the table: a record's age is looked at when it is looked
//! up. So it may be late, and a failure waits for the next round.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_kit::Clock;
use hoursmith_store::{Db, Error, idempotency};
use tokio::time::MissedTickBehavior;

pub(crate) struct Purge {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retention: Duration,
    pub(crate) every: Duration,
    /// Records in one write, since other writes wait for it.
    pub(crate) batch: NonZeroU32,
}

impl Purge {
    /// Purges for good.
    pub(crate) async fn run(self) {
        let mut rounds = tokio::time::interval(self.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            if let Err(error) = self.round().await {
                tracing::warn!(
                    plugin.name = crate::NAME,
                    error = &error as &dyn std::error::Error,
                    "Old idempotency records could not be deleted; the next round tries again."
                );
            }
        }
    }

    /// Deletes batches until one is not full. Each is a write of its own, so that others get their
    /// turn in between.
    async fn round(&self) -> Result<(), Error> {
        let (before, limit) = (self.clock.now().minus(self.retention), self.batch.get());
        loop {
            let deleted = self
                .db
                .write(move |conn| {
                    Box::pin(async move { idempotency::purge(conn, before, limit).await })
                })
                .await?;
            if deleted < u64::from(limit) {
                return Ok(());
            }
        }
    }
}
