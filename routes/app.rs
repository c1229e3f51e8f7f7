//! What every answer of the app carries, and the page of a request that comes to no page: at its
//! limit, too large, or while a part of the service is away. The console, which makes all others,
//! cannot make this one, since it may be what is away.

use hoursmith_bus::Response;
use hoursmith_domain::{Code, Problem, RequestId};

use crate::docs::escape;
use crate::problem::{status, title};

/// Our own script, style and picture; forms and a script's questions to ourselves; no frame around us.
/// Nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("app/refusal.html");

/// What every answer of the app carries. Nothing of it is kept by a browser or a proxy: after
/// logging out, going back shows nothing. Nobody else learns our addresses from a `Referer`; to
/// ourselves it is sent, since without it a browser says `Origin: null` of our own forms, and over
/// plain http from another machine says nothing else of where they come from.
pub fn closed(response: Response) -> Response {
    response
        .with_header("content-security-policy", POLICY)
        .with_header("cache-control", "no-store")
        .with_header("referrer-policy", "same-origin")
        .with_header("cross-origin-opener-policy", "same-origin")
        .with_header("x-frame-options", "DENY")
}

/// Whether a path is the app's.
pub fn has(path: &str) -> bool {
    let below = path.strip_prefix("/app");
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A problem as a page.
pub fn refusal(problem: &Problem, request: RequestId) -> Response {
    let advice = match problem.code {
        Code::Unavailable => "You are still logged in. Try again in a moment.",
        Code::DeadlineExceeded => {
            "You are still logged in. Look whether it was done before you do it again."
        }
        Code::InternalError => "It was noted. Whoever operates this server finds it by the number",
        _ => "",
    };
    let number = match problem.code {
        Code::InternalError => format!(" {request}."),
        _ => String::new(),
    };
    let html = PAGE
        .replace("{{title}}", &escape(title(problem.code)))
        .replace("{{advice}}", &format!("{advice}{number}"))
        .replace("{{detail}}", &escape(&problem.detail));
    let mut response = Response::empty(status(problem.code));
    response.body = html.into();
    let response = response.with_header("content-type", "text/html; charset=utf-8");
    let headers = problem.headers.iter();
    closed(headers.fold(response, |response, (name, value)| {
        response.with_header(name, value)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_refusal_is_a_page_with_its_headers() {
        let problem = Problem::unavailable("<b>Away</b>").with_header("retry-after", "1");
        let page = refusal(&problem, RequestId(Uuid::from_u128(7)));
        assert_eq!(page.status, 503);
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(
            html.contains("&lt;b&gt;Away") && !html.contains("{{"),
            "{html}"
        );
        let value = |name: &str| page.headers.iter().find(|(given, _)| given == name);
        assert_eq!(value("retry-after").unwrap().1, "1");
        assert_eq!(value("content-security-policy").unwrap().1, POLICY);
    }

    #[test]
    fn only_what_is_below_is_the_apps() {
        assert!(has("/app") && has("/app/time"));
        assert!(!has("/apple") && !has("/api/v1/app"));
    }
}
