//! Webhook endpoints: what is set, who may, what is refused.

use futures::future::join_all;
use hoursmith_domain::{Plan, Scope};
use serde_json::{Value, json};

use super::access::essence;
use super::events::feed;
use crate::http::{Answer, Call};
use crate::world::{Org, Person, World};

const ALL: &str = "/api/v1/webhook_endpoints";

pub fn endpoint(id: &str) -> String {
    format!("{ALL}/{id}")
}

/// A URL on this machine at which nobody answers.
pub fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/hook", listener.local_addr().unwrap())
}

/// Makes an endpoint for events that no case writes, and gives the whole answer.
pub async fn made(world: &World, person: &Person) -> Answer {
    let body = json!({"url": nowhere(), "events": ["invoice.voided"]});
    let answer = world.post(ALL, person).json(&body).send().await;
    answer.expect(201)
}

/// The same, and gives its id.
pub async fn made_id(world: &World, person: &Person) -> String {
    let endpoint = made(world, person).await.json();
    endpoint["id"].as_str().unwrap().to_owned()
}

fn patch(world: &World, person: &Person, id: &str, body: &Value) -> Call {
    let call = world.call("PATCH", &endpoint(id)).token(&person.token);
    call.json(body)
}

async fn create(world: &World, org: &Org, body: &Value) -> Answer {
    world.post(ALL, &org.owner).json(body).send().await
}

pub async fn an_endpoint_is_created_read_changed_and_deleted(world: &World) {
    let org = world.org().await;
    let body = json!({
        "url": "HTTPS://Hooks.Acme.Example:443/a b".replace(' ', "%20"),
        "description": "Ledger", "events": ["invoice.*", "client.created"],
        "external_reference": {"service": "n8n", "id": "7"}, "metadata": {"a": "1"},
    });
    let answer = create(world, &org, &body).await.expect(201);
    let mut made = answer.json();
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(answer.header("location").ends_with(&endpoint(&id)));
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    let secret = secret.as_str().unwrap();
    assert!(
        secret.starts_with("whsec_") && secret.len() == 38,
        "{secret}"
    );
    assert_eq!(made["url"], "https://hooks.acme.example/a%20b");
    assert_eq!(made["events"], body["events"]);
    let state = json!([
        made["enabled"],
        made["status"],
        made["consecutive_failures"],
        made["last_success_at"]
    ]);
    assert_eq!(state, json!([true, "enabled", 0, null]));
    let read = world.get(&endpoint(&id), &org.admin).send().await;
    let read = read.expect(200);
    assert_eq!(read.json(), made, "without its secret");
    assert_eq!(read.header("etag"), answer.header("etag"));

    let changed = json!({"events": ["*"], "description": null, "metadata": {"a": null, "b": "2"}});
    let answer = patch(world, &org.admin, &id, &changed)
        .send()
        .await
        .expect(200);
    let now = answer.json();
    assert_eq!(
        (&now["events"], &now["description"], &now["metadata"]),
        (&json!(["*"]), &Value::Null, &json!({"b": "2"}))
    );
    assert_eq!(now["url"], made["url"]);
    assert_ne!(now["updated_at"], made["updated_at"]);
    let again = patch(world, &org.admin, &id, &changed)
        .send()
        .await
        .expect(200);
    assert_eq!(again.json(), now, "nothing changed");
    assert_eq!(again.header("etag"), answer.header("etag"));

    let delete = world.call("DELETE", &endpoint(&id)).token(&org.owner.token);
    assert!(delete.clone().send().await.expect(204).body.is_empty());
    delete.send().await.expect_problem(404, "not_found");
    let gone = world.get(&endpoint(&id), &org.owner).send().await;
    gone.expect_problem(404, "not_found");
    let events = feed(world, &org).await;
    assert_eq!(events.len(), 4, "four members: none of this is an event");
}

