//! Idempotency keys under many senders, and at the end of their day.

use std::time::Duration;

use futures::future::join_all;
use hyper::body::Bytes;
use serde_json::json;

use crate::cases::created;
use crate::http::{Answer, Call, Connection};
use crate::world::{Bus, Org, Store, World};

const SENDERS: usize = 8;
const KEYS: usize = 500;

/// Sends every key over one connection, beginning somewhere else than its neighbours.
async fn send_all(world: &World, org: &Org, sender: usize) -> Vec<Option<Bytes>> {
    let mut connection = Connection::open(world.address).await;
    let mut bodies = vec![None; KEYS];
    // Every second one starts where another does, so that both race for each key.
    let first = (sender / 2) * KEYS / SENDERS;
    for number in (first..first + KEYS).map(|number| number % KEYS) {
        let call = world.post("/api/v1/clients", &org.owner).key(&format!("key-{number}"));
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
        let first = bodies.next().unwrap_or_else(|| panic!("nobody was answered for key {number}"));
        assert!(bodies.all(|body| body == first), "key {number}");
    }
    assert_eq!(world.count("clients", org.id).await, KEYS as i64);
    assert_eq!(world.count("idempotency_records", org.id).await, KEYS as i64);
    assert_eq!(world.count("events", org.id).await - events_before, KEYS as i64);
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
    let post = || -> Call {
        world.post("/api/v1/clients", &org.owner).key("daily").json(&json!({"name": "A"}))
    };
    let first: Answer = post().send().await.expect(201);
    world.clock.advance(DAY - SECOND);
    let replay = post().send().await.expect(201);
    assert_eq!(replay.header("idempotent-replayed"), "true");
    assert_eq!(replay.body, first.body);
    // The name is unique, so that the first client must go before the second can come.
    let url = first.header("location").to_owned();
    let path = url.find("/api/").map(|at| &url[at..]).unwrap();
    world.call("DELETE", path).token(&org.owner.token).send().await.expect(204);
    // What passes of real time between the calls is on top, and is far less than a second before
    // the first call's record was made: the record is older than a day now.
    world.clock.advance(2 * SECOND);
    let second = post().send().await.expect(201);
    assert!(second.headers.get("idempotent-replayed").is_none(), "{second:?}");
    assert_ne!(second.json()["id"], first.json()["id"]);
    assert_eq!(world.count("clients", org.id).await, 1);
    assert_eq!(world.count("idempotency_records", org.id).await, 1, "the old one gave way");
    // Another request may use the key now, and the new record guards it for another day.
    let other = world.post("/api/v1/clients", &org.owner).key("daily").json(&json!({"name": "B"}));
    other.send().await.expect_problem(409, "idempotency_key_reused");
    created(&world, &org.owner, "B").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_for_a_day_on_sqlite() {
    a_key_is_kept_for_a_day(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_for_a_day_on_postgres() {
    a_key_is_kept_for_a_day(Store::Postgres).await;
}
