//! Calendar days and time zones: which day an instant falls on, for whom.
//!
//! A day has no zone and no hours; an instant has no day until a zone gives it one. Work that ends
//! after midnight belongs to the day it began on, in the zone of the member who did it, so that a
//! sum by day agrees with the member's memory also over a change of the clocks.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeZone as _, Utc};
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A calendar day of the years 1970 to 2999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NaiveDate);

/// Text that is no calendar day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a calendar day of the years 1970 to 2999, such as 2026-11-24")]
pub struct DayError;

/// A calendar month, `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i32,
    month: u32,
}

/// An IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(chrono_tz::Tz);

/// Text that names no zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an IANA time zone, such as Europe/Berlin")]
pub struct ZoneError;

impl Day {
    /// The day that is `days` later, or the last one there is.
    #[must_use]
    pub fn plus(self, days: u32) -> Self {
        self.0
            .checked_add_days(Days::new(u64::from(days)))
            .filter(|date| date.year() <= 2999)
            .map_or(LAST, Self)
    }

    /// The day that is `days` earlier, or the first one there is.
    #[must_use]
    pub fn minus(self, days: u32) -> Self {
        self.0
            .checked_sub_days(Days::new(u64::from(days)))
            .filter(|date| date.year() >= 1970)
            .map_or(FIRST, Self)
    }

    /// Midnight in UTC.
    pub fn midnight_utc(self) -> Timestamp {
        Timestamp::from_micros(self.0.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
    }

    /// The month it is in.
    pub fn month(self) -> Month {
        Month {
            year: self.0.year(),
            month: self.0.month(),
        }
    }

    /// Days from the Monday of its week: 0 to 6.
    pub fn days_from_monday(self) -> u32 {
        self.0.weekday().num_days_from_monday()
    }
}

const FIRST: Day = Day(match NaiveDate::from_ymd_opt(1970, 1, 1) {
    Some(date) => date,
    None => NaiveDate::MIN,
});
const LAST: Day = Day(match NaiveDate::from_ymd_opt(2999, 12, 31) {
    Some(date) => date,
    None => NaiveDate::MAX,
});

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format("%Y-%m-%d").fmt(f)
    }
}

impl FromStr for Day {
    type Err = DayError;

    /// `YYYY-MM-DD` alone.
    fn from_str(text: &str) -> Result<Self, DayError> {
        // Chrono also takes days of one digit, signs and white space: what is not printed the same
        // is another spelling.
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .filter(|date| (1970..=2999).contains(&date.year()))
            .map(Self)
            .filter(|day| day.to_string() == text)
            .ok_or(DayError)
    }
}

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Zone {
    /// The day that an instant falls on here.
    pub fn day_of(self, instant: Timestamp) -> Day {
        DateTime::<Utc>::from_timestamp_micros(instant.as_micros())
            .map(|utc| utc.with_timezone(&self.0).date_naive())
            .map_or(FIRST, |date| Day(date).clamped())
    }

    /// When a day begins here. Where the clocks are put forward over midnight it begins later; one
    /// that was skipped as a whole is taken to begin at midnight UTC.
    pub fn start_of(self, day: Day) -> Timestamp {
        let midnight = day.0.and_time(NaiveTime::MIN);
        // Clocks are put forward by a few hours at most, to a full quarter: the first that exists is
        // when the day begins. A day that a zone skipped as a whole has none.
        let found = (0..96).find_map(|quarters| {
            let local = midnight.checked_add_signed(chrono::TimeDelta::minutes(quarters * 15))?;
            match self.0.from_local_datetime(&local) {
                LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Some(instant),
                LocalResult::None => None,
            }
        });
        found.map_or_else(
            || day.midnight_utc(),
            |instant| Timestamp::from_micros(instant.timestamp_micros()),
        )
    }
}

impl Day {
    fn clamped(self) -> Self {
        self.clamp(FIRST, LAST)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        text.parse().map(Self).map_err(|_| ZoneError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(zone: &str, instant: &str) -> String {
        let zone: Zone = zone.parse().unwrap();
        zone.day_of(instant.parse().unwrap()).to_string()
    }

    #[test]
    fn a_day_has_one_spelling() {
        assert_eq!(
            "2024-02-29".parse::<Day>().unwrap().to_string(),
            "2024-02-29"
        );
        for wrong in [
            "",
            "2023-02-29",
            "2026-1-01",
            "2026-11-24T",
            "1969-12-31",
            "3000-01-01",
            "+026-01-01",
            "2026-11-2x",
            "2026-1- 01",
            " 2026-1-01",
            "+02026-1-1",
            "2026- 1-01",
            "02026-1-01",
        ] {
            assert_eq!(wrong.parse::<Day>(), Err(DayError), "{wrong}");
        }
    }

    #[test]
    fn an_instant_falls_on_the_local_day() {
        assert_eq!(day("Europe/Berlin", "2026-11-24T22:59:59Z"), "2026-11-24");
        assert_eq!(day("Europe/Berlin", "2026-11-24T23:00:00Z"), "2026-11-25");
        // Summer time: two hours ahead, also on the two days on which the clocks change.
        assert_eq!(day("Europe/Berlin", "2026-03-28T22:59:59Z"), "2026-03-28");
        assert_eq!(day("Europe/Berlin", "2026-03-29T22:00:00Z"), "2026-03-30");
        assert_eq!(day("Europe/Berlin", "2026-10-24T22:00:00Z"), "2026-10-25");
        assert_eq!(day("Europe/Berlin", "2026-10-25T22:59:59Z"), "2026-10-25");
        assert_eq!(
            day("Pacific/Kiritimati", "2026-11-24T10:00:00Z"),
            "2026-11-25"
        );
        assert_eq!(day("Pacific/Apia", "2011-12-30T09:59:59Z"), "2011-12-29");
    }

    #[test]
    fn a_day_begins_also_where_midnight_is_skipped() {
        let start = |zone: &str, day: &str| {
            let zone: Zone = zone.parse().unwrap();
            zone.start_of(day.parse().unwrap()).to_string()
        };
        assert_eq!(start("Europe/Berlin", "2026-07-01"), "2026-06-30T22:00:00Z");
        assert_eq!(
            start("America/Santiago", "2026-09-06"),
            "2026-09-06T04:00:00Z"
        );
        // The whole day was skipped.
        assert_eq!(start("Pacific/Apia", "2011-12-30"), "2011-12-30T00:00:00Z");
    }

    #[test]
    fn days_stay_within_their_range() {
        assert_eq!(LAST.plus(1), LAST);
        assert_eq!(FIRST.minus(1), FIRST);
        assert_eq!(
            "2026-12-31".parse::<Day>().unwrap().plus(1).to_string(),
            "2027-01-01"
        );
        assert_eq!(
            "2026-12-31".parse::<Day>().unwrap().month().to_string(),
            "2026-12"
        );
    }
}
