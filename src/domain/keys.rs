//! The secret key and what is derived from it.
//!
//! One secret of 32 bytes is kept by the operator (a file in the data folder, or a setting);
//! each purpose gets a key of its own by HKDF-SHA256 (RFC 5869) with the purpose as `info`, so
//! that a value made for one purpose proves nothing for another.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::seal::Sealer;

/// The operator's secret, 32 bytes, written as standard base64. Does not print.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// A key from 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads standard base64 of exactly 32 bytes; surrounding white space is ignored. `None`
    /// otherwise: the caller knows which setting or file it came from and says so.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// The base64 form, for the key file alone.
    pub fn expose(&self) -> String {
        STANDARD.encode(self.0)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([redacted])")
    }
}

/// A keyed hash state, prepared once: cloning it saves the two key blocks of HMAC.
type Prepared = Hmac<Sha256>;

/// The derived keys of one deployment. Does not print. Clones share them.
#[derive(Clone)]
pub struct Keys(Arc<Derived>);

struct Derived {
    /// Tells keys of one secret from those of another.
    fingerprint: [u8; 32],
    token: Prepared,
    caller: Prepared,
    envelope: Prepared,
    cursor: Prepared,
    webhook_secrets: Sealer,
    answers: Sealer,
    session: Prepared,
    invitation: Prepared,
}

impl Keys {
    /// Derives every key. Pure and cheap; done once a process.
    pub fn derive(secret: &SecretKey) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(b"hoursmith/v1"), &secret.0);
        let key = |purpose: &str| {
            let mut key = [0u8; 32];
            // HKDF refuses only outputs over 255 hash lengths; 32 bytes are one.
            let _ = hkdf.expand(purpose.as_bytes(), &mut key);
            key
        };
        let prepared = |purpose: &str| {
            // The fixed-size constructor takes a whole block, which cannot be refused.
            let mut block = [0u8; 64];
            for (to, from) in block.iter_mut().zip(key(purpose)) {
                *to = from;
            }
            Prepared::new(&block.into())
        };
        let sealer = |purpose: &str, id: &str| {
            let [a, b, c, d, ..] = key(id);
            Sealer::new(key(purpose), [a, b, c, d])
        };
        Self(Arc::new(Derived {
            fingerprint: key("fingerprint"),
            token: prepared("token digest"),
            caller: prepared("caller seal"),
            envelope: prepared("envelope seal"),
            cursor: prepared("list cursor"),
            webhook_secrets: sealer("webhook secret", "webhook secret key id"),
            answers: sealer("kept answer", "kept answer key id"),
            session: prepared("session digest"),
            invitation: prepared("invitation digest"),
        }))
    }

    /// Whether both come from one secret.
    pub fn are(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.fingerprint.ct_eq(&other.0.fingerprint).into()
    }

    /// Digest under which a token is stored and looked up.
    pub(crate) fn token_digest(&self, token: &[u8]) -> [u8; 32] {
        mac(&self.0.token, &[token])
    }

    /// Digest under which a session is stored and looked up.
    pub(crate) fn session_digest(&self, secret: &[u8]) -> [u8; 32] {
        mac(&self.0.session, &[secret])
    }

    /// Digest under which an invitation is stored and looked up.
    pub(crate) fn invitation_digest(&self, secret: &[u8]) -> [u8; 32] {
        mac(&self.0.invitation, &[secret])
    }

    /// Seal of a caller, see [`crate::SealedCaller`].
    pub(crate) fn caller_seal(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.0.caller, parts)
    }

    /// Seal of a bus envelope over its parts, each preceded by its length so that no two lists of
    /// parts give one seal.
    pub fn envelope_seal(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.0.envelope, parts)
    }

    /// Seal of a list cursor, see [`crate::Cursor`].
    pub(crate) fn cursor_seal(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.0.cursor, parts)
    }

    /// What seals the secrets of webhook endpoints.
    pub fn webhook_secrets(&self) -> &Sealer {
        &self.0.webhook_secrets
    }

    /// What seals answers that hold a secret, while they are kept to be repeated.
    pub fn answers(&self) -> &Sealer {
        &self.0.answers
    }
}

fn mac(prepared: &Prepared, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = prepared.clone();
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_part_boundaries_separate() {
        let keys = Keys::derive(&SecretKey::from_bytes([7; 32]));
        assert_ne!(
            keys.envelope_seal(&[b"ab", b"c"]),
            keys.envelope_seal(&[b"a", b"bc"])
        );
        assert_ne!(keys.envelope_seal(&[b"x"]), keys.caller_seal(&[b"x"]));
        let other = Keys::derive(&SecretKey::from_bytes([8; 32]));
        assert_ne!(keys.envelope_seal(&[b"x"]), other.envelope_seal(&[b"x"]));
        assert!(!keys.are(&other));
        assert!(keys.are(&Keys::derive(&SecretKey::from_bytes([7; 32]))));
    }

    #[test]
    fn secrets_do_not_print() {
        let secret = SecretKey::from_bytes([7; 32]);
        assert_eq!(format!("{secret:?}"), "SecretKey([redacted])");
        assert_eq!(format!("{:?}", Keys::derive(&secret)), "Keys([redacted])");
        assert_eq!(SecretKey::parse(&secret.expose()).unwrap().0, [7; 32]);
        assert!(SecretKey::parse("c2hvcnQ=").is_none());
    }
}
