//! The head of an envelope: bytes, or the value that they say.
//!
//! Within a process a head is passed on as the value that it is. It becomes JSON where it leaves
//! the process, and is read from JSON where it enters one: writing and reading heads and verdicts
//! was a fifth of what a request cost beside its statements. Values and bytes are one type, so
//! that whoever asks and whoever answers need not know where the other is.

use std::sync::Arc;

use bytes::Bytes;

use crate::Head;
use crate::head::USUAL_BYTES;
use crate::verdict::Wire;

/// What an envelope's head says. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Content(Form);

#[derive(Debug, Clone)]
enum Form {
    Written(Bytes),
    Question(Arc<Head>),
    Answer(Arc<Wire>),
}

impl Content {
    pub(crate) fn asking(head: Arc<Head>) -> Self {
        Self(Form::Question(head))
    }

    pub(crate) fn answering(wire: Wire) -> Self {
        Self(Form::Answer(Arc::new(wire)))
    }

    /// The bytes, written now if they are not yet.
    pub fn bytes(&self) -> Bytes {
        match &self.0 {
            Form::Written(bytes) => bytes.clone(),
            Form::Question(head) => head.encode(),
            Form::Answer(wire) => {
                let mut bytes = Vec::with_capacity(USUAL_BYTES);
                // Strings, numbers and ids alone: their serialization cannot fail.
                let _ = serde_json::to_writer(&mut bytes, wire);
                bytes.into()
            }
        }
    }

    /// How many bytes are written.
    pub(crate) fn written_bytes(&self) -> usize {
        match &self.0 {
            Form::Written(bytes) => bytes.len(),
            Form::Question(_) | Form::Answer(_) => 0,
        }
    }

    /// As a question's head. `None` when it is none.
    pub(crate) fn question(&self) -> Option<Arc<Head>> {
        match &self.0 {
            Form::Written(bytes) => Head::decode(bytes).map(Arc::new),
            Form::Question(head) => Some(Arc::clone(head)),
            Form::Answer(_) => None,
        }
    }

    /// As an answer's head.
    pub(crate) fn answer(self) -> Result<Wire, serde_json::Error> {
        match self.0 {
            Form::Answer(wire) => Ok(Arc::unwrap_or_clone(wire)),
            other => serde_json::from_slice(&Self(other).bytes()),
        }
    }

    /// Whether it is the very same: the same value in memory, or the same bytes.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Form::Written(ours), Form::Written(theirs)) => are_same(ours, theirs),
            (Form::Question(ours), Form::Question(theirs)) => Arc::ptr_eq(ours, theirs),
            (Form::Answer(ours), Form::Answer(theirs)) => Arc::ptr_eq(ours, theirs),
            _ => false,
        }
    }
}

/// Whether bytes are the same ones, or at least alike.
pub(crate) fn are_same(ours: &Bytes, theirs: &Bytes) -> bool {
    (ours.as_ptr() == theirs.as_ptr() && ours.len() == theirs.len()) || ours == theirs
}

impl<T: Into<Bytes>> From<T> for Content {
    fn from(bytes: T) -> Self {
        Self(Form::Written(bytes.into()))
    }
}

impl PartialEq for Content {
    /// By what would be written.
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || self.bytes() == other.bytes()
    }
}

impl Eq for Content {}
