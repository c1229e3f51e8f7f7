//! Numbers the events that wait, if this relay is the one at work.
//!
//! Which one is at work is decided in the database, in the very transaction that numbers: it first
//! holds on to the lease, or takes it. So a relay that was away for too long finds that it was
//! relieved before it has done anything, and two never number at once. A relay that was not let in
//! lets the bell ring and tries again when it next looks by itself.
//!
//! With nothing to do it reads one row a look and writes nothing: the lease runs out, and whoever
//! comes first takes it then.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hoursmith_kit::{Bell, Clock, Host, WakeUp};
use hoursmith_store::leases::{self, Lease};
use hoursmith_store::{Db, Error, events};
use hoursmith_telemetry::names;
use metrics::{counter, gauge};
use tokio::time::MissedTickBehavior;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{NAME, RelaySettings};

#[derive(Debug)]
pub(crate) struct Sequencer {
    db: Db,
    clock: Arc<dyn Clock>,
    /// Who holds the lease: this process.
    holder: Uuid,
    lease: Duration,
    batch: NonZeroU32,
    /// Tells the webhook dispatchers that events have become public.
    wake_up: Arc<WakeUp>,
    standing: Mutex<Standing>,
}

/// Who is at work, as far as this relay knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has not tried yet.
    Unknown,
    /// This one.
    AtWork(Lease),
    /// Another one.
    Elsewhere,
}

impl Sequencer {
    pub(crate) fn new(host: &Host, settings: &RelaySettings, wake_up: Arc<WakeUp>) -> Self {
        Self {
            db: host.db.clone(),
            clock: Arc::clone(&host.clock),
            holder: host.instance,
            lease: settings.lease(),
            batch: settings.batch,
            wake_up,
            standing: Mutex::new(Standing::Unknown),
        }
    }

    /// Works for good: when the bell rings, and every so often.
    pub(crate) async fn run(self: Arc<Self>, bell: Arc<Bell>, look_every: Duration) {
        let mut looks = tokio::time::interval(look_every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut well = true;
        loop {
            let rung = tokio::select! {
                _ = looks.tick() => false,
                () = bell.rung() => true,
            };
            if rung && self.standing() == Standing::Elsewhere {
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
    ///
    /// What sends numbered events on begins here, after a batch, and by a state of its own: that an
    /// event was numbered must not mean that it was sent.
    pub(crate) async fn round(&self) -> Result<(), Error> {
        while self.anything_waits().await? {
            match self.number_a_batch().await? {
                Some(numbered) if numbered >= self.batch.get().into() => {}
                _ => break,
            }
        }
        Ok(())
    }

    /// Gives the lease back, so that the next relay need not wait for its end.
    pub(crate) async fn leave(&self) {
        let Standing::AtWork(lease) = self.standing() else {
            return;
        };
        let released = self
            .db
            .write(move |conn| Box::pin(async move { leases::release(conn, &lease).await }))
            .await;
        if let Err(error) = released {
            tracing::warn!(
                plugin.name = NAME,
                error = &error as &dyn std::error::Error,
                "The relay's lease could not be given back; the next relay waits for its end."
            );
        }
    }

    async fn anything_waits(&self) -> Result<bool, Error> {
        let oldest = events::oldest_waiting(&mut *self.db.read().await?).await?;
        let age = oldest.map_or(Duration::ZERO, |oldest| oldest.until(self.clock.now()));
        gauge!(names::EVENTS_OLDEST_WAITING).set(age.as_secs_f64());
        Ok(oldest.is_some())
    }

    /// Numbers a batch and tells how many events that were; `None` when another relay is at work.
    async fn number_a_batch(&self) -> Result<Option<u64>, Error> {
        let before = self.standing();
        let (clock, duration) = (Arc::clone(&self.clock), self.lease);
        let (holder, batch) = (self.holder, self.batch.get());
        let numbered = self
            .db
            .write(move |conn| {
                Box::pin(async move {
                    // Taken when the job runs, not when it queues.
                    let now = clock.now();
                    let until = now.plus(duration);
                    let lease = match before {
                        Standing::AtWork(lease) if leases::hold(conn, &lease, until).await? => {
                            Some(lease)
                        }
                        _ => leases::take(conn, NAME, holder, now, until).await?,
                    };
                    match lease {
                        Some(lease) => Ok(Some((lease, events::sequence(conn, batch).await?))),
                        None => Ok::<_, Error>(None),
                    }
                })
            })
            .await?;
        let after = numbered.map_or(Standing::Elsewhere, |(lease, _)| Standing::AtWork(lease));
        self.stand(before, after);
        Ok(numbered.map(|(_, events)| {
            counter!(names::EVENTS_SEQUENCED).increment(events);
            if events > 0 {
                self.wake_up.ring();
            }
            events
        }))
    }

    pub(crate) fn standing(&self) -> Standing {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stand(&self, before: Standing, after: Standing) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = after;
        match (before, after) {
            (Standing::AtWork(old), Standing::AtWork(new)) if old == new => {}
            (_, Standing::AtWork(lease)) => tracing::info!(
                plugin.name = NAME,
                lease.token = lease.token,
                "This relay numbers the events from now on."
            ),
            (Standing::AtWork(lease), _) => tracing::info!(
                plugin.name = NAME,
                lease.token = lease.token,
                "Another relay has taken over the numbering of events."
            ),
            _ => {}
        }
    }
}
