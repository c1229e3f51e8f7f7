//! Asking the rate limiter that owns a visitor's budget.

use std::sync::Arc;
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

/// Asks the owner. Where that is gone, the next one is asked, and so on; each round forgets a
/// limiter, so there are no more rounds than limiters. Where the bus between processes is away, the
/// limiter of this process stands in.
pub(crate) async fn ask(
    line: &Line<'_>,
    owners: &Owners,
    visitor: &[u8],
    head: &Arc<Head>,
) -> Outcome {
    let mut why = "nobody_there";
    let mut next = owners.pick(visitor);
    while let Some(owner) = next {
        let asked = stage::ask(line, &RATE_LIMITER, &owner.subject, head, Bytes::new());
        let kind = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(Verdict::Continue(additions))) => return Outcome::Admitted(additions.headers),
            Ok(Ok(Verdict::Refuse(problem))) => return Outcome::Refused(problem),
            Ok(Ok(Verdict::Respond(_))) => return Outcome::Unknown("unexpected_answer"),
            Ok(Err(error)) => error.kind(),
            Err(_elapsed) => return Outcome::Unknown("too_slow"),
        };
        why = kind.as_str();
        next = match kind {
            ErrorKind::NoResponders => {
                owners.forget(owner.instance);
                owners.pick(visitor)
            }
            ErrorKind::Unavailable | ErrorKind::Closed => owners
                .pick_here(visitor)
                .filter(|here| here.instance != owner.instance),
            _ => None,
        };
    }
    Outcome::Unknown(why)
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
