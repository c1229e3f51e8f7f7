//! What an operator's values must be.

use hoursmith_domain::{Amount, Patch, Zone, check_email, check_text};

use super::{AdminError, NewMember};
use crate::organization::{DAY, WEEK, WEEKDAYS};

pub(super) fn name(field: &'static str, text: &str) -> Result<(), AdminError> {
    check_text(text, 1, 255, false).map_err(|error| invalid(field, error.to_string()))
}

pub(super) fn member(member: &NewMember) -> Result<(), AdminError> {
    name("member name", &member.name)?;
    check_email(&member.email).map_err(|error| invalid("e-mail", error.to_string()))
}

pub(super) fn slug(slug: &str) -> Result<(), AdminError> {
    let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=63).contains(&slug.len()) && slug.bytes().all(valid) {
        return Ok(());
    }
    let reason = "must be 1 to 63 lower-case letters, digits and hyphens";
    Err(invalid("slug", reason))
}

pub(super) fn timezone(name: &str) -> Result<(), AdminError> {
    match name.parse::<Zone>() {
        Ok(_) => Ok(()),
        Err(error) => Err(invalid("timezone", error.to_string())),
    }
}

pub(super) fn weekday(word: &str) -> Result<(), AdminError> {
    if WEEKDAYS.contains(&word) {
        return Ok(());
    }
    let reason = format!("must be one of {}", WEEKDAYS.join(", "));
    Err(invalid("week start", reason))
}

pub(super) fn rate(field: &'static str, rate: &Patch<Amount>) -> Result<(), AdminError> {
    match rate {
        Patch::Value(rate) if rate.ten_thousandths() < 0 => {
            Err(invalid(field, "must be at least 0"))
        }
        _ => Ok(()),
    }
}

/// Working time of a week, in seconds.
pub(super) fn capacity(seconds: i64) -> Result<(), AdminError> {
    within("weekly capacity", seconds, 0, WEEK)
}

/// The step that time is rounded to.
pub(super) fn rounding_minutes(minutes: i64) -> Result<(), AdminError> {
    within("rounding minutes", minutes, 1, DAY)
}

fn within(field: &'static str, value: i64, min: i64, max: i64) -> Result<(), AdminError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(invalid(field, format!("must be from {min} to {max}")))
}

fn invalid(field: &'static str, reason: impl Into<String>) -> AdminError {
    AdminError::Invalid {
        field,
        reason: reason.into(),
    }
}
