//! Proof that an envelope comes from a part of this deployment, for this subject, unaltered.
//!
//! Between processes it is HMAC-SHA256 over the subject, the deadline, the head (which holds the
//! request id and the sealed caller) and the SHA-256 of the body. An envelope that was made for one
//! subject is worth nothing on another, and one whose head or body was touched is worth nothing at
//! all. NATS permissions say who may speak on a subject; the seal says that it was us.
//!
//! Within a process the seal is a witness: it holds what was sealed and the keys it was sealed
//! under, and is good for an envelope that still has these very parts. Nobody makes one without the
//! keys, since its fields are private; so what is forged or altered is refused in one process as
//! between two, without a hash. The witness becomes an HMAC, over what it holds, when it leaves the
//! process.
//!
//! Answers are sealed as well, over the question's seal too: whoever joins a queue group gets
//! questions, but cannot answer them, neither with words of its own nor with the answer to another.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hoursmith_domain::{Keys, Timestamp};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::content::{Content, are_same};
use crate::{Envelope, Error, ErrorKind, Subject};

/// An envelope's seal. Cheap to clone.
#[derive(Clone)]
pub struct Seal(Proof);

#[derive(Clone)]
enum Proof {
    Mac([u8; 32]),
    Witness(Arc<Witness>),
}

/// What was sealed, and under which keys.
struct Witness {
    keys: Keys,
    purpose: Purpose,
    subject: Subject,
    deadline: Timestamp,
    head: Content,
    body: Bytes,
    /// The head's bytes and the HMAC, once somebody outside wanted them.
    written: OnceLock<(Bytes, [u8; 32])>,
}

/// What the envelope is for.
#[derive(Clone)]
enum Purpose {
    /// To ask or to tell.
    Ask,
    /// To answer the question with this seal.
    Answer(Option<Seal>),
}

impl Seal {
    /// A seal that came from another process.
    pub fn from_bytes(mac: [u8; 32]) -> Self {
        Self(Proof::Mac(mac))
    }

    /// The seal as another process can check it.
    pub fn to_bytes(&self) -> [u8; 32] {
        match &self.0 {
            Proof::Mac(mac) => *mac,
            Proof::Witness(witness) => witness.written().1,
        }
    }

    /// The bytes of a head, which the seal has already if it is the head that was sealed.
    pub(crate) fn written(&self, head: Content) -> Content {
        match &self.0 {
            Proof::Witness(witness) if witness.head.is(&head) => witness.written().0.clone().into(),
            _ => head,
        }
    }

    fn of(envelope: &Envelope, subject: &Subject, purpose: Purpose, keys: &Keys) -> Self {
        Self(Proof::Witness(Arc::new(Witness {
            keys: keys.clone(),
            purpose,
            subject: subject.clone(),
            deadline: envelope.deadline,
            head: envelope.head.clone(),
            body: envelope.body.clone(),
            written: OnceLock::new(),
        })))
    }

    /// Whether this is the seal that belongs on the envelope.
    fn is_on(&self, envelope: &Envelope, subject: &Subject, purpose: Purpose, keys: &Keys) -> bool {
        match &self.0 {
            Proof::Mac(mac) => {
                let head = envelope.head.bytes();
                let expected = hmac(
                    keys,
                    &purpose,
                    subject,
                    envelope.deadline,
                    &head,
                    &envelope.body,
                );
                mac.ct_eq(&expected).into()
            }
            Proof::Witness(witness) => {
                witness.keys.are(keys)
                    && witness.purpose.is(&purpose)
                    && witness.subject == *subject
                    && witness.deadline == envelope.deadline
                    && witness.head.is(&envelope.head)
                    && are_same(&witness.body, &envelope.body)
            }
        }
    }
}

impl Witness {
    fn written(&self) -> &(Bytes, [u8; 32]) {
        self.written.get_or_init(|| {
            let head = self.head.bytes();
            let mac = hmac(
                &self.keys,
                &self.purpose,
                &self.subject,
                self.deadline,
                &head,
                &self.body,
            );
            (head, mac)
        })
    }
}

impl Purpose {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ask, Self::Ask) => true,
            (Self::Answer(ours), Self::Answer(theirs)) => ours == theirs,
            (Self::Ask, Self::Answer(_)) | (Self::Answer(_), Self::Ask) => false,
        }
    }
}

/// The first part keeps seals of answers apart from those of questions.
fn hmac(
    keys: &Keys,
    purpose: &Purpose,
    subject: &Subject,
    deadline: Timestamp,
    head: &[u8],
    body: &[u8],
) -> [u8; 32] {
    let body: [u8; 32] = Sha256::digest(body).into();
    let subject = subject.as_str().as_bytes();
    let deadline = deadline.as_micros().to_le_bytes();
    match purpose {
        Purpose::Ask => keys.envelope_seal(&[subject, &deadline, head, &body]),
        Purpose::Answer(None) => {
            keys.envelope_seal(&[b"answer", subject, &[], &deadline, head, &body])
        }
        Purpose::Answer(Some(asked)) => {
            let asked = asked.to_bytes();
            keys.envelope_seal(&[b"answer", subject, &asked, &deadline, head, &body])
        }
    }
}

