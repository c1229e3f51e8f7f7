//! What every answer carries, and the form of a preflight.

use bytes::Bytes;
use hoursmith_bus::Response;
use hoursmith_domain::RequestId;
use http::StatusCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONNECTION,
    HeaderName, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http_body_util::Full;

/// An answer on the wire. Always whole: nothing the API answers is too large to hold, and a length
/// that is known lets a client see that it got everything.
pub(crate) type Answer = http::Response<Full<Bytes>>;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What scripts of other origins may read beside the few that browsers always show.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Link, Location, Retry-After, Idempotent-Replayed, WWW-Authenticate, X-Request-Id, \
     X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, RateLimit, RateLimit-Policy",
);

/// What scripts of other origins may send. `Authorization` must be named: `*` leaves it out.
const SENDABLE: &str = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match";

/// A day, in seconds, for which a browser need not ask again.
const PREFLIGHT_AGE: &str = "86400";

/// The answer to OPTIONS. The methods of a path are no secret, so it needs no token.
pub(crate) fn preflight(allow: &str) -> Response {
    Response::empty(204)
        .with_header("allow", allow)
        .with_header("access-control-allow-methods", allow)
        .with_header("access-control-allow-headers", SENDABLE)
        .with_header("access-control-max-age", PREFLIGHT_AGE)
}

/// Puts an answer on the wire.
pub(crate) fn finish(
    response: Response,
    rate_headers: &[(String, String)],
    request: RequestId,
    path: &str,
) -> Answer {
    let mut answer = http::Response::new(Full::new(response.body));
    *answer.status_mut() =
        StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.reserve(response.headers.len() + rate_headers.len() + 6);
    for (name, value) in response.headers.iter().chain(rate_headers) {
        match (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            (Ok(name), Ok(value)) => {
                headers.append(name, value);
            }
            _ => tracing::error!(
                request.id = %request,
                header.name = name,
                "A stage answered a header that cannot be sent."
            ),
        }
    }
    if let Ok(id) = HeaderValue::from_str(&request.to_string()) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.append(VARY, HeaderValue::from_static("Authorization, Origin"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    // Without credentials, which a bearer token is not: another origin can do nothing here that
    // its own server could not.
    if path.starts_with("/api/") {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    answer
}

/// Whether the connection ends with this answer because we do not trust what follows.
pub(crate) fn closes(answer: &Answer) -> bool {
    answer
        .headers()
        .get(CONNECTION)
        .is_some_and(|value| value == "close")
}
