//! What `doctor ledger` proves, from the database alone.

use std::process::{Command, Output};

use hoursmith_domain::EventId;
use hoursmith_settings::ExposeSecret as _;

use super::{deliveries, hook, on_both, until, until_settled, world};
use crate::cases::created;
use crate::receivers::Receiver;
use crate::scene::run;
use crate::world::{Store, World};

on_both! {
    the_ledger_finds_what_is_missing,
}

fn read(world: &World) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hoursmith"))
        .env_clear()
        .env(
            "DATABASE_URL",
            world.settings.effective_database_url().expose_secret(),
        )
        .args(["doctor", "ledger"])
        .output()
        .expect("the program starts");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output, text)
}

async fn the_ledger_finds_what_is_missing(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let (good, bad) = (
        Receiver::answering(200).await,
        Receiver::answering(500).await,
    );
    let well = hook(&world, &org, &good.url(), &["client.*"]).await;
    let ill = hook(&world, &org, &bad.url(), &["*"]).await;
    let young = hook(&world, &org, &good.url(), &["*"]).await;
    // As they are since long ago, but for one.
    let (a, b) = (well.id, ill.id);
    run!(
        world,
        "UPDATE webhook_endpoints SET updated_at = 0 WHERE id = $1 OR id = $2",
        a,
        b
    );
    created(&world, &org.owner, "Client").await;
    let delivered = until_settled(&world, &well, 1).await;
    let pending = |found: &[super::Delivery]| found.iter().any(|one| one.attempts == 1);
    until(&world, &ill, "tried", pending).await;
    crate::cases::until_public(&world, &org).await;
    let (output, text) = read(&world);
    assert!(output.status.success(), "{text}");
    assert!(text.ends_with("ok     none is missing\n"), "{text}");

    let (young, none) = (young.id, delivered[0].id);
    run!(
        world,
        "DELETE FROM webhook_deliveries WHERE endpoint_id = $1 OR id = $2",
        young,
        none
    );
    let (output, text) = read(&world);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let named = format!(
        "wrong  {} has no delivery to endpoint {}\nwrong  1 are missing\n",
        EventId(delivered[0].event),
        well.id
    );
    assert!(text.ends_with(&named), "{text}");

    let id = ill.id;
    run!(
        world,
        "UPDATE webhook_endpoints SET events = '*' WHERE id = $1",
        id
    );
    let (output, text) = read(&world);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let named = format!("wrong  endpoint {id} gets nothing: what it wants cannot be read\n");
    assert!(text.contains(&named), "{text}");
    assert!(deliveries(&world, &well).await.is_empty());
}
