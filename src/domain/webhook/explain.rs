//! Why a signature does not verify, for the author of a receiver.
//!
//! A wrong signature says nothing by itself. But the sender's bytes and secret are known in form,
//! and the mistakes that receivers make are few, so each is undone in turn, and the one after which
//! the signature fits is the cause. That the body was parsed and written again is by far the most
//! frequent.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::secret::PREFIX;
use super::verify::{Family, HeaderFault};
use crate::Timestamp;

/// What was found, for each family whose headers are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The family, its age in seconds (negative when it is from the future) where it can be read,
    /// and what is wrong with it; nothing when it is good.
    pub findings: Vec<(Family, Option<i64>, Vec<Cause>)>,
}

/// One reason for which a signature does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The headers cannot be read.
    Header(HeaderFault),
    /// It was signed so many seconds ago (negative: ahead), more than is tolerated.
    Clock(i64),
    /// It fits after this was undone to the body.
    Body(BodyChange),
    /// It fits after this was undone to the secret.
    Secret(SecretChange),
    /// Nothing that is tried makes it fit.
    Mismatch,
}

/// What was done to the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyChange {
    /// White space, a line end or a byte order mark was added around it.
    Space,
    /// It was parsed as JSON and written again.
    Reserialized,
}

/// What was done to the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretChange {
    /// White space or a line end was added around it.
    Space,
    /// It stands in quotation marks.
    Quoted,
    /// `whsec_` was taken off.
    NoPrefix,
}

impl Report {
    /// Whether there is a signature and nothing is wrong with any.
    pub fn is_good(&self) -> bool {
        !self.findings.is_empty() && self.findings.iter().all(|(_, _, causes)| causes.is_empty())
    }
}

/// Verifies what a receiver got with what it holds, and finds out why it fails. `headers` are names,
/// in any case, and values; `now` is the receiver's time.
pub fn explain(
    headers: &[(String, String)],
    secret: &str,
    body: &[u8],
    now: Timestamp,
    tolerance: Duration,
) -> Report {
    let judge = |family: Family| {
        let signed = match family.read(headers)? {
            Ok(signed) => signed,
            Err(fault) => return Some((family, None, vec![Cause::Header(fault)])),
        };
        let mut causes = Vec::new();
        let age = now.unix_seconds().saturating_sub(signed.seconds);
        if age.unsigned_abs() > tolerance.as_secs() {
            causes.push(Cause::Clock(age));
        }
        causes.extend(difference(secret, body, |secret, body| {
            signed.matches(secret, body)
        }));
        Some((family, Some(age), causes))
    };
    Report {
        findings: Family::ALL.into_iter().filter_map(judge).collect(),
    }
}

/// What must be undone for the signature to fit: nothing, one change, or one of each kind.
fn difference(secret: &str, body: &[u8], fits: impl Fn(&str, &[u8]) -> bool) -> Vec<Cause> {
    // In this order the fewest changes come first.
    for (body_change, body) in bodies(body) {
        for (secret_change, secret) in secrets(secret) {
            if fits(&secret, &body) {
                let changes = [
                    body_change.map(Cause::Body),
                    secret_change.map(Cause::Secret),
                ];
                return changes.into_iter().flatten().collect();
            }
        }
    }
    vec![Cause::Mismatch]
}

fn bodies(body: &[u8]) -> Vec<(Option<BodyChange>, Cow<'_, [u8]>)> {
    let mut bodies = vec![(None, Cow::Borrowed(body))];
    let without_mark = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let trimmed = without_mark.trim_ascii();
    if trimmed.len() < body.len() {
        bodies.push((Some(BodyChange::Space), Cow::Borrowed(trimmed)));
    }
    // The sender writes no white space between tokens and escapes only what must be, as this does;
    // the order of members is kept.
    let again = serde_json::from_slice(trimmed)
        .and_then(|value: serde_json::Value| serde_json::to_vec(&value));
    if let Ok(again) = again
        && again != body
    {
        bodies.push((Some(BodyChange::Reserialized), Cow::Owned(again)));
    }
    bodies
}

