//! The change feed.

use std::time::Duration;

use hoursmith_domain::{EventType, Plan, Role, Scope};
use serde_json::{Value, json};

use super::clients::{create, created, path};
use crate::event_schemas;
use crate::http::Answer;
use crate::world::{Org, Person, World};

/// Longer than an event takes to become public, whatever becomes of its wake-up.
const LONGEST: Duration = Duration::from_secs(20);

async fn list(world: &World, person: &Person, query: &str) -> Answer {
    let url = format!("/api/v1/events{query}");
    world.get(&url, person).send().await
}

fn data(page: &Answer) -> Vec<Value> {
    page.json()["data"].as_array().unwrap().clone()
}

fn sequences(events: &[Value]) -> Vec<i64> {
    let of = |event: &Value| event["sequence"].as_i64().unwrap();
    events.iter().map(of).collect()
}

/// Waits until all that an organization has written is public.
pub async fn until_public(world: &World, org: &Org) {
    let written = world.count("events", org.id).await;
    let last = format!("?limit=1&after_sequence={}", written - 1);
    let public = async {
        while data(&list(world, &org.owner, &last).await.expect(200)).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(LONGEST, public).await;
    waited.unwrap_or_else(|_| panic!("event {written} never became public"));
}

/// All events, by the cursors of pages.
pub async fn walk(world: &World, person: &Person, filters: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = list(world, person, &format!("?{filters}{cursor}"))
            .await
            .expect(200);
        events.extend(data(&page));
        let Some(next) = page.json()["next_cursor"].as_str().map(str::to_owned) else {
            return events;
        };
        cursor = format!("&cursor={next}");
    }
}

/// Every event of an organization, once the last one is public. Each has the form that the document
/// promises to receivers.
pub async fn feed(world: &World, org: &Org) -> Vec<Value> {
    until_public(world, org).await;
    let events = walk(world, &org.owner, "limit=200").await;
    events.iter().for_each(event_schemas::check);
    events
}

pub async fn every_change_has_its_event(world: &World) {
    let org = world.org().await;
    let created = create(
        world,
        &org.owner,
        &json!({"name": "A", "billable_rate": "1.5"}),
    )
    .await
    .expect(201)
    .json();
    let url = path(created["id"].as_str().unwrap());
    let patch = world
        .call("PATCH", &url)
        .token(&org.owner.token)
        .json(&json!({"name": "B"}));
    let patched = patch.send().await.expect(200).json();
    world
        .call("DELETE", &url)
        .token(&org.owner.token)
        .send()
        .await
        .expect(204);
    create(world, &org.owner, &json!({"nam": "x"}))
        .await
        .expect(422);

    let events = events(world, &org, "client.").await;
    let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["client.created", "client.updated", "client.deleted"]
    );
    assert_eq!(events[0].1, json!({"object": created}));
    assert_eq!(
        events[1].1,
        json!({"object": patched, "previous_attributes": {"name": "A"}})
    );
    assert_eq!(events[2].1, json!({"object": patched}));
}

pub async fn every_change_of_a_member_has_its_event(world: &World) {
    let org = world.org().await;
    let (operator, email) = (world.operator(), &org.member.email);
    operator
        .set_role(&org.slug, email, Role::Member)
        .await
        .unwrap();
    operator
        .set_role(&org.slug, email, Role::Manager)
        .await
        .unwrap();
    operator.set_plan(&org.slug, Plan::Agency).await.unwrap();
    operator.set_plan(&org.slug, Plan::Studio).await.unwrap();
    operator.remove_member(&org.slug, email).await.unwrap();
    assert!(
        operator.remove_member(&org.slug, email).await.is_err(),
        "nobody is there any more"
    );

    let members = events(world, &org, "member.").await;
    let kinds: Vec<&str> = members.iter().map(|(kind, _)| kind.as_str()).collect();
    let added = "member.added";
    assert_eq!(
        kinds,
        [
            added,
            added,
            added,
            added,
            "member.updated",
            "member.removed"
        ]
    );
    let object = |at: usize| &members[at].1["object"];
    assert_eq!(
        (&object(0)["role"], &object(0)["status"]),
        (&json!("owner"), &json!("active"))
    );
    assert_eq!(
        members[4].1["previous_attributes"],
        json!({"role": "member"})
    );
    assert_eq!(object(4)["role"], "manager");
    assert_eq!(
        members[5].1["previous_attributes"],
        json!({"status": "active"})
    );
    assert_eq!(
        (&object(5)["id"], &object(5)["email"]),
        (&json!(org.member.id.to_string()), &json!(email))
    );
    let plans = events(world, &org, "organization.").await;
    assert_eq!(plans.len(), 1, "a change to what it was is none");
    assert_eq!(plans[0].0, "organization.updated");
    assert_eq!(plans[0].1["previous_attributes"], json!({"plan": "agency"}));
    assert_eq!(plans[0].1["object"]["plan"], "studio");
}

