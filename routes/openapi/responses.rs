//! Responses: the successes of a route's shape, and the problems that it can answer with.

use hoursmith_domain::{Code, Grant, Role, Scope};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::{Components, Content, ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::{example, headers, links, occurrence, schemas};
use crate::problem::{status, title, word};
use crate::{Method, Route, Shape};

/// A problem response that operations share.
struct Refusal {
    /// Its name among the components.
    name: &'static str,
    /// What it says; all of one status.
    codes: &'static [Code],
    /// Headers of its own.
    headers: &'static [&'static str],
    /// Which routes answer it.
    of: fn(&Route) -> bool,
}

const REFUSALS: &[Refusal] = &[
    Refusal {
        name: "BadRequest",
        codes: &[Code::MalformedRequest, Code::UnknownParameter],
        headers: &[],
        of: |route| {
            route.method != Method::Post && !route.shape.takes_body() && !route.shape.is_list()
        },
    },
    Refusal {
        name: "BadListRequest",
        codes: &[
            Code::MalformedRequest,
            Code::UnknownParameter,
            Code::InvalidParameter,
            Code::InvalidCursor,
        ],
        headers: &[],
        of: |route| route.shape.is_list(),
    },
    Refusal {
        name: "BadCreateRequest",
        codes: &[
            Code::MalformedRequest,
            Code::MalformedJson,
            Code::UnknownParameter,
            Code::InvalidParameter,
            Code::InvalidIdempotencyKey,
        ],
        headers: &[],
        of: |route| route.method == Method::Post,
    },
    Refusal {
        name: "BadUpdateRequest",
        codes: &[
            Code::MalformedRequest,
            Code::MalformedJson,
            Code::UnknownParameter,
        ],
        headers: &[],
        of: |route| route.shape.takes_body() && route.method != Method::Post,
    },
    Refusal {
        name: "Unauthorized",
        codes: &[Code::TokenMissing, Code::TokenInvalid],
        headers: &["WWW-Authenticate"],
        of: |_| true,
    },
    Refusal {
        name: "PlanRequired",
        codes: &[Code::PlanRequired],
        headers: &[],
        of: |_| true,
    },
    Refusal {
        name: "Forbidden",
        codes: &[Code::ScopeInsufficient, Code::RoleForbidden],
        headers: &["WWW-Authenticate"],
        of: may_forbid,
    },
    Refusal {
        name: "NotFound",
        codes: &[Code::NotFound],
        headers: &[],
        // Also what a body refers to.
        of: |route| route.path.contains('{') || route.shape.takes_body(),
    },
    Refusal {
        name: "CreateConflict",
        codes: &[
            Code::Conflict,
            Code::Locked,
            Code::IdempotencyKeyReused,
            Code::IdempotencyInProgress,
        ],
        headers: &["Retry-After"],
        of: |route| route.method == Method::Post,
    },
    Refusal {
        name: "UpdateConflict",
        codes: &[Code::Conflict, Code::Locked],
        headers: &[],
        of: |route| matches!(route.method, Method::Patch | Method::Put),
    },
    Refusal {
        name: "DeleteConflict",
        codes: &[Code::InUse, Code::Locked],
        headers: &[],
        of: |route| route.method == Method::Delete,
    },
    Refusal {
        name: "PreconditionFailed",
        codes: &[Code::PreconditionFailed],
        headers: &["ETag"],
        of: |route| matches!(route.method, Method::Patch | Method::Put | Method::Delete),
    },
    Refusal {
        name: "BodyTooLarge",
        codes: &[Code::BodyTooLarge],
        headers: &[],
        // Bodies are bounded on every route, also where they are not looked at.
        of: |_| true,
    },
    Refusal {
        name: "UnsupportedMediaType",
        codes: &[Code::UnsupportedMediaType],
        headers: &["Accept", "Accept-Patch"],
        of: |route| route.shape.takes_body(),
    },
    Refusal {
        name: "ValidationFailed",
        codes: &[Code::ValidationFailed],
        headers: &[],
        of: |route| route.shape.takes_body(),
    },
    Refusal {
        name: "RateLimited",
        codes: &[Code::RateLimited],
        headers: &["Retry-After"],
        of: |_| true,
    },
    Refusal {
        name: "InternalError",
        codes: &[Code::InternalError],
        headers: &[],
        of: |_| true,
    },
    Refusal {
        name: "Unavailable",
        codes: &[Code::Unavailable],
        headers: &["Retry-After"],
        of: |_| true,
    },
    Refusal {
        name: "DeadlineExceeded",
        codes: &[Code::DeadlineExceeded],
        headers: &[],
        of: |_| true,
    },
];

