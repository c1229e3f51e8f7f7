//! Sessions of the app: the secret in a browser's cookie, and what is stored of it.
//!
//! A session is no token: it is looked up by another digest, under a key of its own, and neither is
//! worth anything where the other is asked for. RFC 6265 leaves the form of its secret to us.

crate::secret::secret! {
    /// A session's secret: 43 characters of unpadded base64url. Does not print.
    SessionSecret,
    /// The digest that a session is stored and looked up under.
    SessionDigest, session_digest
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
    use crate::{Keys, SecretKey, Token};

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