pub async fn every_invalid_field_of_an_endpoint_is_named(world: &World) {
    let org = world.org().await;
    let found = async |body: Value| -> Vec<(String, String)> {
        let answer = create(world, &org, &body).await;
        let problem = answer.expect_problem(422, "validation_failed").json();
        let errors = problem["errors"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        errors
            .iter()
            .map(|error| (text(&error["pointer"]), text(&error["code"])))
            .collect()
    };
    let expect = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        pairs.iter().map(owned).collect()
    };
    let body = json!({
        "id": "x", "url": "nowhere", "description": "", "enabled": "yes", "secret": "whsec_x", "status": "failing",
        "consecutive_failures": 1, "last_success_at": null, "colour": "red",
        "events": ["invoice.sent", "invoice.exploded", "invoice.sent", 7, "invoice"],
    });
    let expected = [
        ("#/colour", "unknown_field"),
        ("#/consecutive_failures", "read_only"),
        ("#/description", "too_short"),
        ("#/enabled", "type"),
        ("#/events/1", "invalid_event"),
        ("#/events/2", "duplicate"),
        ("#/events/3", "type"),
        ("#/events/4", "invalid_event"),
        ("#/id", "read_only"),
        ("#/last_success_at", "read_only"),
        ("#/secret", "read_only"),
        ("#/status", "read_only"),
        ("#/url", "invalid_url"),
    ];
    assert_eq!(found(body).await, expect(&expected));
    let required = [("#/events", "required"), ("#/url", "required")];
    assert_eq!(found(json!({})).await, expect(&required));
    let url = nowhere();
    let none = json!({"url": url, "events": []});
    assert_eq!(found(none).await, expect(&[("#/events", "too_few")]));
    let many = vec!["invoice.sent"; 51];
    let many = json!({"url": url, "events": many});
    assert_eq!(found(many).await, expect(&[("#/events", "too_many")]));

    let id = made_id(world, &org.owner).await;
    for field in ["url", "events", "enabled"] {
        let answer = patch(world, &org.owner, &id, &json!({ field: null }))
            .send()
            .await;
        let problem = answer.expect_problem(422, "validation_failed").json();
        assert_eq!(problem["errors"][0]["code"], "not_nullable");
    }
    let listed = world.get(ALL, &org.owner).send().await.expect(200).json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

/// More would be a map of the inner network, one question at a time.
pub async fn where_nothing_may_be_sent_is_refused_in_one_sentence(world: &World) {
    let org = world.org().await;
    let id = made_id(world, &org.owner).await;
    let long = format!("https://acme.example/{}", "x".repeat(2048));
    // Short enough as it is typed, and too long as it would be kept.
    let grows = format!("https://acme.example/{}", "ä".repeat(500));
    let mut seen = Vec::new();
    for url in [
        "http://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://0x0a000001/",
        "ftp://acme.example/",
        "https://user:password@acme.example/",
        "https://acme.example/#part",
        "https://acme.example:22/",
        "https://acme.example/\u{200b}\n",
        "//acme.example/",
        "x",
        &long,
        &grows,
    ] {
        let body = json!({"url": url, "events": ["*"]});
        let refused = create(world, &org, &body).await;
        let refused = refused.expect_problem(422, "validation_failed").json();
        let changed = patch(world, &org.owner, &id, &json!({ "url": url }));
        let changed = changed.send().await;
        let changed = changed.expect_problem(422, "validation_failed").json();
        assert_eq!(refused["errors"], changed["errors"]);
        seen.push((refused["detail"].clone(), refused["errors"].clone()));
    }
    let error = &seen[0].1[0];
    assert_eq!(
        (&error["pointer"], &error["code"]),
        (&json!("#/url"), &json!("invalid_url"))
    );
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

pub async fn an_endpoint_is_disabled_and_enabled(world: &World) {
    let org = world.org().await;
    let made = made(world, &org.owner).await.json();
    let id = made["id"].as_str().unwrap();
    let set = async |enabled: bool| {
        let patch = patch(world, &org.admin, id, &json!({ "enabled": enabled }));
        patch.send().await.expect(200).json()
    };
    assert_eq!(set(true).await["updated_at"], made["updated_at"]);
    let disabled = set(false).await;
    assert_eq!(
        (&disabled["enabled"], &disabled["status"]),
        (&json!(false), &json!("disabled"))
    );
    assert_eq!(set(false).await, disabled);
    let enabled = set(true).await;
    assert_eq!(
        (&enabled["enabled"], &enabled["status"]),
        (&json!(true), &json!("enabled"))
    );
    let born = json!({"url": nowhere(), "events": ["*"], "enabled": false});
    let born = create(world, &org, &born).await.expect(201).json();
    assert_eq!(born["status"], "disabled");
    let gone = world
        .call("DELETE", &endpoint(born["id"].as_str().unwrap()))
        .token(&org.owner.token);
    gone.send().await.expect(204);

    let events = feed(world, &org).await;
    let about: Vec<&Value> = events[4..].iter().collect();
    assert_eq!(about.len(), 1, "disabled once: {about:#?}");
    assert_eq!(about[0]["type"], "webhook_endpoint.disabled");
    let data = json!({
        "object": disabled,
        "previous_attributes": {"enabled": true, "status": "enabled"},
    });
    assert_eq!(about[0]["data"], data);
}

pub async fn endpoints_are_fifty_at_most(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    let body = json!({"url": nowhere(), "events": ["invoice.voided"]});
    let answers = join_all((0..55).map(|_| create(world, &org, &body))).await;
    let (made, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 50);
    for answer in refused {
        answer.expect_problem(409, "conflict");
    }
    create(world, &other, &body).await.expect(201);
    let id = made[0].json()["id"].as_str().unwrap().to_owned();
    let delete = world.call("DELETE", &endpoint(&id)).token(&org.owner.token);
    delete.send().await.expect(204);
    create(world, &org, &body).await.expect(201);
    create(world, &org, &body)
        .await
        .expect_problem(409, "conflict");
}

pub async fn endpoints_are_listed(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    made(world, &other.owner).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let body = json!({
            "url": nowhere(), "events": ["invoice.voided"], "enabled": number != 3,
            "external_reference": {"service": "n8n", "id": format!("{}", number % 2)},
        });
        let made = create(world, &org, &body).await.expect(201).json();
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let list = async |query: &str| -> Value {
        let listed = world.get(&format!("{ALL}{query}"), &org.owner).send().await;
        listed.expect(200).json()
    };
    let of = |page: &Value| -> Vec<usize> {
        let at = |item: &Value| ids.iter().position(|id| item["id"] == **id).unwrap();
        page["data"].as_array().unwrap().iter().map(at).collect()
    };
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = list(&query).await;
        seen.extend(of(&page));
        assert!(!page.to_string().contains("secret"), "{page}");
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, [4, 3, 2, 1, 0]);
    assert_eq!(of(&list("?status=disabled").await), [3]);
    assert_eq!(of(&list("?status=enabled&limit=2").await), [4, 2]);
    assert_eq!(of(&list("?external_reference_id=1").await), [3, 1]);
    let since = list("").await["data"][0]["created_at"].clone();
    let since = since.as_str().unwrap().to_owned();
    let change = json!({"description": "changed"});
    patch(world, &org.owner, &ids[1], &change)
        .send()
        .await
        .expect(200);
    let updated = format!("?updated_since={since}");
    assert_eq!(of(&list(&updated).await), [4, 1]);
    let both = format!("{updated}&external_reference_id=1");
    assert_eq!(of(&list(&both).await), [1]);
    for query in ["status=broken", "status=enabled&status=failing", "url=x"] {
        let refused = world
            .get(&format!("{ALL}?{query}"), &org.owner)
            .send()
            .await;
        assert_eq!(refused.status, 400, "{query}");
    }
}

pub async fn endpoints_have_conditions_and_safe_retries(world: &World) {
    let org = world.org().await;
    let answer = made(world, &org.owner).await;
    let first = answer.header("etag").to_owned();
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let change = |etag: &str, text: &str| {
        let body = json!({ "description": text });
        patch(world, &org.owner, &id, &body).header("if-match", etag)
    };
    change(&first, "a").send().await.expect(200);
    let refused = change(&first, "b").send().await;
    refused.expect_problem(412, "precondition_failed");
    let read = world.get(&endpoint(&id), &org.owner).send().await;
    let now = read.header("etag").to_owned();
    let again = world
        .get(&endpoint(&id), &org.owner)
        .header("if-none-match", &now);
    assert!(again.send().await.expect(304).body.is_empty());
    let delete = world.call("DELETE", &endpoint(&id)).token(&org.owner.token);
    let stale = delete.clone().header("if-match", &first).send().await;
    stale.expect_problem(412, "precondition_failed");
    delete.header("if-match", &now).send().await.expect(204);

    let body = json!({"url": nowhere(), "events": ["invoice.voided"]});
    let keyed = world.post(ALL, &org.owner).key("k").json(&body);
    let answers = join_all((0..6).map(|_| keyed.clone().send())).await;
    let made: Vec<&Answer> = answers.iter().filter(|one| one.status == 201).collect();
    assert!(!made.is_empty());
    for answer in &made {
        assert_eq!(answer.body, made[0].body, "one endpoint, one secret");
    }
    let listed = world.get(ALL, &org.owner).send().await.expect(200).json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

/// Plans that have webhooks come and go; what is there stays to be read and deleted.
pub async fn webhooks_need_agency(world: &World) {
    let org = world.org().await;
    let id = made_id(world, &org.owner).await;
    let one = endpoint(&id);
    let operator = world.operator();
    let owner = &org.owner;
    let delivery = "/api/v1/webhook_deliveries/whd_01931f7e3c517c3a9a536f0d2a3b4c5d";
    let writes = [
        world
            .post(ALL, owner)
            .json(&json!({"url": nowhere(), "events": ["*"]})),
        patch(world, owner, &id, &json!({"description": "x"})),
        world.post(&format!("{one}/rotate_secret"), owner),
        world.post(&format!("{one}/test"), owner),
        world
            .post(&format!("{one}/replay"), owner)
            .json(&json!({"since": "2026-01-01T00:00:00Z"})),
        world.post(&format!("{delivery}/replay"), owner),
    ];
    operator.set_plan(&org.slug, Plan::Studio).await.unwrap();
    for call in writes.clone() {
        let refused = call.send().await.expect_problem(402, "plan_required");
        let refused = refused.json();
        assert_eq!(
            (&refused["current_plan"], &refused["required_plan"]),
            (&json!("studio"), &json!("agency"))
        );
    }
    let reads = [ALL, &one, "/api/v1/webhook_deliveries"];
    for path in reads {
        world.get(path, owner).send().await.expect(200);
    }
    let never = world.get(delivery, owner).send().await;
    never.expect_problem(404, "not_found");
    operator.set_plan(&org.slug, Plan::Agency).await.unwrap();
    let back = patch(world, owner, &id, &json!({"description": "x"}));
    back.send().await.expect(200);
    operator.set_plan(&org.slug, Plan::Studio).await.unwrap();
    let delete = world.call("DELETE", &one).token(&owner.token);
    delete.clone().send().await.expect(204);
    operator.set_plan(&org.slug, Plan::Free).await.unwrap();
    for path in reads {
        let refused = world.get(path, owner).send().await;
        refused.expect_problem(402, "plan_required");
    }
    delete.send().await.expect_problem(402, "plan_required");
}

pub async fn webhooks_are_for_owners_and_admins(world: &World) {
    let org = world.org().await;
    let one = endpoint(&made_id(world, &org.owner).await);
    let reader = world.token(org.id, org.admin.id, Scope::Read, None).await;
    for path in [ALL, &one, "/api/v1/webhook_deliveries"] {
        for person in [&org.manager, &org.member] {
            let refused = world.get(path, person).send().await;
            refused.expect_problem(403, "role_forbidden");
        }
        let read = world.call("GET", path).token(&reader).send().await;
        read.expect(200);
    }
    let rotate = format!("{one}/rotate_secret");
    for person in [&org.manager, &org.member] {
        let refused = world.post(&rotate, person).send().await;
        refused.expect_problem(403, "role_forbidden");
    }
    let refused = world.call("POST", &rotate).token(&reader).send().await;
    refused.expect_problem(403, "scope_insufficient");
    world.post(&rotate, &org.admin).send().await.expect(200);
}

pub async fn a_test_is_a_ping(world: &World) {
    let org = world.org().await;
    let made = made(world, &org.owner).await.json();
    let id = made["id"].as_str().unwrap();
    let test = world
        .post(&format!("{}/test", endpoint(id)), &org.admin)
        .key("ping");
    let answer = test.clone().send().await.expect(200);
    let again = test.clone().send().await.expect(200);
    assert_eq!(again.body, answer.body, "one ping");
    let event_id = answer.json()["event_id"].clone();
    let events = feed(world, &org).await;
    let pings: Vec<&Value> = events.iter().filter(|one| one["type"] == "ping").collect();
    assert_eq!(pings.len(), 1);
    assert_eq!(pings[0]["id"], event_id);
    let object = &pings[0]["data"]["object"];
    assert_eq!(object["id"], made["id"]);
    assert_eq!(object["secret"], Value::Null);

    let disable = patch(world, &org.owner, id, &json!({"enabled": false}));
    disable.send().await.expect(200);
    let refused = world
        .post(&format!("{}/test", endpoint(id)), &org.owner)
        .send()
        .await;
    let refused = refused.expect_problem(409, "conflict").json();
    assert!(refused["detail"].as_str().unwrap().contains("enabled"));
}

pub async fn foreign_ids_around_webhooks_never_existed(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    let foreign = made_id(world, &other.owner).await;
    let never = "01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";
    let owner = &org.owner;
    let since = json!({"since": "2026-01-01T00:00:00Z"});
    let calls = |id: &str| {
        let one = endpoint(id);
        [
            world.get(&one, owner),
            patch(world, owner, id, &json!({"enabled": false})),
            world.call("DELETE", &one).token(&owner.token),
            world.post(&format!("{one}/rotate_secret"), owner),
            world.post(&format!("{one}/test"), owner),
            world.post(&format!("{one}/replay"), owner).json(&since),
        ]
    };
    for (foreign_call, never_call) in calls(&foreign).into_iter().zip(calls(never)) {
        let (theirs, nobodys) = (foreign_call.send().await, never_call.send().await);
        let theirs = theirs.expect_problem(404, "not_found");
        assert_eq!(essence(&theirs, &foreign), essence(&nobodys, never));
    }
    let still = world.get(&endpoint(&foreign), &other.owner).send().await;
    assert_eq!(still.expect(200).json()["enabled"], true);
    for id in ["x", "whd_01931f7e3c517c3a9a536f0d2a3b4c5d"] {
        let answer = world.get(&endpoint(id), owner).send().await;
        answer.expect_problem(404, "not_found");
    }
}
