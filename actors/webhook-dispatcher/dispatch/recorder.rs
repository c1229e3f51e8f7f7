//! Records attempts, those of one endpoint together where several have ended.
//!
//! Whoever records waits for the endpoint's row. One transaction for all who wait is one wait and one
//! flush: the first records alone, and the next takes along whoever has come meanwhile. And who may stay
//! at their places have their next deliveries of the same transaction.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hoursmith_domain::WebhookEndpointId;
use hoursmith_handler::error::Error as HandlerError;
use hoursmith_handler::write::Stamp;
use hoursmith_kit::{Bell, Clock, Failure, Random, WakeUp};
use hoursmith_store::Db;
use hoursmith_telemetry::names;
use metrics::counter;
use tokio::sync::oneshot;

use super::claim::{Claim, Claimed, Receiver, Terms};
use super::record::{Attempt, Recorded, record};
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

/// Endpoints for which somebody records.
struct Queues {
    of: Mutex<HashMap<WebhookEndpointId, Queue>>,
    /// Rung when an endpoint that somebody wanted to look at meanwhile is worth it.
    bell: Arc<Bell>,
}

/// What waits until a record of an endpoint is made.
#[derive(Default)]
struct Queue {
    /// For their turn.
    waiting: VecDeque<Waiting>,
    /// Whether somebody wanted to look at the endpoint.
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

/// Being the one who records for an endpoint. Given on when it is dropped, also unread.
struct Turns {
    queues: Arc<Queues>,
    endpoint: WebhookEndpointId,
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

    /// Whether a record of an endpoint is made and the next one waits for it: who looked at it now would
    /// wait for its row too, and mostly find that what is due was claimed along. The bell is rung once that
    /// record is made.
    pub(super) fn is_busy_with(&self, endpoint: WebhookEndpointId) -> bool {
        let mut queues = self.queues.lock();
        let busy = (queues.get_mut(&endpoint)).filter(|queue| !queue.waiting.is_empty());
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

    /// Records an attempt, with those of its endpoint that have come while another was recorded. Nothing
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

    /// Has an attempt wait for its turn, if somebody records for its endpoint; else it is first.
    fn queue(&self, attempt: Attempt) -> Result<(Attempt, Turns), oneshot::Receiver<Turn>> {
        let endpoint = attempt.claim.endpoint;
        let mut queues = self.queues.lock();
        if let Some(queue) = queues.get_mut(&endpoint) {
            let (turn, told) = oneshot::channel();
            queue.waiting.push_back(Waiting { attempt, turn });
            return Err(told);
        }
        queues.insert(endpoint, Queue::default());
        let turns = Turns {
            queues: Arc::clone(&self.queues),
            endpoint,
        };
        Ok((attempt, turns))
    }

    /// How many endpoints somebody records for.
    pub(super) fn queues(&self) -> usize {
        self.queues.lock().len()
    }

    /// Whether nobody records.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.queues() == 0
    }

    /// Records attempts at an endpoint, and gives what came of each.
    async fn record(&self, mut attempts: Vec<Attempt>, terms: Terms) -> Result<Vec<Kept>, Failure> {
        let stays: Vec<bool> = attempts.iter().map(|one| one.stays).collect();
        let clock = Arc::clone(&self.clock);
        let recorded = self.db.write(move |conn| {
            Box::pin(async move {
                // The job may have waited for its turn.
                let now = clock.now();
                record(conn, &mut attempts, Terms { now, ..terms }).await
            })
        });
        let (recorded, claimed) = recorded.await.map_err(|error: HandlerError| match error {
            HandlerError::Failure(failure) => failure,
            HandlerError::Contended(source) => source.into(),
            // Nothing in it is a client's to be refused.
            HandlerError::Problem(problem) => {
                Failure::internal("record an attempt", problem.detail)
            }
        })?;
        let mut next = match claimed {
            Claimed::Nothing => Vec::new(),
            Claimed::Skipped(skipped) => {
                counter!(names::WEBHOOK_SKIPPED).increment(skipped);
                Vec::new()
            }
            Claimed::Some(receiver, claims) => {
                let receiver = Arc::new(*receiver);
                let next = |claim| Next {
                    receiver: Arc::clone(&receiver),
                    claim,
                };
                claims.into_iter().map(next).collect()
            }
        }
        .into_iter();
        let kept = recorded.into_iter().zip(stays);
        Ok(kept
            .map(|(recorded, stays)| Kept {
                recorded,
                next: stays.then(|| next.next()).flatten(),
            })
            .collect())
    }
}

impl Turns {
    /// Those who wait, as far as they are recorded along.
    fn take(&self) -> Vec<Waiting> {
        let mut queues = self.queues.lock();
        let Some(Queue { waiting, .. }) = queues.get_mut(&self.endpoint) else {
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
            let queue = queues.get_mut(&self.endpoint);
            let (next, is_wanted) = queue.map_or((None, false), |queue| {
                (queue.waiting.pop_front(), mem::take(&mut queue.is_wanted))
            });
            if next.is_none() {
                queues.remove(&self.endpoint);
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
                endpoint: self.endpoint,
            };
            // Where nobody waits for it any more, it comes back and goes on from here.
            drop(turn.send(Turn::First(Box::new((attempt, turns)))));
        }
    }
}

impl Queues {
    /// Nobody panics while holding it.
    fn lock(&self) -> MutexGuard<'_, HashMap<WebhookEndpointId, Queue>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn first(kept: &mut impl Iterator<Item = Kept>) -> Result<Kept, Failure> {
    (kept.next()).ok_or_else(|| Failure::internal("record an attempt", "none was recorded"))
}
