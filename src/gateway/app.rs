//! What the gateway takes from a request to the app, for the console.
//!
//! The app's way is its own: a session's cookie in place of a token, forms in place of JSON. The
//! API looks at no cookie and the app at no token, so that neither can be reached by what a browser
//! sends along unasked for the other. The cookie goes no further than this file, and neither does the
//! secret of an invitation's link: the console gets digests.

use cookie::Cookie;
use hoursmith_bus::Visit;
use hoursmith_domain::{InvitationSecret, SessionSecret, session_cookie};
use http::HeaderMap;
use http::header::{COOKIE, ORIGIN, USER_AGENT};

use crate::body::Bounds;
use crate::edge::{Edge, Request};

/// Largest form. The longest field of ours is a note of 5,000 characters, some 60 KiB when each
/// of them is escaped.
const MAX_FORM_BYTES: usize = 64 * 1024;

/// What is kept of a `User-Agent`: browsers of today say some 120 characters.
const MAX_USER_AGENT: usize = 256;

/// A request to the app, read from its head.
pub(crate) fn visit(edge: &Edge, request: &Request, post: bool) -> Visit {
    let headers = &request.head.headers;
    let public_url = &edge.settings.public_url;
    Visit {
        post,
        same_origin: is_same_origin(headers, public_url),
        session: session(headers, session_cookie(public_url))
            .map(|secret| secret.digest(&edge.keys)),
        invitation: InvitationSecret::in_path(request.path())
            .map(|secret| secret.digest(&edge.keys)),
        query: request.head.uri.query().unwrap_or_default().to_owned(),
        address: request.budget.clone(),
        user_agent: user_agent(headers),
    }
}

/// The bounds of a form.
pub(crate) fn narrowed(bounds: Bounds) -> Bounds {
    Bounds {
        max_bytes: bounds.max_bytes.min(MAX_FORM_BYTES),
        ..bounds
    }
}

/// Whether the browser vouches for the page that sent it (Fetch Metadata, `Sec-Fetch-Site`); by
/// `Origin` where it is too old to, compared with the configured address and never with `Host`.
/// Neither of them is no browser of today, and is refused.
fn is_same_origin(headers: &HeaderMap, public_url: &str) -> bool {
    let single = |name: &str| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value.as_bytes()),
            _ => None,
        }
    };
    if headers.contains_key("sec-fetch-site") {
        return single("sec-fetch-site") == Some(b"same-origin");
    }
    single(ORIGIN.as_str()) == Some(origin(public_url).as_bytes())
}

/// Scheme, host and port of an address.
fn origin(public_url: &str) -> &str {
    let host = public_url.find("://").map_or(0, |at| at.saturating_add(3));
    let path = public_url
        .get(host..)
        .and_then(|rest| rest.find('/'))
        .map_or(public_url.len(), |at| host.saturating_add(at));
    public_url.get(..path).unwrap_or(public_url)
}

/// What the browser says it is, up to a bound. What is not visible ASCII counts as nothing said.
fn user_agent(headers: &HeaderMap) -> String {
    let said = headers.get(USER_AGENT).and_then(|said| said.to_str().ok());
    said.unwrap_or_default()
        .chars()
        .take(MAX_USER_AGENT)
        .collect()
}

/// The session's secret. Two cookies of the name are none: somebody has planted one.
fn session(headers: &HeaderMap, name: &str) -> Option<SessionSecret> {
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() == name);
    match (found.next(), found.next()) {
        (Some(cookie), None) => SessionSecret::parse(cookie.value()),
        _ => None,
    }
}

#[cfg(test)]
mod unit {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            })
    }

    #[test]
    fn only_a_page_of_ours_is_of_the_same_origin() {
        let ours = |pairs: &[_]| is_same_origin(&headers(pairs), "https://a.example/below");
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        assert!(ours(&[("origin", "https://a.example")]));
        for wrong in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://a.example"),
            ],
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[("origin", "null")],
            &[("origin", "http://a.example")],
            &[("origin", "https://a.example:8443")],
            &[("origin", "https://a.example.evil.example")],
            &[
                ("origin", "https://a.example"),
                ("origin", "https://b.example"),
            ],
        ] {
            assert!(!ours(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn of_a_browser_no_more_is_kept_than_it_takes_to_know_it() {
        let long: &'static str = "x".repeat(8_000).leak();
        assert_eq!(
            user_agent(&headers(&[("user-agent", "Firefox")])),
            "Firefox"
        );
        assert_eq!(user_agent(&headers(&[("user-agent", long)])).len(), 256);
        let other = HeaderValue::from_bytes("caf\u{e9}".as_bytes()).unwrap();
        let other = HeaderMap::from_iter([(USER_AGENT, other)]);
        assert_eq!(user_agent(&other), "");
        assert_eq!(user_agent(&headers(&[])), "");
    }

    #[test]
    fn one_cookie_of_the_name_is_a_session() {
        let secret = SessionSecret::generate([3; 32]);
        let line: &'static str = format!("a=b; s={}", secret.expose()).leak();
        assert_eq!(session(&headers(&[("cookie", line)]), "s"), Some(secret));
        assert!(session(&headers(&[("cookie", line), ("cookie", line)]), "s").is_none());
        assert!(session(&headers(&[("cookie", "s=short")]), "s").is_none());
    }
}