impl Envelope {
    /// Puts the seal for `subject` on the envelope; to be done last.
    #[must_use]
    pub fn sealed(mut self, subject: &Subject, keys: &Keys) -> Self {
        self.seal = Some(Seal::of(&self, subject, Purpose::Ask, keys));
        self
    }

    /// Checks the seal against the subject the envelope arrived on.
    pub fn verify(&self, subject: &Subject, keys: &Keys) -> Result<(), Error> {
        self.check(subject, Purpose::Ask, keys, "verify")
    }

    /// Puts the seal of the answer to `question`, which came on `subject`, on the envelope; to be
    /// done last.
    #[must_use]
    pub fn sealed_answer(mut self, subject: &Subject, question: &Self, keys: &Keys) -> Self {
        let purpose = Purpose::Answer(question.seal.clone());
        self.seal = Some(Seal::of(&self, subject, purpose, keys));
        self
    }

    /// Checks that this answers `question`, as it was sent on `subject`, and comes from us.
    pub fn verify_answer(
        &self,
        subject: &Subject,
        question: &Self,
        keys: &Keys,
    ) -> Result<(), Error> {
        let purpose = Purpose::Answer(question.seal.clone());
        self.check(subject, purpose, keys, "verify the answer of")
    }

    fn check(
        &self,
        subject: &Subject,
        purpose: Purpose,
        keys: &Keys,
        operation: &'static str,
    ) -> Result<(), Error> {
        match &self.seal {
            Some(seal) if seal.is_on(self, subject, purpose, keys) => Ok(()),
            _ => Err(Error::new(ErrorKind::Refused, operation, subject)),
        }
    }
}

impl PartialEq for Seal {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Proof::Witness(ours), Proof::Witness(theirs)) if Arc::ptr_eq(ours, theirs) => true,
            _ => self.to_bytes().ct_eq(&other.to_bytes()).into(),
        }
    }
}

impl Eq for Seal {}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Proof::Mac(_) => "Seal(from elsewhere)",
            Proof::Witness(_) => "Seal(of this process)",
        })
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
        for sealed in [sealed.clone(), sealed.written()] {
            every_part_of(sealed, &subject, &keys);
        }
    }

    fn every_part_of(sealed: Envelope, subject: &Subject, keys: &Keys) {
        assert!(sealed.verify(subject, keys).is_ok());
        assert!(sealed.verify(&Subject::new("a.c").unwrap(), keys).is_err());
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
        // Nor does it become good on its way out of the process.
        for envelope in altered {
            for envelope in [envelope.clone(), envelope.written()] {
                assert_eq!(
                    envelope.verify(subject, keys).unwrap_err().kind(),
                    ErrorKind::Refused
                );
            }
        }
        let other = Keys::derive(&SecretKey::from_bytes([2; 32]));
        assert!(sealed.verify(subject, &other).is_err());
    }

    #[test]
    fn an_answer_is_to_one_question() {
        let keys = Keys::derive(&SecretKey::from_bytes([1; 32]));
        let subject = Subject::new("a.b").unwrap();
        let ask = |body: &'static str| {
            Envelope::new(Timestamp::from_micros(9), "head", body).sealed(&subject, &keys)
        };
        let (question, another) = (ask("1"), ask("2"));
        let bare = Envelope::new(question.deadline, "verdict", "body");
        let answer = bare.clone().sealed_answer(&subject, &question, &keys);
        assert!(answer.verify_answer(&subject, &question, &keys).is_ok());
        let arrived = question.clone().written();
        assert!(answer.verify_answer(&subject, &arrived, &keys).is_ok());
        let returned = bare
            .clone()
            .sealed_answer(&subject, &arrived, &keys)
            .written();
        assert!(returned.verify_answer(&subject, &question, &keys).is_ok());
        assert!(returned.verify_answer(&subject, &another, &keys).is_err());

        let elsewhere = Subject::new("a.c").unwrap();
        let other = Keys::derive(&SecretKey::from_bytes([2; 32]));
        assert!(answer.verify_answer(&subject, &another, &keys).is_err());
        assert!(answer.verify_answer(&elsewhere, &question, &keys).is_err());
        assert!(answer.verify_answer(&subject, &question, &other).is_err());
        assert!(answer.verify(&subject, &keys).is_err(), "no question");
        let forged = [
            bare.clone(),
            // A question's seal is no answer's: what was asked cannot be sent back.
            bare.sealed(&subject, &keys),
            question.clone(),
            Envelope {
                head: "Verdict".into(),
                ..answer.clone()
            },
            Envelope {
                body: "Body".into(),
                ..answer.clone()
            },
            Envelope {
                deadline: Timestamp::from_micros(10),
                ..answer
            },
        ];
        for answer in forged {
            for answer in [answer.clone(), answer.written()] {
                let error = answer
                    .verify_answer(&subject, &question, &keys)
                    .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Refused);
            }
        }
    }
}
