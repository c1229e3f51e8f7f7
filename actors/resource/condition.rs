//! Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13).
//!
//! A tag is the row's version in quotes: strong, since a version is one representation for one
//! caller (`Vary: Authorization` says the rest).

use hoursmith_bus::{Conditions, Response};
use hoursmith_domain::{Code, Problem};

/// The tag of a version.
pub(crate) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Answers 304 when the client has this version already, else the response with its tag.
pub(crate) fn respond(response: Response, version: i64, conditions: &Conditions) -> Response {
    let tag = etag(version);
    match &conditions.if_none_match {
        Some(list) if names(list, &tag) => Response::empty(304).with_header("etag", tag),
        _ => response.with_header("etag", tag),
    }
}

/// Refuses a write that was made for another version (412). To be asked inside the write's
/// transaction, where the version cannot change any more.
pub(crate) fn check(version: i64, conditions: &Conditions) -> Result<(), Problem> {
    let tag = etag(version);
    match &conditions.if_match {
        Some(list) if !names(list, &tag) => Err(Problem::new(
            Code::PreconditionFailed,
            "`If-Match` does not name the current version.",
        )
        .with_header("etag", tag)),
        _ => Ok(()),
    }
}

/// Whether a list of tags names one; `*` names any. Compared weakly: a proxy that marks our tags
/// as weak means the same version.
fn names(list: &str, tag: &str) -> bool {
    list.trim() == "*"
        || list
            .split(',')
            .map(str::trim)
            .any(|item| item.strip_prefix("W/").unwrap_or(item) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_weak_tags_and_the_star_are_understood() {
        assert!(names("\"7\"", "\"7\""));
        assert!(names("\"1\", W/\"7\" ,\"9\"", "\"7\""));
        assert!(names(" * ", "\"7\""));
        assert!(!names("\"77\"", "\"7\""));
        assert!(!names("7", "\"7\""));
        assert!(!names("", "\"7\""));
    }
}
