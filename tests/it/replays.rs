//! Replays of more than one call queues or looks at, and of what may have been delivered long ago.

use std::time::Duration;

use hoursmith_kit::Clock as _;
use hoursmith_store::execute_rows;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cases::{created, endpoint, feed, nowhere};
use crate::scene::run;
use crate::webhooks::on_both;
use crate::world::{Bus, Org, Store, World, generous};

/// Deliveries that one call queues here.
const MOST: i64 = 4;

on_both! {
    a_large_replay_goes_on_where_it_ended,
    neither_one_moment_nor_their_order_keeps_an_event_back,
    what_was_delivered_is_sent_again_once,
    a_call_looks_at_a_part_of_the_feed,
    what_may_have_been_delivered_long_ago_is_left_alone,
}

/// An organization with ten clients, and an endpoint for such that was made after them.
struct Missed {
    world: World,
    org: Org,
    endpoint: String,
    since: String,
}

impl Missed {
    async fn start(store: Store) -> Self {
        let world = World::start_with(Bus::Memory, store, |settings| {
            generous(settings);
            let limited = json!({ "replay_max": MOST });
            let actor = "webhook-dispatcher".to_owned();
            settings.actors.insert(actor, limited);
        })
        .await;
        let org = world.org().await;
        let since = world.clock.now().to_string();
        for number in 0..10 {
            created(&world, &org.owner, &format!("client {number}")).await;
        }
        feed(&world, &org).await;
        let id = org.id.0;
        run!(
            world,
            "UPDATE events SET fanned_out = TRUE WHERE organization_id = $1",
            id
        );
        let body = json!({"url": nowhere(), "events": ["client.created"]});
        let made = world
            .post("/api/v1/webhook_endpoints", &org.owner)
            .json(&body);
        let made = made.send().await.expect(201).json();
        let endpoint = made["id"].as_str().unwrap().to_owned();
        Self {
            world,
            org,
            endpoint,
            since,
        }
    }

    async fn replay(&self, more: &Value) -> Value {
        let mut body = json!({"since": self.since});
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        let path = format!("{}/replay", endpoint(&self.endpoint));
        let call = self.world.post(&path, &self.org.owner).json(&body);
        call.send().await.expect(200).json()
    }

    /// Replays until nothing is left, and gives how many each call queued.
    async fn replay_all(&self, mut more: Value) -> Vec<i64> {
        let mut counts = Vec::new();
        loop {
            more["dry_run"] = true.into();
            let told = self.replay(&more).await;
            more["dry_run"] = false.into();
            let done = self.replay(&more).await;
            assert_eq!(told, done, "a dry run tells what is done");
            counts.push(done["count"].as_i64().unwrap());
            more["after_sequence"] = done["next_after_sequence"].clone();
            if more["after_sequence"].is_null() {
                return counts;
            }
        }
    }

    /// Has all deliveries in a state, as if they had been sent.
    async fn settle(&self, status: &'static str) {
        let id = self.org.id.0;
        run!(
            self.world,
            "UPDATE webhook_deliveries SET status = $2, next_attempt_at = NULL, lease_until = NULL, \
             lease_token = lease_token + 1 WHERE organization_id = $1",
            id,
            status
        );
    }
}

async fn a_large_replay_goes_on_where_it_ended(store: Store) {
    let missed = Missed::start(store).await;
    assert_eq!(missed.replay_all(json!({})).await, [MOST, MOST, 2]);
    assert_eq!(missed.replay(&json!({})).await["count"], 0);
    assert!(missed.world.stop().await);
}

async fn neither_one_moment_nor_their_order_keeps_an_event_back(store: Store) {
    let missed = Missed::start(store).await;
    let id = missed.org.id.0;
    // The later, the earlier: four minutes between the first and the last.
    run!(
        missed.world,
        "UPDATE events SET created_at = created_at + 240000000 - sequence * 15000000 WHERE organization_id = $1",
        id
    );
    assert_eq!(missed.replay_all(json!({})).await, [MOST, MOST, 2]);
    missed.settle("failed").await;
    let moment = missed.world.clock.now().as_micros();
    run!(
        missed.world,
        "UPDATE events SET created_at = $2 WHERE organization_id = $1",
        id,
        moment
    );
    let failed = json!({"status": "failed"});
    assert_eq!(missed.replay_all(failed).await, [MOST, MOST, 2]);
}

