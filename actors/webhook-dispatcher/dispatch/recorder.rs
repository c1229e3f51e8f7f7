//! Records attempts, those of one organization together where several have ended.
//!
//! An event goes to many endpoints at once, and their answers come together too. One transaction for all who
//! wait is one flush and a few statements: the first records alone, and the next takes along whoever has come
//! meanwhile. And who may stay at their places have their next deliveries of the same transaction.
//! Organizations do not wait for each other.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hoursmith_domain::{OrganizationId, WebhookEndpointId};
use hoursmith_handler::error::Error as HandlerError;
use hoursmith_handler::write::Stamp;
use hoursmith_kit::{Bell, Clock, Failure, Random, WakeUp};
use hoursmith_store::Db;
use hoursmith_telemetry::names;
use metrics::counter;
use tokio::sync::oneshot;

use super::claim::{Claim, Receiver, Terms};
use super::record::{Attempt, Further, Recorded, record};
use super::send::Report;

/// Pause between two tries to record an attempt, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Attempts that are recorded along with one, at most.
const ALONG: usize = 15;

/// Records what came of attempts.
pub(super) struct Recorder {
    db: Db,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Wakes the relays, when an endpoint's status became an event.
    wake_up: Arc<WakeUp>,
    queues: Arc<Queues>,
}

/// Organizations for which somebody records.
struct Queues {
    of: Mutex<HashMap<OrganizationId, Queue>>,
    /// Rung when an endpoint that somebody wanted to look at meanwhile is worth it.
    bell: Arc<Bell>,
}

/// What waits until a record is made.
#[derive(Default)]
struct Queue {
    /// For their turn.
    waiting: VecDeque<Waiting>,
    /// Whether somebody wanted to look at the endpoint of one that waits.
    is_wanted: bool,
}

struct Waiting {
    attempt: Attempt,
    turn: oneshot::Sender<Turn>,
}

/// A delivery to send next, claimed along with a record.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) receiver: Arc<Receiver>,
    pub(super) claim: Claim,
}

/// What came of an attempt's record.
struct Kept {
    recorded: Recorded,
    next: Option<Next>,
}

/// What somebody who waits is told.
enum Turn {
    /// It was recorded along with another's.
    Kept(Kept),
    /// It is first now, and records.
    First(Box<(Attempt, Turns)>),
}

/// Being the one who records for an organization. Given on when it is dropped, also unread.
struct Turns {
    queues: Arc<Queues>,
    organization: OrganizationId,
}

