//! What is refused of a head that hyper could parse: whatever a second reader, such as a proxy in
//! front, might read otherwise, and whatever is larger than anybody needs.
//!
//! hyper has removed `Content-Length` beside `Transfer-Encoding` before this is called, reads the
//! body as chunked and closes the connection after the answer, as RFC 9112 section 6.3 demands;
//! equal lengths sent twice are one length.

use http::header::{AUTHORIZATION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Version};

use hoursmith_domain::Problem;

use crate::GatewaySettings;
use crate::refusal::malformed;

/// Refuses a head that is oversize or can be read in two ways.
pub(crate) fn check(head: &Parts, settings: &GatewaySettings) -> Result<(), Problem> {
    check_size(head, settings)?;
    check_host(head)?;
    check_single(&head.headers, &AUTHORIZATION, "Authorization")?;
    check_single(&head.headers, &CONTENT_LENGTH, "Content-Length")?;
    check_transfer_encoding(&head.headers)?;
    check_expect(&head.headers)
}

fn check_size(head: &Parts, settings: &GatewaySettings) -> Result<(), Problem> {
    let uri = head
        .uri
        .path_and_query()
        .map_or(0, |uri| uri.as_str().len());
    if uri > settings.max_uri_bytes {
        return Err(malformed(format!(
            "The path and query are longer than {} bytes.",
            settings.max_uri_bytes
        )));
    }
    if head.headers.len() > settings.max_headers {
        return Err(malformed(format!(
            "The request has more than {} headers.",
            settings.max_headers
        )));
    }
    // As on the wire: name, colon, space, value, line end.
    let lines = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4);
    if lines.sum::<usize>() > settings.max_header_bytes {
        return Err(malformed(format!(
            "The headers are larger than {} bytes.",
            settings.max_header_bytes
        )));
    }
    Ok(())
}

/// Exactly one Host, which is the authority that an absolute-form target names (RFC 9112,
/// section 3.2). HTTP/1.0 has none, or one.
fn check_host(head: &Parts) -> Result<(), Problem> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host,
        (None, _) if head.version < Version::HTTP_11 => return Ok(()),
        (None, _) => return Err(malformed("The request has no Host header.")),
        (Some(_), Some(_)) => return Err(malformed("The request has two Host headers.")),
    };
    let host = host
        .to_str()
        .ok()
        .filter(|host| !host.contains('@'))
        .and_then(|host| host.parse::<Authority>().ok())
        .ok_or_else(|| malformed("The Host header is not a host."))?;
    match head.uri.authority() {
        Some(authority) if *authority != host => Err(malformed(
            "The Host header and the request's target differ.",
        )),
        _ => Ok(()),
    }
}

fn check_single(headers: &HeaderMap, name: &HeaderName, shown: &str) -> Result<(), Problem> {
    if headers.get_all(name).iter().nth(1).is_some() {
        return Err(malformed(format!("The request has two {shown} headers.")));
    }
    Ok(())
}

/// hyper takes any list that ends in `chunked` and hands on what the other codings made of the
/// body.
fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(malformed("The only transfer coding taken is chunked.")),
    }
}

fn check_expect(headers: &HeaderMap) -> Result<(), Problem> {
    let known = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if headers.get_all(EXPECT).iter().all(known) {
        Ok(())
    } else {
        Err(malformed("The only expectation met is 100-continue."))
    }
}
