//! What time costs: rounding, which rate applies, and the amount.
//!
//! Each amount is rounded once, half up, to the currency's minor unit, and only ever summed after
//! that: so every total is the sum of the amounts that are shown.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::{Amount, Currency};

/// Seconds in an hour.
const HOUR: i64 = 3600;

/// In which direction time is rounded for billing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundingMode {
    /// Not at all.
    None,
    /// To the next full step.
    Up,
    /// To the last full step.
    Down,
    /// To the nearest step, half a step up.
    Nearest,
}

/// How an organization rounds each entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rounding {
    /// Direction.
    pub mode: RoundingMode,
    /// The step, in minutes; at least one.
    pub minutes: i64,
}

/// Where the rate of an entry came from, the most specific first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RateSource {
    /// The entry names it.
    Entry,
    /// The member's rate on the project.
    ProjectMember,
    /// The task's.
    Task,
    /// The project's.
    Project,
    /// The member's.
    Member,
    /// The organization's default.
    Organization,
}

/// The rates that might apply to an entry, per hour.
///
/// The last two are in the organization's currency: whoever fills this in leaves them out when the
/// client is billed in another one, since a number of euros is no number of yen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// The entry's own.
    pub entry: Option<Amount>,
    /// The member's on the project.
    pub project_member: Option<Amount>,
    /// The task's.
    pub task: Option<Amount>,
    /// The project's.
    pub project: Option<Amount>,
    /// The member's.
    pub member: Option<Amount>,
    /// The organization's.
    pub organization: Option<Amount>,
}

impl RoundingMode {
    /// Every mode.
    pub const ALL: &'static [Self] = &[Self::None, Self::Up, Self::Down, Self::Nearest];

    /// The word in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Up => "up",
            Self::Down => "down",
            Self::Nearest => "nearest",
        }
    }

    /// The mode of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == word)
    }
}

impl Rounding {
    /// A duration in seconds, rounded; never negative.
    pub fn apply(self, seconds: i64) -> i64 {
        let step = self.minutes.max(1).saturating_mul(60);
        let rest = seconds.checked_rem(step).unwrap_or(0);
        let down = seconds.saturating_sub(rest);
        let up = if rest == 0 {
            seconds
        } else {
            down.saturating_add(step)
        };
        match self.mode {
            RoundingMode::None => seconds,
            RoundingMode::Up => up,
            RoundingMode::Down => down,
            RoundingMode::Nearest if rest.saturating_mul(2) >= step => up,
            RoundingMode::Nearest => down,
        }
    }
}

impl RateSource {
    /// Every source, the most specific first.
    pub const ALL: &'static [Self] = &[
        Self::Entry,
        Self::ProjectMember,
        Self::Task,
        Self::Project,
        Self::Member,
        Self::Organization,
    ];

    /// The word in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::ProjectMember => "project_member",
            Self::Task => "task",
            Self::Project => "project",
            Self::Member => "member",
            Self::Organization => "organization",
        }
    }

    /// The source of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|source| source.as_str() == word)
    }
}

impl Rates {
    /// The most specific rate that is set, and where it came from.
    pub fn resolve(&self) -> Option<(Amount, RateSource)> {
        [
            (self.entry, RateSource::Entry),
            (self.project_member, RateSource::ProjectMember),
            (self.task, RateSource::Task),
            (self.project, RateSource::Project),
            (self.member, RateSource::Member),
            (self.organization, RateSource::Organization),
        ]
        .into_iter()
        .find_map(|(rate, source)| rate.map(|rate| (rate, source)))
    }
}

/// What `seconds` cost at a rate per hour, rounded half up once to the currency's minor unit.
/// `None` when the amount would have more than 12 digits before the point.
pub fn amount_of_time(rate: Amount, seconds: i64, currency: Currency) -> Option<Amount> {
    let exact = rate
        .decimal()
        .checked_mul(Decimal::from(seconds))?
        .checked_div(Decimal::from(HOUR))?;
    // Dividing cuts at 28 digits; a third of a cent is far from half of one, so no digit that
    // rounding looks at is touched.
    Amount::from_decimal(round(exact, currency))
}

