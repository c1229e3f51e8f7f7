//! SIGTERM: what is in work is answered, nobody new is let in, and the process ends well.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::Call;
use crate::metrics::{sample, until_sample};
use crate::world::{Bus, Person, Store, World};

const IN_FLIGHT: usize = 200;

/// A keyed POST whose body is still to come.
struct Held {
    stream: TcpStream,
    body: String,
}

impl Held {
    async fn open(world: &World, person: &Person, number: usize) -> Self {
        let body = json!({"name": format!("client {number}")}).to_string();
        let head = format!(
            "POST /api/v1/clients HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             idempotency-key: key-{number}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            person.token,
            body.len()
        );
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        Self { stream, body }
    }

    /// Sends the body and gives all that comes until the server closes.
    async fn finish(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

async fn what_is_in_flight_is_answered(store: Store) {
    let mut world = World::start(Bus::Process, store).await;
    let org = world.org().await;
    let held = join_all((0..IN_FLIGHT).map(|number| Held::open(&world, &org.owner, number))).await;
    until_sample(
        world.admin_address,
        "hoursmith_http_requests_in_flight",
        IN_FLIGHT as f64,
    )
    .await;
    assert_eq!(world.count("clients", org.id).await, 0);

    let told = Instant::now();
    world.processes[0].ask_to_stop();
    let refused = async {
        // Refused by the kernel, since nobody listens: what a balancer takes as "try another".
        while TcpStream::connect(world.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused)
        .await
        .expect("the listener closes");
    let ready = Call::new(world.admin_address, "GET", "/readyz")
        .send()
        .await
        .expect(503);
    assert_eq!(ready.body, "not ready: stopping\n");
    let in_flight = sample(world.admin_address, "hoursmith_http_requests_in_flight").await;
    assert_eq!(
        in_flight,
        Some(IN_FLIGHT as f64),
        "all wait for their bodies"
    );

    for answer in join_all(held.into_iter().map(Held::finish)).await {
        assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
        assert!(
            answer.to_lowercase().contains("\r\nconnection: close\r\n"),
            "{answer}"
        );
    }
    assert_eq!(world.processes[0].wait(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(30));
    assert!(TcpStream::connect(world.admin_address).await.is_err());
    assert_eq!(world.count("clients", org.id).await, IN_FLIGHT as i64);
    assert_eq!(
        world.count("idempotency_records", org.id).await,
        IN_FLIGHT as i64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_is_answered_on_sqlite() {
    what_is_in_flight_is_answered(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_is_answered_on_postgres() {
    what_is_in_flight_is_answered(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_finishes_is_cut_off_and_told_by_the_exit_code() {
    let mut world = World::start(Bus::Process, Store::Sqlite).await;
    let org = world.org().await;
    let held = Held::open(&world, &org.owner, 1).await;
    until_sample(
        world.admin_address,
        "hoursmith_http_requests_in_flight",
        1.0,
    )
    .await;
    world.processes[0].ask_to_stop();
    let refused = async { while TcpStream::connect(world.address).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), refused)
        .await
        .expect("the listener closes");
    // A second signal: whoever stops the process has lost patience.
    assert_eq!(world.processes[0].terminate(), Some(1));
    drop(held);
    assert_eq!(world.count("clients", org.id).await, 0);
}
