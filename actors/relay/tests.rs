//! Relays on both engines: woken, unheard, racing, relieved.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use hoursmith_bus::{Envelope, subjects};
use hoursmith_domain::{EventId, EventType, Keys, OrganizationId, SecretKey};
use hoursmith_kit::testing::{Rig, Who};
use hoursmith_kit::{Bell, Clock as _, Host, RunningPlugin, WakeUp};
use hoursmith_settings::Settings;
use hoursmith_store::events::{self, NewEvent};
use hoursmith_store::testing::{TestDb, on_both};
use hoursmith_store::{Db, Error, OpenOptions, execute, fetch_all};

use crate::post::{Post, Standing};
use crate::publisher::Publisher;
use crate::sequencer::Sequencer;
use crate::{NAME, RelaySettings, plugin};

hoursmith_store::statements! {
    NEW_ORGANIZATION = "INSERT INTO organizations
        (id, name, slug, plan, currency, timezone, created_at, updated_at)
        VALUES ($1, 'Acme', $2, 'studio', 'EUR', 'Europe/Berlin', 0, 0)";
    SEQUENCES = "SELECT sequence FROM events
        WHERE organization_id = $1 AND sequence IS NOT NULL ORDER BY position";
    WAITING = "SELECT position FROM events WHERE sequence IS NULL";
    UNPUBLISHED = "SELECT position FROM events WHERE NOT published";
    FORGET_PUBLICATION = "UPDATE events SET published = FALSE WHERE organization_id = $1";
}

const ORGANIZATIONS: [u128; 3] = [1, 2, 3];

/// Far longer than any test: what a test must not wait for.
const NEVER_MS: u32 = 3_600_000;

/// Far longer than it takes on the slowest machine: only a test that waits in vain comes to this.
const LONGEST: Duration = Duration::from_secs(600);

/// Some organizations, and a host for relays.
struct Bench {
    rig: Rig,
    db: TestDb,
}

impl Bench {
    async fn new(db: TestDb, look_every_ms: u32) -> Self {
        let mut settings = Settings::default();
        let relay = format!("{{\"look_every_ms\": {look_every_ms}}}");
        let relay = serde_json::from_str(&relay).unwrap();
        settings.actors.insert(NAME.to_owned(), relay);
        let rig = Rig::with_settings(db.db().clone(), settings);
        for number in ORGANIZATIONS {
            let id = organization(number).0;
            db.write(move |conn| {
                Box::pin(async move {
                    let slug = format!("seed-{number}");
                    execute!(conn, NEW_ORGANIZATION, id, &slug).map(drop)
                })
            })
            .await
            .map_err(|error: Error| error)
            .unwrap();
        }
        Self { rig, db }
    }

    /// A host as another process would have it.
    async fn another_host(&self) -> Host {
        Host {
            db: Db::open(self.db.target(), OpenOptions::default())
                .await
                .unwrap(),
            instance: self.rig.host.random.uuid_v7(self.rig.clock.now()),
            ..self.rig.host.clone()
        }
    }

    async fn start(&self) -> RunningPlugin {
        plugin().start(self.rig.host.clone()).await.unwrap()
    }

    async fn append(&self, number: u128) {
        append(&self.rig.host, &self.db, organization(number)).await;
    }

    async fn ring(&self, keys: &Keys) {
        let subject = subjects::relay_wake();
        let deadline = self.rig.clock.now().plus(LONGEST);
        let envelope = Envelope::new(deadline, "", "").sealed(&subject, keys);
        self.rig.host.bus.publish(subject, envelope).await.unwrap();
    }

    async fn sequences(&self, number: u128) -> Vec<i64> {
        let mut conn = self.db.read().await.unwrap();
        let rows = fetch_all!(&mut conn, SEQUENCES as (i64,), organization(number).0).unwrap();
        rows.into_iter().map(|(sequence,)| sequence).collect()
    }

    async fn until_nothing_waits(&self) {
        let numbered = async {
            let mut conn = self.db.read().await.unwrap();
            while !fetch_all!(&mut conn, WAITING as (i64,)).unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONGEST, numbered).await.unwrap();
    }
}

fn organization(number: u128) -> OrganizationId {
    Who::owner(number).organization
}

async fn append(host: &Host, db: &Db, organization: OrganizationId) {
    append_many(host, db, organization, 1).await;
}

async fn append_many(host: &Host, db: &Db, organization: OrganizationId, count: usize) {
    let now = host.clock.now();
    let ids: Vec<_> = (0..count).map(|_| host.random.uuid_v7(now)).collect();
    db.write(move |conn| {
        Box::pin(async move {
            let event = |id| NewEvent {
                organization,
                id: EventId(id),
                kind: EventType::ClientCreated,
                resource_id: id,
                data: "{\"object\":{}}".to_owned(),
                trace_parent: None,
                created_at: now,
            };
            let events: Vec<_> = ids.into_iter().map(event).collect();
            events::append_all(conn, &events).await
        })
    })
    .await
    .unwrap();
}

