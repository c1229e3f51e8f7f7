//! The app where it depends on a setting, a clock, or a part that is away.

use std::time::Duration;

use crate::browser::{Browser, between, is_closed, once, text};
use crate::cases::PAGES;
use crate::processes::Process;
use crate::world::{Bus, Store, World, generous, until_ready};

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_secure_on_https() {
    let world = World::start_with(Bus::Memory, Store::Sqlite, |settings| {
        generous(settings);
        settings.public_url = "https://hours.example".to_owned();
    })
    .await;
    let answer = Browser::new(&world).sign_up("maya@studio.example").await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert!(world.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_of_last_week_is_shown() {
    let world = World::start(Bus::Memory, Store::Sqlite).await;
    let (maya, email) = Browser::signed_up(&world).await;
    let page = maya.page("/app/projects").await;
    let project = [
        ("name", "Catalogue"),
        ("billing_method", "none"),
        ("once", once(&page)),
    ];
    maya.post("/app/projects", &project).await.expect(303);
    let page = maya.page("/app/time").await;
    let id = between(&page, "name=\"project_id\"><option value=\"", "\"");
    let timer = [("project_id", id), ("once", once(&page))];
    maya.post("/app/time/start", &timer).await.expect(303);

    world.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    assert_eq!(maya.get("/app").await.header("location"), "/app/login");
    maya.log_in(&email).await.expect(303);
    assert!(maya.page("/app").await.contains("Running now"));
    let page = maya.page("/app/time").await;
    let stop = format!("/app/time/{}/stop", between(&page, "/app/time/", "/stop"));
    maya.post(&stop, &[]).await.expect(303);
    assert!(!maya.page("/app").await.contains("Running now"));
    assert!(world.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_limit_there_is_a_page_that_says_so() {
    let world = World::start_with(Bus::Memory, Store::Sqlite, |settings| {
        generous(settings);
        settings.limits.app.burst_limit = 3;
    })
    .await;
    let guest = Browser::new(&world);
    for _ in 0..3 {
        guest.get("/app/login").await.expect(200);
    }
    let answer = guest.get("/app/login").await.expect(429);
    is_closed(&answer);
    assert!(!answer.header("retry-after").is_empty());
    assert!(text(&answer).contains("Too many requests"));
    // The API's budget of the same address is another.
    let me = world.call("GET", "/api/v1/me").send().await;
    me.expect_problem(401, "token_missing");
    assert!(world.stop().await);
}

/// In all and unpacked: the document, its style, its script and its icon.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_at_most_60_kib() {
    let world = World::start(Bus::Memory, Store::Sqlite).await;
    let (maya, _) = Browser::signed_up(&world).await;
    for number in 0..20 {
        let name = format!("Client number {number} of the studio");
        let client = [("name", name.as_str()), ("currency", "EUR")];
        maya.post("/app/clients", &client).await.expect(303);
    }
    for path in PAGES {
        let html = maya.page(path).await;
        assert_eq!(html.matches("rel=\"stylesheet\"").count(), 1, "{path}");
        let mut needed: Vec<&str> = html
            .split('"')
            .filter(|part| part.starts_with("/assets/") || *part == "/favicon.svg")
            .collect();
        needed.sort_unstable();
        needed.dedup();
        assert_eq!(
            needed,
            ["/assets/app.css", "/assets/app.js", "/favicon.svg"]
        );
        let mut bytes = html.len();
        for asset in needed {
            bytes += maya.get(asset).await.expect(200).body.len();
        }
        assert!(bytes <= 60 * 1024, "{path}: {bytes} bytes");
    }
    assert!(world.stop().await);
}

/// A part that is away is said to be; nobody is logged out for it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_away_logs_nobody_out() {
    let mut world = World::start(Bus::Split, Store::Sqlite).await;
    let names = hoursmith::plugins::names();
    let email = "maya@studio.example";
    let cookie = {
        let maya = Browser::new(&world);
        maya.sign_up(email).await.expect(303);
        maya.cookie().unwrap()
    };
    for away in ["accounts", "resource", "console"] {
        let at = names.iter().position(|name| *name == away).unwrap();
        world.processes[at].kill();
        for path in ["/app", "/app/time"] {
            let call = world.call("GET", path).header("cookie", &cookie);
            let answer = call.send().await.expect(503);
            is_closed(&answer);
            assert!(answer.headers.get("set-cookie").is_none(), "{answer:?}");
            let html = text(&answer);
            assert!(html.contains("You are still logged in."), "{away}: {html}");
        }
        world.processes[at] = Process::start_part(&world.settings, away);
        until_ready(world.admin_address).await;
        let call = world.call("GET", "/app").header("cookie", &cookie);
        call.send().await.expect(200);
    }
}
