//! Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13).
//!
//! A tag is the row's version and a digest of what is shown: `"7-1f0c9a4e"`. The version alone
//! would not do: a project shows totals that follow its entries, an entry a lock that follows its
//! project, and a member sees null where an owner sees a rate, all without a change of the row. So
//! a copy is current only if it is the same to the byte, while a write names the version, whatever
//! was shown with it.

use hoursmith_bus::{Conditions, Response};
use hoursmith_domain::{Code, Problem};
use sha2::{Digest as _, Sha256};

/// Adds the tag of a representation of a version.
pub fn tagged(response: Response, version: i64) -> Response {
    let tag = etag(&response, version);
    response.with_header("etag", tag)
}

/// Answers 304 when the client has this very representation, else the response with its tag.
pub fn respond(response: Response, version: i64, conditions: &Conditions) -> Response {
    let tag = etag(&response, version);
    match &conditions.if_none_match {
        Some(list) if names(list, |given| given == tag) => {
            Response::empty(304).with_header("etag", tag)
        }
        _ => response.with_header("etag", tag),
    }
}

/// Refuses a write that was made for another version (412). To be asked inside the write's
/// transaction, where the version cannot change any more.
pub fn check(version: i64, conditions: &Conditions) -> Result<(), Problem> {
    let text = version.to_string();
    let is_version = |given: &str| {
        let inner = given.trim_matches('"');
        inner.split_once('-').map_or(inner, |(number, _)| number) == text
    };
    match &conditions.if_match {
        Some(list) if !names(list, is_version) => Err(Problem::new(
            Code::PreconditionFailed,
            "`If-Match` does not name the current version.",
        )
        // Good for `If-Match`; what would be shown of it is not known here.
        .with_header("etag", format!("\"{version}\""))),
        _ => Ok(()),
    }
}

/// The tag of a representation of a version. Four bytes of the digest: the version tells changes
/// apart, these only what it does not.
pub fn etag(response: &Response, version: i64) -> String {
    let digest = Sha256::digest(&response.body);
    let mark: String = digest
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{version}-{mark}\"")
}

/// Whether a list of tags holds the one that is looked for; `*` holds any. Compared weakly: a proxy
/// that marks our tags as weak means the same version.
fn names(list: &str, is_it: impl Fn(&str) -> bool) -> bool {
    list.trim() == "*"
        || list
            .split(',')
            .map(str::trim)
            .map(|item| item.strip_prefix("W/").unwrap_or(item))
            .filter(|tag| tag.len() >= 2 && tag.starts_with('"') && tag.ends_with('"'))
            .any(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(tags: &str) -> Conditions {
        Conditions {
            if_match: Some(tags.to_owned()),
            if_none_match: Some(tags.to_owned()),
        }
    }

    #[test]
    fn lists_weak_tags_and_the_star_are_understood() {
        let passes = |list: &str| check(7, &conditions(list)).is_ok();
        for list in ["\"7\"", "\"1\", W/\"7\" ,\"9\"", " * ", "\"7-1f0c9a4e\""] {
            assert!(passes(list), "{list}");
        }
        for list in ["\"77\"", "7", "", "\"\"", "\"-7\"", "\""] {
            assert!(!passes(list), "{list}");
        }
    }

    #[test]
    fn a_copy_of_other_content_is_not_current() {
        let shown = |body: &str| Response::json(200, body.as_bytes().to_vec());
        let tag = etag(&shown("{\"rate\":\"95.00\"}"), 7);
        let status = |body: &str, version| respond(shown(body), version, &conditions(&tag)).status;
        assert_eq!(status("{\"rate\":\"95.00\"}", 7), 304);
        assert_eq!(status("{\"rate\":null}", 7), 200);
        assert_eq!(status("{\"rate\":\"95.00\"}", 8), 200);
    }
}
