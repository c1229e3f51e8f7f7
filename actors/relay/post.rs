//! The post that one relay holds at a time, and who holds it.
//!
//! It is decided in the database, in the very transaction that does the work: that first holds on to
//! the lease, or takes it. So a relay that was away for too long finds that it was relieved before it
//! has done anything, and two never work at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use hoursmith_domain::Timestamp;
use hoursmith_kit::{Clock, Host, spawn};
use hoursmith_store::leases::{self, Lease};
use hoursmith_store::{Conn, Db, Error};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{NAME, RelaySettings};

#[derive(Debug)]
pub(crate) struct Post {
    db: Db,
    clock: Arc<dyn Clock>,
    /// Who holds the lease: this process.
    holder: Uuid,
    duration: Duration,
    /// One transaction at a time: both tasks of this relay work under one lease, and it is taken once.
    turn: Arc<tokio::sync::Mutex<()>>,
    known: Mutex<Known>,
}

/// What this relay knows of the lease.
#[derive(Debug, Clone, Copy)]
struct Known {
    standing: Standing,
    /// Until when it is this relay's, where it is at work.
    until: Timestamp,
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
    /// This one has left for good.
    Left,
}

impl Post {
    pub(crate) fn new(host: &Host, settings: &RelaySettings) -> Self {
        Self {
            db: host.db.clone(),
            clock: Arc::clone(&host.clock),
            holder: host.instance,
            duration: settings.lease(),
            turn: Arc::default(),
            known: Mutex::new(Known {
                standing: Standing::Unknown,
                until: Timestamp::from_micros(0),
            }),
        }
    }

    /// Does some work in a transaction that holds the lease; `None`, and nothing done, when another
    /// relay is at work or this one has left.
    ///
    /// It goes on to its end when its caller goes away, so that whoever has the turn knows how the
    /// last transaction ended.
    pub(crate) async fn work<T, F>(self: &Arc<Self>, work: F) -> Result<Option<T>, Error>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
    {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let post = Arc::clone(self);
        let working = async move {
            let _turn = turn;
            post.work_in_turn(work).await
        };
        let working = spawn("work under the relay's lease", working.in_current_span());
        match working.await {
            Ok(done) => done,
            // A panic is the caller's; without one, the runtime is ending.
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_ending) => Ok(None),
            },
        }
    }

    async fn work_in_turn<T, F>(&self, work: F) -> Result<Option<T>, Error>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
    {
        let before = self.standing();
        if before == Standing::Left {
            return Ok(None);
        }
        let (clock, duration, holder) = (Arc::clone(&self.clock), self.duration, self.holder);
        let done = self
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
                        Some(lease) => Ok(Some((lease, until, work(conn).await?))),
                        None => Ok::<_, Error>(None),
                    }
                })
            })
            .await?;
        let (standing, until, done) = match done {
            Some((lease, until, done)) => (Standing::AtWork(lease), until, Some(done)),
            None => (Standing::Elsewhere, Timestamp::from_micros(0), None),
        };
        self.know(before, Known { standing, until });
        Ok(done)
    }

    /// Whether this relay holds the lease for work outside a transaction. Writes only when less than
    /// half of its time is left.
    pub(crate) async fn is_held(self: &Arc<Self>) -> Result<bool, Error> {
        let Known { standing, until } = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.clock.now().until(until);
        if matches!(standing, Standing::AtWork(_)) && left > self.duration / 2 {
            return Ok(true);
        }
        let held = self.work(|_| Box::pin(std::future::ready(Ok(())))).await?;
        Ok(held.is_some())
    }

    pub(crate) fn standing(&self) -> Standing {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.standing
    }

    /// Gives the lease back, so that the next relay need not wait for its end. First ends what is
    /// under way, which may be taking it, and lets nothing begin after.
    pub(crate) async fn leave(&self) {
        let _turn = self.turn.lock().await;
        let before = self.standing();
        self.set(Known {
            standing: Standing::Left,
            until: Timestamp::from_micros(0),
        });
        if before == Standing::Elsewhere {
            return;
        }
        let holder = self.holder;
        let released = self
            .db
            .write(move |conn| Box::pin(async move { leases::release(conn, NAME, holder).await }))
            .await;
        if let Err(error) = released {
            tracing::warn!(
                plugin.name = NAME,
                error = &error as &dyn std::error::Error,
                "The relay's lease could not be given back; the next relay waits for its end."
            );
        }
    }

    fn know(&self, before: Standing, known: Known) {
        self.set(known);
        match (before, known.standing) {
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

    fn set(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}
