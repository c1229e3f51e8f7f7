//! What can go wrong on the way: one error, told apart by its kind.

use std::error::Error as StdError;
use std::fmt;

/// The kinds of failure, each with its answer to "is another try worth it?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Nobody serves the subject.
    NoResponders,
    /// The deadline passed first.
    DeadlineExceeded,
    /// Whoever serves it has its hands full.
    Overloaded,
    /// The question is larger than the bus carries. (An answer that is fails as
    /// [`Self::HandlerFailed`].)
    TooLarge,
    /// The bus or the subscription is shutting down.
    Closed,
    /// The bus has lost its server.
    Unavailable,
    /// The handler panicked, broke off, or answered more than the bus carries.
    HandlerFailed,
    /// The envelope could not be read, or its seal is wrong. Never repeated, always logged.
    Refused,
}

impl ErrorKind {
    /// Whether the same request may succeed in a moment.
    pub fn retryable(self) -> bool {
        match self {
            Self::NoResponders | Self::Overloaded | Self::Closed | Self::Unavailable => true,
            Self::DeadlineExceeded | Self::TooLarge | Self::HandlerFailed | Self::Refused => false,
        }
    }

    /// One word, for metrics and for the wire between buses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoResponders => "no_responders",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Overloaded => "overloaded",
            Self::TooLarge => "too_large",
            Self::Closed => "closed",
            Self::Unavailable => "unavailable",
            Self::HandlerFailed => "handler_failed",
            Self::Refused => "refused",
        }
    }

    /// The kind of a word from the wire.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::NoResponders,
            Self::DeadlineExceeded,
            Self::Overloaded,
            Self::TooLarge,
            Self::Closed,
            Self::Unavailable,
            Self::HandlerFailed,
            Self::Refused,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }
}

/// A failed call on the bus: which operation on which subject, and why.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    subject: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure of `operation` (a verb: "request", "serve") on a subject or pattern.
    pub fn new(kind: ErrorKind, operation: &'static str, subject: impl fmt::Display) -> Self {
        Self {
            kind,
            operation,
            subject: subject.to_string(),
            source: None,
        }
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.kind {
            ErrorKind::NoResponders => "nobody serves it",
            ErrorKind::DeadlineExceeded => "the deadline passed",
            ErrorKind::Overloaded => "its server is overloaded",
            ErrorKind::TooLarge => "the envelope is too large",
            ErrorKind::Closed => "the bus is closed",
            ErrorKind::Unavailable => "the bus is unavailable",
            ErrorKind::HandlerFailed => "its handler failed",
            ErrorKind::Refused => "the envelope was refused",
        };
        write!(f, "{} {}: {why}", self.operation, self.subject)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
