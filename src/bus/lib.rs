//! The bus: how one part of the product asks another, in one process or over NATS.
//!
//! **A message is a question with a deadline, or a wake-up.** Nothing durable rests on it: the
//! database is the only truth, and losing every message loses no data.
//!
//! Two layers. Below, [`Bus`] moves [`Envelope`]s between subjects and knows nothing of HTTP;
//! [`MemoryBus`] and `nats::NatsBus` implement it and pass one conformance suite. Above, [`Head`],
//! [`Verdict`] and [`Response`] are what the stages of the request chain say to each other, and
//! [`Seal`] proves who said it.
//!
//! This room knows `domain` alone. It must not know a plugin, a store, HTTP types or ractor.

mod admission;
mod content;
mod envelope;
mod error;
mod head;
mod local_first;
mod memory;
mod seal;
mod stream;
mod subject;
pub mod subjects;
mod verdict;

#[cfg(feature = "conformance")]
pub mod conformance;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::BoxFuture;

pub use admission::{Admission, Admitted};
pub use content::Content;
pub use envelope::{Envelope, TraceParent};
pub use error::{Error, ErrorKind};
pub use head::{Ask, Conditions, Head, IdempotencyTicket, KeyedRequest, Visit, Visitor};
pub use local_first::{LocalFirst, Placement};
pub use memory::MemoryBus;
pub use seal::Seal;
pub use stream::EventStream;
pub use subject::{Pattern, Subject, SubjectError};
pub use verdict::{Additions, Response, Verdict};

/// Largest envelope, head and body together, that any bus carries: the 1 MiB of an HTTP body and
/// 64 KiB for its head. `nats-server.conf` allows as much (`max_payload`), so that a message that
/// passes in one process passes between two.
pub const MAX_ENVELOPE_BYTES: usize = 1024 * 1024 + 64 * 1024;

/// Moves envelopes between subjects.
///
/// The contract, which the conformance suite checks on every implementation:
///
/// 1. A request **MUST** be answered by exactly one member of a queue group that serves its
///    subject, or end in an error. Members of a group **SHOULD** share the load evenly.
/// 2. With nobody there, a request **MUST** fail at once with [`ErrorKind::NoResponders`].
/// 3. No call **MAY** take longer than until its envelope's deadline, whatever is queued or down:
///    then it fails with [`ErrorKind::DeadlineExceeded`]. An envelope past its deadline **MUST
///    NOT** reach a handler, even if the bus was away meanwhile.
/// 4. At most once: the bus never repeats a request. No order is promised across envelopes.
/// 5. A subscription **MUST** admit at most its `capacity` of envelopes at a time and answer those
///    beyond with [`ErrorKind::Overloaded`] at once; below the bound nothing is lost.
/// 6. A handler that panics **MUST** answer its caller with [`ErrorKind::HandlerFailed`] at once
///    and go on serving.
/// 7. A question or publication over [`MAX_ENVELOPE_BYTES`] **MUST** be refused by the sender's
///    side with [`ErrorKind::TooLarge`]. An answer over it is no fault of the question: it **MUST**
///    reach the caller as [`ErrorKind::HandlerFailed`].
/// 8. `serve` **MUST** return only when requests from anywhere will be seen.
/// 9. Dropping a [`Subscription`] **MUST** end it; [`Subscription::drain`] **MUST** first let what
///    was admitted finish.
/// 10. A published envelope **MUST** reach one member of each group whose pattern matches; nobody
///     being there is no error.
pub trait Bus: Send + Sync + fmt::Debug + 'static {
    /// Asks and waits for the answer, at most until the envelope's deadline.
    fn request(
        &self,
        subject: Subject,
        envelope: Envelope,
    ) -> BoxFuture<'_, Result<Envelope, Error>>;

    /// Tells, without an answer.
    fn publish(&self, subject: Subject, envelope: Envelope) -> BoxFuture<'_, Result<(), Error>>;

    /// Serves every subject that the pattern matches, as a member of a queue group.
    fn serve(&self, service: Service) -> BoxFuture<'_, Result<Subscription, Error>>;

    /// Whether somebody in this process serves the subject. Cheap; [`LocalFirst`] asks it on
    /// every request.
    fn serves(&self, subject: &Subject) -> bool;

    /// Whether the bus can carry a message now, with the reason if not. For readiness.
    fn health(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Stops taking envelopes, lets what was admitted finish, and closes.
    fn drain(&self) -> BoxFuture<'_, ()>;
}

/// Answers envelopes. Given the subject, since one handler may serve a pattern.
pub type Handler =
    Arc<dyn Fn(Subject, Envelope) -> BoxFuture<'static, Result<Envelope, Error>> + Send + Sync>;

/// What to serve, and how much of it at a time.
#[derive(Clone)]
pub struct Service {
    /// The subjects.
    pub pattern: Pattern,
    /// The queue group: among its members, each envelope goes to exactly one.
    pub group: String,
    /// How many envelopes may be in the handler at a time; those beyond are refused as overload.
    pub capacity: NonZeroUsize,
    /// The handler.
    pub handler: Handler,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("pattern", &self.pattern)
            .field("group", &self.group)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// A standing subscription; dropping it ends it.
pub struct Subscription {
    end: Option<Box<dyn FnOnce(End) -> BoxFuture<'static, ()> + Send + Sync>>,
}

/// How a subscription ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Take nothing more and return once what was admitted has finished.
    Drain,
    /// Take nothing more. The future returned for this one is not awaited: what must happen
    /// happens before it is returned.
    Drop,
}

impl Subscription {
    /// For implementations of [`Bus`]: `end` is called once.
    pub fn new(end: impl FnOnce(End) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        Self {
            end: Some(Box::new(end)),
        }
    }

    /// Takes nothing more and returns once what was admitted has been answered.
    pub async fn drain(mut self) {
        if let Some(end) = self.end.take() {
            end(End::Drain).await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            drop(end(End::Drop));
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription")
    }
}

/// The present moment, as the bus sees it. Deadlines are wall-clock instants because they cross
/// machines (keep NTP running); a function, so that `kit::Clock` can be handed down without this
/// room knowing it.
pub type Now = Arc<dyn Fn() -> hoursmith_domain::Timestamp + Send + Sync>;
