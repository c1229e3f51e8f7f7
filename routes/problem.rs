//! Problems on the wire (RFC 9457): the one place that gives a code its status, title and form.

use hoursmith_bus::Response;
use hoursmith_domain::{Access, Caller, Code, Problem, Refusal, RequestId};
use serde_json::{Map, Value, json};

/// The realm of every `WWW-Authenticate`.
pub const CHALLENGE: &str = "Bearer realm=\"hoursmith\"";

/// What of the request a problem's body repeats.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Where the product is reached, without a slash at the end.
    pub public_url: &'a str,
    /// The request.
    pub request_id: RequestId,
    /// The request's path.
    pub instance: &'a str,
}

/// What a row of access says against a call.
pub fn refused(refusal: Refusal, row: &Access, caller: &Caller, public_url: &str) -> Problem {
    match refusal {
        Refusal::Plan { required } => Problem::new(
            Code::PlanRequired,
            format!(
                "This needs the plan {required}; the organization is on {}.",
                caller.plan()
            ),
        )
        .with_member("current_plan", caller.plan().as_str())
        .with_member("required_plan", required.as_str())
        .with_member("upgrade_url", format!("{public_url}/app/settings/plan")),
        Refusal::Scope => {
            let scope = row.scope;
            Problem::new(
                Code::ScopeInsufficient,
                format!("This needs a token with the scope {scope}."),
            )
            .with_header(
                "www-authenticate",
                format!("{CHALLENGE}, error=\"insufficient_scope\", scope=\"{scope}\""),
            )
        }
        Refusal::Role => Problem::new(
            Code::RoleForbidden,
            format!("The role {} may not do this.", caller.role()),
        ),
    }
}

/// Status code of a problem.
pub fn status(code: Code) -> u16 {
    match code {
        Code::MalformedRequest
        | Code::MalformedJson
        | Code::UnknownParameter
        | Code::InvalidParameter
        | Code::InvalidCursor
        | Code::InvalidIdempotencyKey => 400,
        Code::TokenMissing | Code::TokenInvalid => 401,
        Code::PlanRequired => 402,
        Code::ScopeInsufficient | Code::RoleForbidden => 403,
        Code::NotFound => 404,
        Code::MethodNotAllowed => 405,
        Code::Conflict
        | Code::InUse
        | Code::Locked
        | Code::IdempotencyKeyReused
        | Code::IdempotencyInProgress => 409,
        Code::PreconditionFailed => 412,
        Code::BodyTooLarge => 413,
        Code::UnsupportedMediaType => 415,
        Code::ValidationFailed => 422,
        Code::RateLimited => 429,
        Code::InternalError => 500,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
    }
}

/// Title of a problem: the same sentence for every occurrence.
pub fn title(code: Code) -> &'static str {
    match code {
        Code::MalformedRequest => "The request is malformed",
        Code::MalformedJson => "The body is not acceptable JSON",
        Code::UnknownParameter => "A query parameter is unknown or given twice",
        Code::InvalidParameter => "A query parameter is invalid",
        Code::InvalidCursor => "The cursor is not good here",
        Code::InvalidIdempotencyKey => "The idempotency key is invalid",
        Code::TokenMissing => "An API token is needed",
        Code::TokenInvalid => "The API token is not valid",
        Code::PlanRequired => "The plan does not include this",
        Code::ScopeInsufficient => "The token may only read",
        Code::RoleForbidden => "The role may not do this",
        Code::NotFound => "Not found",
        Code::MethodNotAllowed => "The method is not allowed here",
        Code::Conflict => "The request conflicts with what is there",
        Code::InUse => "Other things depend on it",
        Code::Locked => "It is locked",
        Code::IdempotencyKeyReused => "The idempotency key belongs to another request",
        Code::IdempotencyInProgress => "The first request with this key is still running",
        Code::PreconditionFailed => "It has changed meanwhile",
        Code::BodyTooLarge => "The body is too large",
        Code::UnsupportedMediaType => "The media type is not supported",
        Code::ValidationFailed => "Some fields are invalid",
        Code::RateLimited => "Too many requests",
        Code::InternalError => "Internal error",
        Code::Unavailable => "Not available right now",
        Code::DeadlineExceeded => "The work did not finish in time",
    }
}