impl Amount {
    /// An amount times a quantity (in 1/10,000 as well), rounded half up once to the currency's
    /// minor unit. `None` past 12 digits before the point.
    pub fn times(self, quantity: Amount, currency: Currency) -> Option<Self> {
        let exact = self.decimal().checked_mul(quantity.decimal())?;
        Self::from_decimal(round(exact, currency))
    }

    /// The amount in whole minor units of the currency, half up: what can be paid. Where that would
    /// have more than 12 digits before the point, the largest that has not.
    #[must_use]
    pub fn rounded(self, currency: Currency) -> Self {
        let exact = self.decimal();
        Self::from_decimal(round(exact, currency))
            .or_else(|| Self::from_decimal(exact.trunc_with_scale(currency.minor_digits())))
            .unwrap_or(self)
    }

    /// Whether it has no more digits after the point than the currency's minor unit.
    pub fn is_payable(self, currency: Currency) -> bool {
        self.rounded(currency) == self
    }

    /// The sum; `None` past 12 digits before the point.
    pub fn plus(self, other: Self) -> Option<Self> {
        let sum = self
            .ten_thousandths()
            .checked_add(other.ten_thousandths())?;
        Self::from_ten_thousandths(sum)
    }

    /// The difference; `None` past 12 digits before the point.
    pub fn minus(self, other: Self) -> Option<Self> {
        let rest = self
            .ten_thousandths()
            .checked_sub(other.ten_thousandths())?;
        Self::from_ten_thousandths(rest)
    }

    /// So many percent of it, rounded half up once to the currency's minor unit.
    pub fn percent(self, percent: Amount, currency: Currency) -> Option<Self> {
        let exact = self
            .decimal()
            .checked_mul(percent.decimal())?
            .checked_div(Decimal::ONE_HUNDRED)?;
        Self::from_decimal(round(exact, currency))
    }

    /// Seconds as hours, rounded half up once to four digits after the point. `None` past 12 digits
    /// before it.
    pub fn hours(seconds: i64) -> Option<Self> {
        let exact = Decimal::from(seconds).checked_div(Decimal::from(HOUR))?;
        Self::from_decimal(exact.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero))
    }

    /// From a decimal of at most four digits after the point.
    fn from_decimal(decimal: Decimal) -> Option<Self> {
        let units = decimal.checked_mul(Decimal::from(10_000))?;
        if !units.fract().is_zero() {
            return None;
        }
        i64::try_from(units)
            .ok()
            .and_then(Self::from_ten_thousandths)
    }
}