/// A relay that a test moves itself.
fn sequencer(host: &Host, batch: u32) -> Moved {
    let settings = RelaySettings {
        batch: batch.try_into().unwrap(),
        ..RelaySettings::default()
    };
    let post = Arc::new(Post::new(host, &settings));
    let wake_up = Arc::new(WakeUp::of(host, subjects::webhook_wake()));
    Moved {
        sequencer: Sequencer::new(host, &settings, Arc::clone(&post), Arc::default(), wake_up),
        post,
    }
}

struct Moved {
    sequencer: Sequencer,
    post: Arc<Post>,
}

impl Moved {
    async fn round(&self) -> Result<(), Error> {
        self.sequencer.round().await
    }

    fn standing(&self) -> Standing {
        self.post.standing()
    }

    async fn leave(&self) {
        self.post.leave().await;
    }
}

/// What its relay looks for by itself when it starts must be over before the bell can be tested.
async fn a_ring_is_heard(db: TestDb) {
    let bench = Bench::new(db, NEVER_MS).await;
    bench.append(1).await;
    let running = bench.start().await;
    bench.until_nothing_waits().await;
    for number in [1, 2, 1] {
        bench.append(number).await;
        bench.ring(&bench.rig.host.keys).await;
        bench.until_nothing_waits().await;
    }
    assert_eq!(bench.sequences(1).await, [1, 2, 3]);
    assert_eq!(bench.sequences(2).await, [1]);
    running.stop().await;
}

async fn a_relay_looks_by_itself(db: TestDb) {
    let bench = Bench::new(db, 1).await;
    let running = bench.start().await;
    for _ in 0..3 {
        bench.append(1).await;
        bench.until_nothing_waits().await;
    }
    assert_eq!(bench.sequences(1).await, [1, 2, 3]);
    running.stop().await;
}

async fn a_stranger_rings_in_vain(db: TestDb) {
    let bench = Bench::new(db, NEVER_MS).await;
    let bell = Arc::new(Bell::default());
    let hearing = bell
        .hang(&bench.rig.host, NAME, &subjects::relay_wake())
        .await
        .unwrap();
    bench
        .ring(&Keys::derive(&SecretKey::from_bytes([8; 32])))
        .await;
    // Once the subscription has been drained, whatever it took in has been handled.
    hearing.drain().await;
    assert!(bell.rung().now_or_never().is_none());
    let hearing = bell
        .hang(&bench.rig.host, NAME, &subjects::relay_wake())
        .await
        .unwrap();
    bench.ring(&bench.rig.host.keys).await;
    hearing.drain().await;
    assert!(bell.rung().now_or_never().is_some());
}

/// Two relays at once, with a clock that lets no lease last, so that they take turns whenever both
/// find something, while events are written until they have done so often enough.
async fn racing_relays_leave_no_gap_and_number_none_twice(db: TestDb) {
    const WRITERS: usize = 4;
    const TURNS: usize = 10;
    let bench = Bench::new(db, NEVER_MS).await;
    let hosts = [bench.another_host().await, bench.another_host().await];
    let turns = [AtomicUsize::new(0), AtomicUsize::new(0)];
    // A writer is at most this far ahead: a round ends when nothing waits, which writers who are
    // faster than it would never let happen.
    let rounds = AtomicUsize::new(0);
    let enough = || {
        turns
            .iter()
            .all(|turns| turns.load(Ordering::Relaxed) >= TURNS)
    };
    let relay = async |host: &Host, turns: &AtomicUsize| {
        let sequencer = sequencer(host, 7);
        while !enough() {
            let before = sequencer.standing();
            sequencer.round().await.unwrap();
            rounds.fetch_add(1, Ordering::Relaxed);
            turns.fetch_add(
                usize::from(sequencer.standing() != before),
                Ordering::Relaxed,
            );
            bench.rig.clock.advance(Duration::from_secs(10));
            tokio::task::yield_now().await;
        }
        sequencer.round().await.unwrap();
        host.db.close().await;
    };
    let write = join_all((0..WRITERS).map(async |writer| {
        let mut written = 0;
        while !enough() {
            if written > rounds.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
                continue;
            }
            bench.append(ORGANIZATIONS[(writer + written) % 3]).await;
            written += 1;
        }
        written
    }));
    let race = async {
        let relays = (relay(&hosts[0], &turns[0]), relay(&hosts[1], &turns[1]));
        tokio::join!(relays.0, relays.1, write).2
    };
    let written: Vec<usize> = tokio::time::timeout(LONGEST, race).await.unwrap();
    sequencer(&bench.rig.host, 1_000).round().await.unwrap();
    let mut numbered = 0;
    for number in ORGANIZATIONS {
        let mut sequences = bench.sequences(number).await;
        sequences.sort_unstable();
        let wanted: Vec<i64> = (1..).take(sequences.len()).collect();
        assert_eq!(sequences, wanted);
        numbered += sequences.len();
    }
    assert_eq!(numbered, written.iter().sum::<usize>());
    println!("{numbered} events, turns {turns:?}");
}

