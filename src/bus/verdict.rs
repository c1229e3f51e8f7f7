//! What a stage answers: go on, with additions, or the response itself.

use bytes::Bytes;
use hoursmith_domain::{Problem, SealedCaller};
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::{Envelope, Error, ErrorKind, IdempotencyTicket, Subject};

/// A stage's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The next stage may be asked.
    Continue(Additions),
    /// The chain ends with this response.
    Respond(Response),
    /// The chain ends with this problem; the gateway gives it its form.
    Refuse(Problem),
}

/// What a gate adds to the request or to its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Additions {
    /// The caller, from token-auth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<SealedCaller>,
    /// Permission to record the answer, from the idempotency gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<IdempotencyTicket>,
    /// Headers for the answer, whatever it will be; from the rate-limiter alone, whose other
    /// answers are refusals. Names in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

/// An HTTP response, before the gateway adds what every answer carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
}

/// The head of an answering envelope; the response's body is the envelope's. The verdict's name is
/// outside, since serde reads what names itself from within twice.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wire {
    Continue(Additions),
    Respond {
        status: u16,
        headers: Vec<(String, String)>,
    },
    Refuse(Problem),
}

impl Response {
    /// A JSON response.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.into(),
        }
    }

    /// A response without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Adds a header; the name in lower case.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl Verdict {
    /// The envelope that answers `request`.
    pub fn into_envelope(self, request: &Envelope) -> Envelope {
        let (wire, body) = match self {
            Self::Continue(additions) => (Wire::Continue(additions), Bytes::new()),
            Self::Refuse(problem) => (Wire::Refuse(problem), Bytes::new()),
            Self::Respond(Response {
                status,
                headers,
                body,
            }) => (Wire::Respond { status, headers }, body),
        };
        Envelope::new(request.deadline, Content::answering(wire), body)
    }

    /// Reads the envelope that `subject` answered.
    pub fn from_envelope(envelope: Envelope, subject: &Subject) -> Result<Self, Error> {
        // The seal holds on to the head, which is then ours alone and need not be copied.
        drop(envelope.seal);
        let wire = envelope.head.answer().map_err(|source| {
            Error::new(ErrorKind::Refused, "read the verdict of", subject).with_source(source)
        })?;
        Ok(match wire {
            Wire::Continue(additions) => Self::Continue(additions),
            Wire::Refuse(problem) => Self::Refuse(problem),
            Wire::Respond { status, headers } => Self::Respond(Response {
                status,
                headers,
                body: envelope.body,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoursmith_domain::{Code, FieldError, Timestamp};

    #[test]
    fn each_verdict_survives_the_wire() {
        let subject = Subject::new("a").unwrap();
        let request = Envelope::new(Timestamp::from_micros(1), "", "");
        let problem = Problem::new(Code::Conflict, "taken")
            .with_error(FieldError::pointer("#/name", "taken", "is taken"))
            .with_member("upgrade_url", "x")
            .with_header("retry-after", "1");
        let response = Response::json(201, r#"{"a":1}"#).with_header("etag", "\"1\"");
        let additions = Additions {
            headers: vec![("x".into(), "y".into())],
            ..Additions::default()
        };
        for verdict in [
            Verdict::Refuse(problem),
            Verdict::Respond(response),
            Verdict::Continue(additions),
        ] {
            let envelope = verdict.clone().into_envelope(&request);
            let written = envelope.clone().written();
            assert_eq!(envelope, written);
            for envelope in [envelope, written] {
                assert_eq!(Verdict::from_envelope(envelope, &subject).unwrap(), verdict);
            }
        }
        assert!(Verdict::from_envelope(request, &subject).is_err());
    }
}
