//! Serving the public documents: the OpenAPI document, its page and the page's assets, the pages of
//! problems.
//!
//! They are made once, at start (`routes::docs`), and served from memory as they are. They carry
//! the rate headers but spend nothing of the limit: a page with its assets is more requests than
//! an address may make in ten seconds.
//!
//! That is not free: the page's script is 1.4 MB packed and 4.9 MB plain, and whoever asks again and
//! again takes bandwidth. What bounds it: connections, in all and by address, and the time that a
//! client may take nothing of its answer. Documents may be cached, so an operator with a public
//! address puts a cache or a proxy in front.

use hoursmith_bus::Response;
use hoursmith_routes::docs::PublicDocument;
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, IF_NONE_MATCH};

/// The answer to a GET of a document.
pub(crate) fn answer(document: &PublicDocument, request: &HeaderMap) -> Response {
    let packed = document.gzip.as_ref().filter(|_| accepts(request, "gzip"));
    let (body, etag) = match packed {
        Some(gzip) => (gzip, &document.gzip_etag),
        None => (&document.body, &document.etag),
    };
    let response = if is_cached(request, etag) {
        Response::empty(304)
    } else {
        let mut response = Response::empty(200).with_header("content-type", document.content_type);
        response.body = body.clone();
        match packed {
            Some(_) => response.with_header("content-encoding", "gzip"),
            None => response,
        }
    };
    response
        .with_header("etag", etag)
        .with_header("vary", "Accept-Encoding")
        .with_header("cache-control", document.cache_control)
        .with_header("content-security-policy", document.csp)
}

/// Whether the client names a coding and does not weigh it with zero.
fn accepts(request: &HeaderMap, coding: &str) -> bool {
    request
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(coding));
            named
                && !parts.any(|weight| {
                    weight
                        .strip_prefix("q=")
                        .and_then(|q| q.parse::<f32>().ok())
                        .is_some_and(|q| q <= 0.0)
                })
        })
}

/// `If-None-Match`, compared weakly (RFC 9110, section 13.1.2).
fn is_cached(request: &HeaderMap, etag: &str) -> bool {
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == etag)
}