/// What a code means and what to do about it, for its page at `/problems/<slug>`.
pub fn explanation(code: Code) -> &'static str {
    match code {
        Code::MalformedRequest => {
            "The framing, a header or the URI is one that this server refuses: for example two Host or Authorization headers, more than 64 headers or 16 KiB of them, a URI over 8 KiB, or a transfer coding other than chunked. Send the request again, corrected; the connection is closed."
        }
        Code::MalformedJson => {
            "The body is not JSON, names a member twice in one object, is nested deeper than 32 levels, or has a NUL character or a byte order mark. Where it is known, `errors[].pointer` says where."
        }
        Code::UnknownParameter => {
            "The route takes no such query parameter, or takes it once and it was given twice. `errors[].parameter` names it. Nothing is ignored in silence, so that a typing error cannot return the wrong list."
        }
        Code::InvalidParameter => {
            "A query parameter has a value it cannot have. `errors[].parameter` names it and says what it takes."
        }
        Code::InvalidCursor => {
            "A cursor is good for the organization, the list and the filters it was made for. Start again without `cursor`, or send the filters of the first page."
        }
        Code::InvalidIdempotencyKey => {
            "An idempotency key has 1 to 255 visible ASCII characters and is sent once. A UUID made anew for each logical operation is a good key."
        }
        Code::TokenMissing => {
            "Send `Authorization: Bearer <token>`. Tokens are minted in the app under Settings → API, or by the operator's command line."
        }
        Code::TokenInvalid => {
            "The token is malformed, unknown, revoked or expired, or its member was removed. The answer is the same for all of these. Mint a new one."
        }
        Code::PlanRequired => {
            "`current_plan` and `required_plan` say what is there and what is needed; `upgrade_url` leads to the change."
        }
        Code::ScopeInsufficient => "The token was minted to read. Use one with the scope `write`.",
        Code::RoleForbidden => {
            "A token acts as the member who minted it; that member's role may never do this. Ask an admin or an owner."
        }
        Code::NotFound => {
            "There is no such route or no such resource, or it is not yours to see: the three are alike on purpose."
        }
        Code::MethodNotAllowed => {
            "The path exists, the method does not. `Allow` lists those that do."
        }
        Code::Conflict => {
            "A unique value is taken, or the resource changed its state meanwhile. Read it again and decide."
        }
        Code::InUse => {
            "Other resources depend on it, so that deleting it would lose them. `detail` names what to do instead, such as archiving."
        }
        Code::Locked => {
            "A time entry or an expense under a lock cannot change. `locked_reason` says why it is locked."
        }
        Code::IdempotencyKeyReused => {
            "The key was used with another method, path, query or body. Use a new key for a new request."
        }
        Code::IdempotencyInProgress => {
            "The first request with this key has not finished. Wait as `Retry-After` says and send the same again."
        }
        Code::PreconditionFailed => {
            "`If-Match` named a version that is not the current one; `ETag` is the current one. Read it again, merge, and send with the new one."
        }
        Code::BodyTooLarge => "A body has at most 1 MiB. The connection is closed.",
        Code::UnsupportedMediaType => {
            "Send `Content-Type: application/json` (for PATCH also `application/merge-patch+json`), in UTF-8, without a `Content-Encoding`."
        }
        Code::ValidationFailed => {
            "`errors[]` names every field that is wrong, where it stands (`pointer`), in one word (`code`) and in a sentence (`detail`)."
        }
        Code::RateLimited => {
            "Wait as `Retry-After` says. `violated-policies` names the exhausted tiers; every answer carries what is left in its headers."
        }
        Code::InternalError => {
            "A bug on our side. It was logged under `request_id`. A write with an idempotency key may be sent again safely."
        }
        Code::Unavailable => {
            "The server is overloaded or shutting down, or a part of it is away. Try again as `Retry-After` says."
        }
        Code::DeadlineExceeded => {
            "The work did not finish within the request's deadline; nothing was committed after it. With an idempotency key the request may be sent again safely."
        }
    }
}

/// The code in snake case, as in the body.
pub fn word(code: Code) -> String {
    match serde_json::to_value(code) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The last part of the problem's `type`: the code with `-` for `_`.
pub fn slug(code: Code) -> String {
    word(code).replace('_', "-")
}

/// The response of a problem.
pub fn render(problem: &Problem, context: &Context<'_>) -> Response {
    let code = problem.code;
    let mut body = Map::new();
    let type_uri = format!("{}/problems/{}", context.public_url, slug(code));
    body.insert("type".to_owned(), type_uri.into());
    body.insert("title".to_owned(), title(code).into());
    body.insert("status".to_owned(), status(code).into());
    body.insert("detail".to_owned(), problem.detail.as_str().into());
    body.insert("instance".to_owned(), context.instance.into());
    body.insert("code".to_owned(), word(code).into());
    body.insert(
        "request_id".to_owned(),
        context.request_id.to_string().into(),
    );
    if !problem.errors.is_empty() {
        body.insert("errors".to_owned(), json!(problem.errors));
    }
    for (name, value) in &problem.members {
        body.insert(name.clone(), value.clone());
    }
    let mut headers = vec![(
        "content-type".to_owned(),
        "application/problem+json".to_owned(),
    )];
    headers.extend(problem.headers.iter().cloned());
    Response {
        status: status(code),
        headers,
        body: Value::Object(body).to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoursmith_domain::FieldError;
    use uuid::Uuid;

    #[test]
    fn codes_and_statuses_are_those_of_the_reviewed_list() {
        let listed: Vec<(String, u16)> = include_str!("../tests/contract/errors.tsv")
            .lines()
            .filter(|line| !line.starts_with('#') && !line.starts_with("code\t"))
            .map(|line| {
                let mut cells = line.split('\t');
                (
                    cells.next().unwrap().to_owned(),
                    cells.next().unwrap().parse().unwrap(),
                )
            })
            .collect();
        let ours: Vec<(String, u16)> = Code::ALL
            .iter()
            .map(|code| (word(*code), status(*code)))
            .collect();
        assert_eq!(ours, listed);
    }

    #[test]
    fn a_problem_has_one_form() {
        let problem = Problem::new(Code::ValidationFailed, "One field is invalid.")
            .with_error(FieldError::pointer("#/name", "required", "is required"));
        let context = Context {
            public_url: "https://hours.example",
            request_id: RequestId(Uuid::from_u128(5)),
            instance: "/api/v1/clients",
        };
        let response = render(&problem, &context);
        assert_eq!(response.status, 422);
        insta::assert_snapshot!(std::str::from_utf8(&response.body).unwrap());
    }
}
