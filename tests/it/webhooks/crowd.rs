//! Many dispatchers on one database: each delivery is sent by one of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures::future::join_all;
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Statement, fetch_one};

use super::{attempts, hasty, hook, on_both, standing, until_settled, world};
use crate::cases::created;
use crate::receivers::{Receiver, answer};
use crate::scene::run;
use crate::world::{Bus, Store, World, serve};

const DISPATCHERS: usize = 4;
const ENDPOINTS: usize = 25;
const EVENTS: usize = 100;

on_both! {
    a_lease_that_ends_while_it_is_used_records_nothing,
}

#[tokio::test(flavor = "multi_thread")]
async fn four_dispatchers_send_each_delivery_once() {
    let world = world(Store::Postgres).await;
    let mut others = Vec::new();
    for _ in 1..DISPATCHERS {
        others.push(serve(&world.settings, Arc::clone(&world.clock) as _).await);
    }
    let org = world.org().await;
    let mut hooks = Vec::new();
    for _ in 0..ENDPOINTS {
        let receiver = Receiver::answering(200).await;
        let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
        hooks.push((receiver, hook));
    }
    for number in 0..EVENTS {
        created(&world, &org.owner, &format!("client {number}")).await;
    }
    for (receiver, _) in &hooks {
        receiver.until(EVENTS).await;
    }
    for (receiver, hook) in &hooks {
        let found = until_settled(&world, hook, EVENTS).await;
        let sent: BTreeSet<String> = (found.iter())
            .map(|delivery| format!("evt_{}", delivery.event.simple()))
            .collect();
        assert!(
            found.iter().all(|one| one.status == "delivered"),
            "{found:?}"
        );
        let received = receiver.received();
        let came: BTreeSet<String> = received.iter().map(|one| one.event()).collect();
        assert_eq!(came, sent);
        assert_eq!(received.len(), EVENTS, "none came twice");
    }
    const ATTEMPTS: Statement = Statement {
        name: "COUNT_ATTEMPTS",
        sql: "SELECT COUNT(*) FROM webhook_attempts WHERE organization_id = $1",
    };
    let mut conn = world.db.read().await.unwrap();
    let (attempts,) = fetch_one!(&mut conn, ATTEMPTS as (i64,), org.id.0).unwrap();
    drop(conn);
    assert_eq!(attempts, (ENDPOINTS * EVENTS) as i64);
    let stopped = join_all(others.into_iter().map(|other| other.stop())).await;
    assert!(stopped.into_iter().all(|clean| clean));
    assert!(world.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_and_comes_back_loses_nothing() {
    const HOOKS: usize = 5;
    let (db, mut cluster) = TestDb::postgres_alone().await;
    let world = World::start_on(Bus::Memory, (Store::Postgres, db), hasty, Vec::new()).await;
    let org = world.org().await;
    for number in 0..EVENTS {
        created(&world, &org.owner, &format!("client {number}")).await;
    }
    crate::cases::until_public(&world, &org).await;
    let mut hooks = Vec::new();
    for _ in 0..HOOKS {
        let receiver = Receiver::answering(200).await;
        let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
        hooks.push((receiver, hook));
    }
    // Everything is to be sent at once, with nobody asking for anything meanwhile.
    let organization = org.id.0;
    run!(
        world,
        "UPDATE events SET fanned_out = FALSE WHERE organization_id = $1",
        organization
    );
    for (third, (receiver, _)) in (0..3).zip(&hooks) {
        receiver.until(third * EVENTS / 3 + 1).await;
        tokio::task::block_in_place(|| cluster.crash_and_restart());
    }
    for (receiver, hook) in &hooks {
        let found = until_settled(&world, hook, EVENTS).await;
        let came: BTreeSet<String> = (receiver.received().iter())
            .map(|one| one.event())
            .collect();
        assert_eq!(came.len(), EVENTS, "every one, some of them perhaps twice");
        assert!(
            found.iter().all(|one| one.status == "delivered"),
            "{found:?}"
        );
    }
    assert!(world.stop().await);
}

async fn a_lease_that_ends_while_it_is_used_records_nothing(store: Store) {
    let mut world = world(store).await;
    let org = world.org().await;
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    // The first answer, a refusal, comes when the second has long been given.
    let receiver = Receiver::start(move |number| {
        if number > 0 {
            return answer(200, "");
        }
        tokio::task::block_in_place(|| held.lock().unwrap().recv()).unwrap();
        answer(500, "")
    })
    .await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    created(&world, &org.owner, "Client").await;
    receiver.until(1).await;
    world.clock.advance(Duration::from_secs(31));
    let twice = receiver.until(2).await;
    assert_eq!(
        (twice[0].event(), &twice[0].body),
        (twice[1].event(), &twice[1].body)
    );
    until_settled(&world, &hook, 1).await;
    release.send(()).unwrap();
    // Whoever stops lets what is being sent end, and be recorded.
    let clock = Arc::clone(&world.clock) as _;
    world.serve_again(clock).await;
    let delivered = until_settled(&world, &hook, 1).await.remove(0);
    assert_eq!(
        (delivered.status.as_str(), delivered.attempts),
        ("delivered", 1)
    );
    let kept = attempts(&world, &delivered).await;
    let statuses: Vec<_> = kept.iter().map(|one| one.status_code).collect();
    assert_eq!(statuses, [Some(200)]);
    assert_eq!(standing(&world, &hook).await.1, 0, "nothing has failed");
}
