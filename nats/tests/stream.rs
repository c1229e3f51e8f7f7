//! The stream of events on a real server: kept once, in order, and there again whatever was deleted.

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{self, consumer, stream};
use futures::StreamExt as _;
use hoursmith_bus::conformance::{AT_ONCE, Clock, at_once, service};
use hoursmith_bus::{Bus as _, Envelope, ErrorKind, EventStream as _, subjects};
use hoursmith_domain::OrganizationId;
use hoursmith_nats::testing::TestNats;
use hoursmith_nats::{JetStream, NatsBus, NatsSettings, STREAM, StreamSettings};
use uuid::Uuid;

const ONE: OrganizationId = OrganizationId(Uuid::from_u128(1));
const OTHER: OrganizationId = OrganizationId(Uuid::from_u128(2));

/// Far longer than a server takes to come back and a client to notice.
const LONGEST: Duration = Duration::from_secs(30);

/// Waits until something holds.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST, waiting).await.unwrap();
}

struct Bench {
    nats: TestNats,
    clock: Arc<Clock>,
    bus: Arc<NatsBus>,
    stream: Arc<JetStream>,
}

fn settings() -> StreamSettings {
    StreamSettings {
        max_age: Duration::from_secs(3_600),
        max_bytes: 64 * 1024 * 1024,
        duplicate_window: Duration::from_secs(120),
        replicas: 1,
        subscribers: vec![("one".to_owned(), ONE)],
    }
}

impl Bench {
    async fn new() -> Self {
        let nats = TestNats::start();
        let clock = Clock::system();
        let settings_of = NatsSettings::new(nats.url(), "relay");
        let bus = NatsBus::connect(settings_of, clock.now()).await.unwrap();
        let stream = bus.event_stream(settings());
        Self {
            nats,
            clock,
            bus,
            stream,
        }
    }

    async fn try_put(&self, of: OrganizationId, number: usize) -> Result<(), ErrorKind> {
        let subject = subjects::event(of, "client.created").unwrap();
        let envelope = Envelope::new(self.clock.read().plus(AT_ONCE), "", number.to_string());
        let id = format!("evt_{number}");
        let put = self.stream.put(subject, &id, envelope).await;
        put.map_err(|error| error.kind())
    }

    async fn put(&self, of: OrganizationId, number: usize) {
        self.try_put(of, number).await.unwrap();
    }

    /// Puts it in as soon as that works.
    async fn put_at_last(&self, of: OrganizationId, number: usize) {
        until(async || self.try_put(of, number).await.is_ok()).await;
    }

    /// A connection of its own each time, since the server comes and goes.
    async fn context(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(self.nats.url()).await.unwrap())
    }

    async fn messages(&self) -> u64 {
        let stream = self.context().await.get_stream(STREAM).await.unwrap();
        stream.cached_info().state.messages
    }

    async fn config(&self) -> stream::Config {
        let stream = self.context().await.get_stream(STREAM).await.unwrap();
        stream.cached_info().config.clone()
    }

    /// Bodies of what the subscriber is given next.
    async fn received(&self, count: usize) -> Vec<String> {
        let place: consumer::PullConsumer = self
            .context()
            .await
            .get_consumer_from_stream("one", STREAM)
            .await
            .unwrap();
        let messages = place.messages().await.unwrap();
        let bodies = messages
            .take(count)
            .then(async |message| {
                let message = message.unwrap();
                // Once the server has heard it, nothing comes again.
                message.double_ack().await.unwrap();
                String::from_utf8(message.payload.to_vec()).unwrap()
            })
            .collect();
        at_once(bodies).await
    }
}

#[tokio::test]
async fn events_are_kept_once_and_in_order_for_whom_they_concern() {
    let bench = Bench::new().await;
    for number in 0..50 {
        bench
            .put(if number % 5 == 4 { OTHER } else { ONE }, number)
            .await;
        // Published again, as after a crash.
        bench.put(ONE, number / 2 * 2).await;
    }
    assert_eq!(bench.messages().await, 50);
    let wanted: Vec<String> = (0..50)
        .filter(|number| number % 5 != 4)
        .map(|number| number.to_string())
        .collect();
    assert_eq!(bench.received(40).await, wanted);
}

#[tokio::test]
async fn what_is_deleted_is_there_again() {
    let bench = Bench::new().await;
    bench.put(ONE, 1).await;
    bench.context().await.delete_stream(STREAM).await.unwrap();
    // While nothing happens, somebody looks after it; and whoever puts something in does.
    bench.stream.tend().await.unwrap();
    assert_eq!(bench.messages().await, 0);
    bench.put(ONE, 2).await;
    bench.context().await.delete_stream(STREAM).await.unwrap();
    bench.put(ONE, 3).await;
    assert_eq!(bench.received(1).await, ["3"]);

    bench
        .context()
        .await
        .delete_consumer_from_stream("one", STREAM)
        .await
        .unwrap();
    bench.stream.tend().await.unwrap();
    assert_eq!(bench.received(1).await, ["3"], "from the beginning");
}

