//! The problems that the gateway itself answers, and what a failed call of a stage comes to.

use hoursmith_bus::ErrorKind;
use hoursmith_domain::{Code, Problem};
use hoursmith_routes::problem::CHALLENGE;

/// A request whose framing, head or body cannot be trusted. The connection closes: where this
/// message ends and the next begins is what is in doubt.
pub(crate) fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Code::MalformedRequest, detail).with_header("connection", "close")
}

/// A body over the cap. The connection closes, since the rest of the body is not read.
pub(crate) fn too_large(max_bytes: usize) -> Problem {
    Problem::new(
        Code::BodyTooLarge,
        format!("The body is larger than {max_bytes} bytes."),
    )
    .with_header("connection", "close")
}

/// No `Authorization` header.
pub(crate) fn token_missing() -> Problem {
    Problem::new(
        Code::TokenMissing,
        "Send an API token as `Authorization: Bearer <token>`.",
    )
    .with_header("www-authenticate", CHALLENGE)
}

/// A token that is malformed, or that token-auth refuses. One text for all of them: it must not
/// tell which.
pub(crate) fn token_invalid() -> Problem {
    Problem::new(Code::TokenInvalid, "The API token is not valid.").with_header(
        "www-authenticate",
        format!("{CHALLENGE}, error=\"invalid_token\""),
    )
}

/// What a failed call on the bus is to the client.
pub(crate) fn bus(kind: ErrorKind, max_body_bytes: usize) -> Problem {
    match kind {
        ErrorKind::NoResponders
        | ErrorKind::Overloaded
        | ErrorKind::Closed
        | ErrorKind::Unavailable => {
            Problem::unavailable("A part of the service is not available right now.")
        }
        ErrorKind::DeadlineExceeded => Problem::deadline_exceeded(),
        ErrorKind::TooLarge => too_large(max_body_bytes),
        ErrorKind::HandlerFailed | ErrorKind::Refused => Problem::internal(),
    }
}
