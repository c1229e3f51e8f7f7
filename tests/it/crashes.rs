//! `kill -9` at random points under keyed load: whatever was cut off, a retry has one effect, and
//! each effect that was committed reaches its webhook.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use hyper::body::Bytes;
use serde_json::json;
use tokio::sync::watch;

use crate::dice::Dice;
use crate::http::{Call, Connection};
use crate::processes::Process;
use crate::receivers::{Received, Receiver};
use crate::webhooks::{Delivery, hasty_with, hook, until_settled};
use crate::world::{Bus, Store, World};

const KILLS: usize = 100;
const SENDERS: usize = 8;

/// What the senders and the killer share.
struct Load {
    token: String,
    address: watch::Sender<SocketAddr>,
    answers: watch::Sender<u64>,
    next_key: AtomicUsize,
    lost: AtomicUsize,
    replayed: AtomicUsize,
    over: AtomicBool,
}

/// A sender's way to whichever process lives.
struct Line {
    address: watch::Receiver<SocketAddr>,
    connection: Option<Connection>,
}

impl Load {
    /// Sends one key after the other until the killing is over, and gives the answers.
    async fn send(self: Arc<Self>) -> Vec<(usize, Bytes)> {
        let mut line = Line {
            address: self.address.subscribe(),
            connection: None,
        };
        let mut answered = Vec::new();
        while !self.over.load(Ordering::Relaxed) {
            let key = self.next_key.fetch_add(1, Ordering::Relaxed);
            answered.push((key, self.until_answered(key, &mut line).await));
        }
        answered
    }

    async fn until_answered(&self, key: usize, line: &mut Line) -> Bytes {
        loop {
            let address = *line.address.borrow_and_update();
            if line.connection.is_none() {
                line.connection = Connection::try_open(address).await;
            }
            let answer = match &mut line.connection {
                Some(connection) => connection.try_send(self.call(address, key)).await,
                None => None,
            };
            let Some(answer) = answer else {
                // Killed. The next process has another address.
                self.lost.fetch_add(1, Ordering::Relaxed);
                line.connection = None;
                line.address.changed().await.unwrap();
                continue;
            };
            self.answers.send_modify(|answers| *answers += 1);
            if answer.status == 201 {
                let replayed = answer.headers.contains_key("idempotent-replayed");
                self.replayed
                    .fetch_add(usize::from(replayed), Ordering::Relaxed);
                return answer.body;
            }
            // PostgreSQL may still be at work for the process that is gone.
            answer.expect_problem(409, "idempotency_in_progress");
        }
    }

    fn call(&self, address: SocketAddr, key: usize) -> Call {
        Call::new(address, "POST", "/api/v1/clients")
            .token(&self.token)
            .key(&format!("key-{key}"))
            .json(&json!({"name": format!("client {key}")}))
    }

    /// Kills the process whenever it has answered a random number of requests, with the other
    /// senders' requests wherever they are.
    async fn kill_again_and_again(&self, world: &mut World) {
        let mut dice = Dice::new();
        let mut answers = self.answers.subscribe();
        for _ in 0..KILLS {
            let enough = *answers.borrow_and_update() + 1 + dice.below(3 * SENDERS as u64);
            answers
                .wait_for(|answers| *answers >= enough)
                .await
                .unwrap();
            tokio::task::block_in_place(|| {
                world.processes.pop().unwrap().kill();
                world.processes.push(Process::start(&world.settings, &[]));
            });
            self.address.send_replace(world.processes[0].api.unwrap());
        }
        self.over.store(true, Ordering::Relaxed);
    }
}

/// What was committed is what came, to the byte, and tells how much of it came more than once.
fn every_event_was_received(delivered: &[Delivery], received: &[Received]) -> usize {
    let committed: BTreeSet<String> = delivered
        .iter()
        .map(|delivery| {
            assert_eq!(delivery.status, "delivered", "{delivery:?}");
            format!("evt_{}", delivery.event.simple())
        })
        .collect();
    let mut bodies: BTreeMap<String, &Bytes> = BTreeMap::new();
    for one in received {
        let first = bodies.entry(one.event()).or_insert(&one.body);
        assert_eq!(**first, one.body, "an event is the same each time");
    }
    assert_eq!(bodies.into_keys().collect::<BTreeSet<_>>(), committed);
    received.len() - delivered.len()
}

async fn a_killed_process_leaves_whole_effects(store: Store) {
    let mut world = World::start_with(Bus::Process, store, |settings| {
        // A process that is gone is not waited for longer than the test lasts.
        hasty_with(settings, json!({"timeout_ms": 500, "lease_ms": 1_500}));
    })
    .await;
    let org = world.org().await;
    let receiver = Receiver::answering(204).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    let events_before = world.count("events", org.id).await;
    let load = Arc::new(Load {
        token: org.owner.token.clone(),
        address: watch::Sender::new(world.address),
        answers: watch::Sender::new(0),
        next_key: AtomicUsize::new(0),
        lost: AtomicUsize::new(0),
        replayed: AtomicUsize::new(0),
        over: AtomicBool::new(false),
    });
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| tokio::spawn(Arc::clone(&load).send()))
        .collect();
    load.kill_again_and_again(&mut world).await;
    let answered: Vec<_> = join_all(senders)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    assert!(
        load.lost.load(Ordering::Relaxed) >= KILLS,
        "every kill cut somebody off"
    );

    let address = world.processes[0].api.unwrap();
    let mut connection = Connection::open(address).await;
    for (key, body) in &answered {
        let replay = connection.send(load.call(address, *key)).await.expect(201);
        assert_eq!(replay.header("idempotent-replayed"), "true", "key {key}");
        assert_eq!(replay.body, *body, "key {key}");
    }
    let effects = answered.len() as i64;
    assert_eq!(world.count("clients", org.id).await, effects);
    assert_eq!(world.count("idempotency_records", org.id).await, effects);
    assert_eq!(world.count("events", org.id).await - events_before, effects);
    let delivered = until_settled(&world, &hook, answered.len()).await;
    let again = every_event_was_received(&delivered, &receiver.received());
    println!(
        "{KILLS} kills, {again} webhooks sent again, {effects} keys, {:?} requests without an answer, {:?} of them with an effect",
        load.lost, load.replayed
    );
}

/// Far more than it takes; a request that is never answered must end the test.
const LONGEST: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_leaves_whole_effects_on_sqlite() {
    let test = a_killed_process_leaves_whole_effects(Store::Sqlite);
    tokio::time::timeout(LONGEST, test)
        .await
        .expect("every key was answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_leaves_whole_effects_on_postgres() {
    let test = a_killed_process_leaves_whole_effects(Store::Postgres);
    tokio::time::timeout(LONGEST, test)
        .await
        .expect("every key was answered");
}
