//! What the relay publishes: each committed event once, in order, whatever was away meanwhile.

use std::time::{Duration, Instant};

use async_nats::ConnectOptions;
use async_nats::jetstream::{self, consumer::PullConsumer};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use hoursmith_domain::OrganizationId;
use hoursmith_nats::STREAM;
use hoursmith_settings::{Settings, Subscriber};
use serde_json::Value;

use crate::cases::{created, feed, until_public};
use crate::processes::{Process, password};
use crate::world::{Bus, Org, Store, World, generous, until_ready};

/// Far longer than anything takes here.
const LONGEST: Duration = Duration::from_secs(60);

/// How soon after its restart a relay must have published what waited.
const SOON: Duration = Duration::from_secs(5);

/// An event as a subscriber is given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub subject: String,
    pub id: String,
    pub body: String,
}

/// The settings of a deployment whose subscriber `books` is given an organization's events.
pub fn with_books(settings: &Settings, organization: OrganizationId) -> Settings {
    let mut settings = settings.clone();
    let name = "books".to_owned();
    settings.nats.events.subscribers = vec![Subscriber { name, organization }];
    settings
}

/// Ends the relay's process and starts one that lets the subscriber in.
pub fn let_books_in(world: &mut World, organization: OrganizationId) {
    let names = hoursmith::plugins::names();
    let at = names.iter().position(|name| *name == "relay").unwrap();
    world.settings = with_books(&world.settings, organization);
    world.processes[at].kill();
    world.processes[at] = Process::start_part(&world.settings, "relay");
}