#[tokio::test]
async fn a_server_that_comes_back_without_its_folder_is_made_use_of() {
    let mut bench = Bench::new().await;
    bench.put(ONE, 1).await;
    bench.nats.stop();
    until(async || bench.bus.health().await.is_err()).await;
    assert_eq!(bench.try_put(ONE, 2).await, Err(ErrorKind::Unavailable));
    bench.nats.wipe();
    bench.nats.start_again();
    bench.put_at_last(ONE, 2).await;
    assert_eq!(bench.messages().await, 1);
    bench.put(ONE, 3).await;
    assert_eq!(bench.received(2).await, ["2", "3"]);
    // With its folder it knows what it had, and what comes again.
    bench.nats.stop();
    bench.nats.start_again();
    bench.put_at_last(ONE, 3).await;
    bench.put_at_last(ONE, 4).await;
    assert_eq!(bench.messages().await, 3);
    // What was acknowledged just before it was killed it may have forgotten.
    let wanted = ["2", "3", "4"];
    let mut again = bench.received(1).await;
    while again.last().unwrap() != "4" {
        again.extend(bench.received(1).await);
    }
    assert!(
        wanted.ends_with(&again.iter().map(String::as_str).collect::<Vec<_>>()),
        "{again:?}"
    );
}

/// Deleted under the running server, which goes on with the files that it holds open.
#[tokio::test]
async fn a_folder_that_is_deleted_under_a_running_server_loses_only_what_it_kept() {
    let mut bench = Bench::new().await;
    bench.put(ONE, 1).await;
    bench.nats.wipe();
    for number in 2..50 {
        bench.put_at_last(ONE, number).await;
    }
    bench.nats.stop();
    bench.nats.start_again();
    bench.put_at_last(ONE, 50).await;
    bench.stream.tend().await.unwrap();
    assert_eq!(bench.received(1).await, ["50"]);
}

#[tokio::test]
async fn a_frozen_server_ends_the_wait() {
    let bench = Bench::new().await;
    bench.put(ONE, 1).await;
    bench.nats.freeze();
    // It may take in something more before it stands still.
    let mut number = 2;
    let error = loop {
        match bench.try_put(ONE, number).await {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
    };
    bench.nats.thaw();
    assert_eq!(error, ErrorKind::DeadlineExceeded);
    bench.put_at_last(ONE, number).await;
    let kept = bench.messages().await;
    assert_eq!(kept, number as u64, "it had come, and is known again");
}

#[tokio::test]
async fn settings_that_changed_are_taken_over() {
    let bench = Bench::new().await;
    bench.put(ONE, 1).await;
    let changed = StreamSettings {
        max_age: Duration::from_secs(7_200),
        max_bytes: 32 * 1024 * 1024,
        subscribers: vec![("one".to_owned(), OTHER)],
        ..settings()
    };
    let stream = bench.bus.event_stream(changed);
    stream.tend().await.unwrap();
    let config = bench.config().await;
    assert_eq!(config.max_age, Duration::from_secs(7_200));
    assert_eq!(config.max_bytes, 32 * 1024 * 1024);
    assert_eq!(config.storage, stream::StorageType::File);
    assert_eq!(bench.messages().await, 1, "what it holds stays");
    bench.put(OTHER, 2).await;
    assert_eq!(bench.received(1).await, ["2"]);
}

/// A subscriber on the bus hears an event as it goes into the stream, and its handler's answer is not
/// taken for the stream's.
#[tokio::test]
async fn whoever_listens_on_the_bus_hears_it_and_does_not_answer_for_the_stream() {
    let bench = Bench::new().await;
    bench.stream.tend().await.unwrap();
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let handler: hoursmith_bus::Handler = Arc::new(move |_, envelope| {
        told.send(envelope.body.clone()).unwrap();
        Box::pin(std::future::ready(Ok(envelope)))
    });
    let pattern = subjects::events().to_string();
    let _serving = bench
        .bus
        .serve(service("listener", &pattern, 8, handler))
        .await
        .unwrap();
    for number in 0..20 {
        bench.put(ONE, number).await;
        assert_eq!(at_once(heard.recv()).await.unwrap(), number.to_string());
    }
    assert_eq!(bench.messages().await, 20);
}

#[tokio::test]
async fn what_the_bus_does_not_carry_the_stream_does_not() {
    let bench = Bench::new().await;
    let subject = subjects::event(ONE, "client.created").unwrap();
    let body = vec![b'x'; hoursmith_bus::MAX_ENVELOPE_BYTES + 1];
    let envelope = Envelope::new(bench.clock.read().plus(AT_ONCE), "", body);
    let error = bench.stream.put(subject, "evt_1", envelope).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::TooLarge);
}
