//! The body: its media type, its bytes within bounds of size and time, and its form.
//!
//! The JSON is parsed once here, for its form alone; the bytes travel on as they came. A route that
//! takes no body does not look at one: it is read within the same bounds, so that the connection
//! can go on, and dropped.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hoursmith_domain::{Code, Document, JsonError, Problem};
use hoursmith_routes::{Method, Route};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use crate::refusal::{malformed, too_large};

/// A body that may go to its actor.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    /// SHA-256 of the canonical form, if asked for.
    pub(crate) digest: Option<[u8; 32]>,
}

/// Bounds of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) max_bytes: usize,
    /// For the whole of it.
    pub(crate) time: Duration,
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// Reads the body of a request to a route.
pub(crate) async fn read(
    route: &Route,
    headers: &HeaderMap,
    incoming: Incoming,
    bounds: Bounds,
    digest: bool,
) -> Result<Body, Problem> {
    let takes_body = route.shape.takes_body();
    if takes_body {
        check_media_type(route.method, headers)?;
    }
    if incoming.is_end_stream() {
        return if takes_body {
            Err(JsonError::Syntax.into())
        } else {
            Ok(Body::default())
        };
    }
    let bytes = receive(incoming, bounds).await?;
    if !takes_body {
        return Ok(Body::default());
    }
    let mut scratch = bytes.to_vec();
    let document = Document::parse(&mut scratch)?;
    let digest = digest.then(|| document.canonical_digest());
    Ok(Body { bytes, digest })
}

/// Reads what a form of the app sends.
pub(crate) async fn read_form(
    headers: &HeaderMap,
    incoming: Incoming,
    bounds: Bounds,
) -> Result<Bytes, Problem> {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or_default().split(';').next();
    if !essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(FORM)) {
        let problem = Problem::new(Code::UnsupportedMediaType, "The app takes forms alone.");
        return Err(problem.with_header("accept", FORM));
    }
    receive(incoming, bounds).await
}

/// JSON in UTF-8, not compressed: a decompressor would be one more thing to bound.
fn check_media_type(method: Method, headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |detail: &str| {
        let problem = Problem::new(Code::UnsupportedMediaType, detail);
        Err(match method {
            Method::Patch => problem.with_header("accept-patch", format!("{MERGE_PATCH}, {JSON}")),
            Method::Get | Method::Post | Method::Put | Method::Delete => {
                problem.with_header("accept", JSON)
            }
        })
    };
    if headers.contains_key(CONTENT_ENCODING) {
        return refuse("The body may not have a Content-Encoding.");
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(Ok(given)), None) = (types.next().map(http::HeaderValue::to_str), types.next())
    else {
        return refuse("Send one Content-Type: application/json.");
    };
    let mut parts = given.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let is_json = essence.eq_ignore_ascii_case(JSON)
        || (method == Method::Patch && essence.eq_ignore_ascii_case(MERGE_PATCH));
    if !is_json {
        return refuse("The body must be application/json.");
    }
    for parameter in parts.filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let utf8 = value.trim_matches('"').eq_ignore_ascii_case("utf-8");
        if name.eq_ignore_ascii_case("charset") && !utf8 {
            return refuse("The body must be in UTF-8.");
        }
    }
    Ok(())
}

/// Collects a body: refused before a byte of it is read if its length says so, else where it
/// passes the bound.
async fn receive(incoming: Incoming, bounds: Bounds) -> Result<Bytes, Problem> {
    let announced = incoming.size_hint().lower();
    if usize::try_from(announced).map_or(true, |length| length > bounds.max_bytes) {
        return Err(too_large(bounds.max_bytes));
    }
    match tokio::time::timeout(bounds.time, collect(incoming, bounds.max_bytes)).await {
        Ok(collected) => collected,
        Err(_elapsed) => Err(malformed("The body did not arrive in time.")),
    }
}

async fn collect(mut incoming: Incoming, max_bytes: usize) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| malformed("The body is framed wrongly or broke off."))?;
        // Trailers are no part of the contract and are dropped.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first
            .len()
            .saturating_add(rest.len())
            .saturating_add(data.len())
            > max_bytes
        {
            return Err(too_large(max_bytes));
        }
        // A body that comes in one piece, which is the rule, is not copied.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}
