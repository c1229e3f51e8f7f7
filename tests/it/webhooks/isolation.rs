//! Receivers that hang, drip and lie cost those that work nothing.

use serde_json::json;

use super::{deliveries, hasty_with, hook, on_both, until_settled};
use crate::cases::created;
use crate::receivers::{HOSTILE, Hostile, Receiver};
use crate::world::{Bus, Store, World};

/// Receivers that work. There are as many of each kind that does not.
const WELL: usize = 8;
const EVENTS: usize = 10;

on_both! {
    the_healthy_do_not_wait_for_the_others,
}

async fn the_healthy_do_not_wait_for_the_others(store: Store) {
    let world = World::start_with(Bus::Memory, store, |settings| {
        // A receiver that hangs does so for longer than the test lasts, and they are more than
        // there are places for such.
        let own = json!({
            "timeout_ms": 120_000, "lease_ms": 130_000, "patient_concurrency": 8, "stop_ms": 0,
        });
        hasty_with(settings, own);
    })
    .await;
    let org = world.org().await;
    let mut well = Vec::new();
    for _ in 0..WELL {
        let receiver = Receiver::answering(200).await;
        let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
        well.push((receiver, hook));
    }
    // Those that work have shown it.
    created(&world, &org.owner, "Before").await;
    for (_, hook) in &well {
        until_settled(&world, hook, 1).await;
    }
    let mut ill = Vec::new();
    for what in HOSTILE {
        for _ in 0..WELL {
            let receiver = Receiver::hostile(what).await;
            let url = match what {
                Hostile::BadTls => receiver.url().replace("http:", "https:"),
                _ => receiver.url(),
            };
            let hook = hook(&world, &org, &url, &["client.created"]).await;
            ill.push((what, receiver, hook));
        }
    }
    for number in 0..EVENTS {
        created(&world, &org.owner, &format!("client {number}")).await;
    }
    for (receiver, hook) in &well {
        receiver.until(1 + EVENTS).await;
        let found = until_settled(&world, hook, 1 + EVENTS).await;
        assert!(
            found
                .iter()
                .all(|one| one.status == "delivered" && one.attempts == 1),
            "{found:?}"
        );
    }
    // None of the others has it, and those that hang hang yet: nobody has waited for them.
    for (what, _, hook) in &ill {
        let found = deliveries(&world, hook).await;
        assert_eq!(found.len(), EVENTS, "{what:?}");
        assert!(found.iter().all(|one| one.status == "pending"), "{what:?}");
        if let Hostile::Hangs = what {
            assert!(found.iter().all(|one| one.attempts == 0), "{found:?}");
        }
    }
    world.stop().await;
}
