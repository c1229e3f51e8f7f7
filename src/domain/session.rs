//! Sessions of the app: the secret in a browser's cookie, and what is stored of it.
//!
//! 256 random bits, so that a keyed hash is enough (RFC 6265 leaves the form to us). A session is
//! no token: it is looked up by another digest, under a key of its own, and neither is worth
//! anything where the other is asked for.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::Keys;

/// A session's secret: 43 characters of unpadded base64url. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSecret(String);

/// The digest that a session is stored and looked up under.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDigest(#[serde(with = "crate::bytes32")] pub [u8; 32]);

impl SessionSecret {
    /// A secret of 32 random bytes.
    pub fn generate(random: [u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// Reads a cookie's value. `None` when it cannot be one of ours, so that it costs no query.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// The digest to store or to look up.
    pub fn digest(&self, keys: &Keys) -> SessionDigest {
        SessionDigest(keys.session_digest(self.0.as_bytes()))
    }

    /// The secret itself: for the cookie, nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret([redacted])")
    }
}

impl fmt::Debug for SessionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionDigest([redacted])")
    }
}

/// The cookie's name. `__Host-` makes browsers refuse it unless it is secure, of this very host and
/// of every path (RFC 6265bis, section 4.1.3.2); it needs https, which a trial on one's own machine
/// has not.
pub fn session_cookie(public_url: &str) -> &'static str {
    if public_url.starts_with("https://") {
        "__Host-hoursmith_session"
    } else {
        "hoursmith_session"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SecretKey, Token};

    #[test]
    fn a_secret_reads_back_and_what_is_none_costs_nothing() {
        let secret = SessionSecret::generate([7; 32]);
        assert_eq!(SessionSecret::parse(secret.expose()), Some(secret.clone()));
        let token = Token::generate([7; 64]);
        for wrong in ["", "a", "=", token.expose(), &secret.expose()[1..]] {
            assert!(SessionSecret::parse(wrong).is_none(), "{wrong}");
        }
        let keys = Keys::derive(&SecretKey::from_bytes([1; 32]));
        let printed = format!("{secret:?} {:?}", secret.digest(&keys));
        assert_eq!(
            printed,
            "SessionSecret([redacted]) SessionDigest([redacted])"
        );
    }
}