async fn a_relay_that_was_relieved_numbers_nothing(db: TestDb) {
    let bench = Bench::new(db, NEVER_MS).await;
    let (one, other) = (bench.another_host().await, bench.another_host().await);
    let (stalled, successor) = (sequencer(&one, 10), sequencer(&other, 10));
    bench.append(1).await;
    stalled.round().await.unwrap();
    assert!(matches!(stalled.standing(), Standing::AtWork(_)));
    bench.append(1).await;
    successor.round().await.unwrap();
    assert_eq!(successor.standing(), Standing::Elsewhere);
    assert_eq!(bench.sequences(1).await, [1], "it keeps out");

    bench.rig.clock.advance(RelaySettings::default().lease());
    successor.round().await.unwrap();
    let Standing::AtWork(lease) = successor.standing() else {
        panic!("{:?}", successor.standing())
    };
    assert_eq!(lease.token, 2);
    assert_eq!(bench.sequences(1).await, [1, 2]);
    // It does not know what happened meanwhile, and takes itself for the one at work.
    bench.append(1).await;
    stalled.round().await.unwrap();
    assert_eq!(stalled.standing(), Standing::Elsewhere);
    assert_eq!(bench.sequences(1).await, [1, 2], "it is fenced");
    stalled.leave().await;
    successor.round().await.unwrap();
    assert_eq!(bench.sequences(1).await, [1, 2, 3]);
    assert_eq!(successor.standing(), Standing::AtWork(lease), "the same");

    // With a lease that is over and that nobody took, work goes on under the same token.
    bench
        .rig
        .clock
        .advance(RelaySettings::default().lease() * 100);
    bench.append(1).await;
    successor.round().await.unwrap();
    assert_eq!(successor.standing(), Standing::AtWork(lease));
}

async fn who_leaves_is_replaced_at_once(db: TestDb) {
    let bench = Bench::new(db, NEVER_MS).await;
    let running = bench.start().await;
    bench.append(1).await;
    bench.ring(&bench.rig.host.keys).await;
    bench.until_nothing_waits().await;
    running.stop().await;
    let host = bench.another_host().await;
    let next = sequencer(&host, 10);
    bench.append(1).await;
    next.round().await.unwrap();
    assert_eq!(bench.sequences(1).await, [1, 2]);
}

/// Its caller is gone before the transaction that takes the lease has ended.
async fn who_leaves_with_work_under_way_gives_back_what_it_takes(db: TestDb) {
    let bench = Bench::new(db, NEVER_MS).await;
    let (host, other) = (bench.another_host().await, bench.another_host().await);
    let (leaving, next) = (sequencer(&host, 10), sequencer(&other, 10));
    let nothing = || leaving.post.work(|_| Box::pin(std::future::ready(Ok(()))));
    assert!(nothing().now_or_never().is_none(), "it is under way");
    leaving.leave().await;
    assert_eq!(nothing().await.unwrap(), None, "it begins nothing more");
    bench.append(1).await;
    next.round().await.unwrap();
    assert_eq!(bench.sequences(1).await, [1]);
}

/// What a publisher is moved by, and what it tells on the bus.
struct Told {
    heard: tokio::sync::mpsc::UnboundedReceiver<(String, serde_json::Value)>,
    _hearing: hoursmith_bus::Subscription,
}

impl Told {
    async fn on(host: &Host) -> Self {
        let (tell, heard) = tokio::sync::mpsc::unbounded_channel();
        let keys = host.keys.clone();
        let handler: hoursmith_bus::Handler = Arc::new(move |subject, envelope: Envelope| {
            envelope.verify(&subject, &keys).unwrap();
            let event = serde_json::from_slice(&envelope.body).unwrap();
            tell.send((subject.as_str().to_owned(), event)).unwrap();
            Box::pin(std::future::ready(Ok(envelope)))
        });
        let service = hoursmith_bus::Service {
            pattern: subjects::events(),
            group: "test".to_owned(),
            capacity: 10_000.try_into().unwrap(),
            handler,
        };
        let _hearing = host.bus.serve(service).await.unwrap();
        Self { heard, _hearing }
    }

