//! The app by its forms: what a newcomer does, and what nobody can make it do.

use std::fs;
use std::path::{Path, PathBuf};

use crate::browser::{Browser, between, is_closed, once, text};
use crate::scene::NEVER;
use crate::world::World;

/// Markup for every field.
const MARKUP: &str = "\"><script>alert(1)</script>";

/// Pages that are there for a newcomer.
pub const PAGES: &[&str] = &[
    "/app",
    "/app/clients",
    "/app/projects",
    "/app/time",
    "/app/expenses",
    "/app/invoices",
    "/app/settings/api",
    "/app/settings/members",
    "/app/settings/organization",
    "/app/settings/plan",
    "/app/settings/webhooks",
    "/app/settings/account",
];

/// From signing up to an invoice that is paid, by forms alone.
pub async fn a_newcomer_gets_paid(world: &World) {
    let (maya, _) = Browser::signed_up(world).await;
    assert!(maya.page("/app").await.contains("Create a client"));

    let key = maya.page("/app/clients").await;
    let client = [
        ("name", MARKUP),
        ("currency", "EUR"),
        ("billable_rate", "120.00"),
        ("once", once(&key)),
    ];
    for _ in 0..2 {
        let done = maya.post("/app/clients", &client).await.expect(303);
        assert_eq!(done.header("location"), "/app/clients?done=client");
    }
    let page = maya.page("/app/clients?done=client").await;
    assert!(page.contains("The client was created."), "{page}");
    assert!(!page.contains("<script>alert"), "{page}");
    let shown = "&#60;script&#62;alert(1)";
    assert_eq!(page.matches(shown).count(), 1, "done once: {page}");

    let page = maya.page("/app/projects").await;
    let id = between(&page, "our own work</option><option value=\"", "\"");
    let project = [
        ("name", "Catalogue"),
        ("client_id", id),
        ("billing_method", "hourly"),
        ("once", once(&page)),
    ];
    maya.post("/app/projects", &project).await.expect(303);

    let page = maya.page("/app/time").await;
    let project = between(&page, "name=\"project_id\"><option value=\"", "\"");
    let entry = |duration| {
        [
            ("project_id", project),
            ("duration", duration),
            ("description", MARKUP),
            ("once", once(&page)),
        ]
    };
    let refused = maya.post("/app/time", &entry("1:60")).await.expect(422);
    assert!(text(&refused).contains("must be a duration"));
    maya.post("/app/time", &entry("1:30")).await.expect(303);

    let page = maya.page("/app").await;
    assert!(page.contains("180.00 EUR"), "{page}");
    let invoice = format!("/app/invoices/{}", between(&page, "/app/invoices/", "\""));
    let page = maya.page(&invoice).await;
    assert!(!page.contains("<script>alert"), "{page}");
    let form = [("tax_rate", "19"), ("once", once(&page))];
    maya.post(&format!("{invoice}/send"), &form)
        .await
        .expect(303);

    // A part of it, sent twice, is booked once.
    let page = maya.page(&invoice).await;
    let form = [("amount", "100.00"), ("once", once(&page))];
    for _ in 0..2 {
        maya.post(&format!("{invoice}/pay"), &form)
            .await
            .expect(303);
    }
    let page = maya.page(&invoice).await;
    assert!(page.contains("114.20 EUR"), "{page}");
    let form = [("once", once(&page))];
    maya.post(&format!("{invoice}/pay"), &form)
        .await
        .expect(303);
    let page = maya.page(&invoice).await;
    assert!(page.contains("<span class=\"tag paid\">paid"), "{page}");
}

/// The API takes no cookie, and the app no token.
pub async fn a_cookie_and_a_token_open_one_door_each(world: &World) {
    let (maya, _) = Browser::signed_up(world).await;
    let me = maya.call("GET", "/api/v1/me");
    me.send().await.expect_problem(401, "token_missing");
    let org = world.org().await;
    for path in PAGES {
        let answer = world.get(path, &org.owner).send().await.expect(303);
        assert_eq!(answer.header("location"), "/app/login", "{path}");
    }
    let form = Browser::new(world).form("/app/clients", &[("name", "x"), ("currency", "EUR")]);
    let form = form.token(&org.owner.token);
    let answer = form.header("sec-fetch-site", "same-origin").send().await;
    assert_eq!(answer.expect(303).header("location"), "/app/login");
    assert_eq!(world.count("clients", org.id).await, 0);
}

