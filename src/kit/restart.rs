//! When a failed worker is started again.

use std::time::Duration;

/// Exponential backoff without an end: the first restart is immediate, so that one bad request
/// costs nothing; a worker that fails again before it has answered anything waits longer each
/// time, so that a broken dependency is not hammered.
#[derive(Debug, Clone, Copy)]
pub struct RestartPolicy {
    /// Wait before the second restart in a row.
    pub first: Duration,
    /// Longest wait.
    pub max: Duration,
}

impl Default for RestartPolicy {
    /// 100 ms doubling to 30 s: eleven restarts in the first minute, two a minute from then on.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            max: Duration::from_secs(30),
        }
    }
}

impl RestartPolicy {
    /// The wait before the restart that follows `failures` failures in a row (1 or more).
    pub fn delay(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(2) else {
            return Duration::ZERO;
        };
        self.first
            .saturating_mul(1u32 << doublings.min(20))
            .min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_at_once_then_doubling_to_the_ceiling() {
        let policy = RestartPolicy::default();
        let millis: Vec<u128> = (1..=5).map(|n| policy.delay(n).as_millis()).collect();
        assert_eq!(millis, [0, 100, 200, 400, 800]);
        assert_eq!(policy.delay(u32::MAX), policy.max);
        let in_a_minute = (1..).scan(Duration::ZERO, |at, n| {
            *at += policy.delay(n);
            (*at < Duration::from_secs(60)).then_some(())
        });
        assert!(in_a_minute.count() <= 20);
    }
}
