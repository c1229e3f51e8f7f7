//! Webhook deliveries and replays. What is read here was written by hand, so that nothing else
//! touches it; the engine that writes and sends has tests of its own.

use std::time::Duration;

use hoursmith_domain::{Timestamp, WebhookDeliveryId};
use hoursmith_kit::{Clock as _, Random as _, SystemRandom};
use hoursmith_store::execute;
use serde_json::{Value, json};
use uuid::Uuid;

use super::access::essence;
use super::clients::created;
use super::events::{feed, until_public};
use super::webhook_endpoints::{endpoint, made_id, nowhere};
use crate::http::Answer;
use crate::receivers::LONGEST;
use crate::scene::run;
use crate::world::{Org, Person, World};

const ALL: &str = "/api/v1/webhook_deliveries";

hoursmith_store::statements! {
    NEW_DELIVERY = "INSERT INTO webhook_deliveries (organization_id, id, endpoint_id, event_id, status, \
        skip_reason, attempts, step, next_attempt_at, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $9)";
    NEW_ATTEMPT = "INSERT INTO webhook_attempts (organization_id, delivery_id, number, at, url, status_code, \
        duration_ms, error, response_excerpt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    FAN_OUT_BY_HAND = "UPDATE events SET fanned_out = TRUE WHERE organization_id = $1";
}

/// A delivery to be written.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    pub endpoint: &'a str,
    pub event: Uuid,
    pub status: &'static str,
    pub attempts: i64,
}

/// Writes a delivery as the engine would leave it. One that is pending is due in a day.
pub async fn deliver(world: &World, org: &Org, written: Written<'_>) -> String {
    let now = world.clock.now();
    let endpoint: Uuid = written.endpoint.parse().unwrap();
    let id = WebhookDeliveryId(SystemRandom.uuid_v7(now));
    let (organization, event) = (org.id.0, written.event);
    let (status, attempts) = (written.status, written.attempts);
    let due = (status == "pending").then(|| now.plus(Duration::from_secs(86_400)).as_micros());
    let reason = (status == "skipped").then_some("disabled");
    let is_good = status == "delivered";
    let done = world.db.db().write(move |conn| {
        Box::pin(async move {
            let now = now.as_micros();
            execute!(
                conn,
                NEW_DELIVERY,
                organization,
                id.0,
                endpoint,
                event,
                status,
                reason,
                attempts,
                due,
                now
            )?;
            for number in 1..=attempts {
                let is_good = is_good && number == attempts;
                execute!(
                    conn,
                    NEW_ATTEMPT,
                    organization,
                    id.0,
                    number,
                    now,
                    "https://hooks.acme.example/",
                    is_good.then_some(200_i64),
                    7_i64,
                    (!is_good).then_some("timeout"),
                    is_good.then_some("ok \"\u{1f980}\"")
                )?;
            }
            Ok::<_, hoursmith_store::Error>(())
        })
    });
    done.await.unwrap();
    id.to_string()
}

/// What the engine has done already with all that is public.
async fn fan_out(world: &World, org: &Org) {
    until_public(world, org).await;
    let id = org.id.0;
    let done = world
        .db
        .db()
        .write(move |conn| Box::pin(async move { execute!(conn, FAN_OUT_BY_HAND, id) }));
    done.await.unwrap();
}

/// Ids of an organization's events, the first of which are its four members'.
async fn events(world: &World, org: &Org) -> Vec<Uuid> {
    let events = feed(world, org).await;
    let id = |event: &Value| event["id"].as_str().unwrap()[4..].parse().unwrap();
    events.iter().map(id).collect()
}

async fn list(world: &World, person: &Person, query: &str) -> Answer {
    world.get(&format!("{ALL}{query}"), person).send().await
}

fn ids(page: &Value) -> Vec<String> {
    let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
    page["data"].as_array().unwrap().iter().map(id).collect()
}

