//! The present moment, behind a trait, so that a test can wait 24 hours in no time.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use hoursmith_domain::Timestamp;

/// Two clocks in one. Instants that are stored or shown come from [`Clock::now`]; whatever measures
/// a span (rate limits, backoff) uses [`Clock::monotonic`], which no correction of the wall clock
/// can move.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    #[expect(
        clippy::new_without_default,
        reason = "reads the clock, which a default should not"
    )]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the monotonic clock"
    )]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_micros(0).plus(since)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Runs with the machine's clocks, and can be set forward. For tests of expiry: requests keep
/// their deadlines in real time while days pass between them.
#[derive(Debug)]
pub struct ManualClock {
    system: SystemClock,
    ahead: Mutex<Duration>,
}

impl ManualClock {
    /// A clock that is right, for now.
    #[expect(
        clippy::new_without_default,
        reason = "reads the clock, which a default should not"
    )]
    pub fn new() -> Self {
        Self {
            system: SystemClock::new(),
            ahead: Mutex::new(Duration::ZERO),
        }
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, by: Duration) {
        let mut ahead = self
            .ahead
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *ahead = ahead.saturating_add(by);
    }

    fn ahead(&self) -> Duration {
        *self
            .ahead
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.system.now().plus(self.ahead())
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic().saturating_add(self.ahead())
    }
}
