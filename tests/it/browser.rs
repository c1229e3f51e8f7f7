//! A browser, as far as the app can tell: it keeps a cookie, says where its forms come from, and sends
//! what a page gave it.

use std::sync::Mutex;

use hyper::body::Bytes;

use crate::http::{Answer, Call};
use crate::world::World;

/// A password that nobody guesses.
pub const PASSWORD: &str = "glacier-violin-83-orchard";

/// Somebody with a browser.
pub struct Browser<'w> {
    world: &'w World,
    /// `name=value` of its session.
    cookie: Mutex<Option<String>>,
}

impl<'w> Browser<'w> {
    /// One that was never here.
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            cookie: Mutex::new(None),
        }
    }

    /// One whose person signed up just now, with the address.
    pub async fn signed_up(world: &'w World) -> (Self, String) {
        let browser = Self::new(world);
        let email = format!("maya-{}@studio.example", crate::scene::fresh(world));
        let answer = browser.sign_up(&email).await.expect(303);
        assert_eq!(answer.header("location"), "/app");
        (browser, email)
    }

    /// Sends the form of signing up.
    pub async fn sign_up(&self, email: &str) -> Answer {
        let form = [
            ("name", "Maya Lindqvist"),
            ("email", email),
            ("new_password", PASSWORD),
            ("organization", "Studio Nord"),
            ("currency", "EUR"),
            ("timezone", "UTC"),
        ];
        self.post("/app/signup", &form).await
    }

    /// Sends the form of logging in.
    pub async fn log_in(&self, email: &str) -> Answer {
        let form = [("email", email), ("password", PASSWORD)];
        self.post("/app/login", &form).await
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.call("GET", path)).await
    }

    /// The text of a page that is there.
    pub async fn page(&self, path: &str) -> String {
        text(&self.get(path).await.expect(200))
    }

    /// Sends a form of a page of ours.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let call = self.form(path, fields);
        self.send(call.header("sec-fetch-site", "same-origin"))
            .await
    }

    /// A form that says nothing of where it comes from.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Call {
        let mut url = reqwest::Url::parse("http://form.example/").unwrap();
        url.query_pairs_mut().extend_pairs(fields);
        let body = Bytes::from(url.query().unwrap_or_default().to_owned());
        self.call("POST", path)
            .raw("application/x-www-form-urlencoded", body)
    }

    /// A request with the cookie.
    pub fn call(&self, method: &str, path: &str) -> Call {
        let call = self.world.call(method, path);
        match self.cookie() {
            Some(cookie) => call.header("cookie", &cookie),
            None => call,
        }
    }

    /// `name=value` of its session.
    pub fn cookie(&self) -> Option<String> {
        self.cookie.lock().unwrap().clone()
    }

    /// Sends it and keeps the cookie of the answer.
    pub async fn send(&self, call: Call) -> Answer {
        let answer = call.send().await;
        if let Some(set) = answer.headers.get("set-cookie") {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let is_over = pair.ends_with('=');
            *self.cookie.lock().unwrap() = (!is_over).then(|| pair.to_owned());
        }
        answer
    }
}

/// An answer's HTML.
pub fn text(answer: &Answer) -> String {
    assert_eq!(
        answer.header("content-type"),
        "text/html; charset=utf-8",
        "{answer:?}"
    );
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// What stands between two texts, the first time.
#[track_caller]
pub fn between<'t>(html: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = html
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {html}"));
    rest.split_once(after).expect("its end").0
}

/// The key that a page's form carries.
#[track_caller]
pub fn once(html: &str) -> &str {
    between(html, "name=\"once\" value=\"", "\"")
}

/// The tag of what a page's form was made from.
#[track_caller]
pub fn version(html: &str) -> String {
    between(html, "name=\"version\" value=\"", "\"").replace("&#34;", "\"")
}

/// What every answer of the app carries, whatever it is.
#[track_caller]
pub fn is_closed(answer: &Answer) {
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; "), "{answer:?}");
    assert!(policy.contains("frame-ancestors 'none'"), "{answer:?}");
    assert!(!policy.contains("unsafe"), "{answer:?}");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), value, "{name} of {answer:?}");
    }
}
