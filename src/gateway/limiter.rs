//! Asking the rate limiter that owns a visitor's budget.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hoursmith_bus::{ErrorKind, Head, Verdict};
use hoursmith_domain::Problem;

use crate::owners::Owners;
use crate::stage::{self, Line, RATE_LIMITER};

/// Longest wait for a limiter, whose answer takes microseconds. One that hangs must not take every
/// request's deadline along: the stage fails open.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the limiter says.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Go on, with these headers.
    Admitted(Vec<(String, String)>),
    /// 429; its headers are in the problem.
    Refused(Problem),
    /// Nobody could be asked, and why: the request goes on without headers.
    Unknown(&'static str),
}

/// Asks the owner; where it is gone, the next one, and so on. Each round forgets a limiter, so
/// there are no more rounds than limiters.
pub(crate) async fn ask(line: &Line<'_>, owners: &Owners, visitor: &[u8], head: &Head) -> Outcome {
    while let Some(owner) = owners.pick(visitor) {
        let asked = stage::ask(line, &RATE_LIMITER, &owner.subject, head, Bytes::new());
        return match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(Verdict::Continue(additions))) => Outcome::Admitted(additions.headers),
            Ok(Ok(Verdict::Refuse(problem))) => Outcome::Refused(problem),
            Ok(Ok(Verdict::Respond(_))) => Outcome::Unknown("unexpected_answer"),
            Ok(Err(error)) if error.kind() == ErrorKind::NoResponders => {
                owners.forget(owner.instance);
                continue;
            }
            Ok(Err(error)) => Outcome::Unknown(error.kind().as_str()),
            Err(_elapsed) => Outcome::Unknown("too_slow"),
        };
    }
    Outcome::Unknown("nobody_there")
}

/// Lets one log line through a second, so that an outage does not bury the log.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    /// The second of the last line, plus one; 0 before the first.
    last: AtomicU64,
}

impl Throttle {
    /// Whether to log now, given a monotonic time.
    pub(crate) fn admits(&self, now: Duration) -> bool {
        let second = now.as_secs().saturating_add(1);
        self.last.swap(second, Ordering::Relaxed) != second
    }
}