pub async fn deliveries_are_listed_and_read(world: &World) {
    let org = world.org().await;
    let to = made_id(world, &org.owner).await;
    let events = events(world, &org).await;
    let write = async |event: usize, status, attempts| {
        let written = Written {
            endpoint: &to,
            event: events[event],
            status,
            attempts,
        };
        deliver(world, &org, written).await
    };
    let skipped = write(0, "skipped", 0).await;
    let tried = write(1, "pending", 2).await;
    let done = write(2, "delivered", 23).await;
    let failed = write(3, "failed", 8).await;
    let read = async |id: &str| {
        let read = world.get(&format!("{ALL}/{id}"), &org.admin).send().await;
        read.expect(200)
    };
    let answer = read(&tried).await;
    let body = answer.json();
    let attempts = [1, 2].map(|number| {
        json!({
            "number": number, "at": body["created_at"], "url": "https://hooks.acme.example/",
            "status_code": null, "duration_ms": 7, "error": "timeout", "response_excerpt": null,
        })
    });
    assert_eq!(
        body,
        json!({
            "id": tried,
            "event_id": format!("evt_{}", events[1].simple()),
            "endpoint_id": to,
            "status": "pending",
            "skip_reason": null,
            "attempts": attempts,
            "next_attempt_at": body["next_attempt_at"],
            "created_at": body["created_at"],
            "updated_at": body["updated_at"],
        })
    );
    assert!(body["next_attempt_at"].is_string());
    let again = world
        .get(&format!("{ALL}/{tried}"), &org.owner)
        .header("if-none-match", answer.header("etag"));
    assert!(again.send().await.expect(304).body.is_empty());
    let skip = read(&skipped).await.json();
    assert_eq!(
        (
            &skip["skip_reason"],
            &skip["attempts"],
            &skip["next_attempt_at"]
        ),
        (&json!("disabled"), &json!([]), &Value::Null)
    );
    let good = read(&done).await.json();
    let numbers: Vec<i64> = good["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["number"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, (4..=23).collect::<Vec<_>>(), "the last twenty");
    assert_eq!(good["attempts"][19]["response_excerpt"], "ok \"\u{1f980}\"");

    let (mut seen, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = list(world, &org.owner, &query).await.expect(200).json();
        for item in page["data"].as_array().unwrap() {
            let one = read(item["id"].as_str().unwrap()).await.json();
            assert_eq!(one.to_string(), item.to_string());
        }
        seen.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, [failed, done, tried, skipped]);
    for method in ["PATCH", "DELETE", "PUT"] {
        let refused = world
            .call(method, &format!("{ALL}/{}", seen[0]))
            .token(&org.owner.token)
            .send()
            .await;
        refused.expect_problem(405, "method_not_allowed");
    }
}

pub async fn deliveries_are_filtered(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    let (a, b) = (
        made_id(world, &org.owner).await,
        made_id(world, &org.owner).await,
    );
    let (events, theirs) = (events(world, &org).await, events(world, &other).await);
    let foreign_endpoint = made_id(world, &other.owner).await;
    let foreign = Written {
        endpoint: &foreign_endpoint,
        event: theirs[0],
        status: "failed",
        attempts: 8,
    };
    let foreign = deliver(world, &other, foreign).await;
    let mut made = Vec::new();
    for event in &events[..3] {
        for (endpoint, status) in [(&a, "delivered"), (&b, "failed")] {
            let written = Written {
                endpoint,
                event: *event,
                status,
                attempts: 1,
            };
            made.push(deliver(world, &org, written).await);
        }
    }
    let find = async |query: &str| -> Vec<usize> {
        let page = list(world, &org.owner, &format!("?{query}")).await;
        let at = |id: &String| made.iter().position(|one| one == id).unwrap();
        ids(&page.expect(200).json()).iter().map(at).collect()
    };
    let event = |at: usize| format!("evt_{}", events[at].simple());
    assert_eq!(find("").await, [5, 4, 3, 2, 1, 0]);
    assert_eq!(find(&format!("endpoint_id={a}")).await, [4, 2, 0]);
    assert_eq!(find(&format!("event_id={}", event(1))).await, [3, 2]);
    assert_eq!(find("status=failed").await, [5, 3, 1]);
    assert_eq!(find("status=pending").await, Vec::<usize>::new());
    assert_eq!(
        find(&format!("status=failed&endpoint_id={a}")).await,
        Vec::<usize>::new()
    );
    let both = format!("event_id={}&endpoint_id={b}&status=failed", event(2));
    assert_eq!(find(&both).await, [5]);
    let moment = async |at: usize| -> String {
        let read = world.get(&format!("{ALL}/{}", made[at]), &org.owner);
        let read = read.send().await.expect(200).json();
        read["created_at"].as_str().unwrap().to_owned()
    };
    let (from, to) = (moment(1).await, moment(4).await);
    assert_eq!(find(&format!("from={from}&to={to}")).await, [3, 2, 1]);
    assert_eq!(
        find(&format!("updated_since={from}&status=failed")).await,
        [1, 3, 5]
    );

    let never = "01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";
    let event_never = "evt_01931f7e3c517c3a9a536f0d2a3b4c5d";
    let event_theirs = format!("evt_{}", theirs[0].simple());
    for (theirs, nobodys) in [
        (
            format!("endpoint_id={foreign_endpoint}"),
            format!("endpoint_id={never}"),
        ),
        (
            format!("event_id={event_theirs}"),
            format!("event_id={event_never}"),
        ),
    ] {
        let theirs = list(world, &org.owner, &format!("?{theirs}")).await;
        let nobodys = list(world, &org.owner, &format!("?{nobodys}")).await;
        assert_eq!(theirs.expect(200).body, nobodys.expect(200).body);
    }
    let delivery_never = "whd_01931f7e3c517c3a9a536f0d2a3b4c5d";
    for path in ["", "/replay"] {
        let method = if path.is_empty() { "GET" } else { "POST" };
        let ask = async |id: &str| {
            let call = world.call(method, &format!("{ALL}/{id}{path}"));
            let answer = call.token(&org.owner.token).send().await;
            essence(&answer.expect_problem(404, "not_found"), id)
        };
        assert_eq!(ask(&foreign).await, ask(delivery_never).await);
    }
    for query in [
        "endpoint_id=x",
        "event_id=01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d",
        "event_id=whd_01931f7e3c517c3a9a536f0d2a3b4c5d",
        "status=lost",
        "from=yesterday",
        "external_reference_id=x",
    ] {
        let refused = list(world, &org.owner, &format!("?{query}")).await;
        assert_eq!(refused.status, 400, "{query}");
    }
}

pub async fn a_page_of_long_attempts_ends_early(world: &World) {
    let org = world.org().await;
    let events = events(world, &org).await;
    let mut made = Vec::new();
    for number in 0..30 {
        let written = Written {
            endpoint: &made_id(world, &org.owner).await,
            event: events[number % events.len()],
            status: "failed",
            attempts: 20,
        };
        made.push(deliver(world, &org, written).await);
    }
    // As much as is kept of an answer: 60 KB a delivery.
    let long = "日".repeat(1_000);
    let (organization, excerpt) = (org.id.0, long.clone());
    run!(
        world,
        "UPDATE webhook_attempts SET response_excerpt = $2 WHERE organization_id = $1",
        organization,
        excerpt
    );
    let (mut seen, mut query) = (Vec::new(), "?limit=200".to_owned());
    loop {
        let page = list(world, &org.owner, &query).await.expect(200);
        assert!(page.body.len() < 800 * 1024, "{}", page.body.len());
        let page = page.json();
        for item in page["data"].as_array().unwrap() {
            let shown = item["attempts"].as_array().unwrap();
            assert!(shown.len() == 20 && shown[0]["response_excerpt"] == long.as_str());
        }
        seen.extend(ids(&page));
        assert_eq!(page["has_more"], seen.len() < made.len());
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=200&cursor={cursor}"),
            None => break,
        }
    }
    made.reverse();
    assert_eq!(seen, made);
}

