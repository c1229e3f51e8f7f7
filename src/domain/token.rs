//! API tokens: `hsk_live_`, 32 base62 digits of randomness (190 bits), 6 base62 digits of CRC-32.
//!
//! The checksum lets anyone tell a token from noise without asking the database (secret scanners,
//! and the gateway for malformed ones). Stored is a keyed SHA-256; the text is shown once.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Keys;

const PREFIX: &str = "hsk_live_";
const RANDOM_DIGITS: usize = 32;
const CHECK_DIGITS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A well-formed token. Does not print; [`Token::expose`] is for the one answer that shows it.
#[derive(Clone)]
pub struct Token(String);

/// Text that cannot be a token: wrong prefix, length, alphabet or checksum. It says no more, so
/// that an answer built from it cannot either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed API token")]
pub struct TokenError;

/// What a token is stored and looked up by: HMAC-SHA256 under the deployment's key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenDigest(#[serde(with = "crate::bytes32")] pub [u8; 32]);

impl Token {
    /// A token from random bytes. 64 of them, because a digit takes one byte below 248 (uniform
    /// over 62) and rejects the rest; should fewer than 32 remain (odds under 10^-30), the hash of
    /// the input supplies more.
    pub fn generate(random: [u8; 64]) -> Self {
        let mut digits = String::with_capacity(RANDOM_DIGITS);
        let mut pool = random.to_vec();
        loop {
            for byte in pool.iter().filter(|byte| **byte < 248) {
                if digits.len() == RANDOM_DIGITS {
                    let check = checksum(&digits);
                    return Self(format!("{PREFIX}{digits}{check}"));
                }
                digits.push(digit(u32::from(*byte) % 62));
            }
            pool = Sha256::digest(&pool).to_vec();
        }
    }

    /// Checks prefix, length, alphabet and checksum. Needs no database.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let digits = text.strip_prefix(PREFIX).ok_or(TokenError)?;
        if digits.len() != RANDOM_DIGITS + CHECK_DIGITS
            || !digits.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            return Err(TokenError);
        }
        let (random, check) = digits.split_at_checked(RANDOM_DIGITS).ok_or(TokenError)?;
        if checksum(random) != check {
            return Err(TokenError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The digest to store or to look up.
    pub fn digest(&self, keys: &Keys) -> TokenDigest {
        TokenDigest(keys.token_digest(self.0.as_bytes()))
    }

    /// The last four characters, which lists show.
    pub fn last_four(&self) -> &str {
        self.0.get(self.0.len() - 4..).unwrap_or_default()
    }

    /// The secret itself: for the answer to minting, nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest([redacted])")
    }
}

fn digit(value: u32) -> char {
    char::from(BASE62.get(value as usize).copied().unwrap_or(b'0'))
}

fn checksum(digits: &str) -> String {
    let mut rest = crc32fast::hash(digits.as_bytes());
    let mut check = ['0'; CHECK_DIGITS];
    for place in check.iter_mut().rev() {
        *place = digit(rest % 62);
        rest /= 62;
    }
    check.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretKey;

    #[test]
    fn what_is_generated_parses_and_one_changed_character_does_not() {
        let token = Token::generate(std::array::from_fn(|i| (i as u8).wrapping_mul(37)));
        let text = token.expose();
        assert_eq!(text.len(), 9 + 32 + 6);
        assert_eq!(Token::parse(text).unwrap().expose(), text);
        for at in PREFIX.len()..text.len() {
            let mut other: Vec<u8> = text.bytes().collect();
            other[at] = if other[at] == b'x' { b'y' } else { b'x' };
            assert!(
                Token::parse(std::str::from_utf8(&other).unwrap()).is_err(),
                "at {at}"
            );
        }
        for wrong in [
            "",
            "hsk_live_",
            &text[1..],
            &format!("{text}0"),
            "hsk_live_ü",
        ] {
            assert!(Token::parse(wrong).is_err());
        }
    }

    #[test]
    fn rejected_bytes_do_not_shorten_a_token() {
        let token = Token::generate([255; 64]);
        assert!(Token::parse(token.expose()).is_ok());
    }

    #[test]
    fn digest_depends_on_the_key() {
        let token = Token::generate([1; 64]);
        let digest = |byte| token.digest(&Keys::derive(&SecretKey::from_bytes([byte; 32])));
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
        assert_eq!(
            format!("{token:?} {:?}", digest(1)),
            "Token([redacted]) TokenDigest([redacted])"
        );
    }
}
