//! An endpoint is sent no more in a second than its rate permits, replays included.

use std::time::Duration;

use hoursmith_kit::Clock as _;
use serde_json::json;

use super::{Hook, attempts, deliveries, hasty_with, hook, on_both, until};
use crate::cases::created;
use crate::receivers::Receiver;
use crate::world::{Bus, Store, World};

const EVENTS: usize = 10;
const SECOND: Duration = Duration::from_secs(1);

/// Less by a second than the rate takes for all: what is sent first may have been claimed that much
/// earlier.
const LEAST: i64 = (EVENTS as i64 - 2) * 1_000_000;

on_both! {
    a_replay_is_sent_no_faster_than_anything_else,
}

async fn a_replay_is_sent_no_faster_than_anything_else(store: Store) {
    let world = World::start_with(Bus::Memory, store, |settings| {
        hasty_with(settings, json!({"endpoint_rate_per_second": 1}));
    })
    .await;
    let org = world.org().await;
    let receiver = Receiver::answering(200).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    let start = world.clock.now();
    for number in 0..EVENTS {
        created(&world, &org.owner, &format!("client {number}")).await;
    }
    assert!(sent_within(&world, &hook, 1).await >= LEAST);
    let body = json!({"since": start.to_string(), "status": "delivered"});
    let path = format!("/api/v1/webhook_endpoints/{}/replay", hook.id);
    let replayed = world.post(&path, &org.owner).json(&body);
    assert_eq!(replayed.send().await.expect(200).json()["count"], EVENTS);
    assert!(sent_within(&world, &hook, 2).await >= LEAST);
    let received = receiver.received();
    assert_eq!(received.len(), EVENTS * 2);
    assert!(received.is_sorted_by_key(|one| one.at));
    assert!(world.stop().await);
}

/// Has time pass until each delivery has had so many attempts; how long it took from the first of the
/// last of them to the last, in microseconds.
async fn sent_within(world: &World, hook: &Hook, times: i64) -> i64 {
    for count in 1..=EVENTS {
        let enough = |found: &[super::Delivery]| {
            let sent = found.iter().filter(|one| one.attempts == times);
            sent.count() >= count
        };
        until(world, hook, "sent", enough).await;
        world.clock.advance(SECOND);
    }
    let mut instants = Vec::new();
    for delivery in deliveries(world, hook).await {
        let made = attempts(world, &delivery).await;
        instants.push(made.last().expect("an attempt").at);
    }
    instants.sort_unstable();
    instants[EVENTS - 1] - instants[0]
}