pub async fn a_delivery_is_replayed(world: &World) {
    let org = world.org().await;
    let to = made_id(world, &org.owner).await;
    let events = events(world, &org).await;
    let write = async |event: usize, status, attempts| {
        let written = Written {
            endpoint: &to,
            event: events[event],
            status,
            attempts,
        };
        deliver(world, &org, written).await
    };
    let replay = |id: &str| world.post(&format!("{ALL}/{id}/replay"), &org.admin);
    for (event, status, attempts) in [
        (0, "failed", 8),
        (1, "delivered", 1),
        (2, "skipped", 0_usize),
    ] {
        let id = write(event, status, attempts as i64).await;
        let before = world.get(&format!("{ALL}/{id}"), &org.owner).send().await;
        let keyed = replay(&id).key(status);
        let answer = keyed.clone().send().await.expect(200);
        let after = answer.json();
        assert_eq!(
            (&after["id"], &after["event_id"], &after["attempts"]),
            (
                &before.json()["id"],
                &before.json()["event_id"],
                &before.json()["attempts"]
            )
        );
        assert_eq!(
            (&after["status"], &after["skip_reason"]),
            (&json!("pending"), &Value::Null)
        );
        assert_eq!(after["next_attempt_at"], after["updated_at"]);
        assert!(answer.header("etag").starts_with("\"2-"), "{answer:?}");
        let again = keyed.send().await.expect(200);
        assert_eq!(again.body, answer.body, "once");
    }
    let waits = write(3, "pending", 1).await;
    let refused = replay(&waits).send().await.expect_problem(409, "conflict");
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("pending")
    );

    let (off, gone) = (
        made_id(world, &org.owner).await,
        made_id(world, &org.owner).await,
    );
    for (endpoint_id, event) in [(&off, events[0]), (&gone, events[1])] {
        let written = Written {
            endpoint: endpoint_id,
            event,
            status: "failed",
            attempts: 8,
        };
        let id = deliver(world, &org, written).await;
        let call = world
            .call("PATCH", &endpoint(endpoint_id))
            .token(&org.owner.token);
        if endpoint_id == &off {
            let disable = call.json(&json!({"enabled": false}));
            disable.send().await.expect(200);
        } else {
            let delete = world.call("DELETE", &endpoint(endpoint_id));
            let delete = delete.token(&org.owner.token);
            delete.send().await.expect(204);
        }
        let refused = replay(&id).send().await.expect_problem(409, "conflict");
        let word = if endpoint_id == &off {
            "disabled"
        } else {
            "deleted"
        };
        assert!(refused.json()["detail"].as_str().unwrap().contains(word));
        let read = world.get(&format!("{ALL}/{id}"), &org.owner).send().await;
        assert_eq!(read.expect(200).json()["status"], "failed");
    }
}

