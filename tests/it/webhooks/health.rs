//! Failing and recovering: the ladder of attempts in simulated time, and what ends a delivery.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hoursmith_domain::webhook::{MAX_ATTEMPTS, RETRY_DELAYS};
use hoursmith_domain::{Plan, Timestamp};
use hoursmith_kit::{Clock, SystemClock};
use hoursmith_store::{Statement, fetch_one};
use serde_json::{Value, json};

use super::{
    Delivery, Hook, assert_signed, attempts, deliveries, hook, on_both, standing, until_attempted,
    until_settled, world,
};
use crate::cases::{created, endpoint, nowhere, walk};
use crate::receivers::{LONGEST, Receiver, answer, with_header};
use crate::scene::run;
use crate::world::{Org, Store, World};

on_both! {
    what_never_succeeds_is_given_up_after_the_whole_ladder,
    a_receiver_may_ask_for_time,
    who_is_gone_is_asked_no_more,
    who_comes_back_recovers,
    a_new_address_has_yet_to_prove_itself,
    the_moment_of_sending_counts,
    what_is_disabled_gets_nothing_more,
    what_is_deleted_gets_nothing_more,
    without_the_plan_nothing_fires,
    a_clock_that_jumps_loses_nothing,
}

/// How long a pending delivery still waits.
fn wait(world: &World, delivery: &Delivery) -> Duration {
    let due = delivery.next_attempt_at.expect("it is pending");
    world.clock.now().until(Timestamp::from_micros(due))
}

/// Lets the time pass until a delivery is due.
fn pass(world: &World, delivery: &Delivery) {
    world
        .clock
        .advance(wait(world, delivery) + Duration::from_millis(1));
}

/// What was told of an endpoint, as types and statuses.
async fn told(world: &World, org: &Org, hook: &Hook) -> Vec<(String, Value)> {
    let filter = format!("limit=200&resource_id={}", hook.id);
    let events = walk(world, &org.owner, &filter).await;
    let text = |event: &Value| {
        let object = &event["data"]["object"];
        assert_eq!(object["id"], hook.id.to_string());
        assert!(object.get("secret").is_none(), "{object}");
        (
            event["type"].as_str().unwrap().to_owned(),
            object["status"].clone(),
        )
    };
    events.iter().map(text).collect()
}