    /// The next events, in the order of organizations and sequences.
    async fn next(&mut self, count: usize) -> Vec<(String, i64)> {
        let mut told = Vec::new();
        while told.len() < count {
            let next = tokio::time::timeout(LONGEST, self.heard.recv());
            let (subject, event) = next.await.unwrap().unwrap();
            told.push((subject, event["sequence"].as_i64().unwrap()));
        }
        told.sort();
        assert!(self.heard.try_recv().is_err(), "one too many");
        told
    }
}

fn publisher(host: &Host, moved: &Moved) -> Publisher {
    Publisher::new(host, Arc::clone(&moved.post), Arc::default())
}

/// More than a batch, of several organizations; again when it is not known that it was; never by a
/// relay that is not at work.
async fn what_is_public_is_published_until_it_is_marked(db: TestDb) {
    const EACH: usize = 70;
    let bench = Bench::new(db, NEVER_MS).await;
    let mut told = Told::on(&bench.rig.host).await;
    let (host, other) = (bench.another_host().await, bench.another_host().await);
    let (relay, standby) = (sequencer(&host, 1_000), sequencer(&other, 1_000));
    for _ in 0..EACH {
        for number in ORGANIZATIONS {
            bench.append(number).await;
        }
    }
    let publishing = publisher(&host, &relay);
    publishing.round().await.unwrap();
    assert!(told.heard.try_recv().is_err(), "nothing is public");
    relay.round().await.unwrap();
    publisher(&other, &standby).round().await.unwrap();
    assert!(told.heard.try_recv().is_err(), "another one is at work");
    assert_eq!(standby.standing(), Standing::Elsewhere);

    publishing.round().await.unwrap();
    let mut wanted: Vec<(String, i64)> = ORGANIZATIONS
        .iter()
        .flat_map(|number| {
            let subject = subjects::event(organization(*number), "client.created").unwrap();
            (1..)
                .take(EACH)
                .map(move |sequence| (subject.to_string(), sequence))
        })
        .collect();
    wanted.sort();
    assert_eq!(told.next(ORGANIZATIONS.len() * EACH).await, wanted);
    let mut conn = bench.db.read().await.unwrap();
    let waiting = fetch_all!(&mut conn, UNPUBLISHED as (i64,)).unwrap();
    assert!(waiting.is_empty(), "{waiting:?}");
    drop(conn);

    // It ended before it was marked.
    let forgotten = organization(2).0;
    bench
        .db
        .write(move |conn| {
            Box::pin(async move { execute!(conn, FORGET_PUBLICATION, forgotten).map(drop) })
        })
        .await
        .map_err(|error: Error| error)
        .unwrap();
    publishing.round().await.unwrap();
    let again = told.next(EACH).await;
    let of_it = format!("hoursmith.events.{forgotten}.");
    assert!(again.iter().all(|(subject, _)| subject.starts_with(&of_it)));
    publishing.round().await.unwrap();
    assert!(told.heard.try_recv().is_err(), "it is known by now");
}

/// Whoever has thousands waiting, and comes first, holds nobody back.
async fn an_import_holds_nobody_back(db: TestDb) {
    const IMPORTED: usize = 2_000;
    let bench = Bench::new(db, NEVER_MS).await;
    let mut told = Told::on(&bench.rig.host).await;
    let host = bench.another_host().await;
    let relay = sequencer(&host, 10_000);
    append_many(&host, &bench.db, organization(1), IMPORTED).await;
    bench.append(2).await;
    relay.round().await.unwrap();
    publisher(&host, &relay).round().await.unwrap();

    let subject = |number| subjects::event(organization(number), "client.created").unwrap();
    let (of_import, of_other) = (subject(1).to_string(), subject(2).to_string());
    let mut before = 0;
    loop {
        let next = tokio::time::timeout(LONGEST, told.heard.recv()).await;
        let (subject, _) = next.unwrap().unwrap();
        if subject == of_other {
            break;
        }
        assert_eq!(subject, of_import);
        before += 1;
    }
    // A turn is far less than this; how soon what was published is heard is up to the runtime.
    assert!(before < IMPORTED / 2, "{before} went before");
}

on_both! {
    a_ring_is_heard,
    a_relay_looks_by_itself,
    a_stranger_rings_in_vain,
    racing_relays_leave_no_gap_and_number_none_twice,
    a_relay_that_was_relieved_numbers_nothing,
    who_leaves_is_replaced_at_once,
    who_leaves_with_work_under_way_gives_back_what_it_takes,
    what_is_public_is_published_until_it_is_marked,
    an_import_holds_nobody_back,
}