pub async fn what_waits_is_skipped_with_its_endpoint(world: &World) {
    let org = world.org().await;
    let (off, gone, kept) = (
        made_id(world, &org.owner).await,
        made_id(world, &org.owner).await,
        made_id(world, &org.owner).await,
    );
    let events = events(world, &org).await;
    for to in [&off, &gone, &kept] {
        for (event, status) in [(0, "pending"), (1, "pending"), (2, "failed")] {
            let written = Written {
                endpoint: to,
                event: events[event],
                status,
                attempts: 1,
            };
            deliver(world, &org, written).await;
        }
    }
    let disable = world.call("PATCH", &endpoint(&off)).token(&org.owner.token);
    let disable = disable.json(&json!({"enabled": false}));
    disable.send().await.expect(200);
    let delete = world
        .call("DELETE", &endpoint(&gone))
        .token(&org.owner.token);
    delete.send().await.expect(204);
    let waiting = (json!("pending"), Value::Null);
    let skipped = |reason| (json!("skipped"), json!(reason));
    for (to, expected) in [
        (&off, skipped("disabled")),
        (&gone, skipped("deleted")),
        (&kept, waiting),
    ] {
        let failed = (json!("failed"), Value::Null);
        let wanted = [failed, expected.clone(), expected];
        let state = |item: &Value| (item["status"].clone(), item["skip_reason"].clone());
        // The dispatcher ends what waits, soon.
        let reached = async {
            loop {
                let page = list(world, &org.owner, &format!("?endpoint_id={to}")).await;
                let page = page.expect(200).json();
                let states: Vec<_> = page["data"].as_array().unwrap().iter().map(state).collect();
                if states == wanted {
                    return page;
                }
            }
        };
        let page = tokio::time::timeout(LONGEST, reached)
            .await
            .expect("it is skipped");
        for item in page["data"].as_array().unwrap() {
            let is_waiting = item["status"] == "pending";
            assert_eq!(item["next_attempt_at"].is_string(), is_waiting);
        }
    }
}

/// An endpoint for clients, made after two of them, and the feed until then.
async fn late_endpoint(world: &World, org: &Org) -> (String, Vec<Uuid>) {
    for name in ["A", "B"] {
        created(world, &org.owner, name).await;
    }
    fan_out(world, org).await;
    let known = events(world, org).await;
    let body = json!({"url": nowhere(), "events": ["client.*"]});
    let made = world
        .post("/api/v1/webhook_endpoints", &org.owner)
        .json(&body);
    let made = made.send().await.expect(201).json();
    (made["id"].as_str().unwrap().to_owned(), known)
}

async fn replay(world: &World, person: &Person, id: &str, body: &Value) -> Answer {
    let path = format!("{}/replay", endpoint(id));
    world.post(&path, person).json(body).send().await
}