async fn what_was_delivered_is_sent_again_once(store: Store) {
    let missed = Missed::start(store).await;
    assert_eq!(missed.replay_all(json!({})).await, [MOST, MOST, 2]);
    missed.settle("delivered").await;
    let mut more = json!({"status": "delivered"});
    for count in [MOST, MOST, 2] {
        let done = missed.replay(&more).await;
        assert_eq!(done["count"], count);
        // It arrives before the next call is made.
        missed.settle("delivered").await;
        more["after_sequence"] = done["next_after_sequence"].clone();
    }
    assert_eq!(more["after_sequence"], Value::Null);
}

async fn a_call_looks_at_a_part_of_the_feed(store: Store) {
    let missed = Missed::start(store).await;
    let (organization, now) = (missed.org.id.0, missed.world.clock.now().as_micros());
    let last = 1_010_000;
    let rows: Vec<(Uuid, i64, &str)> = (1_000_000..=last)
        .map(|sequence| {
            let kind = if sequence == last {
                "client.created"
            } else {
                "client.updated"
            };
            (crate::scene::fresh(&missed.world), sequence, kind)
        })
        .collect();
    hoursmith_store::statements! {
        NEW_EVENTS = "INSERT INTO events (organization_id, id, sequence, type, resource_id, api_version, data, \
            created_at, published, fanned_out) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    }
    let written = missed.world.db.db().write(move |conn| {
        Box::pin(async move {
            execute_rows!(
                conn,
                NEW_EVENTS,
                rows,
                |row| organization,
                row.0,
                row.1,
                row.2,
                row.0,
                "v1",
                "{}",
                now,
                true,
                true,
            )
        })
    });
    let written: Result<u64, hoursmith_store::Error> = written.await;
    assert_eq!(written.unwrap(), 10_001);
    // From the last that was made by the API on, a call looks at 10,000, and none of them is wanted.
    let mut more = json!({"dry_run": true, "after_sequence": 999_999});
    let done = missed.replay(&more).await;
    let expected = json!({"count": 0, "next_after_sequence": last - 1});
    assert_eq!(done, expected);
    more["after_sequence"] = done["next_after_sequence"].clone();
    let done = missed.replay(&more).await;
    assert_eq!(done, json!({"count": 1, "next_after_sequence": null}));
    // However much there is, nothing is looked at of after `until` by more than the disorder.
    let until = missed.world.clock.now().minus(Duration::from_secs(3_600));
    let since = until.minus(Duration::from_secs(3_600));
    let more = json!({"since": since.to_string(), "until": until.to_string()});
    let done = missed.replay(&more).await;
    assert_eq!(done, json!({"count": 0, "next_after_sequence": null}));
}

async fn what_may_have_been_delivered_long_ago_is_left_alone(store: Store) {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let missed = Missed::start(store).await;
    let (id, now) = (missed.org.id.0, missed.world.clock.now());
    // Deliveries are kept for 30 days, events for 90. Those of the first events are gone.
    let (older, younger) = (now.minus(DAY * 31), now.minus(DAY * 29));
    let (old, young) = (older.as_micros(), younger.as_micros());
    run!(
        missed.world,
        "UPDATE events SET created_at = CASE WHEN sequence <= 7 THEN CAST($2 AS BIGINT) ELSE $3 END \
         WHERE organization_id = $1",
        id,
        old,
        young
    );
    let since = older.minus(DAY).to_string();
    // Four of the fourteen are members, who are not wanted.
    let found = missed.replay_all(json!({ "since": since })).await;
    assert_eq!(found.iter().sum::<i64>(), 7);
}