/// Type and data of the events whose types begin so, in order.
async fn events(world: &World, org: &Org, kind: &str) -> Vec<(String, Value)> {
    feed(world, org)
        .await
        .into_iter()
        .map(|event| {
            (
                event["type"].as_str().unwrap().to_owned(),
                event["data"].clone(),
            )
        })
        .filter(|(given, _)| given.starts_with(kind))
        .collect()
}

pub async fn events_are_shown_in_order_without_a_gap(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    for number in 0..5 {
        created(world, &org.owner, &format!("client {number}")).await;
        created(world, &other.owner, &format!("client {number}")).await;
    }
    for org in [&org, &other] {
        let events = feed(world, org).await;
        let wanted: Vec<i64> = (1..=9).collect();
        assert_eq!(sequences(&events), wanted, "four members and five clients");
        let names: Vec<_> = events[4..]
            .iter()
            .map(|event| event["data"]["object"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            ["client 0", "client 1", "client 2", "client 3", "client 4"]
        );
    }
}

pub async fn an_event_never_changes(world: &World) {
    let org = world.org().await;
    let client = create(world, &org.owner, &json!({"name": "A"}))
        .await
        .json();
    let event = feed(world, &org).await.pop().unwrap();
    assert_eq!(
        event,
        json!({
            "id": event["id"],
            "type": "client.created",
            "created_at": client["created_at"],
            "organization_id": org.id.to_string(),
            "sequence": 5,
            "api_version": "v1",
            "data": {"object": client},
        })
    );
    let id = event["id"].as_str().unwrap();
    assert!(id.starts_with("evt_") && id.len() == 36, "{id}");
    let url = format!("/api/v1/events/{id}");
    let read = world.get(&url, &org.admin).send().await.expect(200);
    assert_eq!(read.json(), event);
    let gone = world
        .call("DELETE", &path(client["id"].as_str().unwrap()))
        .token(&org.owner.token);
    gone.send().await.expect(204);
    let again = world
        .get(&url, &org.owner)
        .header("if-none-match", read.header("etag"));
    assert!(again.send().await.expect(304).body.is_empty());
    let etag = world
        .call("HEAD", &url)
        .token(&org.owner.token)
        .send()
        .await;
    assert_eq!(etag.expect(200).header("etag"), read.header("etag"));
    for method in ["POST", "PATCH", "DELETE"] {
        let write = world
            .call(method, &url)
            .token(&org.owner.token)
            .send()
            .await;
        let refused = write.expect_problem(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), "GET, HEAD, OPTIONS");
    }
}

pub async fn the_feed_is_walked(world: &World) {
    let org = world.org().await;
    for number in 0..6 {
        created(world, &org.owner, &format!("client {number}")).await;
    }
    until_public(world, &org).await;
    let mut seen = Vec::new();
    let mut query = "?limit=3&after_sequence=2".to_owned();
    loop {
        let page = list(world, &org.owner, &query).await.expect(200);
        seen.extend(sequences(&data(&page)));
        // What comes while somebody walks is at the end.
        if seen.len() == 3 {
            created(world, &org.owner, "late").await;
            until_public(world, &org).await;
        }
        let body = page.json();
        assert_eq!(
            body["has_more"].as_bool().unwrap(),
            body["next_cursor"].is_string()
        );
        let Some(cursor) = body["next_cursor"].as_str() else {
            break;
        };
        let link = page.header("link").to_owned();
        assert!(
            link.contains("/api/v1/events?limit=3&after_sequence=2&cursor="),
            "{link}"
        );
        query = format!("?limit=3&after_sequence=2&cursor={cursor}");
    }
    assert_eq!(seen, [3, 4, 5, 6, 7, 8, 9, 10, 11]);

    // As somebody syncs: from the last one taken in.
    let mut synced = Vec::new();
    while synced.len() < 11 {
        let after = synced.last().copied().unwrap_or_default();
        let query = format!("?limit=4&after_sequence={after}");
        let page = list(world, &org.owner, &query).await.expect(200);
        synced.extend(sequences(&data(&page)));
    }
    let wanted: Vec<i64> = (1..=11).collect();
    assert_eq!(synced, wanted);
    let end = list(world, &org.owner, "?after_sequence=11")
        .await
        .expect(200);
    assert_eq!(
        end.json(),
        json!({"data": [], "has_more": false, "next_cursor": null})
    );

    let first = list(world, &org.owner, "?limit=1").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    for query in ["after_sequence=1", "type=client.created"] {
        list(world, &org.owner, &format!("?{query}&cursor={cursor}"))
            .await
            .expect_problem(400, "invalid_cursor");
    }
}