/// The problem responses, by name.
pub(super) fn problems(public_url: &str) -> impl Iterator<Item = (&'static str, Response)> {
    REFUSALS
        .iter()
        .map(move |refusal| (refusal.name, refusal.response(public_url)))
}

/// The responses of a route, by status.
pub(super) fn of(route: &'static Route, components: &Components) -> Vec<(String, RefOr<Response>)> {
    let refusals = REFUSALS
        .iter()
        .filter(|refusal| (refusal.of)(route))
        .map(|refusal| {
            (
                refusal.status(),
                RefOr::Ref(Ref::from_response_name(refusal.name)),
            )
        });
    successes(route, components)
        .into_iter()
        .map(|(status, mut response)| {
            if !response.content.is_empty() {
                response.links = links::of(route, components).into_iter().collect();
            }
            (status.to_owned(), RefOr::T(response))
        })
        .chain(refusals)
        .collect()
}

impl Refusal {
    fn status(&self) -> String {
        self.codes
            .first()
            .map(|code| status(*code).to_string())
            .unwrap_or_default()
    }

    fn response(&self, public_url: &str) -> Response {
        let words: Vec<String> = self
            .codes
            .iter()
            .map(|code| format!("`{}`", word(*code)))
            .collect();
        let examples = self.codes.iter().map(|code| {
            let example = ExampleBuilder::new()
                .summary(title(*code))
                .value(Some(occurrence::body(*code, public_url)))
                .build();
            (word(*code), example)
        });
        let content = ContentBuilder::new()
            .schema(Some(schemas::reference("Problem")))
            .examples_from_iter(examples)
            .build();
        let mut response = ResponseBuilder::new()
            .description(words.join(" or "))
            .content("application/problem+json", content)
            .build();
        headers::add(&mut response, self.headers);
        response
    }
}

/// Whether some caller with a good token and plan is refused by scope or role.
fn may_forbid(route: &Route) -> bool {
    route.access.scope > Scope::Read
        || Role::ALL
            .iter()
            .any(|role| route.access.grant(*role) == Grant::Deny)
}

fn successes(route: &Route, components: &Components) -> Vec<(&'static str, Response)> {
    match route.shape {
        Shape::List { page }
        | Shape::Links { page }
        | Shape::Records { page }
        | Shape::Feed { page } => {
            vec![(
                "200",
                success("A page.", Some(content(page, components)), &["Link"]),
            )]
        }
        Shape::Read { resource } => vec![
            (
                "200",
                success(
                    "The resource.",
                    Some(content(resource, components)),
                    &["ETag"],
                ),
            ),
            (
                "304",
                success(
                    "It still is the version of `If-None-Match`.",
                    None,
                    &["ETag"],
                ),
            ),
        ],
        Shape::Create { resource, .. } => vec![(
            "201",
            success(
                "It was made.",
                Some(content(resource, components)),
                &["Location", "ETag", "Idempotent-Replayed"],
            ),
        )],
        Shape::Put { resource, .. } => vec![
            (
                "200",
                success(
                    "As it is now.",
                    Some(content(resource, components)),
                    &["ETag"],
                ),
            ),
            (
                "201",
                success(
                    "It was not there before.",
                    Some(content(resource, components)),
                    &["ETag"],
                ),
            ),
        ],
        Shape::Act { resource } => vec![(
            "200",
            success(
                "As it is now.",
                Some(content(resource, components)),
                &["ETag", "Idempotent-Replayed"],
            ),
        )],
        Shape::Command { answer, .. } => vec![(
            "200",
            success(
                "What was done.",
                Some(content(answer, components)),
                &["Idempotent-Replayed"],
            ),
        )],
        Shape::Update { resource, .. } => vec![(
            "200",
            success(
                "As it is now.",
                Some(content(resource, components)),
                &["ETag"],
            ),
        )],
        Shape::Delete => vec![("204", success("It is gone.", None, &[]))],
    }
}

fn success(description: &str, content: Option<Content>, own: &[&'static str]) -> Response {
    let mut response = Response::new(description);
    if let Some(content) = content {
        response
            .content
            .insert("application/json".to_owned(), content.into());
    }
    headers::add(&mut response, own);
    response
}

fn content(schema: &str, components: &Components) -> Content {
    ContentBuilder::new()
        .schema(Some(schemas::reference(schema)))
        .example(Some(example::of(schema, components)))
        .build()
}
