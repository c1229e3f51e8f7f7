//! How values are written for people. Templates pass what they have, by value or by reference.

use std::borrow::Borrow;

use hoursmith_domain::{Day, Timestamp};

const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Hours and minutes, such as `7:30`.
pub(crate) fn hours(seconds: impl Borrow<i64>) -> String {
    let minutes = (*seconds.borrow()).max(0).saturating_add(30) / 60;
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

/// An amount with its thousands apart, and its currency: `1,260.00 EUR`.
pub(crate) fn money(amount: &str, currency: &str) -> String {
    let (sign, rest) = match amount.strip_prefix('-') {
        Some(rest) => ("−", rest),
        None => ("", amount),
    };
    let (whole, part) = rest.split_once('.').unwrap_or((rest, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && whole.len().saturating_sub(at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if part.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{part} {currency}")
}

/// Day and minute in UTC: `2026-11-24 09:30 UTC`.
pub(crate) fn moment(at: &str) -> String {
    match (at.get(..10), at.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => at.to_owned(),
    }
}

/// Day and second in UTC: `2026-11-24 09:30:11 UTC`.
pub(crate) fn second(at: impl Borrow<Timestamp>) -> String {
    let at = at.borrow().to_string();
    match (at.get(..10), at.get(11..19)) {
        (Some(day), Some(second)) => format!("{day} {second} UTC"),
        _ => at,
    }
}

/// A day as a calendar's page has it: `24 Nov`.
pub(crate) fn day_and_month(day: impl Borrow<Day>) -> String {
    let text = day.borrow().to_string();
    let mut parts = text.split('-').skip(1);
    let number = parts.next().and_then(|month| month.parse::<usize>().ok());
    let month = number.and_then(|number| MONTHS.get(number.checked_sub(1)?));
    let day = parts.next().unwrap_or_default().trim_start_matches('0');
    let month: String = short(month.copied().unwrap_or_default());
    format!("{day} {month}")
}

/// A month in words: `November 2026`.
pub(crate) fn month(day: impl Borrow<Day>) -> String {
    let text = day.borrow().to_string();
    let mut parts = text.split('-');
    let year = parts.next().unwrap_or_default();
    let number = parts.next().and_then(|month| month.parse::<usize>().ok());
    let month = number.and_then(|number| MONTHS.get(number.checked_sub(1)?));
    format!("{} {year}", month.copied().unwrap_or_default())
}

/// The first three letters, as calendars have them.
pub(crate) fn short(name: &str) -> String {
    name.chars().take(3).collect()
}

/// An instant as scripts read it.
pub(crate) fn instant(at: impl Borrow<Timestamp>) -> String {
    at.borrow().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        assert_eq!(hours(5_429), "1:30");
        assert_eq!(hours(0), "0:00");
        let day: Day = "2026-11-04".parse().unwrap();
        assert_eq!(day_and_month(day), "4 Nov");
        assert_eq!(month(day), "November 2026");
        assert_eq!(money("1234567.5", "EUR"), "1,234,567.5 EUR");
        assert_eq!(money("-120.00", "EUR"), "−120.00 EUR");
        assert_eq!(money("0", "JPY"), "0 JPY");
        assert_eq!(moment("2026-11-24T09:30:11Z"), "2026-11-24 09:30 UTC");
        let at: Timestamp = "2026-11-24T09:30:11.25Z".parse().unwrap();
        assert_eq!(second(at), "2026-11-24 09:30:11 UTC");
    }
}