pub async fn the_feed_is_filtered(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    let (a, b) = (
        created(world, owner, "A").await,
        created(world, owner, "B").await,
    );
    let change = async |id: &str, notes: &str| {
        let patch = world.call("PATCH", &path(id)).token(&owner.token);
        patch
            .json(&json!({ "notes": notes }))
            .send()
            .await
            .expect(200);
    };
    change(&a, "1").await;
    change(&b, "2").await;
    change(&a, "3").await;
    let delete = world.call("DELETE", &path(&a)).token(&owner.token);
    delete.send().await.expect(204);
    until_public(world, &org).await;

    let find = async |filters: &str| sequences(&walk(world, owner, filters).await);
    assert_eq!(find("type=member.added").await, [1, 2, 3, 4]);
    assert_eq!(find("type=client.created").await, [5, 6]);
    assert_eq!(
        find("type=client.deleted&type=client.created").await,
        [5, 6, 10]
    );
    assert_eq!(find("type=task.created").await, Vec::<i64>::new());
    assert_eq!(find(&format!("resource_id={a}")).await, [5, 7, 9, 10]);
    assert_eq!(
        find(&format!("resource_id={}", a.to_uppercase())).await,
        [5, 7, 9, 10]
    );
    assert_eq!(find(&format!("resource_id={}", org.owner.id)).await, [1]);
    assert_eq!(
        find(&format!(
            "resource_id={a}&type=client.updated&type=member.added"
        ))
        .await,
        [7, 9]
    );
    assert_eq!(
        find(&format!("resource_id={a}&after_sequence=7")).await,
        [9, 10]
    );
    assert_eq!(
        find("type=client.updated&after_sequence=7&limit=1").await,
        [8, 9]
    );
    assert_eq!(
        find("resource_id=01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d").await,
        Vec::<i64>::new()
    );

    // All types, one by one: the pages are those of the feed itself.
    let every: String = EventType::WORDS
        .iter()
        .map(|word| format!("&type={word}"))
        .collect();
    let wanted: Vec<i64> = (1..=10).collect();
    for limit in [1, 3, 200] {
        assert_eq!(
            find(&format!("limit={limit}{every}")).await,
            wanted,
            "{limit}"
        );
    }

    for (query, code) in [
        ("type=client", "invalid_parameter"),
        ("type=client.created&type=", "invalid_parameter"),
        ("type=client.created,client.deleted", "invalid_parameter"),
        ("resource_id=x", "invalid_parameter"),
        ("after_sequence=-1", "invalid_parameter"),
        ("after_sequence=9007199254740992", "invalid_parameter"),
        ("after_sequence=1&after_sequence=2", "unknown_parameter"),
        ("updated_since=2026-01-01T00:00:00Z", "unknown_parameter"),
        ("external_reference_id=x", "unknown_parameter"),
    ] {
        let refused = list(world, owner, &format!("?{query}")).await;
        refused.expect_problem(400, code);
    }
}

pub async fn the_feed_is_for_owners_and_admins(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    let foreign = feed(world, &other).await.pop().unwrap();
    let foreign = foreign["id"].as_str().unwrap();
    let own = feed(world, &org).await.pop().unwrap();
    let one = format!("/api/v1/events/{}", own["id"].as_str().unwrap());
    for url in ["/api/v1/events", &one] {
        for person in [&org.owner, &org.admin] {
            world.get(url, person).send().await.expect(200);
        }
        for person in [&org.manager, &org.member] {
            let refused = world.get(url, person).send().await;
            refused.expect_problem(403, "role_forbidden");
        }
        let reader = world.token(org.id, org.owner.id, Scope::Read, None).await;
        world
            .call("GET", url)
            .token(&reader)
            .send()
            .await
            .expect(200);
    }
    let never = "evt_01931f7e3c517c3a9a536f0d2a3b4c5d";
    for id in [
        foreign,
        never,
        "evt_x",
        &own["id"].as_str().unwrap()[4..],
        "x",
    ] {
        let answer = world
            .get(&format!("/api/v1/events/{id}"), &org.owner)
            .send()
            .await;
        let problem = answer.expect_problem(404, "not_found").json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(!detail.contains(id), "{detail}");
    }
    let resource = foreign_resource(world, &other).await;
    let found = list(world, &org.owner, &format!("?resource_id={resource}")).await;
    assert!(data(&found.expect(200)).is_empty());
    world
        .operator()
        .set_plan(&org.slug, Plan::Free)
        .await
        .unwrap();
    list(world, &org.owner, "")
        .await
        .expect_problem(402, "plan_required");
}

/// The id of something that another organization has events of.
async fn foreign_resource(world: &World, other: &Org) -> String {
    let event = feed(world, other).await.pop().unwrap();
    event["data"]["object"]["id"].as_str().unwrap().to_owned()
}

pub async fn a_page_of_events_ends_before_it_is_too_large(world: &World) {
    let org = world.org().await;
    let metadata: Value = (0..50)
        .map(|number| (format!("key {number}"), Value::from("🦀".repeat(500))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    for number in 0..12 {
        let body = json!({"name": format!("fat {number}"), "metadata": metadata});
        create(world, &org.owner, &body).await.expect(201);
    }
    until_public(world, &org).await;
    let first = list(world, &org.owner, "?limit=200")
        .await
        .expect(200)
        .json();
    assert_eq!(
        first["has_more"], true,
        "a short page, and yet there is more"
    );
    let wanted: Vec<i64> = (1..=16).collect();
    assert_eq!(
        sequences(&walk(world, &org.owner, "limit=200").await),
        wanted
    );
}
