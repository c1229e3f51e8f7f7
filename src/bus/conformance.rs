//! The contract of [`crate::Bus`] as tests, one suite for every implementation.
//!
//! A test crate gives [`bus_conformance!`](crate::bus_conformance) an async function that makes a
//! [`Rig`], and gets one test for each case. The cases judge by what a caller sees, and by how
//! long it took; none of them knows which bus it is on.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails panics"
)]

mod delivery;
mod failure;
mod lifecycle;

use std::any::Any;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::FutureExt as _;
use hoursmith_domain::Timestamp;

use crate::{
    Bus, Envelope, Error, ErrorKind, Handler, Now, Pattern, Service, Subject, Subscription,
};

pub use delivery::*;
pub use failure::*;
pub use lifecycle::*;

/// Makes one `#[tokio::test]` of each case. The argument is the path of an
/// `async fn(Arc<Clock>) -> Rig`.
#[macro_export]
macro_rules! bus_conformance {
    ($start:path) => {
        $crate::bus_conformance! { $start =>
            a_request_is_answered,
            every_part_survives,
            the_largest_envelope_passes,
            a_group_shares_the_load,
            wildcards_are_served,
            ten_thousand_requests_arrive_once,
            a_publication_reaches_one_of_each_group,
            nobody_there_is_told_at_once,
            a_call_ends_by_its_deadline,
            what_is_past_its_deadline_reaches_no_handler,
            too_large_is_refused,
            overload_is_refused_at_once,
            a_panic_is_answered_at_once,
            an_error_keeps_its_kind,
            dropping_a_subscription_ends_it,
            draining_a_subscription_lets_the_admitted_finish,
            a_member_may_leave_under_load,
            draining_the_bus_closes_it,
        }
    };
    ($start:path => $($case:ident,)+) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let clock = $crate::conformance::Clock::system();
            let rig = $start(::std::sync::Arc::clone(&clock)).await;
            $crate::conformance::$case(&rig).await;
        }
    )+ };
}

/// What a case works with.
#[derive(Debug)]
pub struct Rig {
    /// The bus that serves.
    pub near: Arc<dyn Bus>,
    /// The bus that asks; for buses with a server, another connection to it.
    pub far: Arc<dyn Bus>,
    /// The clock of both.
    pub clock: Arc<Clock>,
    /// What must live as long, such as a server.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// The system's clock with a skew that a test sets.
#[derive(Debug, Default)]
pub struct Clock {
    skew_micros: AtomicI64,
}

impl Clock {
    /// A clock that is right.
    pub fn system() -> Arc<Self> {
        Arc::default()
    }

    /// Goes ahead.
    pub fn advance(&self, by: Duration) {
        self.skew_micros
            .fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// The present moment.
    #[expect(clippy::disallowed_methods, reason = "kit's clock is above this room")]
    pub fn read(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let micros = i64::try_from(since_epoch.as_micros()).unwrap();
        Timestamp::from_micros(micros + self.skew_micros.load(Ordering::SeqCst))
    }

    /// For a bus.
    pub fn now(self: &Arc<Self>) -> Now {
        let clock = Arc::clone(self);
        Arc::new(move || clock.read())
    }
}

/// What "at once" means on a busy machine: far above a round trip, far below [`PATIENCE`].
pub const AT_ONCE: Duration = Duration::from_secs(2);

/// Longer than anything takes that is waited for and not timed.
const LONGEST: Duration = Duration::from_secs(60);

/// The deadline of calls that must not need it.
pub const PATIENCE: Duration = Duration::from_secs(20);

impl Rig {
    /// An envelope without a head that is good for [`PATIENCE`].
    pub fn envelope(&self, body: impl Into<Bytes>) -> Envelope {
        self.envelope_for(PATIENCE, body)
    }

    /// An envelope without a head that is good for so long.
    pub fn envelope_for(&self, left: Duration, body: impl Into<Bytes>) -> Envelope {
        Envelope::new(self.clock.read().plus(left), Bytes::new(), body)
    }

    /// Asks from afar.
    pub async fn ask(&self, subject: &str, body: impl Into<Bytes>) -> Result<Envelope, Error> {
        self.far
            .request(Subject::new(subject).unwrap(), self.envelope(body))
            .await
    }

    /// Asks from afar and returns the kind of the error, which must come at once.
    pub async fn refusal(&self, subject: &str, body: impl Into<Bytes>) -> ErrorKind {
        at_once(self.ask(subject, body)).await.unwrap_err().kind()
    }

    /// Serves nearby.
    pub async fn serve(&self, pattern: &str, capacity: usize, handler: Handler) -> Subscription {
        self.serve_in("group", pattern, capacity, handler).await
    }

    /// Serves nearby, in a group.
    pub async fn serve_in(
        &self,
        group: &str,
        pattern: &str,
        capacity: usize,
        handler: Handler,
    ) -> Subscription {
        self.near
            .serve(service(group, pattern, capacity, handler))
            .await
            .unwrap()
    }
}

/// A service.
pub fn service(group: &str, pattern: &str, capacity: usize, handler: Handler) -> Service {
    Service {
        pattern: Pattern::new(pattern).unwrap(),
        group: group.to_owned(),
        capacity: NonZeroUsize::new(capacity).unwrap(),
        handler,
    }
}

/// A handler of a function.
pub fn handler<F, A>(answer: F) -> Handler
where
    F: Fn(Subject, Envelope) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Envelope, Error>> + Send + 'static,
{
    Arc::new(move |subject, envelope| answer(subject, envelope).boxed())
}

/// A handler that sends back what came.
pub fn echo() -> Handler {
    handler(|_, envelope| async { Ok(envelope) })
}

/// Awaits what must not take long.
pub async fn at_once<T>(future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(AT_ONCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("not done within {AT_ONCE:?}"),
    }
}

/// Asks again until the answer is the wanted one; not for ever, so that a test which waits in vain ends.
pub async fn until<T: PartialEq + std::fmt::Debug>(wanted: T, mut ask: impl AsyncFnMut() -> T) {
    let waiting = async {
        while ask().await != wanted {
            tokio::task::yield_now().await;
        }
    };
    if tokio::time::timeout(LONGEST, waiting).await.is_err() {
        panic!("no {wanted:?} within {LONGEST:?}");
    }
}