impl Recorder {
    pub(super) fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        wake_up: Arc<WakeUp>,
        bell: Arc<Bell>,
    ) -> Self {
        Self {
            db,
            clock,
            random,
            wake_up,
            queues: Arc::new(Queues {
                of: Mutex::default(),
                bell,
            }),
        }
    }

    /// Whether an attempt at an endpoint waits to be recorded: who looked at it now would be in its way, and
    /// mostly find that what is due was claimed along. The bell is rung when it has its turn.
    pub(super) fn is_busy_with(
        &self,
        organization: OrganizationId,
        endpoint: WebhookEndpointId,
    ) -> bool {
        let mut queues = self.queues.lock();
        let waits = |one: &Waiting| one.attempt.claim.endpoint == endpoint;
        let busy = (queues.get_mut(&organization)).filter(|queue| queue.waiting.iter().any(waits));
        busy.map(|queue| queue.is_wanted = true).is_some()
    }

    /// Records an attempt, again and again while its lease lasts: without a record the delivery is
    /// sent again. Whose sender `stays` may get the endpoint's next delivery, which is then that
    /// sender's to send.
    pub(super) async fn keep(
        &self,
        claim: &Claim,
        report: Report,
        stays: bool,
        terms: Terms,
    ) -> Option<Next> {
        let report = Arc::new(report);
        let attempt = |stays| self.attempt(claim, &report, stays);
        let mut kept = match self.together(attempt(stays), terms).await {
            Some(kept) => kept,
            None => self.alone(attempt(stays), terms).await,
        };
        let mut pause = PAUSES.0;
        loop {
            let failed = match kept {
                Ok(Kept { recorded, next }) => {
                    self.count(recorded, &report);
                    return next;
                }
                Err(failed) => failed,
            };
            if self.clock.now().plus(pause) >= claim.until {
                tracing::error!(
                    plugin.name = crate::actor::NAME,
                    webhook_delivery.id = %claim.delivery,
                    error = &failed as &dyn std::error::Error,
                    "An attempt could not be recorded; its webhook is sent again."
                );
                return None;
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSES.1);
            // There is enough to do with this one.
            kept = self.alone(attempt(false), terms).await;
        }
    }

    fn count(&self, recorded: Recorded, report: &Report) {
        let outcome = match recorded {
            Recorded::Whole { .. } => report.word(),
            Recorded::Fenced => "superseded",
        };
        counter!(names::WEBHOOK_ATTEMPTS, "outcome" => outcome).increment(1);
        if recorded == (Recorded::Whole { told: true }) {
            counter!(names::EVENTS_APPENDED).increment(1);
            self.wake_up.ring();
        }
    }

    /// Records an attempt without others: one that cannot be recorded keeps no other from it.
    async fn alone(&self, attempt: Attempt, terms: Terms) -> Result<Kept, Failure> {
        first(&mut self.record(vec![attempt], terms).await?.into_iter())
    }

    /// An attempt that is recorded in the present trace.
    fn attempt(&self, claim: &Claim, report: &Arc<Report>, stays: bool) -> Attempt {
        let mut jitter = [0; 8];
        self.random.fill(&mut jitter);
        Attempt {
            stamp: Stamp::new(&self.clock, &self.random, claim.organization),
            claim: *claim,
            report: Arc::clone(report),
            jitter: u64::from_le_bytes(jitter),
            stays,
        }
    }

    /// Records an attempt, with those that have come while another was recorded. Nothing
    /// where another was to record it and could not.
    async fn together(&self, attempt: Attempt, terms: Terms) -> Option<Result<Kept, Failure>> {
        let (attempt, turns) = match self.queue(attempt) {
            Ok(first) => first,
            Err(turn) => match turn.await.ok()? {
                Turn::Kept(kept) => return Some(Ok(kept)),
                Turn::First(first) => *first,
            },
        };
        let (mut attempts, mut others) = (vec![attempt], Vec::new());
        for one in turns.take() {
            attempts.push(one.attempt);
            others.push(one.turn);
        }
        // If it fails, the others are told nothing.
        let mut kept = match self.record(attempts, terms).await {
            Ok(kept) => kept.into_iter(),
            Err(failed) => return Some(Err(failed)),
        };
        let own = first(&mut kept);
        for (turn, kept) in others.into_iter().zip(kept) {
            // Who waits no longer needs no answer, and a delivery that it was to send is claimed again
            // after its lease.
            let _ = turn.send(Turn::Kept(kept));
        }
        Some(own)
    }

    /// Has an attempt wait for its turn, if somebody records for its organization; else it is first.
    fn queue(&self, attempt: Attempt) -> Result<(Attempt, Turns), oneshot::Receiver<Turn>> {
        let organization = attempt.claim.organization;
        let mut queues = self.queues.lock();
        if let Some(queue) = queues.get_mut(&organization) {
            let (turn, told) = oneshot::channel();
            queue.waiting.push_back(Waiting { attempt, turn });
            return Err(told);
        }
        queues.insert(organization, Queue::default());
        let turns = Turns {
            queues: Arc::clone(&self.queues),
            organization,
        };
        Ok((attempt, turns))
    }

    /// How many attempts wait for their turn.
    pub(super) fn waiting(&self) -> usize {
        let queues = self.queues.lock();
        queues.values().map(|queue| queue.waiting.len()).sum()
    }

    /// Whether nobody records.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.queues.lock().is_empty()
    }

    /// Records attempts of an organization, and gives what came of each.
    async fn record(&self, mut attempts: Vec<Attempt>, terms: Terms) -> Result<Vec<Kept>, Failure> {
        let whose: Vec<(WebhookEndpointId, bool)> = (attempts.iter())
            .map(|one| (one.claim.endpoint, one.stays))
            .collect();
        let clock = Arc::clone(&self.clock);
        let recorded = self.db.write(move |conn| {
            Box::pin(async move {
                // The job may have waited for its turn.
                let now = clock.now();
                record(conn, &mut attempts, Terms { now, ..terms }).await
            })
        });
        let (recorded, further) = recorded.await.map_err(|error: HandlerError| match error {
            HandlerError::Failure(failure) => failure,
            HandlerError::Contended(source) => source.into(),
            // Nothing in it is a client's to be refused.
            HandlerError::Problem(problem) => {
                Failure::internal("record an attempt", problem.detail)
            }
        })?;
        let further = further.into_iter().map(|Further { receiver, claims }| {
            let endpoint = receiver.id;
            (endpoint, (Arc::new(receiver), claims.into_iter()))
        });
        let mut further: HashMap<WebhookEndpointId, _> = further.collect();
        let mut next = |endpoint| {
            let (receiver, claims) = further.get_mut(&endpoint)?;
            let receiver = Arc::clone(receiver);
            claims.next().map(|claim| Next { receiver, claim })
        };
        let kept = recorded.into_iter().zip(whose);
        Ok(kept
            .map(|(recorded, (endpoint, stays))| Kept {
                recorded,
                next: if stays { next(endpoint) } else { None },
            })
            .collect())
    }
}

impl Turns {
    /// Those who wait, as far as they are recorded along.
    fn take(&self) -> Vec<Waiting> {
        let mut queues = self.queues.lock();
        let Some(Queue { waiting, .. }) = queues.get_mut(&self.organization) else {
            return Vec::new();
        };
        let count = waiting.len().min(ALONG);
        waiting.drain(..count).collect()
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        let (next, is_wanted) = {
            let mut queues = self.queues.lock();
            let queue = queues.get_mut(&self.organization);
            let (next, is_wanted) = queue.map_or((None, false), |queue| {
                (queue.waiting.pop_front(), mem::take(&mut queue.is_wanted))
            });
            if next.is_none() {
                queues.remove(&self.organization);
            }
            (next, is_wanted)
        };
        // Also while others record: there may be room for more than they claim along.
        if is_wanted {
            self.queues.bell.ring();
        }
        if let Some(Waiting { attempt, turn }) = next {
            let turns = Self {
                queues: Arc::clone(&self.queues),
                organization: self.organization,
            };
            // Where nobody waits for it any more, it comes back and goes on from here.
            drop(turn.send(Turn::First(Box::new((attempt, turns)))));
        }
    }
}

impl Queues {
    /// Nobody panics while holding it.
    fn lock(&self) -> MutexGuard<'_, HashMap<OrganizationId, Queue>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn first(kept: &mut impl Iterator<Item = Kept>) -> Result<Kept, Failure> {
    (kept.next()).ok_or_else(|| Failure::internal("record an attempt", "none was recorded"))
}
