//! Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13).
//!
//! A tag is the row's version and, for a caller who does not see all of it, what is seen: `"7"`,
//! `"7-rates"`, `"7-none"`. So a copy that was made under another role is never taken for the
//! current one, while a write may name the version as any role saw it.

use hoursmith_bus::{Conditions, Response};
use hoursmith_domain::{Code, Problem};

use crate::sight::Sight;

/// The tag of a version as a caller sees it.
pub(crate) fn etag(version: i64, sight: Sight) -> String {
    match (sight.costs, sight.rates) {
        (true, _) => format!("\"{version}\""),
        (false, true) => format!("\"{version}-rates\""),
        (false, false) => format!("\"{version}-none\""),
    }
}

/// Answers 304 when the client has this very representation, else the response with its tag.
pub(crate) fn respond(
    response: Response,
    version: i64,
    sight: Sight,
    conditions: &Conditions,
) -> Response {
    let tag = etag(version, sight);
    match &conditions.if_none_match {
        Some(list) if names(list, |given| given == tag) => {
            Response::empty(304).with_header("etag", tag)
        }
        _ => response.with_header("etag", tag),
    }
}

/// Refuses a write that was made for another version (412). To be asked inside the write's
/// transaction, where the version cannot change any more.
pub(crate) fn check(version: i64, conditions: &Conditions, sight: Sight) -> Result<(), Problem> {
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
        .with_header("etag", etag(version, sight))),
        _ => Ok(()),
    }
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
    use hoursmith_domain::Role;

    fn conditions(if_match: &str) -> Conditions {
        Conditions {
            if_match: Some(if_match.to_owned()),
            if_none_match: Some(if_match.to_owned()),
        }
    }

    #[test]
    fn lists_weak_tags_and_the_star_are_understood() {
        let passes = |list: &str| check(7, &conditions(list), Sight::OWNER).is_ok();
        for list in ["\"7\"", "\"1\", W/\"7\" ,\"9\"", " * ", "\"7-none\""] {
            assert!(passes(list), "{list}");
        }
        for list in ["\"77\"", "7", "", "\"\"", "\"-7\"", "\""] {
            assert!(!passes(list), "{list}");
        }
    }

    #[test]
    fn a_copy_made_under_another_role_is_not_current() {
        let status = |role, given: &str| {
            respond(Response::empty(200), 7, Sight::of(role), &conditions(given)).status
        };
        assert_eq!(status(Role::Owner, "\"7\""), 304);
        assert_eq!(status(Role::Member, "\"7-none\""), 304);
        assert_eq!(status(Role::Manager, "\"7-none\""), 200);
        assert_eq!(status(Role::Member, "\"7\""), 200);
    }
}
