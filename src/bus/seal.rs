//! Proof that an envelope comes from a part of this deployment, for this subject, unaltered.
//!
//! HMAC-SHA256 over the subject, the deadline, the head (which holds the request id and the sealed
//! caller) and the SHA-256 of the body. An envelope that was made for one subject is worth nothing
//! on another, and one whose head or body was touched is worth nothing at all. NATS permissions
//! say who may speak on a subject; the seal says that it was us. The in-process bus carries the
//! same seal, so that both ways run the same code.
//!
//! Answers are sealed as well, over the question's seal too: whoever joins a queue group gets
//! questions, but cannot answer them, neither with words of its own nor with the answer to another.

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

    /// The seal that belongs on the answer to a question on a subject. Its first part keeps it
    /// apart from the seals of questions.
    fn of_answer(answer: &Envelope, subject: &Subject, question: &Envelope, keys: &Keys) -> Self {
        let body: [u8; 32] = Sha256::digest(&answer.body).into();
        let asked = question.seal.as_ref().map_or(&[] as &[u8], |seal| &seal.0);
        Self(keys.envelope_seal(&[
            b"answer",
            subject.as_str().as_bytes(),
            asked,
            &answer.deadline.as_micros().to_le_bytes(),
            &answer.head,
            &body,
        ]))
    }

    fn is(given: Option<Self>, expected: &Self) -> bool {
        given.is_some_and(|seal| seal.0.ct_eq(&expected.0).into())
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
        if Seal::is(self.seal, &Seal::of(self, subject, keys)) {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Refused, "verify", subject))
        }
    }

    /// Puts the seal of the answer to `question`, which came on `subject`, on the envelope; to be
    /// done last.
    #[must_use]
    pub fn sealed_answer(mut self, subject: &Subject, question: &Self, keys: &Keys) -> Self {
        self.seal = Some(Seal::of_answer(&self, subject, question, keys));
        self
    }

    /// Checks that this answers `question`, as it was sent on `subject`, and comes from us.
    pub fn verify_answer(
        &self,
        subject: &Subject,
        question: &Self,
        keys: &Keys,
    ) -> Result<(), Error> {
        let expected = Seal::of_answer(self, subject, question, keys);
        if Seal::is(self.seal, &expected) {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::Refused,
                "verify the answer of",
                subject,
            ))
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
            let error = answer
                .verify_answer(&subject, &question, &keys)
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
        }
    }
}
