//! Forms of the app: where they are done, what they change, and what they leave as it was.

use hoursmith_domain::Role;
use hoursmith_resource::admin::{NewMember, OrganizationChange};
use serde_json::json;

use crate::browser::{Browser, PASSWORD, between, once, text, version};
use crate::world::{Bus, Store, World, generous};

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

/// What a form shows in minutes, or has no room for, stays as it was when it is saved as it is shown.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_form_cannot_say_stays() {
    let world = World::start_with(Bus::Memory, Store::Sqlite, |settings| {
        generous(settings);
        let own = json!({ "plan": "studio" });
        settings.actors.insert("accounts".to_owned(), own);
    })
    .await;
    let (maya, _) = Browser::signed_up(&world).await;
    let plans = maya.page("/app/settings/plan").await;
    let slug = between(&plans, "hoursmith org plan ", " ");
    let change = OrganizationChange {
        weekly_capacity_seconds: Some(135_015),
        ..OrganizationChange::default()
    };
    world
        .operator()
        .set_organization(slug, change)
        .await
        .unwrap();
    let wish = [("name", "test"), ("scope", "write"), ("password", PASSWORD)];
    let wrong = [&wish[..], &[("expires_in_days", "90d")]].concat();
    let refused = maya.post("/app/settings/api", &wrong).await.expect(422);
    assert!(text(&refused).contains("Expires must be a whole number of days"));
    let minted = maya.post("/app/settings/api", &wish).await.expect(200);
    let minted = text(&minted);
    let token = between(&minted, "<code id=\"token\">", "<");
    let call = |method: &str, path: &str| world.call(method, path).token(token);
    let make = async |path: &str, body| {
        let call = call("POST", path).json(&body);
        let made = call.send().await.expect(201).json();
        made["id"].as_str().unwrap().to_owned()
    };

    let project = make(
        "/api/v1/projects",
        json!({
            "name": "Catalogue",
            "billing_method": "fixed",
            "fixed_fee": "900.00",
            "billable_rate": "95.00",
        }),
    );
    let project = project.await;
    let mut saved = vec![
        (
            "/app/settings/organization".to_owned(),
            "/api/v1/organization".to_owned(),
        ),
        (
            format!("/app/projects/{project}"),
            format!("/api/v1/projects/{project}"),
        ),
    ];
    for (name, seconds) in [("Layout", 5_429), ("Archive", 400 * 24 * 3_600 + 1)] {
        let body = json!({ "project_id": project, "name": name, "estimated_seconds": seconds });
        let task = make("/api/v1/tasks", body).await;
        saved.push((
            format!("/app/tasks/{task}"),
            format!("/api/v1/tasks/{task}"),
        ));
    }
    // A rate that is typed beside another way of billing waits for the day it counts.
    let poster = [
        ("name", "Poster"),
        ("billing_method", "fixed"),
        ("fixed_fee", "300"),
        ("billable_rate", "80"),
    ];
    maya.post("/app/projects", &poster).await.expect(303);
    let listed = call("GET", "/api/v1/projects?q=poster").send().await;
    let poster = &listed.expect(200).json()["data"][0];
    assert_eq!(poster["fixed_fee"], "300.00");
    assert_eq!(poster["billable_rate"], "80.00");

    for (page, object) in saved {
        let shown = async || call("GET", &object).send().await.expect(200).json();
        let before = shown().await;
        let html = maya.page(&page).await;
        let value = |name: &str| {
            let input = html.split_once(&format!(" name=\"{name}\""));
            input.map_or("", |(_, rest)| between(rest, "value=\"", "\""))
        };
        let tag = version(&html);
        let name = format!("Another name of {page}");
        let fields = [
            ("version", tag.as_str()),
            ("name", name.as_str()),
            ("billing_method", "fixed"),
            ("fixed_fee", value("fixed_fee")),
            ("billable_rate", value("billable_rate")),
            ("estimate", value("estimate")),
            ("capacity", value("capacity")),
            ("currency", "EUR"),
            ("timezone", "UTC"),
            ("week_start", "monday"),
            ("mode", "none"),
            ("minutes", "1"),
        ];
        maya.post(&page, &fields).await.expect(303);
        let after = shown().await;
        assert_eq!(after["name"], name.as_str(), "{page}");
        for field in [
            "billable_rate",
            "fixed_fee",
            "estimated_seconds",
            "weekly_capacity_seconds",
        ] {
            assert_eq!(after[field], before[field], "{field} of {page}");
        }
    }
    assert!(world.stop().await);
}
