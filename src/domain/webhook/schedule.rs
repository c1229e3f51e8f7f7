//! When a delivery that failed is tried again.
//!
//! The first attempt is made at once, then one after each of [`RETRY_DELAYS`], counted from the
//! attempt before: eight in all over about 32 hours and a half. Each delay is moved by up to a
//! tenth either way, so that a receiver that comes back is not met by everything at one moment.

use std::time::{Duration, UNIX_EPOCH};

use crate::Timestamp;

/// The delays between attempts, before jitter.
pub const RETRY_DELAYS: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(6 * 60 * 60),
    Duration::from_secs(24 * 60 * 60),
];

/// The attempts of one delivery: the first, and one after each delay.
pub const MAX_ATTEMPTS: u32 = 8;

/// What stands for a `Retry-After` of more seconds than a number holds: later than any step.
const MAX_SECONDS: u64 = u32::MAX as u64;

/// The moment of the next attempt, after `made` attempts of which the last failed at `failed_at`;
/// `None` when they are used up.
///
/// `random` is any uniform number; it decides the jitter. What the receiver asked for with
/// `Retry-After` is honoured up to the length of the step after this one (of the last, its own): a
/// receiver may slow its deliveries down, not park them for good. Nothing it asks brings an attempt
/// forward.
pub fn retry_at(
    made: u32,
    failed_at: Timestamp,
    retry_after: Option<Duration>,
    random: u64,
) -> Option<Timestamp> {
    let step = usize::try_from(made.checked_sub(1)?).ok()?;
    let delay = *RETRY_DELAYS.get(step)?;
    let longest = RETRY_DELAYS.get(step.saturating_add(1)).unwrap_or(&delay);
    // Of a million, so that whole numbers are exact: 900,000 to 1,100,000, and up from 1,000,000
    // where the receiver has said "not before".
    let spread = random % 200_001;
    let scheduled = part(delay, spread.saturating_add(900_000));
    let asked = retry_after.map_or(Duration::ZERO, |asked| {
        part(
            asked.min(*longest),
            spread.div_euclid(2).saturating_add(1_000_000),
        )
    });
    Some(failed_at.plus(scheduled.max(asked)))
}

/// So many millionths of a duration.
fn part(duration: Duration, millionths: u64) -> Duration {
    // At most 24 hours in microseconds times 1.1 million: below 2^57.
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(micros.saturating_mul(millionths).div_euclid(1_000_000))
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, of which the time from `now`
/// counts, none when it has passed. Anything else is as if it were absent.
pub fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(MAX_SECONDS)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let since = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(now.until(Timestamp::from_micros(0).plus(since)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    #[test]
    fn all_attempts_take_about_32_hours_and_a_half() {
        let total: Duration = RETRY_DELAYS.iter().sum();
        assert_eq!(total, Duration::from_secs(117_365));
        assert_eq!(MAX_ATTEMPTS as usize, RETRY_DELAYS.len() + 1);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_or_nothing() {
        let read = |value| parse_retry_after(value, NOW).map(|wait| wait.as_secs());
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" 0 "), Some(0));
        assert_eq!(read("99999999999999999999999"), Some(MAX_SECONDS));
        assert_eq!(read("Thu, 01 Jan 2026 00:02:00 GMT"), Some(120));
        assert_eq!(read("Thursday, 01-Jan-26 00:02:00 GMT"), Some(120));
        assert_eq!(read("Wed, 31 Dec 2025 23:00:00 GMT"), Some(0));
        for wrong in ["", "-1", "+5", "1.5", "soon", "2026-01-01T00:02:00Z"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_delay_moves_by_at_most_a_tenth(made in 0u32..20, random: u64) {
            let next = retry_at(made, NOW, None, random);
            prop_assert_eq!(next.is_some(), (1..MAX_ATTEMPTS).contains(&made));
            if let Some(next) = next {
                let step = RETRY_DELAYS[made as usize - 1];
                let wait = NOW.until(next);
                prop_assert!(wait >= step.mul_f64(0.9) && wait <= step.mul_f64(1.1), "{wait:?}");
            }
        }

        #[test]
        fn a_receiver_may_delay_up_to_the_next_step_and_hasten_nothing(
            made in 1u32..MAX_ATTEMPTS,
            random: u64,
            asked in 0u64..10_000_000,
        ) {
            let asked = Duration::from_secs(asked);
            let longest = RETRY_DELAYS[(made as usize).min(RETRY_DELAYS.len() - 1)];
            let without = NOW.until(retry_at(made, NOW, None, random).unwrap());
            let with = NOW.until(retry_at(made, NOW, Some(asked), random).unwrap());
            prop_assert!(with >= without);
            prop_assert!(with >= asked.min(longest));
            prop_assert!(with <= without.max(longest.mul_f64(1.1)));
        }

        #[test]
        fn any_header_is_read_without_a_panic(value in ".*") {
            let _ = parse_retry_after(&value, NOW);
        }
    }
}
