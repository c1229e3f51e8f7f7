//! What travels: a deadline, a trace, a head for the machinery and a body for the addressee.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hoursmith_domain::Timestamp;

use crate::{Content, Head, Now, Seal};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The instant after which nobody waits for this any more and nobody may act on it.
    pub deadline: Timestamp,
    /// The span that sent it (W3C Trace Context); `None` when nothing is traced.
    pub trace: Option<TraceParent>,
    /// Proof of origin: over a question or a wake-up for its subject, or over an answer for the
    /// question that it belongs to.
    pub seal: Option<Seal>,
    /// A [`Head`] or a verdict; empty on wake-ups.
    pub head: Content,
    /// The HTTP body, or whatever the subject carries.
    pub body: Bytes,
}

impl Envelope {
    /// A bare envelope.
    pub fn new(deadline: Timestamp, head: impl Into<Content>, body: impl Into<Bytes>) -> Self {
        Self {
            deadline,
            trace: None,
            seal: None,
            head: head.into(),
            body: body.into(),
        }
    }

    /// A question to a stage.
    pub fn asking(deadline: Timestamp, head: Arc<Head>, body: impl Into<Bytes>) -> Self {
        Self::new(deadline, Content::asking(head), body)
    }

    /// The head of a question. `None` when it is none.
    pub fn question(&self) -> Option<Arc<Head>> {
        self.head.question()
    }

    /// The same as bytes alone, for a bus between processes.
    #[must_use]
    pub fn written(mut self) -> Self {
        if let Some(seal) = &self.seal {
            self.head = seal.written(self.head);
            self.seal = Some(Seal::from_bytes(seal.to_bytes()));
        }
        self.head = self.head.bytes().into();
        self
    }

    /// Head and body together, which [`crate::MAX_ENVELOPE_BYTES`] bounds. Of a head that is not
    /// written yet nothing is counted: what it is made of has bounds of its own, a fraction of
    /// what the limit leaves for it.
    pub fn size_bytes(&self) -> usize {
        self.head.written_bytes().saturating_add(self.body.len())
    }

    /// What is left until the deadline; `None` when it has passed.
    pub fn remaining(&self, now: &Now) -> Option<Duration> {
        let remaining = now().until(self.deadline);
        (!remaining.is_zero()).then_some(remaining)
    }
}

/// A `traceparent` header (W3C Trace Context, section 3.2), checked for its form.
#[derive(Clone, PartialEq, Eq)]
pub struct TraceParent(String);

impl TraceParent {
    /// `None` unless it reads `00-<32 hex>-<16 hex>-<2 hex>`, in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut hex = |length: usize| {
            parts.next().is_some_and(|part| {
                part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            })
        };
        let valid = hex(2) && hex(32) && hex(16) && hex(2) && parts.next().is_none();
        (valid && text.starts_with("00-")).then(|| Self(text.to_owned()))
    }

    /// The header's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_parent_has_one_form() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceParent::parse(text).unwrap().as_str(), text);
        let upper = text.to_uppercase();
        let longer = format!("{text}-x");
        for wrong in ["", "00-0-0-01", &upper, &longer, &text[1..]] {
            assert!(TraceParent::parse(wrong).is_none(), "{wrong}");
        }
    }
}
