//! What can go wrong for a client, as data: a closed list of codes and their particulars.
//!
//! `tests/contract/errors.tsv` is the reviewed list. No HTTP here: the one place that gives a code
//! its status, title and wire form is `routes::problem`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The stable word of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "each code is explained once, in routes::problem and errors.tsv"
)]
pub enum Code {
    MalformedRequest,
    MalformedJson,
    UnknownParameter,
    InvalidParameter,
    InvalidCursor,
    InvalidIdempotencyKey,
    TokenMissing,
    TokenInvalid,
    PlanRequired,
    ScopeInsufficient,
    RoleForbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    InUse,
    Locked,
    IdempotencyKeyReused,
    IdempotencyInProgress,
    PreconditionFailed,
    BodyTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
    RateLimited,
    InternalError,
    Unavailable,
    DeadlineExceeded,
}

impl Code {
    /// Every code, in the order of `errors.tsv`.
    pub const ALL: &'static [Self] = &[
        Self::MalformedRequest,
        Self::MalformedJson,
        Self::UnknownParameter,
        Self::InvalidParameter,
        Self::InvalidCursor,
        Self::InvalidIdempotencyKey,
        Self::TokenMissing,
        Self::TokenInvalid,
        Self::PlanRequired,
        Self::ScopeInsufficient,
        Self::RoleForbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::InUse,
        Self::Locked,
        Self::IdempotencyKeyReused,
        Self::IdempotencyInProgress,
        Self::PreconditionFailed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::ValidationFailed,
        Self::RateLimited,
        Self::InternalError,
        Self::Unavailable,
        Self::DeadlineExceeded,
    ];
}

/// Where in the request a field error stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Location {
    /// JSON Pointer as a URI fragment (RFC 6901, section 6), such as `#/address/city`.
    Pointer(String),
    /// Name of a query parameter.
    Parameter(String),
    /// Name of a header.
    Header(String),
}

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Where it stands; becomes `pointer`, `parameter` or `header`.
    #[serde(flatten)]
    pub location: Location,
    /// Machine word, such as `too_long`.
    pub code: String,
    /// A sentence for a person.
    pub detail: String,
}

impl FieldError {
    /// An error in a body field.
    pub fn pointer(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self {
            location: Location::Pointer(pointer.into()),
            code: code.to_owned(),
            detail: detail.into(),
        }
    }

    /// An error in a query parameter.
    pub fn parameter(name: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self {
            location: Location::Parameter(name.into()),
            code: code.to_owned(),
            detail: detail.into(),
        }
    }

    /// An error in a header.
    pub fn header(name: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self {
            location: Location::Header(name.into()),
            code: code.to_owned(),
            detail: detail.into(),
        }
    }
}

/// A refusal on its way to the client. Everything in it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The stable word.
    pub code: Code,
    /// A sentence about this occurrence.
    pub detail: String,
    /// The wrong fields, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Further members of the body, such as `required_plan`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub members: Map<String, Value>,
    /// Further headers, such as `allow`. Names in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

impl Problem {
    /// A problem with a sentence about it.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
        }
    }

    /// The 404 that a row of another organization, a row outside the grant and a row that never
    /// existed all answer, to the letter.
    pub fn not_found() -> Self {
        Self::new(
            Code::NotFound,
            "No such resource, or it is not yours to see.",
        )
    }

    /// A bug or a broken part; carries nothing inward.
    pub fn internal() -> Self {
        Self::new(
            Code::InternalError,
            "Something went wrong on our side. It has been logged under this request id.",
        )
    }

    /// Overload, shutdown or a part that is away; worth another try in a second.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, detail).with_header("retry-after", "1")
    }

    /// The request's time is up. Work that had reached its commit by then may stand.
    pub fn deadline_exceeded() -> Self {
        Self::new(
            Code::DeadlineExceeded,
            "The work did not finish in time. Under an idempotency key, send it again to learn what came of it.",
        )
    }

    /// An idempotency key that came with another request first.
    pub fn idempotency_key_reused() -> Self {
        Self::new(
            Code::IdempotencyKeyReused,
            "This idempotency key was used for another request: method, path, query or body differ.",
        )
    }

    /// Adds one wrong field.
    #[must_use]
    pub fn with_error(mut self, error: FieldError) -> Self {
        self.errors.push(error);
        self
    }

    /// Adds a member to the body.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header; the name in lower case.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