pub async fn what_was_missed_is_replayed(world: &World) {
    let org = world.org().await;
    let start = world.clock.now();
    let (to, known) = late_endpoint(world, &org).await;
    let count = async |body: Value| -> i64 {
        let answer = replay(world, &org.admin, &to, &body).await.expect(200);
        let answer = answer.json();
        assert_eq!(answer["next_after_sequence"], Value::Null);
        answer["count"].as_i64().unwrap()
    };
    let dry = |since: Timestamp, more: Value| {
        let mut body = json!({"since": since.to_string(), "dry_run": true});
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        body
    };
    // The four members are not what it wants.
    assert_eq!(count(dry(start, json!({}))).await, 2);
    assert_eq!(count(dry(world.clock.now(), json!({}))).await, 0);
    let until = json!({"until": world.clock.now().to_string()});
    assert_eq!(count(dry(start, until)).await, 2);
    let until = json!({"until": start.to_string()});
    let long_ago = start.minus(Duration::from_secs(3600));
    assert_eq!(count(dry(long_ago, until)).await, 0);
    for status in ["failed", "skipped", "delivered"] {
        assert_eq!(count(dry(start, json!({ "status": status }))).await, 0);
    }
    let listed = list(world, &org.owner, &format!("?endpoint_id={to}")).await;
    assert_eq!(listed.expect(200).json()["data"], json!([]), "a dry run");

    // What was delivered is left alone, unless it is asked for.
    let written = Written {
        endpoint: &to,
        event: known[4],
        status: "delivered",
        attempts: 1,
    };
    deliver(world, &org, written).await;
    assert_eq!(count(dry(start, json!({}))).await, 1);
    let delivered = json!({"since": start.to_string(), "status": "delivered"});
    assert_eq!(count(delivered.clone()).await, 1);
    let body = json!({"since": start.to_string()});
    let keyed = world
        .post(&format!("{}/replay", endpoint(&to)), &org.owner)
        .key("since")
        .json(&body);
    let first = keyed.clone().send().await.expect(200);
    assert_eq!(
        first.json(),
        json!({"count": 1, "next_after_sequence": null})
    );
    assert_eq!(keyed.send().await.expect(200).body, first.body);
    assert_eq!(count(body).await, 0, "all of it waits");
    let listed = list(world, &org.owner, &format!("?endpoint_id={to}")).await;
    let listed = listed.expect(200).json();
    let mut queued: Vec<&str> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["event_id"].as_str().unwrap())
        .collect();
    queued.sort_unstable();
    let mut wanted = [known[4], known[5]].map(|id| format!("evt_{}", id.simple()));
    wanted.sort_unstable();
    assert_eq!(queued, wanted);
}

pub async fn a_replay_says_what_it_takes(world: &World) {
    let org = world.org().await;
    let (to, _) = late_endpoint(world, &org).await;
    let errors = async |body: Value| -> Value {
        let answer = replay(world, &org.owner, &to, &body).await;
        let problem = answer.expect_problem(422, "validation_failed").json();
        let errors = problem["errors"].as_array().unwrap().clone();
        let pair = |error: &Value| json!([error["pointer"], error["code"]]);
        errors.iter().map(pair).collect()
    };
    let all = json!({
        "since": "2026-01-01", "until": 5, "status": "pending", "dry_run": null, "limit": 3,
        "after_sequence": -1,
    });
    let expected = json!([
        ["#/after_sequence", "out_of_range"],
        ["#/dry_run", "not_nullable"],
        ["#/limit", "unknown_field"],
        ["#/since", "invalid_instant"],
        ["#/status", "invalid_choice"],
        ["#/until", "type"],
    ]);
    assert_eq!(errors(all).await, expected);
    assert_eq!(errors(json!({})).await, json!([["#/since", "required"]]));
    let backwards = json!({"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"});
    let expected = json!([["#/until", "invalid_range"]]);
    assert_eq!(errors(backwards).await, expected);

    let disable = world.call("PATCH", &endpoint(&to)).token(&org.owner.token);
    let disable = disable.json(&json!({"enabled": false}));
    disable.send().await.expect(200);
    for dry_run in [true, false] {
        let body = json!({"since": "2026-01-01T00:00:00Z", "dry_run": dry_run});
        let refused = replay(world, &org.owner, &to, &body).await;
        refused.expect_problem(409, "conflict");
    }
}
