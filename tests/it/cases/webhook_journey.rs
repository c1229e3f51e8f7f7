//! The whole way of an event, as the owner of an endpoint and its receiver see it: over the API, a
//! real socket, and nothing else.

use hoursmith_domain::webhook::{TOLERANCE, explain};
use hoursmith_domain::{Plan, Timestamp};
use hoursmith_store::{Statement, fetch_one};
use serde_json::{Value, json};

use super::clients::created;
use crate::receivers::{LONGEST, Received, Receiver};
use crate::scene::{delete, get, send};
use crate::world::{Org, World};

/// Fails unless both families of signatures are good under a secret, with so many in each.
#[track_caller]
fn assert_signed(received: &Received, secret: &str, signatures: usize) {
    let seconds: i64 = received.header("webhook-timestamp").parse().unwrap();
    let at = Timestamp::from_micros(seconds * 1_000_000);
    let report = explain(&received.headers, secret, &received.body, at, TOLERANCE);
    assert!(report.is_good() && report.findings.len() == 2, "{report:?}");
    for (header, mark) in [("hoursmith-signature", "v1="), ("webhook-signature", "v1,")] {
        assert_eq!(received.header(header).matches(mark).count(), signatures);
    }
}

/// The delivery of an event, once it has come to a status after so many attempts.
async fn delivery(world: &World, org: &Org, event: &str, status: &str, attempts: usize) -> Value {
    let path = format!("/webhook_deliveries?event_id={event}");
    let reached = async {
        loop {
            let page = get(world, &org.owner, &path).await.expect(200).json();
            let found = &page["data"][0];
            let made = found["attempts"].as_array().map_or(0, Vec::len);
            if found["status"] == status && made == attempts {
                return found.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(LONGEST, reached).await;
    waited.unwrap_or_else(|_| panic!("{event} was never {status}"))
}

/// Skipped for want of the plan.
const SKIPPED: Statement = Statement {
    name: "COUNT_SKIPPED",
    sql: "SELECT COUNT(*) FROM webhook_deliveries WHERE organization_id = $1 AND skip_reason = 'plan'",
};

/// Not looked at yet for who wants it.
const WAITING: Statement = Statement {
    name: "COUNT_WAITING",
    sql: "SELECT COUNT(*) FROM events WHERE organization_id = $1 AND NOT fanned_out",
};

/// Waits until a statement counts so many.
async fn until_counted(world: &World, org: &Org, what: Statement, wanted: i64) {
    let reached = async {
        loop {
            let mut conn = world.db.read().await.unwrap();
            let (count,) = fetch_one!(&mut conn, what as (i64,), org.id.0).unwrap();
            drop(conn);
            if count == wanted {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(LONGEST, reached).await;
    waited.unwrap_or_else(|_| panic!("{} was never {wanted}", what.name));
}

pub async fn an_event_goes_all_the_way(world: &World) {
    let org = world.org().await;
    let receiver = Receiver::answering(204).await;
    let body = json!({"url": receiver.url(), "events": ["client.created"]});
    let made = send(world, &org.owner, "POST", "/webhook_endpoints", &body).await;
    let made = made.expect(201).json();
    let path = format!("/webhook_endpoints/{}", made["id"].as_str().unwrap());
    let first = made["secret"].as_str().unwrap().to_owned();
    let post = async |path: String| send(world, &org.owner, "POST", &path, &json!({})).await;
    let enable = async |enabled: bool| {
        let body = json!({ "enabled": enabled });
        let changed = send(world, &org.owner, "PATCH", &path, &body).await;
        changed.expect(200).json()
    };

    // A test of the endpoint.
    let told = post(format!("{path}/test")).await.expect(200).json();
    let ping = receiver.until(1).await.remove(0);
    assert_eq!(told["event_id"], ping.event());
    assert_eq!(ping.json()["type"], "ping");
    assert_signed(&ping, &first, 1);
    let shown = delivery(world, &org, &ping.event(), "delivered", 1).await;
    let attempt = &shown["attempts"][0];
    assert_eq!(
        (&attempt["number"], &attempt["status_code"], &attempt["url"]),
        (&json!(1), &json!(204), &json!(receiver.url()))
    );
    assert_eq!(attempt["error"], Value::Null);

    // A real change: what comes is what the API shows of it.
    let client = created(world, &org.owner, "First").await;
    let received = receiver.until(2).await.remove(1);
    assert_eq!(received.json()["data"]["object"]["id"], client);
    let event = get(world, &org.owner, &format!("/events/{}", received.event())).await;
    assert_eq!(event.expect(200).body, received.body);
    assert_signed(&received, &first, 1);
    let shown = delivery(world, &org, &received.event(), "delivered", 1).await;
    let endpoint = get(world, &org.owner, &path).await.expect(200).json();
    assert!(endpoint["last_success_at"].is_string(), "{endpoint}");

    // Another secret: both sign, the receiver may have either.
    let rotated = post(format!("{path}/rotate_secret")).await.expect(200);
    let second = rotated.json()["secret"].as_str().unwrap().to_owned();
    assert_ne!(second, first);

    // The same event once more, signed anew.
    let id = shown["id"].as_str().unwrap();
    let queued = post(format!("/webhook_deliveries/{id}/replay")).await;
    assert_eq!(queued.expect(200).json()["status"], "pending");
    let again = receiver.until(3).await.remove(2);
    assert_eq!(
        (again.event(), &again.body),
        (received.event(), &received.body)
    );
    assert_signed(&again, &first, 2);
    assert_signed(&again, &second, 2);
    let shown = delivery(world, &org, &received.event(), "delivered", 2).await;
    assert_eq!(shown["attempts"][1]["number"], 2);

    // Disabled: nothing is asked for, until it is enabled.
    assert_eq!(enable(false).await["status"], "disabled");
    post(format!("{path}/test"))
        .await
        .expect_problem(409, "conflict");
    let unasked = created(world, &org.owner, "Unasked").await;
    until_counted(world, &org, WAITING, 0).await;
    assert_eq!(enable(true).await["status"], "enabled");

    // The plan is lost: what happens then is skipped, and says why.
    let operator = world.operator();
    operator.set_plan(&org.slug, Plan::Studio).await.unwrap();
    let refused = post(format!("{path}/test")).await;
    refused.expect_problem(402, "plan_required");
    let lost = created(world, &org.owner, "Lost").await;
    until_counted(world, &org, SKIPPED, 1).await;
    let skipped = "/webhook_deliveries?status=skipped";
    let skipped = get(world, &org.owner, skipped).await.expect(200).json();
    let skipped = &skipped["data"][0];
    assert_eq!(
        (&skipped["skip_reason"], &skipped["attempts"]),
        (&json!("plan"), &json!([]))
    );

    // It is back: what happens from then on comes, and what was skipped when it is asked for.
    operator.set_plan(&org.slug, Plan::Agency).await.unwrap();
    let next = created(world, &org.owner, "Next").await;
    let received = receiver.until(4).await.remove(3);
    assert_eq!(received.json()["data"]["object"]["id"], next);
    let id = skipped["id"].as_str().unwrap();
    post(format!("/webhook_deliveries/{id}/replay"))
        .await
        .expect(200);
    let received = receiver.until(5).await.remove(4);
    assert_eq!(received.json()["data"]["object"]["id"], lost);
    let shown = delivery(world, &org, &received.event(), "delivered", 1).await;
    assert_eq!(shown["skip_reason"], Value::Null);

    // Deleted, it leaves its history, and what was never asked for never came.
    delete(world, &org.owner, &path).await.expect(204);
    let history = get(world, &org.owner, "/webhook_deliveries").await;
    assert_eq!(
        history.expect(200).json()["data"].as_array().unwrap().len(),
        4
    );
    let all = receiver.received();
    assert_eq!(all.len(), 5);
    let object = |one: &Received| one.json()["data"]["object"]["id"].clone();
    assert!(all.iter().all(|one| object(one) != unasked));
}
