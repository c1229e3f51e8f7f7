//! What a receiver gets: when, which bytes, signed how; and what is kept of its answers.

use std::time::{Duration, Instant};

use hoursmith_domain::webhook::WebhookSecret;
use hoursmith_kit::Clock as _;

use super::{
    assert_signed, attempts, deliveries, hook, on_both, rotate, until_attempted, until_settled,
    world,
};
use crate::cases::{created, endpoint};
use crate::receivers::{Receiver, answer, with_header};
use crate::scene::run;
use crate::world::{Org, Store, World};

on_both! {
    a_change_reaches_who_wants_it_at_once,
    it_carries_what_the_api_shows_and_is_signed,
    both_secrets_sign_for_a_while,
    a_secret_that_does_not_open_is_replaced_by_a_rotation,
    what_was_answered_is_kept,
    what_cannot_be_reached_is_named_in_a_word,
    events_come_in_the_order_of_the_feed,
}

async fn a_change_reaches_who_wants_it_at_once(store: Store) {
    // Nobody looks by itself within the test: it is the bells that are heard.
    let world = World::start_with(crate::world::Bus::Memory, store, |settings| {
        super::hasty_with(settings, serde_json::json!({"look_every_ms": 3_600_000}));
    })
    .await;
    let (org, other) = (world.org().await, world.org().await);
    let receiver = Receiver::answering(204).await;
    let wanted = hook(&world, &org, &receiver.url(), &["client.*"]).await;
    let unwanted = hook(&world, &org, &receiver.url(), &["invoice.sent"]).await;
    let foreign = hook(&world, &other, &receiver.url(), &["client.*"]).await;
    let started = Instant::now();
    created(&world, &org.owner, "First").await;
    let received = receiver.until(1).await;
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(received[0].json()["data"]["object"]["name"], "First");
    let delivered = until_settled(&world, &wanted, 1).await;
    assert_eq!(delivered[0].status, "delivered");
    assert!(deliveries(&world, &unwanted).await.is_empty());
    assert!(deliveries(&world, &foreign).await.is_empty());
    assert_eq!(receiver.received().len(), 1);
    assert!(world.stop().await, "nothing was cut off");
}

async fn it_carries_what_the_api_shows_and_is_signed(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let receiver = Receiver::answering(200).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.*"]).await;
    created(&world, &org.owner, "Zoë – 日本 \\ \"\u{1F600}\"").await;
    let received = receiver.until(1).await.remove(0);
    let shown = world
        .get(&format!("/api/v1/events/{}", received.event()), &org.owner)
        .send()
        .await
        .expect(200);
    assert_eq!(received.body, shown.body);
    assert_eq!(received.header("content-type"), "application/json");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        received.header("user-agent"),
        format!("Hoursmith-Webhooks/{version}")
    );
    assert_signed(&received, &hook.secret, world.clock.now());
}

async fn both_secrets_sign_for_a_while(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let receiver = Receiver::answering(200).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.*"]).await;
    let until = world.clock.now().plus(Duration::from_secs(24 * 60 * 60));
    let new = rotate(&world, &org, &hook, until).await;
    created(&world, &org.owner, "During").await;
    let received = receiver.until(1).await.remove(0);
    assert_signed(&received, &new, world.clock.now());
    assert_signed(&received, &hook.secret, world.clock.now());
    assert_eq!(
        received
            .header("hoursmith-signature")
            .matches("v1=")
            .count(),
        2
    );

    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    created(&world, &org.owner, "After").await;
    let received = receiver.until(2).await.remove(1);
    assert_signed(&received, &new, world.clock.now());
    assert_eq!(
        received
            .header("hoursmith-signature")
            .matches("v1=")
            .count(),
        1
    );
    assert_eq!(
        received.header("webhook-signature").matches("v1,").count(),
        1
    );
}

