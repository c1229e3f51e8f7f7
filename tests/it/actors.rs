//! An actor beside the product's own (examples/event-counter), in a running deployment.

use std::time::Duration;

use hoursmith::{Components, Parts};
use hoursmith_bus::{Envelope, Subject};
use hoursmith_domain::{Keys, SecretKey};
use hoursmith_event_counter::{NAME, SUBJECT};
use hoursmith_kit::Clock as _;
use serde_json::Value;

use crate::cases::created;
use crate::world::{Bus, SECRET, Store, World, generous};

/// Far longer than it takes.
const LONGEST: Duration = Duration::from_secs(20);

/// Asks for the counts until there are as many clients as were made.
async fn until_counted(world: &World, clients: u64) {
    let (subject, keys) = (
        Subject::new(SUBJECT).unwrap(),
        Keys::derive(&SecretKey::from_bytes(SECRET)),
    );
    let counted = async {
        loop {
            let deadline = world.clock.now().plus(LONGEST);
            let question = Envelope::new(deadline, "", "").sealed(&subject, &keys);
            let bus = world.running().bus();
            let answer = bus
                .request(subject.clone(), question.clone())
                .await
                .unwrap();
            answer.verify_answer(&subject, &question, &keys).unwrap();
            let counts: Value = serde_json::from_slice(&answer.body).unwrap();
            if counts["client.created"] == clients {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let counted = tokio::time::timeout(LONGEST, counted).await;
    counted.unwrap_or_else(|_| panic!("{clients} clients were not counted"));
}

async fn a_further_actor_runs_beside_the_others(bus: Bus) {
    let plugins = vec![hoursmith_event_counter::plugin()];
    let world = World::start_beside(bus, Store::Sqlite, generous, plugins).await;
    let org = world.org().await;
    for number in 1..=3 {
        created(&world, &org.owner, &format!("client {number}")).await;
        until_counted(&world, number).await;
    }
    assert!(world.stop().await, "nothing was cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_actor_runs_in_one_process() {
    a_further_actor_runs_beside_the_others(Bus::Memory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_actor_runs_on_nats() {
    a_further_actor_runs_beside_the_others(Bus::Nats).await;
}

/// Alone in a process of its own, it hears over NATS what the others publish.
#[tokio::test(flavor = "multi_thread")]
async fn a_further_actor_runs_alone() {
    let world = World::start(Bus::Nats, Store::Sqlite).await;
    let org = world.org().await;
    let parts = Parts {
        plugins: vec![hoursmith_event_counter::plugin()],
        ..Parts::default()
    };
    let components = Components::default().with(NAME);
    let mut settings = world.settings.clone();
    settings.nats.remote.clear();
    let alone = hoursmith::serve(settings, &components, parts)
        .await
        .unwrap();
    assert!(alone.api_addr().is_none());
    created(&world, &org.owner, "client").await;
    until_counted(&world, 1).await;
    assert!(alone.stop().await);
}
