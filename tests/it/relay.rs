//! Relays as processes of their own, ended with `kill -9` wherever they are while events are written.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use hoursmith_settings::Settings;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::cases::{created, feed, path, until_public};
use crate::dice::Dice;
use crate::http::{Answer, Connection};
use crate::metrics::until_sample;
use crate::processes::Process;
use crate::publication::{is_the_feed, received, with_books};
use crate::world::{Bus, Org, Store, World, generous};

const KILLS: usize = 20;
const WRITERS: usize = 8;
const ORGANIZATIONS: usize = 2;

/// Clients of each organization that all writers change.
const SHARED: usize = 3;

/// Far more than it takes; an event that is never numbered must end the test.
const LONGEST: Duration = Duration::from_secs(120);

/// Small batches and a lease that is soon over, so that a relay is killed with work under its hands
/// and another takes over between two kills.
fn hasty(settings: &mut Settings) {
    generous(settings);
    let relay = json!({"batch": 3, "lease_ms": 20, "look_every_ms": 10});
    settings.actors.insert("relay".to_owned(), relay);
}

/// What the writers and the killer share.
struct Load<'w> {
    world: &'w World,
    orgs: Vec<(Org, Vec<String>)>,
    answers: watch::Sender<usize>,
    next: AtomicUsize,
    over: AtomicBool,
}

impl Load<'_> {
    /// Creates clients and changes them and those of others, until the killing is over.
    async fn write(&self, writer: usize, mut dice: Dice) {
        let (org, shared) = &self.orgs[writer % ORGANIZATIONS];
        let mut connection = Connection::open(self.world.address).await;
        while !self.over.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let create = self.world.post("/api/v1/clients", &org.owner);
            let create = create.json(&json!({"name": format!("client {number}")}));
            let client = self.answered(connection.send(create).await, 201);
            let own = client["id"].as_str().unwrap();
            for id in [own, own, dice.one_of(shared).unwrap()] {
                let notes = format!("{writer} {number} {}", dice.below(1_000_000));
                let patch = self.world.call("PATCH", &path(id)).token(&org.owner.token);
                let patch = patch.json(&json!({ "notes": notes }));
                self.answered(connection.send(patch).await, 200);
            }
        }
    }

    fn answered(&self, answer: Answer, status: u16) -> Value {
        self.answers.send_modify(|answers| *answers += 1);
        answer.expect(status).json()
    }

    /// Kills one of two relays whenever a random number of requests has been answered, wherever
    /// it is, and starts it anew.
    async fn kill_again_and_again(&self, mut relays: Vec<Process>, mut dice: Dice) -> Process {
        let mut answers = self.answers.subscribe();
        for _ in 0..KILLS {
            let more = usize::try_from(dice.below(3 * WRITERS as u64)).unwrap();
            let enough = *answers.borrow_and_update() + 1 + more;
            answers
                .wait_for(|answers| *answers >= enough)
                .await
                .unwrap();
            tokio::task::block_in_place(|| {
                relays
                    .swap_remove(usize::try_from(dice.below(2)).unwrap())
                    .kill();
                relays.push(Process::start_part(&self.world.settings, "relay"));
            });
        }
        self.over.store(true, Ordering::Relaxed);
        // What still waits is the last one's.
        relays.swap_remove(0).kill();
        relays.swap_remove(0)
    }
}

/// Numbers without a gap, and each object's changes in the order in which they were made.
fn check(events: &[Value]) {
    let mut last: HashMap<&str, (&str, &str)> = HashMap::new();
    for (event, wanted) in events.iter().zip(1_i64..) {
        assert_eq!(event["sequence"], wanted, "{event}");
        let object = &event["data"]["object"];
        let [id, changed] = ["id", "updated_at"].map(|field| object[field].as_str().unwrap());
        let kind = event["type"].as_str().unwrap();
        let created = kind == "client.created" || kind == "member.added";
        let before = last.insert(id, (changed, object["notes"].as_str().unwrap_or_default()));
        assert_eq!(before.is_none(), created, "{event}");
        if let Some((at, notes)) = before {
            assert!(instant(at) < instant(changed), "{event} after {at}");
            let previous = &event["data"]["previous_attributes"]["notes"];
            assert_eq!(previous.as_str().unwrap_or_default(), notes, "{event}");
        }
    }
}