/// Logging in begins a session under a new secret and ends the one before; logging out ends it.
pub async fn a_session_is_new_at_each_log_in(world: &World) {
    let (maya, email) = Browser::signed_up(world).await;
    let first = maya.cookie().unwrap();
    let answer = maya.log_in(&email.to_uppercase()).await.expect(303);
    assert_eq!(answer.header("location"), "/app");
    let cookie = answer.header("set-cookie").to_owned();
    for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "this is plain http: {cookie}");
    let second = maya.cookie().unwrap();
    assert_ne!(first, second);
    let with = async |cookie: &str| {
        let call = world.call("GET", "/app").header("cookie", cookie);
        call.send().await.status
    };
    assert_eq!((with(&first).await, with(&second).await), (303, 200));
    // Two of the name are none: somebody has planted one.
    assert_eq!(with(&format!("{second}; {second}")).await, 303);
    maya.post("/app/logout", &[]).await.expect(303);
    assert_eq!((maya.cookie(), with(&second).await), (None, 303));
}

/// Every form of every page is refused unless the browser says that a page of ours sent it.
pub async fn forms_of_others_change_nothing(world: &World) {
    let (maya, email) = Browser::signed_up(world).await;
    let ours = [("origin", "http://127.0.0.1:8080")];
    let form = [("name", "Nord"), ("currency", "EUR")];
    let send = async |path: &str, headers: &[(&str, &str)]| {
        let form = maya.form(path, &form);
        let call = headers
            .iter()
            .fold(form, |call, (name, value)| call.header(name, value));
        maya.send(call).await
    };
    let cookie = maya.cookie();
    let before = maya.page("/app/clients").await.matches("<tr>").count();
    let paths = actions();
    assert!(paths.len() > 10, "{paths:?}");
    for path in &paths {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "cross-site"), ours[0]],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1:8081")],
            &[("origin", "https://127.0.0.1:8080")],
            &[("origin", "http://127.0.0.1:8080.evil.example")],
        ] {
            let answer = send(path, headers).await.expect(403);
            assert!(answer.headers.get("set-cookie").is_none(), "{path}");
            assert!(text(&answer).contains("did not come from a page of this app"));
            is_closed(&answer);
        }
    }
    assert_eq!(maya.cookie(), cookie);
    let after = maya.page("/app/clients").await.matches("<tr>").count();
    assert_eq!(after, before, "{email}");
    send("/app/clients", &ours).await.expect(303);
}

/// Whatever an address or a form carries, the way goes on to pages of the app alone.
pub async fn nothing_leads_elsewhere(world: &World) {
    let (maya, email) = Browser::signed_up(world).await;
    let places = [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https://evil.example/app",
        "///evil.example",
        "/%2f%2fevil.example",
        "javascript:alert('evil.example')",
        "/app@evil.example",
        "%0d%0alocation:%20//evil.example",
    ];
    let names = [
        "next",
        "return_to",
        "redirect",
        "url",
        "continue",
        "done",
        "week",
    ];
    let stranger = Browser::new(world);
    for place in places {
        let encoded = place.replace('%', "%25").replace('\\', "%5C");
        let query: Vec<String> = names
            .iter()
            .map(|name| format!("{name}={encoded}"))
            .collect();
        let query = query.join("&");
        for path in PAGES.iter().chain(&["/app/login", "/app/signup"]) {
            for browser in [&maya, &stranger] {
                stays(&browser.get(&format!("{path}?{query}")).await);
            }
        }
        for path in [
            format!("/app/{encoded}"),
            format!("/app/invoices/{encoded}"),
            format!("/app/settings/{encoded}"),
        ] {
            stays(&maya.get(&path).await);
            stays(&maya.post(&path, &[]).await);
        }
        let fields: Vec<(&str, &str)> = names.iter().map(|name| (*name, place)).collect();
        for path in actions() {
            // Of these a few at a time are enough: each costs a password's work.
            if !path.starts_with("/app/settings") && !path.starts_with("/app/login") {
                stays(&Browser::new(world).post(&path, &fields).await);
            }
        }
    }
    let mut form = vec![
        ("email", email.as_str()),
        ("password", crate::browser::PASSWORD),
    ];
    form.extend(names.map(|name| (name, "//evil.example")));
    let path = "/app/login?next=//evil.example";
    let answer = Browser::new(world).post(path, &form).await.expect(303);
    assert_eq!(answer.header("location"), "/app");
}

