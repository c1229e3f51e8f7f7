//! The secret that signs an endpoint's deliveries.
//!
//! `whsec_` and standard base64 of 24 random bytes. The length is divisible by three, so that there
//! is never padding, about which the Standard Webhooks libraries disagree. One text serves both
//! signatures: the Stripe shape takes the whole of it as key, Standard Webhooks the decoded part.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

pub(super) const PREFIX: &str = "whsec_";

/// How long the secret before a rotation signs beside the new one.
pub const ROTATION_OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes of key that [`WebhookSecret::parse`] takes. New ones have 24; Standard Webhooks permits up
/// to 64.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// An endpoint's secret. Does not print; memory is wiped when it is dropped.
#[derive(Debug, Clone)]
pub struct WebhookSecret {
    text: SecretString,
    key: SecretSlice<u8>,
}

/// Text that is no webhook secret. It says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `whsec_` and standard base64 of 24 to 64 bytes, a number divisible by three")]
pub struct WebhookSecretError;

impl WebhookSecret {
    /// A new secret from random bytes.
    pub fn generate(random: [u8; 24]) -> Self {
        Self {
            text: format!("{PREFIX}{}", STANDARD.encode(random)).into(),
            key: random.to_vec().into(),
        }
    }

    /// Reads a secret that was made by [`WebhookSecret::generate`] and kept.
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(WebhookSecretError)?;
        let key = STANDARD.decode(encoded).map_err(|_| WebhookSecretError)?;
        if !KEY_BYTES.contains(&key.len()) || key.len() % 3 != 0 {
            return Err(WebhookSecretError);
        }
        Ok(Self {
            text: text.into(),
            key: key.into(),
        })
    }

    /// The secret itself: for the answers to create and rotate, and to be kept sealed.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// The key of the Standard Webhooks signature.
    pub(super) fn key(&self) -> &[u8] {
        self.key.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_generated_parses_and_does_not_print() {
        let secret = WebhookSecret::generate([255; 24]);
        assert_eq!(secret.expose(), format!("whsec_{}", "/".repeat(32)));
        let parsed = WebhookSecret::parse(secret.expose()).unwrap();
        assert_eq!(parsed.key(), [255; 24]);
        let shown = format!("{parsed:?}");
        assert!(!shown.contains("//") && !shown.contains("255"), "{shown}");
    }

    #[test]
    fn what_libraries_read_in_different_ways_is_refused() {
        let good = WebhookSecret::generate([255; 24]);
        let wrong = [
            String::new(),
            "whsec_".to_owned(),
            good.expose().replace("whsec_", ""),
            good.expose().replace("whsec_", "WHSEC_"),
            // URL-safe, padded, short, with white space.
            good.expose().replace('/', "_"),
            format!("whsec_{}", STANDARD.encode([1; 25])),
            format!("whsec_{}", STANDARD.encode([1; 21])),
            format!("{}\n", good.expose()),
        ];
        for text in wrong {
            assert!(WebhookSecret::parse(&text).is_err(), "{text}");
        }
    }
}
