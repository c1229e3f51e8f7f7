//! NATS goes away and comes back: requests fail in time, and none is carried out late.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;

use crate::cases::created;
use crate::http::{Answer, Call};
use crate::processes::Process;
use crate::world::{Bus, Org, Store, World, generous, until_ready};

const KEYS: usize = 40;

/// A request's time. Short, so that the test is; the answer comes soon after it.
const DEADLINE: Duration = Duration::from_secs(2);
const SLACK: Duration = Duration::from_secs(3);

/// A world whose gates are at hand while the actor is reached over NATS, so that it is the effect
/// that is on its way when NATS goes.
async fn world(store: Store) -> World {
    World::start_with(Bus::Nats, store, |settings| {
        generous(settings);
        settings.nats.remote = vec!["resource".to_owned()];
        settings.request.deadline_ms = DEADLINE.as_millis() as u64;
    })
    .await
}

fn post(world: &World, org: &Org, number: usize) -> Call {
    let call = world
        .post("/api/v1/clients", &org.owner)
        .key(&format!("key-{number}"));
    call.json(&json!({"name": format!("client {number}")}))
}

/// Every key at once, each answered in time.
async fn post_all(world: &World, org: &Org) -> Vec<Answer> {
    let started = Instant::now();
    let answers = join_all((0..KEYS).map(|number| post(world, org, number).send())).await;
    assert!(
        started.elapsed() < DEADLINE + SLACK,
        "{:?}",
        started.elapsed()
    );
    answers
}

/// Waits until the actor answers again. It comes to the actor behind whatever was sent before.
async fn until_it_works(world: &World, org: &Org) {
    let works = async {
        while world
            .get("/api/v1/organization", &org.owner)
            .send()
            .await
            .status
            != 200
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), works)
        .await
        .expect("it works again");
    until_ready(world.admin_address).await;
}

/// Nothing came of the answers given during the outage, and each key is as good as new.
async fn nothing_was_done_late(world: &World, org: &Org) {
    assert_eq!(world.count("clients", org.id).await, 1);
    assert_eq!(world.count("idempotency_records", org.id).await, 0);
    for (number, answer) in post_all(world, org).await.into_iter().enumerate() {
        let answer = answer.expect(201);
        assert_eq!(answer.json()["name"], format!("client {number}"));
        assert!(
            answer.headers.get("idempotent-replayed").is_none(),
            "{answer:?}"
        );
    }
    assert_eq!(world.count("clients", org.id).await, 1 + KEYS as i64);
    assert_eq!(
        world.count("idempotency_records", org.id).await,
        KEYS as i64
    );
}

async fn nats_that_is_gone(store: Store) {
    let mut world = world(store).await;
    let org = world.org().await;
    created(&world, &org.owner, "Before").await;
    world.nats.as_mut().unwrap().stop();
    for answer in post_all(&world, &org).await {
        // 504 for those that left before the loss was noticed: nobody can tell what became of them.
        match answer.status {
            504 => drop(answer.expect_problem(504, "deadline_exceeded")),
            _ => assert!(
                !answer
                    .expect_problem(503, "unavailable")
                    .header("retry-after")
                    .is_empty()
            ),
        }
    }
    // By now the loss is known, and nobody waits for the deadline any more.
    for answer in post_all(&world, &org).await {
        answer.expect_problem(503, "unavailable");
    }
    let unready = Call::new(world.admin_address, "GET", "/readyz")
        .send()
        .await
        .expect(503);
    assert!(unready.body.starts_with(b"not ready: "), "{unready:?}");
    world.nats.as_mut().unwrap().start_again();
    until_it_works(&world, &org).await;
    nothing_was_done_late(&world, &org).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_that_is_gone_with_sqlite() {
    nats_that_is_gone(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_that_is_gone_with_postgres() {
    nats_that_is_gone(Store::Postgres).await;
}

async fn nats_that_hangs(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    created(&world, &org.owner, "Before").await;
    // Its connections stay open, so that all is sent and arrives when it goes on.
    world.nats.as_ref().unwrap().freeze();
    for answer in post_all(&world, &org).await {
        answer.expect_problem(504, "deadline_exceeded");
    }
    world.nats.as_ref().unwrap().thaw();
    until_it_works(&world, &org).await;
    nothing_was_done_late(&world, &org).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_that_hangs_with_sqlite() {
    nats_that_hangs(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_that_hangs_with_postgres() {
    nats_that_hangs(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gates_in_other_processes_that_are_gone() {
    let mut world = World::start(Bus::Split, Store::Sqlite).await;
    let org = world.org().await;
    created(&world, &org.owner, "Before").await;
    let names = hoursmith::plugins::names();
    for (at, name) in names.iter().enumerate() {
        world.processes[at].kill();
        let answer = post(&world, &org, at).send().await;
        match *name {
            // Behind the answer: what it numbers waits for it.
            "relay" => drop(answer.expect(201)),
            // Not on the way of a client: its own routes alone are without an answer.
            "webhook-dispatcher" => {
                let listed = world.get("/api/v1/webhook_endpoints", &org.owner);
                listed.send().await.expect_problem(503, "unavailable");
                drop(answer.expect(201));
            }
            // The app's, which no program's request passes.
            "accounts" => drop(answer.expect(201)),
            "console" => {
                let page = world.get("/app/login", &org.owner).send().await;
                assert_eq!(page.status, 503, "{page:?}");
                drop(answer.expect(201));
            }
            // The one stage that guards the service rather than the data.
            "rate-limiter" => assert_eq!(answer.expect(201).headers.get("x-ratelimit-limit"), None),
            _ => drop(answer.expect_problem(503, "unavailable")),
        }
        world.processes[at] = Process::start_part(&world.settings, name);
        until_ready(world.admin_address).await;
        post(&world, &org, at).send().await.expect(201);
    }
    assert_eq!(world.count("clients", org.id).await, 1 + names.len() as i64);
}
