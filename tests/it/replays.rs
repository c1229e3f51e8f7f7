//! A replay that is larger than one call may queue.

use hoursmith_kit::Clock as _;
use hoursmith_store::{Statement, execute};
use serde_json::{Value, json};

use crate::cases::{created, endpoint, feed, nowhere};
use crate::world::{Bus, Store, World, generous};

/// Deliveries that one call queues here.
const MOST: i64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_replay_goes_on_where_it_ended_on_sqlite() {
    a_large_replay_goes_on_where_it_ended(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_replay_goes_on_where_it_ended_on_postgres() {
    a_large_replay_goes_on_where_it_ended(Store::Postgres).await;
}

async fn a_large_replay_goes_on_where_it_ended(store: Store) {
    let world = World::start_with(Bus::Memory, store, |settings| {
        generous(settings);
        let limited = json!({ "replay_max": MOST });
        let actor = "webhook-dispatcher".to_owned();
        settings.actors.insert(actor, limited);
    })
    .await;
    let org = world.org().await;
    let start = world.clock.now();
    for number in 0..10 {
        created(&world, &org.owner, &format!("client {number}")).await;
    }
    feed(&world, &org).await;
    const FAN_OUT_BY_HAND: Statement = Statement {
        name: "FAN_OUT_BY_HAND",
        sql: "UPDATE events SET fanned_out = TRUE WHERE organization_id = $1",
    };
    let id = org.id.0;
    let done = world
        .db
        .db()
        .write(move |conn| Box::pin(async move { execute!(conn, FAN_OUT_BY_HAND, id) }));
    done.await.unwrap();
    let body = json!({"url": nowhere(), "events": ["client.created"]});
    let made = world
        .post("/api/v1/webhook_endpoints", &org.owner)
        .json(&body);
    let made = made.send().await.expect(201).json();
    let path = format!("{}/replay", endpoint(made["id"].as_str().unwrap()));
    let call = async |since: &Value, dry_run: bool| -> Value {
        let body = json!({"since": since, "dry_run": dry_run});
        let call = world.post(&path, &org.owner).json(&body);
        call.send().await.expect(200).json()
    };
    let (mut since, mut counts) = (json!(start.to_string()), Vec::new());
    while since.is_string() {
        let told = call(&since, true).await;
        let done = call(&since, false).await;
        assert_eq!(told, done, "a dry run tells what is done");
        counts.push(done["count"].as_i64().unwrap());
        since = done["next_since"].clone();
    }
    assert_eq!(counts, [MOST, MOST, 2]);
    assert_eq!(call(&json!(start.to_string()), false).await["count"], 0);
    assert!(world.stop().await);
}
