//! Numbers the events that wait, if this relay is the one at work ([`Post`]).
//!
//! A relay that was not let in lets the bell ring and tries again when it next looks by itself. With
//! nothing to do it reads one row a look and writes nothing: the lease runs out, and whoever comes
//! first takes it then.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_kit::{Bell, Clock, Host, WakeUp};
use hoursmith_store::{Db, Error, events};
use hoursmith_telemetry::names;
use metrics::{counter, gauge};
use tracing::Instrument as _;

use crate::post::{Post, Standing};
use crate::publisher::ticks;
use crate::{NAME, RelaySettings};

/// Time between two rounds for which the bell rings, at least: many events are numbered by the statements that
/// number one.
const ROUNDS_APART: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct Sequencer {
    db: Db,
    clock: Arc<dyn Clock>,
    batch: NonZeroU32,
    post: Arc<Post>,
    /// Rung for the [publisher](crate::publisher::Publisher) when there is something public.
    numbered: Arc<Bell>,
    /// Tells the webhook dispatchers the same.
    wake_up: Arc<WakeUp>,
}

impl Sequencer {
    pub(crate) fn new(
        host: &Host,
        settings: &RelaySettings,
        post: Arc<Post>,
        numbered: Arc<Bell>,
        wake_up: Arc<WakeUp>,
    ) -> Self {
        Self {
            db: host.db.clone(),
            clock: Arc::clone(&host.clock),
            batch: settings.batch,
            post,
            numbered,
            wake_up,
        }
    }

    /// Works for good: when the bell rings, and every so often.
    pub(crate) async fn run(self: Arc<Self>, bell: Arc<Bell>, look_every: Duration) {
        let mut looks = ticks(look_every);
        let mut well = true;
        loop {
            let rung = tokio::select! {
                _ = looks.tick() => false,
                () = bell.rung_apart(ROUNDS_APART) => true,
            };
            if rung && self.post.standing() == Standing::Elsewhere {
                continue;
            }
            let span = tracing::debug_span!(target: "hoursmith::trace", "relay.round");
            let result = self.round().instrument(span).await;
            // The first failure in a row is told; the next looks try again.
            if let (Err(error), true) = (&result, well) {
                tracing::warn!(
                    plugin.name = NAME,
                    error = error as &dyn std::error::Error,
                    "Events could not be numbered; they wait."
                );
            }
            well = result.is_ok();
        }
    }

    /// Numbers what waits, batch by batch, until nothing waits or another relay is at work. Each
    /// batch is a write of its own, so that others get their turn in between.
    pub(crate) async fn round(&self) -> Result<(), Error> {
        while self.anything_waits().await? {
            match self.number_a_batch().await? {
                Some(numbered) if numbered >= self.batch.get().into() => {}
                _ => break,
            }
        }
        Ok(())
    }

    async fn anything_waits(&self) -> Result<bool, Error> {
        let oldest = events::oldest_waiting(&mut *self.db.read().await?).await?;
        let age = oldest.map_or(Duration::ZERO, |oldest| oldest.until(self.clock.now()));
        gauge!(names::EVENTS_OLDEST_WAITING).set(age.as_secs_f64());
        Ok(oldest.is_some())
    }

    /// Numbers a batch and tells how many events that were; `None` when another relay is at work.
    async fn number_a_batch(&self) -> Result<Option<u64>, Error> {
        let batch = self.batch.get();
        let numbered = self
            .post
            .work(move |conn| Box::pin(async move { events::sequence(conn, batch).await }))
            .await?;
        if let Some(events) = numbered.filter(|events| *events > 0) {
            counter!(names::EVENTS_SEQUENCED).increment(events);
            self.numbered.ring();
            self.wake_up.ring();
        }
        Ok(numbered)
    }
}
