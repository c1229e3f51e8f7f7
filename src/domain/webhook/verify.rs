//! Reading and checking a delivery's signature, as a receiver does.
//!
//! As strict as the strictest library: what is refused here fails somewhere. Codes are compared in
//! constant time, all of them, whichever fits.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;

use super::secret::PREFIX;
use super::signature::{
    HOURSMITH_SIGNATURE, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP, standard_webhooks,
    stripe_shape,
};

/// How far a signature's time may be from the receiver's, either way: what the libraries permit.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// Codes of a header that are looked at: a rotation has two, and work must not grow with what a
/// stranger sends.
const MAX_CODES: usize = 16;

/// Seconds of the year 5138: beyond it a timestamp is in milliseconds.
const MAX_SECONDS: i64 = 100_000_000_000;

/// A way of signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `Hoursmith-Signature`, of the Stripe shape.
    Hoursmith,
    /// `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    StandardWebhooks,
}

/// Why a signature's headers cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// A header of the family is not there.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header is there more than once.
    #[error("the header {0} is there more than once")]
    Repeated(&'static str),
    /// It holds what belongs into a header of the other family.
    #[error("the header holds the value of the other family's: the two are signed differently")]
    OtherFamily,
    /// White space where the sender writes none.
    #[error("there is white space inside the header: something on the way rewrote it")]
    Space,
    /// No time, or not in digits.
    #[error("the timestamp is missing or not a number of seconds")]
    Timestamp,
    /// A time in milliseconds.
    #[error("the timestamp is in milliseconds; the sender writes seconds")]
    Milliseconds,
    /// No code of this version that can be read.
    #[error("there is no v1 signature in the form that the sender writes")]
    Code,
}

/// The signature of a delivery, read from its headers.
#[derive(Debug)]
pub(super) struct Signed<'a> {
    family: Family,
    id: &'a str,
    t: &'a str,
    /// When it was signed, in seconds since the epoch.
    pub(super) seconds: i64,
    codes: Vec<[u8; 32]>,
}

impl Family {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Hoursmith, Self::StandardWebhooks];

    /// Reads the family's headers; `None` when none of them is there.
    pub(super) fn read<'a>(
        self,
        headers: &'a [(String, String)],
    ) -> Option<Result<Signed<'a>, HeaderFault>> {
        let named = |name: &'static str| {
            headers
                .iter()
                .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
        };
        let one = |name: &'static str| {
            let mut values = named(name).map(|(_, value)| value.as_str());
            match (values.next(), values.next()) {
                (Some(value), None) => Ok(value),
                (None, _) => Err(HeaderFault::Missing(name)),
                (Some(_), Some(_)) => Err(HeaderFault::Repeated(name)),
            }
        };
        match self {
            Self::Hoursmith => {
                named(HOURSMITH_SIGNATURE).next()?;
                Some(one(HOURSMITH_SIGNATURE).and_then(hoursmith))
            }
            Self::StandardWebhooks => {
                [WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE]
                    .into_iter()
                    .find_map(|name| named(name).next())?;
                let read = || {
                    standard(
                        one(WEBHOOK_ID)?,
                        one(WEBHOOK_TIMESTAMP)?,
                        one(WEBHOOK_SIGNATURE)?,
                    )
                };
                Some(read())
            }
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hoursmith => "Hoursmith-Signature",
            Self::StandardWebhooks => "webhook-signature",
        })
    }
}

impl Signed<'_> {
    /// Whether one of the codes is that of these bytes under this secret.
    pub(super) fn matches(&self, secret: &str, body: &[u8]) -> bool {
        let code = match self.family {
            Family::Hoursmith => stripe_shape(secret.as_bytes(), self.t, body),
            Family::StandardWebhooks => {
                let encoded = secret.strip_prefix(PREFIX).unwrap_or(secret);
                let Ok(key) = STANDARD.decode(encoded) else {
                    return false;
                };
                standard_webhooks(&key, self.id, self.t, body)
            }
        };
        let fits = self
            .codes
            .iter()
            .fold(subtle::Choice::from(0), |fits, known| {
                fits | known.ct_eq(&code)
            });
        fits.into()
    }
}

/// `t=1767225600,v1=<hex>,v1=<hex>`; other keys are passed by.
fn hoursmith(value: &str) -> Result<Signed<'_>, HeaderFault> {
    if value.starts_with("v1,") {
        return Err(HeaderFault::OtherFamily);
    }
    if value.contains(char::is_whitespace) {
        return Err(HeaderFault::Space);
    }
    let of = |key: &'static str| {
        value
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .filter(move |(known, _)| *known == key)
            .map(|(_, value)| value)
    };
    let t = of("t").next().ok_or(HeaderFault::Timestamp)?;
    Ok(Signed {
        family: Family::Hoursmith,
        id: "",
        t,
        seconds: seconds(t)?,
        codes: some_codes(of("v1").filter_map(unhex))?,
    })
}

/// `v1,<base64> v1,<base64>` beside its id and time; other versions are passed by.
fn standard<'a>(id: &'a str, t: &'a str, value: &'a str) -> Result<Signed<'a>, HeaderFault> {
    if value.starts_with("t=") {
        return Err(HeaderFault::OtherFamily);
    }
    if value.contains(", ")
        || [id, t]
            .iter()
            .any(|part| part.contains(char::is_whitespace))
    {
        return Err(HeaderFault::Space);
    }
    let codes = value.split(' ').filter_map(|code| {
        STANDARD
            .decode(code.strip_prefix("v1,")?)
            .ok()?
            .try_into()
            .ok()
    });
    Ok(Signed {
        family: Family::StandardWebhooks,
        id,
        t,
        seconds: seconds(t)?,
        codes: some_codes(codes)?,
    })
}

fn some_codes(codes: impl Iterator<Item = [u8; 32]>) -> Result<Vec<[u8; 32]>, HeaderFault> {
    let codes: Vec<_> = codes.take(MAX_CODES).collect();
    if codes.is_empty() {
        return Err(HeaderFault::Code);
    }
    Ok(codes)
}

fn seconds(t: &str) -> Result<i64, HeaderFault> {
    if t.is_empty() || !t.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HeaderFault::Timestamp);
    }
    match t.parse() {
        Ok(seconds) if seconds < MAX_SECONDS => Ok(seconds),
        _ => Err(HeaderFault::Milliseconds),
    }
}

/// 32 bytes from 64 hex digits in lower case, the only form that every library takes.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect();
    bytes.filter(|_| rest.is_empty())?.try_into().ok()
}
