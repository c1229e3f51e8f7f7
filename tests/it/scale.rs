//! Idempotency keys under many senders, and at the end of their day.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use hoursmith_kit::Clock as _;
use hyper::body::Bytes;
use serde_json::json;

use crate::cases::path;
use crate::http::{Call, Connection};
use crate::world::{Bus, Org, StoppedClock, Store, World, serve};

const SENDERS: usize = 8;
const KEYS: usize = 500;

/// Sends every key over one connection, beginning somewhere else than its neighbours.
async fn send_all(world: &World, org: &Org, sender: usize) -> Vec<Option<Bytes>> {
    let mut connection = Connection::open(world.address).await;
    let mut bodies = vec![None; KEYS];
    // Every second one starts where another does, so that both race for each key.
    let first = (sender / 2) * KEYS / SENDERS;
    for number in (first..first + KEYS).map(|number| number % KEYS) {
        let call = world
            .post("/api/v1/clients", &org.owner)
            .key(&format!("key-{number}"));
        let body = json!({"name": format!("client {number}")});
        let answer = connection.send(call.json(&body)).await;
        if answer.status == 409 {
            answer.expect_problem(409, "idempotency_in_progress");
            continue;
        }
        bodies[number] = Some(answer.expect(201).body);
    }
    bodies
}

async fn many_senders_have_one_effect_a_key(store: Store) {
    let world = World::start(Bus::Memory, store).await;
    let org = world.org().await;
    let events_before = world.count("events", org.id).await;
    let all = join_all((0..SENDERS).map(|sender| send_all(&world, &org, sender))).await;
    for number in 0..KEYS {
        let mut bodies = all.iter().filter_map(|sender| sender[number].as_ref());
        let first = bodies
            .next()
            .unwrap_or_else(|| panic!("nobody was answered for key {number}"));
        assert!(bodies.all(|body| body == first), "key {number}");
    }
    assert_eq!(world.count("clients", org.id).await, KEYS as i64);
    assert_eq!(
        world.count("idempotency_records", org.id).await,
        KEYS as i64
    );
    assert_eq!(
        world.count("events", org.id).await - events_before,
        KEYS as i64
    );
    assert!(world.stop().await, "nothing was cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_senders_have_one_effect_a_key_on_sqlite() {
    many_senders_have_one_effect_a_key(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_senders_have_one_effect_a_key_on_postgres() {
    many_senders_have_one_effect_a_key(Store::Postgres).await;
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SECOND: Duration = Duration::from_secs(1);

async fn a_key_is_kept_for_a_day(store: Store) {
    let world = World::start(Bus::Memory, store).await;
    let org = world.org().await;
    let clock = StoppedClock::at(world.clock.now());
    let stopped = serve(&world.settings, Arc::clone(&clock) as _).await;
    let call = |method: &str, path: &str| {
        Call::new(stopped.api_addr().unwrap(), method, path).token(&org.owner.token)
    };
    let post = |name: &str| {
        let call = call("POST", "/api/v1/clients").key("daily");
        call.json(&json!({ "name": name })).send()
    };
    let first = post("A").await.expect(201);
    clock.advance(DAY - SECOND);
    let replay = post("A").await.expect(201);
    assert_eq!(replay.header("idempotent-replayed"), "true");
    assert_eq!(replay.body, first.body);
    // The name is unique, so the first client must go before the second can come.
    let gone = path(first.json()["id"].as_str().unwrap());
    call("DELETE", &gone).send().await.expect(204);
    clock.advance(2 * SECOND);
    let second = post("A").await.expect(201);
    assert!(
        second.headers.get("idempotent-replayed").is_none(),
        "{second:?}"
    );
    assert_ne!(second.json()["id"], first.json()["id"]);
    assert_eq!(world.count("clients", org.id).await, 1);
    assert_eq!(
        world.count("idempotency_records", org.id).await,
        1,
        "the old one gave way"
    );
    // From here on the new record guards the key, for a day of its own.
    post("B")
        .await
        .expect_problem(409, "idempotency_key_reused");
    clock.advance(DAY - SECOND);
    assert_eq!(post("A").await.expect(201).body, second.body);
    clock.advance(2 * SECOND);
    post("B").await.expect(201);
    assert!(stopped.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_for_a_day_on_sqlite() {
    a_key_is_kept_for_a_day(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_for_a_day_on_postgres() {
    a_key_is_kept_for_a_day(Store::Postgres).await;
}