fn instant(text: &str) -> hoursmith_domain::Timestamp {
    text.parse().unwrap()
}

async fn a_killed_relay_leaves_no_gap(store: Store) {
    let mut world = World::start_with(Bus::Split, store, hasty).await;
    let names = hoursmith::plugins::names();
    let at = names.iter().position(|name| *name == "relay").unwrap();
    world.processes.remove(at).kill();
    let mut orgs = Vec::new();
    for _ in 0..ORGANIZATIONS {
        let org = world.org().await;
        let shared = join_all((0..SHARED).map(async |number| {
            let name = format!("shared {number}");
            created(&world, &org.owner, &name).await
        }));
        let shared = shared.await;
        orgs.push((org, shared));
    }
    world.settings = with_books(&world.settings, orgs[0].0.id);
    let relays = [(); 2].map(|()| Process::start_part(&world.settings, "relay"));
    let load = Load {
        world: &world,
        orgs,
        answers: watch::Sender::new(0),
        next: AtomicUsize::new(0),
        over: AtomicBool::new(false),
    };
    let mut dice = Dice::new();
    let writers = join_all((0..WRITERS).map(|writer| load.write(writer, dice.fork())));
    let (_relay, _) = tokio::join!(
        load.kill_again_and_again(relays.into(), dice.clone()),
        writers
    );
    for (org, _) in &load.orgs {
        let feed = feed(&world, org).await;
        check(&feed);
        if org.id == load.orgs[0].0.id {
            is_the_feed(&received(&world, feed.len()).await, &feed);
        }
    }
    println!("{KILLS} kills, {} writes", *load.answers.borrow());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_relay_leaves_no_gap_on_sqlite() {
    let test = a_killed_relay_leaves_no_gap(Store::Sqlite);
    tokio::time::timeout(LONGEST, test)
        .await
        .expect("every event became public");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_relay_leaves_no_gap_on_postgres() {
    let test = a_killed_relay_leaves_no_gap(Store::Postgres);
    tokio::time::timeout(LONGEST, test)
        .await
        .expect("every event became public");
}

/// The relay is behind the answer: without one, nothing fails and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn while_no_relay_runs_events_wait() {
    let mut world = World::start(Bus::Split, Store::Sqlite).await;
    let names = hoursmith::plugins::names();
    let at = names.iter().position(|name| *name == "relay").unwrap();
    let org = world.org().await;
    until_public(&world, &org).await;
    world.processes[at].kill();
    created(&world, &org.owner, "Waits").await;
    let after = world.get("/api/v1/events?after_sequence=4", &org.owner);
    assert_eq!(after.send().await.expect(200).json()["data"], json!([]));
    world.processes[at] = Process::start_part(&world.settings, "relay");
    let events = feed(&world, &org).await;
    assert_eq!(events[4]["data"]["object"]["name"], "Waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_numbered_and_what_waits_is_measured_and_told_once() {
    let mut world = World::start(Bus::Process, Store::Sqlite).await;
    let org = world.org().await;
    for number in 0..3 {
        created(&world, &org.owner, &format!("client {number}")).await;
        until_public(&world, &org).await;
    }
    let admin = world.admin_address;
    until_sample(admin, "hoursmith_events_sequenced_total", 7.0).await;
    until_sample(admin, "hoursmith_events_oldest_waiting_seconds", 0.0).await;
    // Four were written by an operator, elsewhere.
    until_sample(admin, "hoursmith_events_appended_total", 3.0).await;
    let process = &mut world.processes[0];
    assert_eq!(process.terminate(), Some(0));
    let told = process
        .log()
        .matches("This relay numbers the events from now on.")
        .count();
    assert_eq!(told, 1);
}
