//! The exact sliding log: when one visitor's requests were admitted, newest last.
//!
//! A tier of `limit` per `window` is open while fewer than `limit` admissions lie within the last
//! window; an admission at `t` lies in it until exactly `t + window`. So no window, wherever it
//! begins, ever holds more than the limit, and the moment at which quota returns is known to the
//! nanosecond. Refused: GCRA and token buckets, which admit nearly twice the limit within the
//! first window; fixed windows, which do so at their boundary.
//!
//! One log serves every tier, since each looks at its newest `limit` entries alone. It follows
//! that a change of plan needs no migration: other tiers look at the same log.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

/// At most `limit` admissions in any `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// How many.
    pub limit: NonZeroU32,
    /// In how long.
    pub window: Duration,
}

/// How a visitor stands in a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many more requests the tier admits now.
    pub remaining: u32,
    /// Until it admits one more than that: when the oldest admission that counts leaves the
    /// window. Zero when none counts.
    pub wait: Duration,
}

/// A point on the monotonic clock, in nanoseconds: 584 years fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(u64);

/// One visitor's log: 8 bytes an admission, at most as many as the widest limit.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    /// Ascending.
    admissions: VecDeque<Instant>,
}

/// What no tier of any plan looks back beyond. Whatever is older, in either sense, may be forgotten
/// without a trace, also if the plan changes the next moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// The longest window.
    pub window: Duration,
    /// The widest limit.
    pub admissions: NonZeroU32,
}

impl Instant {
    pub(crate) fn at(monotonic: Duration) -> Self {
        Self(u64::try_from(monotonic.as_nanos()).unwrap_or(u64::MAX))
    }

    fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(Self::at(duration).0))
    }

    fn until(self, later: Self) -> Duration {
        Duration::from_nanos(later.0.saturating_sub(self.0))
    }
}

impl Standing {
    /// Whether the tier admits a request now.
    pub fn is_open(&self) -> bool {
        self.remaining > 0
    }

    /// Of a visitor who was never seen.
    pub(crate) fn untouched(tier: &Tier) -> Self {
        Self {
            remaining: tier.limit.get(),
            wait: Duration::ZERO,
        }
    }
}

impl Ring {
    /// How the visitor stands in a tier.
    pub(crate) fn standing(&self, tier: &Tier, now: Instant) -> Standing {
        let gone = self
            .admissions
            .partition_point(|at| at.plus(tier.window) <= now);
        let counted = self.admissions.len().saturating_sub(gone);
        let limit = tier.limit.get();
        // After a change to a lower limit, more may count than the tier admits; then quota returns
        // when the oldest of the newest `limit` leaves.
        let used = u32::try_from(counted).unwrap_or(u32::MAX).min(limit);
        let frees = self
            .admissions
            .len()
            .checked_sub(used as usize)
            .and_then(|i| self.admissions.get(i));
        Standing {
            remaining: limit - used,
            wait: frees.map_or(Duration::ZERO, |at| now.until(at.plus(tier.window))),
        }
    }

    /// Notes an admission, and forgets what lies beyond the horizon.
    pub(crate) fn admit(&mut self, now: Instant, horizon: &Horizon) {
        let most = horizon.admissions.get() as usize;
        while self.admissions.len() >= most
            || self
                .admissions
                .front()
                .is_some_and(|at| at.plus(horizon.window) <= now)
        {
            self.admissions.pop_front();
        }
        if self.admissions.len() == self.admissions.capacity() {
            // Doubling, but never past the bound: doubling alone would end at up to twice of it.
            let room = most.saturating_sub(self.admissions.len());
            self.admissions
                .reserve_exact(self.admissions.len().clamp(4, room.max(4)));
        }
        self.admissions.push_back(now);
    }

    /// Whether all of it lies beyond the horizon.
    pub(crate) fn is_idle(&self, now: Instant, horizon: &Horizon) -> bool {
        self.admissions
            .back()
            .is_none_or(|at| at.plus(horizon.window) <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HORIZON: Horizon = Horizon {
        window: Duration::from_secs(60),
        admissions: NonZeroU32::new(8).unwrap(),
    };
    const TIER: Tier = Tier {
        limit: NonZeroU32::new(3).unwrap(),
        window: Duration::from_secs(10),
    };
    const MICRO: Duration = Duration::from_micros(1);

    fn ring(admissions_ms: &[u64]) -> Ring {
        let mut ring = Ring::default();
        for at in admissions_ms {
            ring.admit(Instant::at(Duration::from_millis(*at)), &HORIZON);
        }
        ring
    }

    fn standing(ring: &Ring, now: Duration) -> (u32, Duration) {
        let Standing { remaining, wait } = ring.standing(&TIER, Instant::at(now));
        (remaining, wait)
    }

    #[test]
    fn an_admission_leaves_at_the_very_end_of_its_window() {
        let ring = ring(&[1_000, 4_000, 4_000]);
        let leaves = Duration::from_secs(11);
        assert_eq!(standing(&ring, leaves - MICRO), (0, MICRO));
        assert_eq!(standing(&ring, leaves), (1, Duration::from_secs(3)));
        assert_eq!(
            standing(&ring, leaves + MICRO),
            (1, Duration::from_secs(3) - MICRO)
        );
        let both = Duration::from_secs(14);
        assert_eq!(standing(&ring, both - MICRO), (1, MICRO));
        assert_eq!(standing(&ring, both), (3, Duration::ZERO));
    }

    #[test]
    fn an_unused_tier_is_whole() {
        assert_eq!(standing(&ring(&[]), Duration::ZERO), (3, Duration::ZERO));
        assert_eq!(
            standing(&ring(&[0]), Duration::from_secs(10)),
            (3, Duration::ZERO)
        );
    }

    #[test]
    fn a_lower_limit_waits_for_its_own_newest() {
        // Five under a wider limit; this tier admits again when the third newest has left.
        let ring = ring(&[0, 1_000, 2_000, 3_000, 4_000]);
        assert_eq!(
            standing(&ring, Duration::from_secs(5)),
            (0, Duration::from_secs(7))
        );
        assert_eq!(
            standing(&ring, Duration::from_secs(12)),
            (1, Duration::from_secs(1))
        );
    }

    #[test]
    fn nothing_beyond_the_horizon_is_kept() {
        let mut ring = ring(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(ring.admissions.len(), 8);
        assert_eq!(ring.admissions.capacity(), 8);
        let last = Duration::from_millis(9);
        let gone = Instant::at(last + HORIZON.window);
        assert!(!ring.is_idle(Instant::at(last + HORIZON.window - MICRO), &HORIZON));
        assert!(ring.is_idle(gone, &HORIZON));
        ring.admit(gone, &HORIZON);
        assert_eq!(ring.admissions.len(), 1);
    }
}
