//! The app where it depends on a setting, a clock, or a part that is away.

use std::time::Duration;

use hoursmith_domain::Role;
use hoursmith_resource::admin::NewMember;
use serde_json::json;

use crate::browser::{Browser, PASSWORD, between, is_closed, once, text, version};
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

/// A form that was opened before its person switched to another organization is not done there, not
/// even one that names no object and would be good in any.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_one_organization_is_not_done_in_another() {
    let world = World::start_with(Bus::Memory, Store::Sqlite, |settings| {
        generous(settings);
        let own = json!({ "owners_change_plan": true });
        settings.actors.insert("resource".to_owned(), own);
    })
    .await;
    let (maya, email) = Browser::signed_up(&world).await;
    let org = world.org().await;
    let member = NewMember {
        name: "Maya".to_owned(),
        email,
        role: Role::Owner,
    };
    world
        .operator()
        .add_member(&org.slug, member)
        .await
        .unwrap();
    let settings = "/app/settings/organization";
    let before = maya.page(settings).await;
    let other = org.id.to_string();
    let switch = [("organization_id", other.as_str())];
    maya.post("/app/organization", &switch).await.expect(303);

    let fields = [
        ("name", "Theirs"),
        ("currency", "EUR"),
        ("timezone", "UTC"),
        ("week_start", "monday"),
        ("capacity", "40:00"),
        ("mode", "none"),
        ("minutes", "1"),
        ("plan", "free"),
        ("scope", "read"),
        ("password", PASSWORD),
        ("email", "eve@studio.example"),
        ("role", "member"),
        ("url", "https://hooks.studio.example/"),
        ("events", "*"),
    ];
    let send = async |path: &str, page: &str| {
        let tag = version(page);
        let of_page = [("once", once(page)), ("version", tag.as_str())];
        maya.post(path, &[&fields[..], &of_page].concat()).await
    };
    let paths = [
        settings,
        "/app/settings/api",
        "/app/settings/members",
        "/app/settings/webhooks",
        "/app/settings/plan",
    ];
    for path in paths {
        let answer = send(path, &before).await.expect(409);
        let html = text(&answer);
        assert!(
            html.contains("You switched to another organization"),
            "{html}"
        );
    }
    let after = maya.page(settings).await;
    assert!(after.contains(&format!("<h2 id=\"edit\">{}</h2>", org.slug)));
    for path in paths {
        let page = maya.page(settings).await;
        let answer = send(path, &page).await;
        assert!(matches!(answer.status, 200 | 303), "{path}: {answer:?}");
    }
    assert!(world.stop().await);
}

/// What somebody changed meanwhile is not changed back by a page that still shows the old.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_changes_only_what_it_was_made_from() {
    let world = World::start_with(Bus::Memory, Store::Sqlite, |settings| {
        generous(settings);
        let own = json!({ "plan": "agency" });
        settings.actors.insert("accounts".to_owned(), own);
    })
    .await;
    let (maya, _) = Browser::signed_up(&world).await;
    let client = [("name", "Nord"), ("currency", "EUR")];
    maya.post("/app/clients", &client).await.expect(303);
    let project = [("name", "Catalogue"), ("billing_method", "none")];
    maya.post("/app/projects", &project).await.expect(303);
    let link = async |page: &str, before: &str| {
        let html = maya.page(page).await;
        format!(
            "{before}{}",
            between(&html, &format!("href=\"{before}"), "\"")
        )
    };
    let client = link("/app/clients", "/app/clients/").await;
    let project = link("/app/projects", "/app/projects/").await;
    let task = [("task_name", "Layout")];
    maya.post(&format!("{project}/tasks"), &task)
        .await
        .expect(303);
    let task = link(&project, "/app/tasks/").await;
    let member = link("/app/settings/members", "/app/settings/members/").await;
    let webhooks = "/app/settings/webhooks";
    let endpoint = [("url", "https://hooks.studio.example/"), ("events", "*")];
    maya.post(webhooks, &endpoint).await.expect(200);
    let endpoint = format!("{}/edit", link(webhooks, "/app/settings/webhooks/").await);

    let organization = "/app/settings/organization".to_owned();
    for path in [client, project, task, member, endpoint, organization] {
        let tag = version(&maya.page(&path).await);
        let save = async |number: &str, tag: &str| {
            let name = format!("Number {number}");
            let fields = [
                ("version", tag),
                ("name", &name),
                ("billable_rate", number),
                ("description", &name),
                ("billing_method", "none"),
                ("currency", "EUR"),
                ("timezone", "UTC"),
                ("week_start", "monday"),
                ("capacity", "40:00"),
                ("mode", "none"),
                ("minutes", "1"),
                ("role", "owner"),
                ("weekly_capacity", "40:00"),
                ("url", "https://hooks.studio.example/"),
                ("events", "*"),
            ];
            maya.post(&path, &fields).await
        };
        save("31.00", &tag).await.expect(303);
        let refused = text(&save("32.00", &tag).await.expect(412));
        assert!(
            refused.contains("Somebody changed it meanwhile"),
            "{refused}"
        );
        assert!(refused.contains("<a href=\"\">"), "{refused}");
        let typed = ["value=\"32.00\"", "value=\"Number 32.00\""];
        let shows = |html: &str| typed.iter().any(|typed| html.contains(typed));
        assert!(shows(&refused), "{refused}");
        assert_eq!(version(&refused), tag, "a second try would go through");
        let html = maya.page(&path).await;
        assert!(!shows(&html), "{path}: {html}");
        save("32.00", &version(&html)).await.expect(303);
    }
    assert!(world.stop().await);
}