fn secrets(secret: &str) -> Vec<(Option<SecretChange>, Cow<'_, str>)> {
    let mut secrets = vec![(None, Cow::Borrowed(secret))];
    let trimmed = secret.trim();
    if trimmed.len() < secret.len() {
        secrets.push((Some(SecretChange::Space), Cow::Borrowed(trimmed)));
    }
    let bare = trimmed.trim_matches(['"', '\'']);
    if bare.len() < trimmed.len() {
        secrets.push((Some(SecretChange::Quoted), Cow::Borrowed(bare)));
    }
    if !bare.starts_with(PREFIX) {
        secrets.push((
            Some(SecretChange::NoPrefix),
            Cow::Owned(format!("{PREFIX}{bare}")),
        ));
    }
    secrets
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(fault) => fault.fmt(f),
            Self::Clock(age) if *age >= 0 => write!(
                f,
                "it was signed {age} s ago: too old, or this clock is ahead; deliveries that are \
                 kept and verified later fail so"
            ),
            Self::Clock(age) => write!(
                f,
                "it was signed {} s in the future: this clock is behind",
                age.unsigned_abs()
            ),
            Self::Body(BodyChange::Space) => f.write_str(
                "the body has white space around it that the sender did not write: verify the \
                 bytes as they came",
            ),
            Self::Body(BodyChange::Reserialized) => f.write_str(
                "the body was parsed and written again: verify the bytes as they came, before any \
                 JSON middleware",
            ),
            Self::Secret(SecretChange::Space) => {
                f.write_str("the secret has white space or a line end around it: trim it")
            }
            Self::Secret(SecretChange::Quoted) => {
                f.write_str("the secret stands in quotation marks that do not belong to it")
            }
            Self::Secret(SecretChange::NoPrefix) => {
                f.write_str("the secret lacks `whsec_`: the whole text is the key, as it was shown")
            }
            Self::Mismatch => f.write_str(
                "it does not fit: this is another endpoint's secret (or one from before a rotation \
                 more than 24 hours ago), or the body was changed",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SigningSecrets, TOLERANCE, WebhookSecret};
    use super::*;

    const SIGNED_AT: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
    const BODY: &str = r#"{"id":"evt_1","data":{"name":"Zoë – 日本","total":"1250.00","n":[1,2]}}"#;

    fn secret(byte: u8) -> WebhookSecret {
        WebhookSecret::generate([byte; 24])
    }

    /// A delivery that is signed during a rotation from secret 1 to secret 2.
    fn headers() -> Vec<(String, String)> {
        let secrets = SigningSecrets {
            current: secret(2),
            previous: Some(secret(1)),
        };
        let signatures = secrets.sign("evt_1", SIGNED_AT, BODY.as_bytes());
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        signatures.headers().map(owned).to_vec()
    }

    fn report(headers: &[(String, String)], secret: &str, body: &str, age: i64) -> Report {
        let now = Timestamp::from_micros(SIGNED_AT.as_micros() + age * 1_000_000);
        explain(headers, secret, body.as_bytes(), now, TOLERANCE)
    }

    /// The causes of each family.
    fn causes(secret: &str, body: &str, age: i64) -> [Vec<Cause>; 2] {
        let report = report(&headers(), secret, body, age);
        let causes: Vec<_> = report.findings.into_iter().map(|found| found.2).collect();
        causes.try_into().unwrap()
    }

    #[test]
    fn either_secret_of_a_rotation_is_good_and_another_is_not() {
        for byte in [1, 2] {
            assert!(report(&headers(), secret(byte).expose(), BODY, 10).is_good());
        }
        assert_eq!(
            causes(secret(3).expose(), BODY, 10),
            [vec![Cause::Mismatch], vec![Cause::Mismatch]]
        );
        let altered = BODY.replace("1250.00", "9250.00");
        assert_eq!(
            causes(secret(1).expose(), &altered, 10),
            [vec![Cause::Mismatch], vec![Cause::Mismatch]]
        );
    }

    #[test]
    fn what_was_done_to_the_body_is_named() {
        let secret = secret(1);
        let both = |change| [vec![Cause::Body(change)], vec![Cause::Body(change)]];
        for body in [
            format!("{BODY}\n"),
            format!(" {BODY}"),
            format!("\u{feff}{BODY}"),
        ] {
            assert_eq!(causes(secret.expose(), &body, 0), both(BodyChange::Space));
        }
        let value: serde_json::Value = serde_json::from_str(BODY).unwrap();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        // As Python's json.dumps writes: a space after each separator, nothing but ASCII.
        let python = pretty
            .lines()
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" ")
            .replace('ë', "\\u00eb");
        for body in [pretty, python] {
            assert_eq!(
                causes(secret.expose(), &body, 0),
                both(BodyChange::Reserialized)
            );
        }
    }

    #[test]
    fn what_was_done_to_the_secret_is_named() {
        let good = secret(2).expose().to_owned();
        let both = |change| [vec![Cause::Secret(change)], vec![Cause::Secret(change)]];
        assert_eq!(
            causes(&format!("{good}\n"), BODY, 0),
            both(SecretChange::Space)
        );
        assert_eq!(
            causes(&format!("\"{good}\""), BODY, 0),
            both(SecretChange::Quoted)
        );
        let bare = good.strip_prefix("whsec_").unwrap();
        // Standard Webhooks takes the secret with or without its prefix.
        assert_eq!(
            causes(bare, BODY, 0),
            [vec![Cause::Secret(SecretChange::NoPrefix)], vec![]]
        );
        assert_eq!(
            causes(bare, &format!("{BODY}\n"), 0),
            [
                vec![
                    Cause::Body(BodyChange::Space),
                    Cause::Secret(SecretChange::NoPrefix)
                ],
                vec![Cause::Body(BodyChange::Space)]
            ]
        );
    }

    #[test]
    fn a_clock_is_wrong_from_301_seconds_on_either_way() {
        for age in [-300, 0, 300] {
            assert!(report(&headers(), secret(1).expose(), BODY, age).is_good());
        }
        for age in [-301, 301] {
            let clock = vec![Cause::Clock(age)];
            assert_eq!(
                causes(secret(1).expose(), BODY, age),
                [clock.clone(), clock]
            );
        }
    }

    #[test]
    fn headers_that_cannot_be_read_are_named() {
        let with = |changed: &str, change: &dyn Fn(&str) -> String| {
            let mut headers = headers();
            for (name, value) in &mut headers {
                if name == changed {
                    *value = change(value);
                }
            }
            let report = report(&headers, secret(1).expose(), BODY, 0);
            assert!(!report.is_good());
            let wrong = report.findings.into_iter().flat_map(|found| found.2);
            wrong.collect::<Vec<_>>()
        };
        let fault = |fault| vec![Cause::Header(fault)];
        let stripe = "hoursmith-signature";
        let standard = "webhook-signature";
        assert_eq!(
            with(stripe, &|v| v.replace(',', ", ")),
            fault(HeaderFault::Space)
        );
        assert_eq!(
            with(stripe, &str::to_uppercase),
            fault(HeaderFault::Timestamp)
        );
        assert_eq!(
            with(stripe, &|v| v
                .to_uppercase()
                .replace("T=", "t=")
                .replace("V1", "v1")),
            fault(HeaderFault::Code)
        );
        assert_eq!(
            with(stripe, &|_| String::new()),
            fault(HeaderFault::Timestamp)
        );
        assert_eq!(
            with(stripe, &|v| v.replace("t=1767225600", "t=1767225600000")),
            fault(HeaderFault::Milliseconds)
        );
        assert_eq!(
            with(stripe, &|_| "v1,6POa0ujj".into()),
            fault(HeaderFault::OtherFamily)
        );
        assert_eq!(
            with(standard, &|_| "t=1,v1=ab".into()),
            fault(HeaderFault::OtherFamily)
        );
        assert_eq!(
            with(standard, &|v| v.replace("v1,", "v2,")),
            fault(HeaderFault::Code)
        );
        assert_eq!(
            with(standard, &|v| v.replace("v1,", "v1, ")),
            fault(HeaderFault::Space)
        );
        assert_eq!(
            with("webhook-timestamp", &|_| "soon".into()),
            fault(HeaderFault::Timestamp)
        );
    }

    #[test]
    fn missing_and_repeated_headers_are_named() {
        let secret = secret(1);
        assert_eq!(report(&[], secret.expose(), BODY, 0).findings, []);
        assert!(!report(&[], secret.expose(), BODY, 0).is_good());
        let only = |names: &[&str]| {
            let kept = headers()
                .into_iter()
                .filter(|(name, _)| names.contains(&name.as_str()));
            kept.collect::<Vec<_>>()
        };
        // One family alone is enough.
        assert!(report(&only(&["hoursmith-signature"]), secret.expose(), BODY, 0).is_good());
        let without_id = only(&["webhook-timestamp", "webhook-signature"]);
        assert_eq!(
            report(&without_id, secret.expose(), BODY, 0).findings[0].2,
            [Cause::Header(HeaderFault::Missing("webhook-id"))]
        );
        let twice = [headers(), headers()].concat();
        assert_eq!(
            report(&twice, secret.expose(), BODY, 0).findings[0].2,
            [Cause::Header(HeaderFault::Repeated("hoursmith-signature"))]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read_without_a_panic(one in ".*", two in ".*", body in ".*") {
            let headers = [
                ("hoursmith-signature".to_owned(), one.clone()),
                ("webhook-id".to_owned(), two.clone()),
                ("webhook-timestamp".to_owned(), "1767225600".to_owned()),
                ("webhook-signature".to_owned(), format!("v1,{one}")),
            ];
            let _ = report(&headers, &two, &body, 0);
        }
    }
}