/// Every answer is closed, whether it is a page or says that there is none.
pub async fn every_answer_of_the_app_is_closed(world: &World) {
    let (maya, _) = Browser::signed_up(world).await;
    for path in PAGES.iter().chain(&["/app/login", "/app/signup"]) {
        let answer = maya.get(path).await.expect(200);
        is_closed(&answer);
        let html = text(&answer);
        for inline in [" style=", "<style", "onclick=", "javascript:", "http-equiv"] {
            assert!(!html.contains(inline), "{inline} in {path}");
        }
        assert_eq!(html.matches("<script").count(), 1, "{path}");
        is_closed(&Browser::new(world).get(path).await);
    }
    let never = format!("/app/invoices/{NEVER}");
    for (path, status) in [
        ("/app/nowhere", 404),
        ("/app/invoices/x", 404),
        (&never, 404),
    ] {
        let answer = maya.get(path).await.expect(status);
        is_closed(&answer);
        assert!(text(&answer).contains("<h1>"), "{path}");
    }
    for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
        let answer = maya.call(method, "/app/clients").send().await.expect(405);
        is_closed(&answer);
        assert_eq!(answer.header("allow"), "GET, HEAD, POST", "{method}");
        assert!(text(&answer).contains("<h1>"), "{method}");
    }
    let long = "n".repeat(64 * 1024);
    let answer = maya.post("/app/clients", &[("name", &long)]).await;
    is_closed(&answer.expect(413));
    let fits = "n".repeat(64 * 1024 - "name=&currency=EUR".len());
    let form = [("name", fits.as_str()), ("currency", "EUR")];
    is_closed(&maya.post("/app/clients", &form).await.expect(422));
    let json = maya
        .call("POST", "/app/clients")
        .raw("application/json", "{}");
    let answer = json.header("sec-fetch-site", "same-origin").send().await;
    is_closed(&answer.expect(415));
}

/// That an answer neither sends a browser elsewhere nor links there.
#[track_caller]
fn stays(answer: &crate::http::Answer) {
    if let Some(location) = answer.headers.get("location") {
        let location = location.to_str().unwrap();
        let ours = location.strip_prefix("/app").expect(location);
        let known = ours.is_empty() || ours.starts_with(['/', '?']);
        assert!(known && !location.contains("evil"), "{location}");
    }
    if answer.headers.get("content-type").is_some() {
        let html = text(answer);
        for link in html.split(['"', '\'']).filter(|part| part.contains("evil")) {
            let is_link = html.contains(&format!("href=\"{link}\""))
                || html.contains(&format!("src=\"{link}\""))
                || html.contains(&format!("action=\"{link}\""));
            assert!(!is_link, "{link} in {html}");
        }
    }
}

/// Where the forms of all templates go, with an id that nothing has in place of each.
fn actions() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("actors/console/templates");
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let template = fs::read_to_string(&path).unwrap();
            let actions = template.split("action=\"").skip(1);
            found.extend(actions.map(|rest| with_ids(rest.split('"').next().unwrap())));
        }
    }
    found.retain(|path| path.starts_with("/app"));
    found.sort();
    found.dedup();
    found
}

/// A template's address with an id for each of its values.
fn with_ids(template: &str) -> String {
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        path.push_str(before);
        path.push_str(NEVER);
        rest = after.split_once("}}").map_or("", |(_, rest)| rest);
    }
    path.push_str(rest);
    path
}
