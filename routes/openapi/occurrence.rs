//! One plausible occurrence of every problem, for the document and for the problem's page.

use hoursmith_domain::{Code, FieldError, Problem, RequestId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::problem::{Context, render};

const REQUEST: RequestId = RequestId(Uuid::from_u128(0x0199_c3a2_7b7e_7d10_a1f4_d2f6_b8a9_4c31));
const CLIENT: &str = "/api/v1/clients/0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31";

/// The occurrence's body, rendered as the server renders it.
pub(crate) fn body(code: Code, public_url: &str) -> Value {
    let context = Context {
        public_url,
        request_id: REQUEST,
        instance: CLIENT,
    };
    let response = render(&occurrence(code, public_url), &context);
    // What `render` writes is JSON.
    serde_json::from_slice(&response.body).unwrap_or_default()
}

fn occurrence(code: Code, public_url: &str) -> Problem {
    let problem = Problem::new(code, detail(code));
    match code {
        Code::NotFound => Problem::not_found(),
        Code::InternalError => Problem::internal(),
        Code::DeadlineExceeded => Problem::deadline_exceeded(),
        Code::MalformedJson => problem.with_error(FieldError::pointer(
            "#/name",
            "duplicate_name",
            "The body names a member twice in one object.",
        )),
        Code::UnknownParameter => problem.with_error(FieldError::parameter(
            "archive",
            "unknown",
            "is not taken here",
        )),
        Code::InvalidParameter => problem.with_error(FieldError::parameter(
            "limit",
            "invalid",
            "must be a whole number from 1 to 200",
        )),
        Code::InvalidCursor => problem.with_error(FieldError::parameter(
            "cursor",
            "invalid",
            "is good for the list and the filters it was made for alone",
        )),
        Code::InvalidIdempotencyKey => problem.with_error(FieldError::header(
            "Idempotency-Key",
            "too_long",
            "must have at most 255 characters",
        )),
        Code::ValidationFailed => problem
            .with_error(FieldError::pointer(
                "#/billable_rate",
                "min_value",
                "must be at least 0",
            ))
            .with_error(FieldError::pointer(
                "#/name",
                "too_long",
                "must have at most 255 characters",
            )),
        Code::Conflict => problem.with_error(FieldError::pointer(
            "#/name",
            "taken",
            "must be unique in the organization, whatever its case",
        )),
        Code::PlanRequired => problem
            .with_member("current_plan", "free")
            .with_member("required_plan", "studio")
            .with_member("upgrade_url", format!("{public_url}/app/settings/plan")),
        Code::RateLimited => problem.with_member("violated-policies", json!(["burst"])),
        Code::Locked => problem.with_member("locked_reason", "invoiced"),
        Code::MalformedRequest
        | Code::TokenMissing
        | Code::TokenInvalid
        | Code::ScopeInsufficient
        | Code::RoleForbidden
        | Code::MethodNotAllowed
        | Code::InUse
        | Code::IdempotencyKeyReused
        | Code::IdempotencyInProgress
        | Code::PreconditionFailed
        | Code::BodyTooLarge
        | Code::UnsupportedMediaType
        | Code::Unavailable => problem,
    }
}

/// The sentence about the occurrence, where the problem has no constructor that brings one.
fn detail(code: Code) -> &'static str {
    match code {
        Code::MalformedRequest => "The request has two `Host` headers.",
        Code::MalformedJson => "The body names a member twice in one object.",
        Code::UnknownParameter => "A query parameter is unknown or given twice.",
        Code::InvalidParameter => "A query parameter is invalid.",
        Code::InvalidCursor => "The cursor was made for other filters.",
        Code::InvalidIdempotencyKey => "The Idempotency-Key must have at most 255 characters.",
        Code::TokenMissing => "Send an API token as `Authorization: Bearer <token>`.",
        Code::TokenInvalid => "The API token is not valid.",
        Code::PlanRequired => "This needs the plan studio; the organization is on free.",
        Code::ScopeInsufficient => "This needs a token with the scope write.",
        Code::RoleForbidden => "The role member may not do this.",
        Code::MethodNotAllowed => "PUT is not allowed here.",
        Code::Conflict => "Another client has this name.",
        Code::InUse => {
            "The client has projects. Archive it instead, with `PATCH` and `{\"archived\": true}`."
        }
        Code::Locked => "The time entry is on a sent invoice.",
        Code::IdempotencyKeyReused => {
            "This idempotency key was used for another request; method, path, query or body differ."
        }
        Code::IdempotencyInProgress => {
            "The first request with this idempotency key is still running."
        }
        Code::PreconditionFailed => "`If-Match` does not name the current version.",
        Code::BodyTooLarge => "The body is larger than 1048576 bytes.",
        Code::UnsupportedMediaType => "The body must be application/json.",
        Code::ValidationFailed => "2 fields are invalid.",
        Code::RateLimited => "Too many requests. The next one passes in 4 s.",
        Code::Unavailable => "A part of the service is not available right now.",
        Code::NotFound | Code::InternalError | Code::DeadlineExceeded => "",
    }
}
