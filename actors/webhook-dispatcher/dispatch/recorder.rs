//! Records attempts, those of one endpoint together where several have ended.
//!
//! Whoever records waits for the endpoint's row. One transaction for all who wait is one wait and one
//! flush: the first records alone, and the next takes along whoever has come meanwhile. The same
//! transaction claims what the endpoint is sent next, if there are places for it: a lane that is full, or
//! an organization that has its share, leaves it to those whose turn it is.

use std::collections::{HashMap, VecDeque};
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

use super::claim::{Claim, Claimed, Receiver, Standing, Terms};
use super::lanes::{Lanes, Place};
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
    lanes: Arc<Lanes>,
    queues: Arc<Queues>,
}

/// Endpoints for which somebody records.
struct Queues {
    of: Mutex<HashMap<WebhookEndpointId, Queue>>,
    /// Rung when an endpoint that somebody wanted to look at meanwhile can be.
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

/// A delivery to send next, claimed along with a record, and the place to send it from.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) receiver: Arc<Receiver>,
    pub(super) claim: Claim,
    pub(super) place: Place,
}

/// What became of an attempt, and what is to be sent next by whoever recorded it.
type Kept = (Recorded, Vec<Next>);

/// What somebody who waits is told.
enum Turn {
    /// It was recorded along with another's.
    Recorded(Recorded),
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
        lanes: Arc<Lanes>,
        bell: Arc<Bell>,
    ) -> Self {
        Self {
            db,
            clock,
            random,
            wake_up,
            lanes,
            queues: Arc::new(Queues {
                of: Mutex::default(),
                bell,
            }),
        }
    }

    /// Whether somebody records for an endpoint: who looked at it now would wait for its row, and mostly find
    /// that what is due was claimed along. If so, the bell is rung once it can be looked at.
    pub(super) fn is_busy_with(&self, endpoint: WebhookEndpointId) -> bool {
        let mut queues = self.queues.lock();
        let queue = queues.get_mut(&endpoint);
        queue.map(|queue| queue.is_wanted = true).is_some()
    }

    /// Records an attempt, again and again while its lease lasts: without a record the delivery is
    /// sent again. If its sender `goes_on`, gives what it is to send next.
    pub(super) async fn keep(
        &self,
        claim: &Claim,
        report: Report,
        goes_on: bool,
        terms: Terms,
    ) -> Vec<Next> {
        let report = Arc::new(report);
        let attempt = || self.attempt(claim, &report);
        let mut kept = match self.together(attempt(), goes_on, terms).await {
            Some(kept) => kept,
            None => self.alone(attempt(), terms).await,
        };
        let mut pause = PAUSES.0;
        loop {
            let failed = match kept {
                Ok((recorded, next)) => {
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
                return Vec::new();
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSES.1);
            kept = self.alone(attempt(), terms).await;
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
        let (recorded, next) = self.record(vec![attempt], false, terms).await?;
        Ok((first(recorded)?, next))
    }

    /// An attempt that is recorded in the present trace.
    fn attempt(&self, claim: &Claim, report: &Arc<Report>) -> Attempt {
        let mut jitter = [0; 8];
        self.random.fill(&mut jitter);
        Attempt {
            stamp: Stamp::new(&self.clock, &self.random, claim.organization),
            claim: *claim,
            report: Arc::clone(report),
            jitter: u64::from_le_bytes(jitter),
        }
    }

    /// Records an attempt, with those of its endpoint that have come while another was recorded. Nothing
    /// where another was to record it and could not.
    async fn together(
        &self,
        attempt: Attempt,
        goes_on: bool,
        terms: Terms,
    ) -> Option<Result<Kept, Failure>> {
        let (attempt, turns) = match self.queue(attempt) {
            Ok(first) => first,
            Err(turn) => match turn.await.ok()? {
                Turn::Recorded(recorded) => return Some(Ok((recorded, Vec::new()))),
                Turn::First(first) => *first,
            },
        };
        let (mut attempts, mut others) = (vec![attempt], Vec::new());
        for one in turns.take() {
            attempts.push(one.attempt);
            others.push(one.turn);
        }
        // If it fails, the others are told nothing.
        let (recorded, next) = match self.record(attempts, goes_on, terms).await {
            Ok(kept) => kept,
            Err(failed) => return Some(Err(failed)),
        };
        for (turn, recorded) in others.into_iter().zip(recorded.iter().skip(1)) {
            // Who waits no longer needs no answer.
            let _ = turn.send(Turn::Recorded(*recorded));
        }
        Some(first(recorded).map(|recorded| (recorded, next)))
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

    /// Whether nobody records.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.queues.lock().is_empty()
    }

    /// Records attempts at an endpoint, and gives what became of each; and what was claimed for the
    /// places that there are, if whoever records goes on.
    async fn record(
        &self,
        mut attempts: Vec<Attempt>,
        goes_on: bool,
        terms: Terms,
    ) -> Result<(Vec<Recorded>, Vec<Next>), Failure> {
        let organization = attempts.first().map(|one| one.claim.organization);
        let most = if goes_on { terms.at_a_time } else { 0 };
        let places: Vec<Place> = (0..most)
            .map_while(|_| self.lanes.take(Standing::Proven, organization?))
            .collect();
        let terms = Terms {
            room: u32::try_from(places.len()).unwrap_or(u32::MAX),
            ..terms
        };
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
        let next = match claimed {
            Claimed::Nothing => Vec::new(),
            Claimed::Skipped(skipped) => {
                counter!(names::WEBHOOK_SKIPPED).increment(skipped);
                Vec::new()
            }
            Claimed::Some(receiver, claims) => {
                let receiver = Arc::new(*receiver);
                let next = |(claim, place)| Next {
                    receiver: Arc::clone(&receiver),
                    claim,
                    place,
                };
                claims.into_iter().zip(places).map(next).collect()
            }
        };
        Ok((recorded, next))
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
        let next = {
            let mut queues = self.queues.lock();
            let next = (queues.get_mut(&self.endpoint)).and_then(|queue| queue.waiting.pop_front());
            if next.is_none()
                && (queues.remove(&self.endpoint)).is_some_and(|queue| queue.is_wanted)
            {
                self.queues.bell.ring();
            }
            next
        };
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

fn first(recorded: Vec<Recorded>) -> Result<Recorded, Failure> {
    let mut recorded = recorded.into_iter();
    (recorded.next()).ok_or_else(|| Failure::internal("record an attempt", "none was recorded"))
}
