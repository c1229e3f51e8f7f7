//! Amounts and currencies: exact decimals, never floats.
//!
//! An amount is a whole number of 1/10,000 of the currency's unit in an `i64`, which both stores
//! keep, compare and sum exactly. Its text is a strict grammar of its own, because decimal
//! libraries also accept `1e5`, `1_000` and `+1` and cut long fractions in silence.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Digits after the point that an amount can hold.
const SCALE: u32 = 4;

/// A decimal of up to 12 digits before and 4 after the point. The currency stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

/// Text that is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a decimal string of up to 12 digits before and 4 after the point, such as \"1250.00\""
)]
pub struct AmountError;

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// One unit.
    pub const ONE: Self = Self(10_000);

    /// A hundred: the whole, in percent.
    pub const HUNDRED: Self = Self(1_000_000);

    /// From units of 1/10,000, as stored. `None` past 12 digits before the point.
    pub fn from_ten_thousandths(units: i64) -> Option<Self> {
        (units.unsigned_abs() < 10_000_000_000_000_000).then_some(Self(units))
    }

    /// The sum of stored amounts, in units of 1/10,000: exact, and with more than 12 digits before
    /// the point if there are that many.
    pub fn of_sum(units: i64) -> Self {
        Self(units)
    }

    /// Units of 1/10,000, to store.
    pub fn ten_thousandths(self) -> i64 {
        self.0
    }

    /// The amount as a decimal, for checked arithmetic.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.0, SCALE)
    }

    /// Printed as a quantity, with no more digits after the point than it has.
    pub fn plain(self) -> String {
        self.decimal().normalize().to_string()
    }

    /// Printed with at least the currency's minor digits and at most four, exactly.
    pub fn display(self, currency: Currency) -> String {
        let minor = currency.minor_digits();
        let mut decimal = self.decimal().normalize();
        if decimal.scale() < minor {
            decimal.rescale(minor);
        }
        decimal.to_string()
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Grammar: `^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$`.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let number = |part: &str, max: usize| {
            !part.is_empty() && part.len() <= max && part.bytes().all(|b| b.is_ascii_digit())
        };
        if !number(whole, 12) || !number(fraction, 4) || (whole.len() > 1 && whole.starts_with('0'))
        {
            return Err(AmountError);
        }
        let whole: i64 = whole.parse().map_err(|_| AmountError)?;
        let fraction: i64 = format!("{fraction:0<4}").parse().map_err(|_| AmountError)?;
        let units = whole
            .checked_mul(10_000)
            .and_then(|units| units.checked_add(fraction))
            .ok_or(AmountError)?;
        Ok(Self(if text.starts_with('-') { -units } else { units }))
    }
}

/// An ISO 4217 currency in use, by its three letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Text that is no current ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an ISO 4217 currency code, such as EUR")]
pub struct CurrencyError;

impl Currency {
    /// Every code that is taken, in order of the alphabet.
    pub fn all() -> Vec<&'static str> {
        let mut codes = [TWO_DIGITS, ZERO_DIGITS, THREE_DIGITS, FOUR_DIGITS].concat();
        codes.sort_unstable();
        codes
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Digits after the point of the minor unit (ISO 4217, table A.1).
    pub fn minor_digits(self) -> u32 {
        if ZERO_DIGITS.contains(&self.as_str()) {
            0
        } else if THREE_DIGITS.contains(&self.as_str()) {
            3
        } else if FOUR_DIGITS.contains(&self.as_str()) {
            4
        } else {
            2
        }
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let known = [TWO_DIGITS, ZERO_DIGITS, THREE_DIGITS, FOUR_DIGITS];
        if !known.iter().any(|list| list.contains(&text)) {
            return Err(CurrencyError);
        }
        text.as_bytes()
            .try_into()
            .map(Self)
            .map_err(|_| CurrencyError)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

// ISO 4217 table A.1 without funds codes, precious metals and test codes.
const ZERO_DIGITS: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
];
const THREE_DIGITS: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
const FOUR_DIGITS: &[&str] = &["CLF", "UYW"];
const TWO_DIGITS: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD",
    "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP",
    "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP",
    "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS",
    "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD",
    "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN",
    "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR",
    "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE",
    "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD",
    "TWD", "TZS", "UAH", "USD", "UYU", "UZS", "VED", "VES", "WST", "XCD", "XCG", "YER", "ZAR",
    "ZMW", "ZWG",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, currency: &str) -> String {
        text.parse::<Amount>()
            .unwrap()
            .display(currency.parse().unwrap())
    }

    #[test]
    fn prints_at_least_the_minor_digits_and_keeps_the_value() {
        assert_eq!(shown("95.1250", "EUR"), "95.125");
        assert_eq!(shown("95", "EUR"), "95.00");
        assert_eq!(shown("95", "JPY"), "95");
        assert_eq!(shown("95.5", "KWD"), "95.500");
        assert_eq!(shown("-0.0001", "EUR"), "-0.0001");
        assert_eq!(shown("999999999999.9999", "EUR"), "999999999999.9999");
        assert_eq!(shown("-0", "EUR"), "0.00");
    }

    #[test]
    fn grammar_is_strict() {
        for wrong in [
            "",
            "-",
            ".5",
            "5.",
            "01",
            "00",
            "+1",
            "1e5",
            "1_000",
            "1 ",
            " 1",
            "1.00000",
            "１",
            "1000000000000",
            "NaN",
            "0x1",
            "1,5",
            "--1",
        ] {
            assert_eq!(wrong.parse::<Amount>(), Err(AmountError), "{wrong:?}");
        }
    }

    #[test]
    fn currencies_are_listed_ones_in_capitals() {
        let all = Currency::all();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
        for code in all {
            assert_eq!(code.parse::<Currency>().unwrap().as_str(), code);
        }
        for wrong in ["eur", "EURO", "", "XAU", "XTS"] {
            assert!(wrong.parse::<Currency>().is_err(), "{wrong}");
        }
    }
}
