//! Proof that an envelope comes from a part of this deployment, for this subject, unaltered.
//!
//! HMAC-SHA256 over the subject, the deadline, the head (which holds the request id and the sealed
//! caller) and the SHA-256 of the body. An envelope that was made for one subject is worth nothing
//! on another, and one whose head or body was touched is worth nothing at all. NATS permissions
//! say who may speak on a subject; the seal says that it was us. The in-process bus carries the
//! same seal, so that both ways run the same code.

use hoursmith_domain::Keys;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{Envelope, Error, ErrorKind, Subject};

/// An envelope's seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seal(pub [u8; 32]);

impl Seal {
    /// The seal that belongs on an envelope for a subject.
    pub fn of(envelope: &Envelope, subject: &Subject, keys: &Keys) -> Self {
        let body: [u8; 32] = Sha256::digest(&envelope.body).into();
        Self(keys.envelope_seal(&[
            subject.as_str().as_bytes(),
            &envelope.deadline.as_micros().to_le_bytes(),
            &envelope.head,
            &body,
        ]))
    }
}

impl Envelope {
    /// Puts the seal for `subject` on the envelope; to be done last.
    #[must_use]
    pub fn sealed(mut self, subject: &Subject, keys: &Keys) -> Self {
        self.seal = Some(Seal::of(&self, subject, keys));
        self
    }

    /// Checks the seal against the subject the envelope arrived on.
    pub fn verify(&self, subject: &Subject, keys: &Keys) -> Result<(), Error> {
        let expected = Seal::of(self, subject, keys);
        let right = self
            .seal
            .is_some_and(|seal| seal.0.ct_eq(&expected.0).into());
        if right {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Refused, "verify", subject))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoursmith_domain::{SecretKey, Timestamp};

    #[test]
    fn every_part_is_covered() {
        let keys = Keys::derive(&SecretKey::from_bytes([1; 32]));
        let subject = Subject::new("a.b").unwrap();
        let sealed =
            Envelope::new(Timestamp::from_micros(9), "head", "body").sealed(&subject, &keys);
        assert!(sealed.verify(&subject, &keys).is_ok());
        assert!(sealed.verify(&Subject::new("a.c").unwrap(), &keys).is_err());
        let altered = [
            Envelope {
                deadline: Timestamp::from_micros(10),
                ..sealed.clone()
            },
            Envelope {
                head: "heaD".into(),
                ..sealed.clone()
            },
            Envelope {
                body: "bodY".into(),
                ..sealed.clone()
            },
            Envelope {
                seal: None,
                ..sealed.clone()
            },
        ];
        for envelope in altered {
            assert_eq!(
                envelope.verify(&subject, &keys).unwrap_err().kind(),
                ErrorKind::Refused
            );
        }
        let other = Keys::derive(&SecretKey::from_bytes([2; 32]));
        assert!(sealed.verify(&subject, &other).is_err());
    }
}