/// Rounds half up to the currency's minor unit.
fn round(exact: Decimal, currency: Currency) -> Decimal {
    exact.round_dp_with_strategy(
        currency.minor_digits(),
        RoundingStrategy::MidpointAwayFromZero,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn cost(rate: &str, seconds: i64, currency: &str) -> String {
        let currency = currency.parse().unwrap();
        amount_of_time(amount(rate), seconds, currency)
            .unwrap()
            .display(currency)
    }

    #[test]
    fn half_a_minor_unit_goes_up_in_every_currency() {
        assert_eq!(cost("0.01", 1800, "EUR"), "0.01");
        assert_eq!(cost("0.01", 1799, "EUR"), "0.00");
        assert_eq!(cost("100.00", 1, "EUR"), "0.03");
        assert_eq!(cost("1", 1800, "JPY"), "1");
        assert_eq!(cost("9501", 3000, "JPY"), "7918");
        assert_eq!(cost("0.001", 1800, "KWD"), "0.001");
        assert_eq!(cost("12.345", 2700, "KWD"), "9.259");
        // Dots past the minor unit count in the rate, and are rounded away once in the amount.
        assert_eq!(cost("95.125", 3600, "EUR"), "95.13");
    }

    #[test]
    fn an_amount_that_is_too_large_is_none() {
        let eur = "EUR".parse().unwrap();
        let most = amount("999999999999.9999");
        assert_eq!(amount_of_time(most, 3600, eur), None);
        assert!(amount_of_time(amount("999999999999.99"), 3600, eur).is_some());
        assert_eq!(amount_of_time(most, i64::MAX, eur), None);
        assert_eq!(most.plus(amount("0.0001")), None);
        assert_eq!(most.times(most, eur), None);
    }

    #[test]
    fn what_is_paid_has_no_more_digits_than_the_currency() {
        for (exact, currency, rounded) in [
            ("12.3456", "EUR", "12.35"),
            ("12.3449", "EUR", "12.34"),
            ("0.005", "EUR", "0.01"),
            ("100.5", "JPY", "101"),
            ("12.3456", "KWD", "12.346"),
            ("12.3456", "CLF", "12.3456"),
            ("12.3400", "EUR", "12.34"),
            ("999999999999.9999", "EUR", "999999999999.99"),
        ] {
            let (exact, currency) = (amount(exact), currency.parse().unwrap());
            assert_eq!(exact.rounded(currency), amount(rounded), "{exact:?}");
            assert_eq!(exact.is_payable(currency), exact == amount(rounded));
        }
    }

    #[test]
    fn seconds_are_hours_to_four_digits() {
        let hours = |seconds| Amount::hours(seconds).unwrap().plain();
        assert_eq!(hours(0), "0");
        assert_eq!(hours(5400), "1.5");
        assert_eq!(hours(1), "0.0003");
        assert_eq!(hours(9), "0.0025");
        assert_eq!(hours(1200), "0.3333");
        assert_eq!(hours(2400), "0.6667");
        assert_eq!(Amount::hours(i64::MAX), None);
    }

    #[test]
    fn time_is_rounded_to_full_steps() {
        let round = |mode, minutes, seconds| Rounding { mode, minutes }.apply(seconds);
        assert_eq!(round(RoundingMode::None, 15, 901), 901);
        assert_eq!(round(RoundingMode::Up, 15, 901), 1800);
        assert_eq!(round(RoundingMode::Up, 15, 900), 900);
        assert_eq!(round(RoundingMode::Up, 15, 0), 0);
        assert_eq!(round(RoundingMode::Down, 15, 1799), 900);
        assert_eq!(round(RoundingMode::Nearest, 15, 1349), 900);
        assert_eq!(round(RoundingMode::Nearest, 15, 1350), 1800);
    }

    #[test]
    fn the_most_specific_rate_applies() {
        let mut rates = Rates {
            entry: Some(amount("1")),
            project_member: Some(amount("2")),
            task: Some(amount("3")),
            project: Some(amount("4")),
            member: Some(amount("5")),
            organization: Some(amount("6")),
        };
        let mut sources = Vec::new();
        while let Some((_, source)) = rates.resolve() {
            sources.push(source);
            match source {
                RateSource::Entry => rates.entry = None,
                RateSource::ProjectMember => rates.project_member = None,
                RateSource::Task => rates.task = None,
                RateSource::Project => rates.project = None,
                RateSource::Member => rates.member = None,
                RateSource::Organization => rates.organization = None,
            }
        }
        assert_eq!(sources, RateSource::ALL);
    }

    proptest! {
        /// Against whole numbers: half up of units * seconds / 3600 in minor units.
        #[test]
        fn an_amount_is_exact(units in 0_i64..10_000_000_000, seconds in 0_i64..1_000_000, digits in 0_u32..5) {
            let currency: Currency = ["JPY", "JPY", "EUR", "KWD", "CLF"][digits as usize].parse().unwrap();
            let step = 10_i128.pow(4 - currency.minor_digits());
            let exact = i128::from(units) * i128::from(seconds);
            let divisor = 3600 * step;
            let expected = (exact * 2 + divisor) / (divisor * 2) * step;
            let got = amount_of_time(Amount::from_ten_thousandths(units).unwrap(), seconds, currency);
            prop_assert_eq!(got.map(|amount| i128::from(amount.ten_thousandths())), Some(expected));
        }

        #[test]
        fn nothing_panics(units in any::<i64>(), seconds in any::<i64>(), minutes in any::<i64>()) {
            let eur = "EUR".parse().unwrap();
            if let Some(rate) = Amount::from_ten_thousandths(units) {
                let _ = amount_of_time(rate, seconds, eur);
                let _ = rate.times(rate, eur);
                let _ = rate.percent(rate, eur);
            }
            for mode in RoundingMode::ALL {
                let _ = Rounding { mode: *mode, minutes }.apply(seconds);
            }
        }
    }
}
