//! What an attempt came to, and what follows from it.

use std::time::Duration;

use super::schedule::retry_at;
use crate::Timestamp;

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx: the receiver has it.
    Delivered,
    /// 410: the receiver is gone and wants no more.
    Gone,
    /// Any other status, a timeout, a broken connection or a refusal by policy. A redirect is one
    /// too: nobody has said that they took the event.
    Failed,
    /// It was not made, for a reason of ours that may pass. It says nothing of the receiver.
    Unsent,
    /// It was not made, since the event is there no more.
    Void,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The delivery is `delivered`.
    Done,
    /// Try again then.
    RetryAt(Timestamp),
    /// The delivery is `failed`, and the endpoint `failing` if the receiver was asked.
    GiveUp,
    /// The delivery is `failed` and the endpoint `disabled`.
    Disable,
}

impl Outcome {
    /// The outcome of an answer with this status.
    pub fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            410 => Self::Gone,
            _ => Self::Failed,
        }
    }

    /// Whether the receiver had a part in it.
    pub fn is_answerable(self) -> bool {
        !matches!(self, Self::Unsent | Self::Void)
    }
}

/// What follows the attempt that was number `made` (from 1) and ended at `at`. For `retry_after`
/// and `random` see [`retry_at`].
pub fn after_attempt(
    outcome: Outcome,
    made: u32,
    at: Timestamp,
    retry_after: Option<Duration>,
    random: u64,
) -> Next {
    match outcome {
        Outcome::Delivered => Next::Done,
        Outcome::Gone => Next::Disable,
        Outcome::Void => Next::GiveUp,
        Outcome::Failed | Outcome::Unsent => {
            retry_at(made, at, retry_after, random).map_or(Next::GiveUp, Next::RetryAt)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::MAX_ATTEMPTS;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_status_has_one_outcome(status in 0u16..1000) {
            let expected = match status {
                410 => Outcome::Gone,
                _ if status / 100 == 2 => Outcome::Delivered,
                _ => Outcome::Failed,
            };
            prop_assert_eq!(Outcome::of_status(status), expected);
        }

        #[test]
        fn only_the_last_failure_gives_up(made in 1u32..=MAX_ATTEMPTS, random: u64) {
            let at = Timestamp::from_micros(0);
            let next = |outcome| after_attempt(outcome, made, at, None, random);
            prop_assert_eq!(next(Outcome::Delivered), Next::Done);
            prop_assert_eq!(next(Outcome::Gone), Next::Disable);
            prop_assert_eq!(next(Outcome::Failed) == Next::GiveUp, made == MAX_ATTEMPTS);
            prop_assert_eq!(next(Outcome::Unsent), next(Outcome::Failed));
            prop_assert_eq!(next(Outcome::Void), Next::GiveUp);
        }
    }
}