async fn until_told(world: &World, org: &Org, hook: &Hook, kinds: &[&str]) {
    let reached = async {
        loop {
            let told = told(world, org, hook).await;
            let found: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
            if found == kinds {
                return;
            }
            assert!(found.len() <= kinds.len(), "{found:?}");
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(LONGEST, reached).await;
    waited.unwrap_or_else(|_| panic!("never told {kinds:?}"));
}

async fn what_never_succeeds_is_given_up_after_the_whole_ladder(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let receiver = Receiver::answering(503).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    created(&world, &org.owner, "Client").await;
    for (made, delay) in (1..).zip(RETRY_DELAYS) {
        let delivery = until_attempted(&world, &hook, made).await;
        assert_eq!(delivery.status, "pending");
        let last = attempts(&world, &delivery).await.pop().unwrap();
        let ended = last.at + last.duration_ms * 1_000;
        let planned = (delivery.next_attempt_at.unwrap() - ended) as f64 / 1e6;
        let (least, most) = (delay.as_secs_f64() * 0.9, delay.as_secs_f64() * 1.1 + 0.2);
        assert!(
            (least..most).contains(&planned),
            "{made}: {planned} {delay:?}"
        );
        assert_eq!(
            standing(&world, &hook).await,
            ("enabled".to_owned(), made, false)
        );
        // Not a moment before.
        let left = wait(&world, &delivery);
        world
            .clock
            .advance(left.saturating_sub(Duration::from_secs(2)));
        assert_eq!(receiver.received().len() as i64, made);
        pass(&world, &delivery);
    }
    let delivery = until_settled(&world, &hook, 1).await.remove(0);
    assert_eq!(
        (delivery.status.as_str(), delivery.attempts),
        ("failed", i64::from(MAX_ATTEMPTS))
    );
    assert_eq!(
        standing(&world, &hook).await,
        ("failing".to_owned(), 8, false)
    );
    until_told(&world, &org, &hook, &["webhook_endpoint.failing"]).await;

    let received = receiver.received();
    assert_eq!(received.len(), 8);
    for attempt in &received {
        assert_eq!(
            (attempt.event(), &attempt.body),
            (received[0].event(), &received[0].body)
        );
    }
    // Signed anew each time, so that a receiver takes the last as well as the first.
    assert_signed(&received[7], &hook.secret, world.clock.now());
    let kept = attempts(&world, &delivery).await;
    let numbers: Vec<i64> = kept.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
    let hours = (kept[7].at - kept[0].at) as f64 / 3.6e9;
    assert!((29.0..36.5).contains(&hours), "{hours} hours");
}

async fn a_receiver_may_ask_for_time(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let receiver = Receiver::start(|number| match number {
        0 => with_header(429, "retry-after: 50", ""),
        1 => with_header(503, "retry-after: 86400", ""),
        _ => answer(200, ""),
    })
    .await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    created(&world, &org.owner, "Client").await;
    let delivery = until_attempted(&world, &hook, 1).await;
    let asked = wait(&world, &delivery).as_secs();
    assert!((45..=55).contains(&asked), "{asked}");
    pass(&world, &delivery);
    // More than the step after this one is not granted.
    let delivery = until_attempted(&world, &hook, 2).await;
    let asked = wait(&world, &delivery).as_secs();
    assert!((295..=330).contains(&asked), "{asked}");
    pass(&world, &delivery);
    assert_eq!(until_settled(&world, &hook, 1).await[0].status, "delivered");
}

async fn who_is_gone_is_asked_no_more(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let receiver = Receiver::start(|number| match number {
        0 | 1 => answer(500, ""),
        _ => answer(410, "gone"),
    })
    .await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    created(&world, &org.owner, "A").await;
    created(&world, &org.owner, "B").await;
    receiver.until(2).await;
    created(&world, &org.owner, "C").await;
    let found = until_settled(&world, &hook, 3).await;
    let ends: Vec<_> = found
        .iter()
        .map(|delivery| (delivery.status.as_str(), delivery.skip_reason.as_deref()))
        .collect();
    let skipped = ("skipped", Some("disabled"));
    assert_eq!(ends, [skipped, skipped, ("failed", None)]);
    assert_eq!(standing(&world, &hook).await.0, "disabled");
    until_told(&world, &org, &hook, &["webhook_endpoint.disabled"]).await;
    created(&world, &org.owner, "D").await;
    world.clock.advance(Duration::from_secs(48 * 60 * 60));
    crate::cases::until_public(&world, &org).await;
    assert_eq!(
        deliveries(&world, &hook).await.len(),
        3,
        "nothing was asked for any more"
    );
    assert_eq!(receiver.received().len(), 3);
}

async fn who_comes_back_recovers(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let receiver = Receiver::start(|number| answer(if number < 3 { 500 } else { 200 }, "")).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    created(&world, &org.owner, "A").await;
    let first = until_attempted(&world, &hook, 1).await;
    pass(&world, &first);
    until_attempted(&world, &hook, 2).await;
    // A day after the first failure the next one says that somebody should look.
    world.clock.advance(Duration::from_secs(25 * 60 * 60));
    let third = until_attempted(&world, &hook, 3).await;
    assert_eq!(
        standing(&world, &hook).await,
        ("failing".to_owned(), 3, false)
    );
    pass(&world, &third);
    assert_eq!(until_settled(&world, &hook, 1).await[0].status, "delivered");
    assert_eq!(
        standing(&world, &hook).await,
        ("enabled".to_owned(), 0, true)
    );
    let kinds = ["webhook_endpoint.failing", "webhook_endpoint.recovered"];
    until_told(&world, &org, &hook, &kinds).await;
    let statuses: Vec<Value> = told(&world, &org, &hook)
        .await
        .into_iter()
        .map(|(_, status)| status)
        .collect();
    assert_eq!(statuses, [json!("failing"), json!("enabled")]);
}

async fn a_new_address_has_yet_to_prove_itself(store: Store) {
    const PROVEN: Statement = Statement {
        name: "PROVEN",
        sql: "SELECT proven FROM webhook_endpoints WHERE id = $1",
    };
    let world = world(store).await;
    let org = world.org().await;
    let hook = hook(&world, &org, &nowhere(), &["client.created"]).await;
    let id = hook.id;
    run!(
        world,
        "UPDATE webhook_endpoints SET proven = TRUE WHERE id = $1",
        id
    );
    for (body, still) in [
        (
            json!({"description": "Ledger", "events": ["client.*"]}),
            true,
        ),
        (json!({"url": nowhere()}), false),
    ] {
        let call = world.call("PATCH", &endpoint(&id.to_string()));
        let call = call.token(&org.owner.token).json(&body);
        call.send().await.expect(200);
        let mut conn = world.db.read().await.unwrap();
        let (proven,) = fetch_one!(&mut conn, PROVEN as (bool,), id).unwrap();
        assert_eq!(proven, still, "{body}");
    }
}

async fn the_moment_of_sending_counts(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let (old, new) = (
        Receiver::answering(500).await,
        Receiver::answering(200).await,
    );
    let hook = hook(&world, &org, &old.url(), &["client.created"]).await;
    created(&world, &org.owner, "A").await;
    let first = until_attempted(&world, &hook, 1).await;
    super::set_url(&world, &hook, &new.url()).await;
    let secret = super::rotate(&world, &org, &hook, world.clock.now()).await;
    pass(&world, &first);
    let received = new.until(1).await.remove(0);
    assert_signed(&received, &secret, world.clock.now());
    assert_eq!(old.received().len(), 1);
    let delivered = until_settled(&world, &hook, 1).await.remove(0);
    let urls: Vec<String> = attempts(&world, &delivered)
        .await
        .into_iter()
        .map(|attempt| attempt.url)
        .collect();
    assert_eq!(urls, [old.url(), new.url()]);
}

async fn what_is_disabled_gets_nothing_more(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let receiver = Receiver::answering(500).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    created(&world, &org.owner, "A").await;
    until_attempted(&world, &hook, 1).await;
    let id = hook.id;
    // As the API does it: the dispatcher ends what waits.
    run!(
        world,
        "UPDATE webhook_endpoints SET status = 'disabled', due_at = 0 WHERE id = $1",
        id
    );
    let delivery = until_settled(&world, &hook, 1).await.remove(0);
    assert_eq!(
        (delivery.status.as_str(), delivery.attempts),
        ("skipped", 1)
    );
    assert_eq!(delivery.skip_reason.as_deref(), Some("disabled"));
    assert_eq!(receiver.received().len(), 1);
}

async fn what_is_deleted_gets_nothing_more(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    // It hangs until the endpoint is gone.
    let receiver = Receiver::hostile(crate::receivers::Hostile::Hangs).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    created(&world, &org.owner, "A").await;
    receiver.until(1).await;
    let id = hook.id;
    run!(world, "DELETE FROM webhook_endpoints WHERE id = $1", id);
    drop(receiver);
    let delivery = until_settled(&world, &hook, 1).await.remove(0);
    assert_eq!(
        (delivery.status.as_str(), delivery.attempts),
        ("skipped", 1)
    );
    assert_eq!(delivery.skip_reason.as_deref(), Some("deleted"));
    assert_eq!(
        attempts(&world, &delivery).await.len(),
        1,
        "the attempt is kept"
    );
}

async fn without_the_plan_nothing_fires(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let receiver = Receiver::start(|number| answer(if number == 0 { 500 } else { 200 }, "")).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    created(&world, &org.owner, "Before").await;
    let first = until_attempted(&world, &hook, 1).await;
    let set_plan = async |plan: Plan| {
        let operator = world.operator();
        operator.set_plan(&org.slug, plan).await.unwrap();
    };
    set_plan(Plan::Studio).await;
    created(&world, &org.owner, "Without").await;
    let found = super::until(&world, &hook, "asked", |found| found.len() == 2).await;
    assert_eq!(found[1].skip_reason.as_deref(), Some("plan"));
    assert_eq!(
        (found[0].status.as_str(), found[0].attempts),
        ("pending", 1)
    );
    pass(&world, &first);
    let found = until_settled(&world, &hook, 2).await;
    assert_eq!(
        (found[0].status.as_str(), found[0].attempts),
        ("skipped", 1)
    );
    set_plan(Plan::Agency).await;
    created(&world, &org.owner, "After").await;
    let found = until_settled(&world, &hook, 3).await;
    assert_eq!(
        (found[2].status.as_str(), found[2].attempts),
        ("delivered", 1)
    );
    assert_eq!(receiver.received().len(), 2);
}

/// A wall clock that is set as a test says, in seconds from what it should be.
#[derive(Debug)]
struct Skewed(SystemClock, AtomicI64);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        let ahead = self.1.load(Ordering::SeqCst) * 1_000_000;
        Timestamp::from_micros(self.0.now().as_micros() + ahead)
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

async fn a_clock_that_jumps_loses_nothing(store: Store) {
    let mut world = world(store).await;
    let org = world.org().await;
    let receiver = Receiver::start(|number| answer(if number < 2 { 500 } else { 200 }, "")).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    let clock = Arc::new(Skewed(SystemClock::new(), AtomicI64::new(0)));
    world.serve_again(Arc::clone(&clock) as _).await;
    for (number, ahead) in [0, 3_600, 0, -3_600, 0].into_iter().enumerate() {
        clock.1.store(ahead, Ordering::SeqCst);
        created(&world, &org.owner, &format!("client {number}")).await;
        let found = super::until(&world, &hook, "tried", |found| {
            found.len() == number + 1 && found[number].attempts > 0
        });
        found.await;
    }
    // Whatever was put off by a clock that was ahead is due by then.
    clock.1.store(3 * 3_600, Ordering::SeqCst);
    let found = until_settled(&world, &hook, 5).await;
    assert!(
        found.iter().all(|delivery| delivery.status == "delivered"),
        "{found:?}"
    );
}