async fn a_secret_that_does_not_open_is_replaced_by_a_rotation(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let receiver = Receiver::answering(200).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.*"]).await;
    let (id, other) = (hook.id, vec![7_u8; 64]);
    run!(
        world,
        "UPDATE webhook_endpoints SET secret = $2 WHERE id = $1",
        id,
        other
    );
    let rotate = format!("{}/rotate_secret", endpoint(&id.to_string()));
    let rotated = world.post(&rotate, &org.owner).send().await.expect(200);
    let new = WebhookSecret::parse(rotated.json()["secret"].as_str().unwrap()).unwrap();
    created(&world, &org.owner, "Client").await;
    let received = receiver.until(1).await.remove(0);
    assert_signed(&received, &new, world.clock.now());
    // What does not open signs nothing, nor keeps the new one from it.
    let signature = received.header("hoursmith-signature");
    assert_eq!(signature.matches("v1=").count(), 1, "{signature}");
    let delivered = until_settled(&world, &hook, 1).await;
    assert_eq!(delivered[0].attempts, 1);
}

async fn what_was_answered_is_kept(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let receiver =
        Receiver::start(|_| answer(500, &format!("\u{1b}[31mé\r\n{}\u{0}", "x".repeat(20_000))))
            .await;
    let hook = hook(&world, &org, &receiver.url(), &["client.*"]).await;
    created(&world, &org.owner, "Client").await;
    let delivery = until_attempted(&world, &hook, 1).await;
    assert_eq!(delivery.status, "pending");
    let attempts = attempts(&world, &delivery).await;
    let [attempt] = &attempts[..] else {
        panic!("{attempts:?}")
    };
    assert_eq!((attempt.number, attempt.status_code), (1, Some(500)));
    assert_eq!((&attempt.url, &attempt.error), (&receiver.url(), &None));
    assert!((0..5_000).contains(&attempt.duration_ms), "{attempt:?}");
    let excerpt = attempt.response_excerpt.as_deref().unwrap();
    assert!(excerpt.starts_with("[31mé\nxxx"), "{excerpt}");
    assert_eq!(excerpt.chars().count(), 1_000);
}

async fn what_cannot_be_reached_is_named_in_a_word(store: Store) {
    let world = world(store).await;
    let org = world.org().await;
    let closed = Receiver::answering(200).await;
    let gone = closed.url();
    drop(closed);
    let breaks = Receiver::start(|_| String::new()).await;
    for (url, word) in [
        (gone.as_str(), "connect"),
        ("http://10.0.0.1:8080/hook", "refused"),
        ("http://127.0.0.1:6379/hook", "refused"),
        ("https://nowhere.invalid/hook", "dns"),
        (breaks.url().as_str(), "protocol"),
    ] {
        let org = world.org().await;
        let hook = hook(&world, &org, url, &["client.created"]).await;
        created(&world, &org.owner, "Client").await;
        let delivery = until_attempted(&world, &hook, 1).await;
        let attempts = attempts(&world, &delivery).await;
        assert_eq!(attempts[0].error.as_deref(), Some(word), "{url}");
        assert_eq!(attempts[0].status_code, None, "{url}");
    }
    drop(org);
}

async fn events_come_in_the_order_of_the_feed(store: Store) {
    let world = world(store).await;
    let org: Org = world.org().await;
    let receiver = Receiver::start(|_| with_header(200, "connection: keep-alive", "ok")).await;
    // Without a success yet it gets one at a time, and so in order.
    let down = Receiver::start(|_| answer(503, "")).await;
    let hook = hook(&world, &org, &down.url(), &["client.*"]).await;
    for number in 0..5 {
        created(&world, &org.owner, &format!("client {number}")).await;
    }
    let tried = down.until(5).await;
    let sequences: Vec<i64> = tried
        .iter()
        .map(|received| received.json()["sequence"].as_i64().unwrap())
        .collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
    super::set_url(&world, &hook, &receiver.url()).await;
    world.clock.advance(Duration::from_secs(10));
    receiver.until(5).await;
    until_settled(&world, &hook, 5).await;
}
