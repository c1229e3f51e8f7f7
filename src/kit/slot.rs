//! One worker of a pool: a ractor actor that does one job at a time, and the place it is found at.

use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures::FutureExt as _;
use hoursmith_bus::{Ask, ErrorKind, Verdict};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::timeout;
use tracing::Instrument as _;

use crate::idle::Idle;
use crate::{Clock, Failure};

/// The work of a plugin. One value lives in one actor and is never used by two jobs at a time, so
/// its state needs no lock; a pool has several.
pub trait Worker: Send + 'static {
    /// Answers one request. May wait for I/O: the pool has other workers. Dropped at the request's
    /// deadline: an effect that must be whole runs in a task of its own, as the store's writes do.
    fn handle(&mut self, ask: Ask) -> impl Future<Output = Result<Verdict, Failure>> + Send;
}

/// What a worker answered, or that it panicked. A job whose reply is dropped was never begun.
pub(crate) type Answer = Result<Result<Verdict, Failure>, ErrorKind>;

/// A job on its way to a worker. The permit travels with it, so that the bound counts work that
/// goes on after its caller has left.
pub(crate) struct Job {
    pub(crate) ask: Ask,
    pub(crate) span: tracing::Span,
    pub(crate) reply: oneshot::Sender<Answer>,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// Where a worker is found. Empty while it is being restarted.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    actor: RwLock<Option<ActorRef<Job>>>,
    /// Failures since the last answer.
    failures: AtomicU32,
}

impl Slot {
    pub(crate) fn actor(&self) -> Option<ActorRef<Job>> {
        self.actor
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn fill(&self, actor: ActorRef<Job>) {
        *self.actor.write().unwrap_or_else(PoisonError::into_inner) = Some(actor);
    }

    fn empty(&self) {
        *self.actor.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Empties the slot and counts the failure; returns how many there were in a row.
    pub(crate) fn fail(&self) -> u32 {
        self.empty();
        self.failures
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1)
    }

    fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }
}

/// How many workers of a pool wait out a backoff. One that is restarted at once is not counted:
/// whoever waits for it waits for microseconds.
#[derive(Debug)]
pub(crate) struct Resting(watch::Sender<usize>);

impl Resting {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(crate) fn begin(&self) {
        self.0
            .send_modify(|resting| *resting = resting.saturating_add(1));
    }

    pub(crate) fn end(&self) {
        self.0
            .send_modify(|resting| *resting = resting.saturating_sub(1));
    }

    /// Returns once `workers` of them rest, which may be never.
    pub(crate) async fn all(&self, workers: usize) {
        // Fails only when the sender is gone, which `self` holds.
        let _ = self
            .0
            .subscribe()
            .wait_for(|resting| *resting >= workers)
            .await;
    }
}

/// The actor around a worker.
pub(crate) struct WorkerActor<W>(PhantomData<fn() -> W>);

impl<W> WorkerActor<W> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// What a worker starts with.
pub(crate) struct Start<W> {
    pub(crate) worker: W,
    pub(crate) index: usize,
    pub(crate) slot: Arc<Slot>,
    /// Where it says that it is idle; `None` in a pool that routes by key.
    pub(crate) idle: Option<Arc<Idle>>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl<W: Worker> Actor for WorkerActor<W> {
    type Msg = Job;
    type State = Start<W>;
    type Arguments = Start<W>;

    async fn pre_start(
        &self,
        _myself: ActorRef<Job>,
        start: Start<W>,
    ) -> Result<Start<W>, ActorProcessingErr> {
        Ok(start)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Job>,
        job: Job,
        state: &mut Start<W>,
    ) -> Result<(), ActorProcessingErr> {
        let Job {
            ask,
            span,
            reply,
            permit,
        } = job;
        let left = state.clock.now().until(ask.deadline);
        // Whoever asked has given up; acting now would be an effect nobody hears of.
        if !reply.is_closed() && !left.is_zero() {
            // Boxed, because the actor's loop has a copy of this future at each of its levels and
            // moves it from one to the next. Unwind safe: the worker is not used again after a
            // panic.
            let work = Box::pin(state.worker.handle(ask)).instrument(span);
            let work = AssertUnwindSafe(work).catch_unwind();
            // A database that has gone silent would otherwise keep its workers, one after the
            // other, for good. Dropping the work is safe: writes run on the store's own tasks.
            match timeout(left, work).await {
                Ok(Ok(answer)) => {
                    state.slot.answered();
                    // The caller may have left meanwhile; then nobody needs the answer.
                    let _ = reply.send(Ok(answer));
                }
                Err(_elapsed) => {
                    let _ = reply.send(Err(ErrorKind::DeadlineExceeded));
                }
                Ok(Err(panic)) => {
                    // First, so that nobody who hears of it can still send a job here.
                    state.slot.empty();
                    let _ = reply.send(Err(ErrorKind::HandlerFailed));
                    return Err(format!("it panicked: {}", message(&*panic)).into());
                }
            }
        }
        drop(permit);
        if let Some(idle) = &state.idle {
            idle.add(state.index);
        }
        Ok(())
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("something that is no text")
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("request_id", &self.ask.head.request_id)
            .finish_non_exhaustive()
    }
}
