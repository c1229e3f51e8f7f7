//! The headers that sign a delivery, in two families from one secret.
//!
//! `Hoursmith-Signature` has the shape that Stripe's libraries verify: HMAC-SHA256 of `t.body` under
//! the whole secret text. `webhook-*` is Standard Webhooks 1.0: HMAC-SHA256 of `id.t.body` under the
//! decoded secret. What the strictest of their libraries refuse is never written: no space after a
//! comma, no upper-case hex, no milliseconds, no `=` inside a value of the first header.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::WebhookSecret;
use crate::Timestamp;

/// Header of the Stripe shape.
pub(super) const HOURSMITH_SIGNATURE: &str = "hoursmith-signature";
/// Headers of Standard Webhooks.
pub(super) const WEBHOOK_ID: &str = "webhook-id";
pub(super) const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
pub(super) const WEBHOOK_SIGNATURE: &str = "webhook-signature";

/// The secrets that sign now: one, or two for [`super::ROTATION_OVERLAP`] after a rotation.
#[derive(Debug, Clone)]
pub struct SigningSecrets {
    /// Signs first.
    pub current: WebhookSecret,
    /// The one before, which receivers may still hold.
    pub previous: Option<WebhookSecret>,
}

/// The four headers of one attempt. They hold for the exact bytes that were signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    hoursmith_signature: String,
    webhook_id: String,
    webhook_timestamp: String,
    webhook_signature: String,
}

impl SigningSecrets {
    /// Signs a body at the moment of sending; each attempt signs anew, since receivers refuse old
    /// timestamps. `id` is the event's, the same at every attempt.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> Signatures {
        let t = at.unix_seconds().to_string();
        let mut hoursmith_signature = format!("t={t}");
        let mut webhook_signature = String::new();
        for secret in std::iter::once(&self.current).chain(&self.previous) {
            let hex = hex(&stripe_shape(secret.expose().as_bytes(), &t, body));
            // Writing to a string cannot fail.
            let _ = write!(hoursmith_signature, ",v1={hex}");
            let space = if webhook_signature.is_empty() {
                ""
            } else {
                " "
            };
            let code = STANDARD.encode(standard_webhooks(secret.key(), id, &t, body));
            let _ = write!(webhook_signature, "{space}v1,{code}");
        }
        Signatures {
            hoursmith_signature,
            webhook_id: id.to_owned(),
            webhook_timestamp: t,
            webhook_signature,
        }
    }
}

impl Signatures {
    /// Names, in lower case, and values.
    pub fn headers(&self) -> [(&'static str, &str); 4] {
        [
            (HOURSMITH_SIGNATURE, &self.hoursmith_signature),
            (WEBHOOK_ID, &self.webhook_id),
            (WEBHOOK_TIMESTAMP, &self.webhook_timestamp),
            (WEBHOOK_SIGNATURE, &self.webhook_signature),
        ]
    }
}

/// The code of `Hoursmith-Signature`, in 32 bytes.
pub(super) fn stripe_shape(key: &[u8], t: &str, body: &[u8]) -> [u8; 32] {
    hmac(key, &[t.as_bytes(), b".", body])
}

/// The code of `webhook-signature`, in 32 bytes.
pub(super) fn standard_webhooks(key: &[u8], id: &str, t: &str, body: &[u8]) -> [u8; 32] {
    hmac(key, &[id.as_bytes(), b".", t.as_bytes(), b".", body])
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length; the constructor's error is for other codes.
    let Ok(mut code) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    for part in parts {
        code.update(part);
    }
    code.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors that the unmodified libraries accepted.
    fn vectors() -> serde_json::Value {
        serde_json::from_str(include_str!(
            "../../../tests/contract/signature-vectors.json"
        ))
        .unwrap()
    }

    #[test]
    fn the_vectors_hold() {
        let vectors = vectors();
        let text = |name: &str| vectors[name].as_str().unwrap();
        let secret = |name: &str| WebhookSecret::parse(text(name)).unwrap();
        let at = Timestamp::from_micros(vectors["timestamp"].as_i64().unwrap() * 1_000_000);
        let sign = |current, previous: Option<&'static str>| {
            SigningSecrets {
                current: secret(current),
                previous: previous.map(&secret),
            }
            .sign(text("event_id"), at, text("body").as_bytes())
        };
        let one = sign("secret_a", None);
        let two = sign("secret_b", Some("secret_a"));
        assert_eq!(
            one.headers(),
            [
                ("hoursmith-signature", text("hoursmith_signature_one_key")),
                ("webhook-id", text("event_id")),
                ("webhook-timestamp", "1767225600"),
                ("webhook-signature", text("webhook_signature_a")),
            ]
        );
        assert_eq!(
            two.hoursmith_signature,
            text("hoursmith_signature_rotation_b_then_a")
        );
        assert_eq!(two.webhook_signature, text("webhook_signature_b_then_a"));
    }
}
