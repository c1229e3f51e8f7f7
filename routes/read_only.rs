//! Why some resources cannot be written over HTTP, and what to use instead: what 405 answers there.

/// A path, itself and all below it, and the answer to a write there.
const READ_ONLY: &[(&str, &str)] = &[
    (
        "/api/v1/invoices",
        "Invoices are read-only in version 1 of the API: a draft builds itself from the client's unbilled time and expenses. An owner or admin sends it, records payments and voids it in the app; an operator uses `hoursmith invoice send`, `pay` or `void`.",
    ),
    (
        "/api/v1/members",
        "Members are read-only in the API, since whoever can add members can give away everything: an owner or admin invites, changes and removes them in the app; an operator uses `hoursmith member add`, `role` or `remove`.",
    ),
    (
        "/api/v1/organization",
        "The organization is read-only in the API, since its settings decide how everybody's time is billed and locked: an owner or admin changes them in the app; an operator changes the plan with `hoursmith org plan`.",
    ),
];

/// Why nothing at this path can be written; nothing to say of others.
pub fn why_read_only(path: &str) -> Option<&'static str> {
    let under = |root: &str| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    READ_ONLY
        .iter()
        .find(|(root, _)| under(root))
        .map(|(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Method, routes};

    #[test]
    fn a_reason_is_for_a_path_and_what_is_below_it() {
        for path in [
            "/api/v1/invoices",
            "/api/v1/invoices/x",
            "/api/v1/organization",
            "/api/v1/members/x",
        ] {
            assert!(why_read_only(path).is_some(), "{path}");
        }
        for path in [
            "/api/v1/clients",
            "/api/v1/projects/x/members",
            "/api/v1/invoices2",
            "/",
        ] {
            assert_eq!(why_read_only(path), None, "{path}");
        }
    }

    #[test]
    fn what_has_a_reason_has_no_write() {
        for route in routes() {
            assert!(
                route.method == Method::Get || why_read_only(route.path).is_none(),
                "{}",
                route.id
            );
        }
    }
}
