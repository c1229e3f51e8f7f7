//! Sealed values: what the database keeps and nobody may read from it.
//!
//! XChaCha20-Poly1305: its nonce of 24 bytes may be random however many values one key seals, where
//! the 12 bytes of AES-GCM would have to be counted. A value is bound to where it is kept: moved to
//! another row or column it does not open. In front stands which key sealed it, so that a changed
//! secret key is told from a damaged value. Form: version, key id, nonce, ciphertext with its tag.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;

/// Random bytes that a value is sealed with.
pub const SEAL_NONCE_BYTES: usize = 24;

/// Seals and opens under one key. Does not print; memory is wiped when it is dropped.
pub struct Sealer {
    id: [u8; KEY_ID_BYTES],
    cipher: XChaCha20Poly1305,
}

/// Why a value does not open. It says nothing of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The operator's secret key was another one.
    #[error("the value was sealed with another secret key")]
    OtherKey,
    /// It was changed, or taken from elsewhere.
    #[error("the value is not what was sealed here")]
    Altered,
}

impl Sealer {
    pub(crate) fn new(key: [u8; 32], id: [u8; KEY_ID_BYTES]) -> Self {
        Self {
            id,
            cipher: XChaCha20Poly1305::new(&key.into()),
        }
    }

    /// Seals a value for one place. The nonce is random, and new for each value.
    pub fn seal(&self, nonce: [u8; SEAL_NONCE_BYTES], place: &[&[u8]], value: &[u8]) -> Vec<u8> {
        let aad = associated(place);
        let payload = Payload {
            msg: value,
            aad: &aad,
        };
        // The cipher refuses only values of more than 256 GiB; nothing would be kept of one.
        let sealed = self
            .cipher
            .encrypt(&nonce.into(), payload)
            .unwrap_or_default();
        [&[VERSION], self.id.as_slice(), &nonce, &sealed].concat()
    }

    /// Opens a value that was sealed for this very place.
    pub fn open(&self, place: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (version, rest) = sealed.split_first().ok_or(SealError::Altered)?;
        let (id, rest) = rest.split_first_chunk().ok_or(SealError::Altered)?;
        let (nonce, rest) = rest
            .split_first_chunk::<SEAL_NONCE_BYTES>()
            .ok_or(SealError::Altered)?;
        if *version != VERSION {
            return Err(SealError::Altered);
        }
        if *id != self.id {
            return Err(SealError::OtherKey);
        }
        let aad = associated(place);
        let payload = Payload {
            msg: rest,
            aad: &aad,
        };
        self.cipher
            .decrypt(&(*nonce).into(), payload)
            .map_err(|_| SealError::Altered)
    }
}

/// Each part after its length, so that no two places read alike.
fn associated(place: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in place {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keys, SecretKey};

    const PLACE: &[&[u8]] = &[b"organization", b"row", b"column"];

    fn keys(of: u8) -> Keys {
        Keys::derive(&SecretKey::from_bytes([of; 32]))
    }

    #[test]
    fn a_value_opens_in_its_place_alone() {
        let keys = keys(7);
        let sealer = keys.webhook_secrets();
        let sealed = sealer.seal([5; SEAL_NONCE_BYTES], PLACE, b"secret");
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(sealer.open(PLACE, &sealed).unwrap(), b"secret");
        let elsewhere: [&[&[u8]]; 3] = [
            &[b"organization", b"row", b"other"],
            &[b"organizationrow", b"", b"column"],
            &[b"organization", b"row"],
        ];
        for place in elsewhere {
            assert_eq!(sealer.open(place, &sealed), Err(SealError::Altered));
        }
    }

    #[test]
    fn other_keys_and_changed_bytes_are_told_apart() {
        let (ours, other) = (keys(7), keys(8));
        let sealed = ours
            .webhook_secrets()
            .seal([5; SEAL_NONCE_BYTES], PLACE, b"secret");
        let refused = |sealer: &Sealer| sealer.open(PLACE, &sealed).unwrap_err();
        assert_eq!(refused(other.webhook_secrets()), SealError::OtherKey);
        assert_eq!(refused(ours.answers()), SealError::OtherKey);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ours.webhook_secrets().open(PLACE, &changed).is_err());
            assert!(ours.webhook_secrets().open(PLACE, &sealed[..at]).is_err());
        }
        assert_eq!(
            format!("{:?}", ours.webhook_secrets()),
            "Sealer([redacted])"
        );
    }
}
