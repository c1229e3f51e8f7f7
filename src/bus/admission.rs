//! A service at work: what happens on every bus between an envelope's arrival and its answer.
//!
//! Capacity, deadline, panic and size are judged here and nowhere else, so that two buses cannot
//! disagree about them. A bus brings the envelope and carries the answer away.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::timeout;

use crate::{
    Envelope, Error, ErrorKind, Handler, MAX_ENVELOPE_BYTES, Now, Pattern, Service, Subject,
};

/// A [`Service`] with its places. For implementations of [`crate::Bus`].
pub struct Admission {
    pattern: Pattern,
    group: String,
    handler: Handler,
    now: Now,
    /// `capacity` permits. Nothing ever waits for one but [`Admission::drained`]: an envelope that
    /// finds none is refused at once, so no queue forms in front of a handler.
    places: Arc<Semaphore>,
    capacity: u32,
}

/// An envelope's place at the handler; dropping it gives the place back.
pub struct Admitted {
    service: Arc<Admission>,
    _place: OwnedSemaphorePermit,
}

impl Admission {
    /// Opens a service.
    pub fn new(service: Service, now: Now) -> Arc<Self> {
        // A capacity beyond four billion is no bound; the cut is never reached.
        let capacity = u32::try_from(service.capacity.get()).unwrap_or(u32::MAX);
        Arc::new(Self {
            pattern: service.pattern,
            group: service.group,
            handler: service.handler,
            now,
            places: Arc::new(Semaphore::new(
                usize::try_from(capacity).unwrap_or(Semaphore::MAX_PERMITS),
            )),
            capacity,
        })
    }

    /// What it serves.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The queue group that it is a member of.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Takes a place at once, or says why not: [`ErrorKind::Overloaded`] or [`ErrorKind::Closed`].
    pub fn admit(self: &Arc<Self>) -> Result<Admitted, ErrorKind> {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => Ok(Admitted {
                service: Arc::clone(self),
                _place: place,
            }),
            Err(TryAcquireError::NoPermits) => Err(ErrorKind::Overloaded),
            Err(TryAcquireError::Closed) => Err(ErrorKind::Closed),
        }
    }

    /// Admits nobody more. What was admitted goes on.
    pub fn close(&self) {
        self.places.close();
    }

    /// Waits until all that was admitted has finished, then closes. Every handler ends by its
    /// envelope's deadline, which bounds the wait.
    pub async fn drained(&self) {
        // An error means closed already: then nobody is admitted any more either.
        drop(self.places.acquire_many(self.capacity).await);
        self.close();
    }
}

impl Admitted {
    /// Runs the handler, no longer than until the deadline, and catches its panic.
    ///
    /// At the deadline the handler's future is dropped: nobody waits for it, and its place is
    /// needed. An effect that must be whole runs in a task of its own.
    pub async fn answer(self, subject: Subject, envelope: Envelope) -> Result<Envelope, Error> {
        let service = &*self.service;
        let Some(remaining) = envelope.remaining(&service.now) else {
            return Err(Error::new(ErrorKind::DeadlineExceeded, "answer", &subject));
        };
        // The handler is called inside the future, so that a panic before its first `await` is
        // caught as well. It is unwind safe because it is told nothing of a former envelope.
        let asked = subject.clone();
        let run = AssertUnwindSafe(async move { (service.handler)(asked, envelope).await });
        match timeout(remaining, run.catch_unwind()).await {
            Ok(Ok(Ok(answer))) if answer.size_bytes() > MAX_ENVELOPE_BYTES => {
                // A bug of the handler's: whoever asked has sent nothing too large.
                tracing::error!(
                    bus.subject = %subject,
                    answer.size_bytes = answer.size_bytes(),
                    "An answer larger than the bus carries was dropped."
                );
                Err(Error::new(ErrorKind::HandlerFailed, "answer", &subject))
            }
            Ok(Ok(answer)) => answer,
            Ok(Err(_panic)) => Err(Error::new(ErrorKind::HandlerFailed, "answer", &subject)),
            Err(_elapsed) => Err(Error::new(ErrorKind::DeadlineExceeded, "answer", &subject)),
        }
    }
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission")
            .field("pattern", &self.pattern)
            .field("group", &self.group)
            .field("free", &self.places.available_permits())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Admitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.service.fmt(f)
    }
}
