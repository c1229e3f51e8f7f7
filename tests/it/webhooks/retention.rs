//! What is old goes, and nothing else.

use std::time::Duration;

use serde_json::json;

use super::{deliveries, hasty_with, hook, on_both, until, until_attempted, until_settled};
use crate::cases::{created, walk};
use crate::receivers::{LONGEST, Receiver};
use crate::scene::{delete, get, run};
use crate::world::{Bus, Store, World};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

on_both! {
    what_is_old_goes_and_what_waits_stays,
}

async fn what_is_old_goes_and_what_waits_stays(store: Store) {
    let world = World::start_with(Bus::Memory, store, |settings| {
        // Rounds as short, and batches as small, as they can be.
        hasty_with(
            settings,
            json!({"retention_every_s": 1, "retention_batch": 2}),
        );
    })
    .await;
    let org = world.org().await;
    let (good, bad) = (
        Receiver::answering(200).await,
        Receiver::answering(500).await,
    );
    let well = hook(&world, &org, &good.url(), &["client.created"]).await;
    let ill = hook(&world, &org, &bad.url(), &["client.deleted"]).await;
    for name in ["A", "B", "C", "D", "E"] {
        created(&world, &org.owner, name).await;
    }
    until_settled(&world, &well, 5).await;
    let last = created(&world, &org.owner, "Last").await;
    delete(&world, &org.owner, &format!("/clients/{last}"))
        .await
        .expect(204);
    until_attempted(&world, &ill, 1).await;
    let old = good.until(6).await.remove(0).event();
    let waiting = bad.received()[0].event();
    until_settled(&world, &well, 6).await;
    let sequence = walk(&world, &org.owner, "").await.len();
    // As whoever publishes them does.
    let organization = org.id.0;
    run!(
        world,
        "UPDATE events SET published = TRUE WHERE organization_id = $1",
        organization
    );

    world.clock.advance(31 * DAY);
    until(&world, &well, "deleted", <[_]>::is_empty).await;
    assert_eq!(deliveries(&world, &ill).await[0].status, "pending");
    let read = async |event: &str| get(&world, &org.owner, &format!("/events/{event}")).await;
    read(&old).await.expect(200);

    world.clock.advance(60 * DAY);
    let gone = async {
        while read(&old).await.status != 404 {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(LONGEST, gone).await;
    waited.expect("it is deleted in time");
    read(&waiting).await.expect(200);
    assert_eq!(deliveries(&world, &ill).await[0].status, "pending");
    // The feed goes on where it was.
    created(&world, &org.owner, "New").await;
    let new = good.until(7).await.remove(6);
    assert!(new.json()["sequence"].as_u64().unwrap() > sequence as u64);
    assert!(world.stop().await);
}