/// As `books`: its place in the stream, once it is there.
async fn place(world: &World) -> PullConsumer {
    let options = ConnectOptions::with_user_and_password("books".to_owned(), password("books"))
        .custom_inbox_prefix("_INBOX.books");
    let url = world.nats.as_ref().unwrap().url();
    let context = jetstream::new(options.connect(url).await.unwrap());
    loop {
        match context.get_consumer_from_stream("books", STREAM).await {
            Ok(place) => return place,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Takes so many events from the subscriber's place, and makes sure that there is no other.
pub async fn received(world: &World, count: usize) -> Vec<Received> {
    let receive = async {
        let mut place = place(world).await;
        let messages = place.messages().await.unwrap();
        let received: Vec<_> = messages
            .take(count)
            .then(async |message| {
                let message = message.unwrap();
                message.double_ack().await.unwrap();
                let headers = message.headers.as_ref().unwrap();
                Received {
                    subject: message.subject.to_string(),
                    id: headers.get("Nats-Msg-Id").unwrap().to_string(),
                    body: String::from_utf8(message.payload.to_vec()).unwrap(),
                }
            })
            .collect()
            .await;
        assert_eq!(place.info().await.unwrap().num_pending, 0, "one too many");
        received
    };
    let received = tokio::time::timeout(LONGEST, receive).await;
    received.unwrap_or_else(|_| panic!("{count} events were not published"))
}

/// Whether what was received is the feed: each event once, in its order, to the byte.
pub fn is_the_feed(received: &[Received], feed: &[Value]) {
    assert_eq!(received.len(), feed.len());
    for (received, event) in received.iter().zip(feed) {
        let field = |name: &str| event[name].as_str().unwrap();
        let subject = format!(
            "hoursmith.events.{}.{}",
            field("organization_id"),
            field("type")
        );
        let wanted = Received {
            subject,
            id: field("id").to_owned(),
            body: event.to_string(),
        };
        assert_eq!(*received, wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_published_as_the_api_shows_it() {
    let mut world = World::start(Bus::Split, Store::Postgres).await;
    let org = world.org().await;
    let_books_in(&mut world, org.id);
    let other = world.org().await;
    for number in 0..10 {
        for org in [&org, &other] {
            created(&world, &org.owner, &format!("client {number}")).await;
        }
    }
    let feed = feed(&world, &org).await;
    is_the_feed(&received(&world, feed.len()).await, &feed);
    for event in &feed {
        let url = format!("/api/v1/events/{}", event["id"].as_str().unwrap());
        let shown = world.get(&url, &org.owner).send().await.expect(200);
        assert_eq!(shown.body, event.to_string().as_bytes());
    }
}

async fn a_relay_that_was_killed_publishes_soon_after(store: Store) {
    let mut world = World::start(Bus::Split, store).await;
    let org = world.org().await;
    let_books_in(&mut world, org.id);
    let names = hoursmith::plugins::names();
    let at = names.iter().position(|name| *name == "relay").unwrap();
    created(&world, &org.owner, "Before").await;
    let before = feed(&world, &org).await.len();
    assert_eq!(received(&world, before).await.len(), before);
    created(&world, &org.owner, "Committed").await;
    world.processes[at].kill();
    for number in 0..10 {
        created(&world, &org.owner, &format!("Without a relay {number}")).await;
    }
    let restarted = Instant::now();
    world.processes[at] = Process::start_part(&world.settings, "relay");
    // The one that was committed just before may have gone out in time.
    let after = received(&world, 11).await;
    assert!(restarted.elapsed() < SOON, "{:?}", restarted.elapsed());
    let feed = feed(&world, &org).await;
    is_the_feed(&after, &feed[before..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_was_killed_publishes_soon_after_on_sqlite() {
    a_relay_that_was_killed_publishes_soon_after(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_was_killed_publishes_soon_after_on_postgres() {
    a_relay_that_was_killed_publishes_soon_after(Store::Postgres).await;
}

/// Killed a hundred times with a commit just answered, and others on their way: wherever it is, what was
/// committed goes out soon after the restart, once and in order. A lease that is soon over, since the test
/// above waits for that of a deployment.
async fn whatever_was_committed_goes_out_after_each_kill(store: Store) {
    const KILLS: usize = 100;
    const WRITERS: usize = 3;
    let mut world = World::start_with(Bus::Split, store, |settings| {
        generous(settings);
        let relay = serde_json::json!({"batch": 2, "lease_ms": 100, "look_every_ms": 50});
        settings.actors.insert("relay".to_owned(), relay);
    })
    .await;
    let org = world.org().await;
    let_books_in(&mut world, org.id);
    let names = hoursmith::plugins::names();
    let at = names.iter().position(|name| *name == "relay").unwrap();
    // What an operator wrote when the organization was made.
    until_marked(&world, &org).await;
    let mut all = received(&world, feed(&world, &org).await.len()).await;
    let mut slowest = Duration::ZERO;
    for kill in 0..KILLS {
        let mut relay = world.processes.remove(at);
        let writes = (0..WRITERS).map(async |writer| {
            created(&world, &org.owner, &format!("client {kill} {writer}")).await;
        });
        let mut writes: FuturesUnordered<_> = writes.collect();
        // The relay is at the first ones when it is killed; the rest finds none.
        for _ in 0..=kill % WRITERS {
            writes.next().await;
        }
        relay.kill();
        while writes.next().await.is_some() {}
        drop(writes);
        let restarted = Instant::now();
        let relay = Process::start_part(&world.settings, "relay");
        world.processes.insert(at, relay);
        all.extend(received(&world, WRITERS).await);
        let took = restarted.elapsed();
        assert!(took < SOON, "kill {kill}: {took:?}");
        slowest = slowest.max(took);
    }
    is_the_feed(&all, &feed(&world, &org).await);
    println!("{KILLS} kills, the slowest after {slowest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_committed_goes_out_after_each_kill_on_sqlite() {
    whatever_was_committed_goes_out_after_each_kill(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_committed_goes_out_after_each_kill_on_postgres() {
    whatever_was_committed_goes_out_after_each_kill(Store::Postgres).await;
}

/// Everything in one process, which works on while NATS is away, and finds it without its folder.
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_nats_is_away_is_published_when_it_is_back() {
    let mut world = World::start_with(Bus::Nats, Store::Sqlite, |settings| {
        generous(settings);
        settings.nats.remote.clear();
    })
    .await;
    let org = world.org().await;
    created(&world, &org.owner, "Before").await;
    until_public(&world, &org).await;
    let before = world.count("events", org.id).await;
    until_in_stream(&world, before as u64).await;

    world.nats.as_mut().unwrap().stop();
    for number in 0..5 {
        created(&world, &org.owner, &format!("Without NATS {number}")).await;
    }
    // They are public all the same.
    let all = feed(&world, &org).await;
    assert_eq!(all.len() as i64, before + 5);
    let nats = world.nats.as_mut().unwrap();
    nats.wipe();
    nats.start_again();
    // What had been published is in the API alone.
    until_in_stream(&world, 5).await;
    until_ready(world.admin_address).await;
    created(&world, &org.owner, "After").await;
    until_in_stream(&world, 6).await;

    let url = world.nats.as_ref().unwrap().url();
    let context = jetstream::new(async_nats::connect(url).await.unwrap());
    context.delete_stream(STREAM).await.unwrap();
    created(&world, &org.owner, "After its stream").await;
    until_in_stream(&world, 1).await;
}

/// Waits until the stream holds so many events, of a server that asks nobody who they are.
async fn until_in_stream(world: &World, wanted: u64) {
    let url = world.nats.as_ref().unwrap().url();
    let context = jetstream::new(async_nats::connect(url).await.unwrap());
    let kept = async {
        loop {
            let found = context.get_stream(STREAM).await;
            let messages = found.map_or(0, |stream| stream.cached_info().state.messages);
            assert!(messages <= wanted, "{messages} of {wanted}");
            if messages == wanted {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let kept = tokio::time::timeout(LONGEST, kept).await;
    kept.unwrap_or_else(|_| panic!("{wanted} events never came into the stream"));
}

/// Waits until each event of an organization was published, as far as the relay knows.
pub async fn until_marked(world: &World, org: &Org) {
    const WAITING: hoursmith_store::Statement = hoursmith_store::Statement {
        name: "UNPUBLISHED",
        sql: "SELECT COUNT(*) FROM events WHERE organization_id = $1 AND NOT published",
    };
    let marked = async {
        loop {
            let mut conn = world.db.db().read().await.unwrap();
            let (waiting,) =
                hoursmith_store::fetch_one!(&mut conn, WAITING as (i64,), org.id.0).unwrap();
            if waiting == 0 {
                return;
            }
            drop(conn);
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST, marked).await.unwrap();
}

/// In one process nothing waits for a stream that is not there.
#[tokio::test(flavor = "multi_thread")]
async fn without_nats_events_are_told_and_done_with() {
    for store in [Store::Sqlite, Store::Postgres] {
        let world = World::start(Bus::Memory, store).await;
        let org = world.org().await;
        created(&world, &org.owner, "Client").await;
        until_marked(&world, &org).await;
    }
}
