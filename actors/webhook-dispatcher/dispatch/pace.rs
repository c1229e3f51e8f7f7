//! How fast one endpoint is sent to, over all processes: an import or a replay does not flood a
//! receiver that answers quickly.
//!
//! A bucket that holds the sends of one second and fills at the rate. All of it is one instant in the
//! endpoint's row, from which on the next send is permitted (`paced_until`): each send moves it on by
//! the time between two, and the further it lies back the more may go at once. Whoever claims holds
//! the row, so the bound holds however many processes there are, and a restart fills no bucket. An
//! endpoint that fails again and again is left alone by the same instant ([`rest`]).

use std::num::NonZeroU32;
use std::time::Duration;

use hoursmith_domain::Timestamp;

/// How far the clocks of those who share an endpoint may be apart, and how old the instant may be that
/// somebody goes by who waited for the database.
pub(super) const SKEW: Duration = Duration::from_secs(5);

/// The longest time for which an endpoint is sent nothing: between two sends at the lowest rate it is less.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// Failures in a row after which an endpoint is left alone for a while, and for how long the first time.
const RESTS: (u32, Duration) = (3, Duration::from_millis(100));

/// How long an endpoint is left alone after so many failures in a row: who fails at once would else be asked
/// as fast as failures can be recorded, and take the machine from the others. Longer each time.
pub(super) fn rest(failures: i64) -> Duration {
    let failures = u32::try_from(failures.max(0)).unwrap_or(u32::MAX);
    failures
        .checked_sub(RESTS.0)
        .map_or(Duration::ZERO, |further| {
            RESTS
                .1
                .saturating_mul(2_u32.saturating_pow(further))
                .min(LONGEST)
        })
}

/// A rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Time between two sends.
    every: Duration,
    /// Time that it takes to fill an empty bucket but for one send.
    window: Duration,
}

impl Pace {
    /// So many sends a second. One rate above a million is like another.
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        let micros = 1_000_000_u64.checked_div(u64::from(per_second.get()));
        let every = Duration::from_micros(micros.unwrap_or_default());
        Self {
            every,
            window: every.saturating_mul(per_second.get().saturating_sub(1)),
        }
    }

    /// Sends that are permitted now.
    pub(super) fn room(&self, paced_until: Timestamp, now: Timestamp) -> u32 {
        let from = self.believed(paced_until, now);
        if from > now {
            return 0;
        }
        let saved = from.until(now).as_micros();
        let further = saved.checked_div(self.every.as_micros());
        let further = further.and_then(|count| u32::try_from(count).ok());
        further.map_or(u32::MAX, |count| count.saturating_add(1))
    }

    /// From when on the next send is permitted, after so many now.
    pub(super) fn after(&self, paced_until: Timestamp, now: Timestamp, sends: u32) -> Timestamp {
        let from = self.believed(paced_until, now);
        from.plus(self.every.saturating_mul(sends))
    }

    /// The instant as it counts now: a bucket is full at some time, and an instant further ahead than
    /// a rest and the clocks' difference explain was written by a clock that has been set back since.
    fn believed(&self, paced_until: Timestamp, now: Timestamp) -> Timestamp {
        if paced_until > now.plus(LONGEST).plus(SKEW) {
            return now;
        }
        paced_until.max(now.minus(self.window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
    const NEVER: Timestamp = Timestamp::from_micros(0);

    fn pace(per_second: u32) -> Pace {
        Pace::new(per_second.try_into().unwrap())
    }

    fn later(millis: u64) -> Timestamp {
        START.plus(Duration::from_millis(millis))
    }

    #[test]
    fn a_second_s_worth_at_once_and_then_one_by_one() {
        let four = pace(4);
        assert_eq!(four.room(NEVER, START), 4);
        let three = four.after(NEVER, START, 3);
        assert_eq!(four.room(three, START), 1);
        let all = four.after(three, START, 1);
        assert_eq!((four.room(all, START), all), (0, later(250)));
        assert_eq!(four.room(all, later(249)), 0);
        assert_eq!(four.room(all, later(250)), 1);
        assert_eq!(four.room(all, later(999)), 3);
        assert_eq!(four.room(all, later(5_000)), 4, "no more than it holds");
    }

    #[test]
    fn nothing_sent_changes_nothing_that_counts() {
        let four = pace(4);
        let all = four.after(NEVER, START, 4);
        assert_eq!(four.after(all, START, 0), all);
        let one = pace(1);
        assert_eq!(one.room(NEVER, START), 1);
        assert_eq!(one.after(NEVER, START, 1), later(1_000));
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nothing_up() {
        let four = pace(4);
        let ahead = later(3_600_000);
        assert_eq!(four.room(ahead, START), 1);
        assert_eq!(four.after(ahead, START, 1), later(250));
    }

    #[test]
    fn a_clock_that_is_behind_gives_nothing_back() {
        let many = pace(300);
        let all = many.after(NEVER, later(100), 300);
        // Somebody else's, or one that was looked at before a wait for the database.
        assert_eq!(many.room(all, START), 0);
        assert_eq!(many.after(all, START, 0), all);
    }

    #[test]
    fn who_fails_again_and_again_is_left_alone_for_longer_each_time() {
        let millis = |failures| rest(failures).as_millis();
        assert_eq!([-1, 0, 1, 2].map(millis), [0; 4]);
        assert_eq!(
            [3, 4, 5, 8, 9, 1_000_000, i64::MAX].map(millis),
            [100, 200, 400, 3_200, 5_000, 5_000, 5_000]
        );
        let four = pace(4);
        let rested = START.plus(rest(9));
        assert_eq!(
            (four.room(rested, START), four.room(rested, rested)),
            (0, 1)
        );
    }

    #[test]
    fn any_rate_is_a_rate() {
        assert_eq!(pace(u32::MAX).room(START, START), u32::MAX);
        assert_eq!(pace(u32::MAX).after(START, START, u32::MAX), START);
        assert_eq!(pace(1_000_000).room(NEVER, START), 1_000_000);
    }
}
