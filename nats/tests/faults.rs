//! What NATS and its client do on a bad day: the server is away, frozen, or comes back.

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use hoursmith_bus::conformance::{AT_ONCE, Clock, at_once, handler, service, until};
use hoursmith_bus::{
    Bus as _, Envelope, Error, ErrorKind, Handler, LocalFirst, MemoryBus, Placement, Subject,
};
use hoursmith_nats::testing::TestNats;
use hoursmith_nats::{ConnectError, NatsBus, NatsSettings};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// A client's connection resumes within this after the server has.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// The deadline of calls that will not be answered.
const BRIEFLY: Duration = Duration::from_millis(300);

async fn connect(nats: &TestNats, name: &str, clock: &Arc<Clock>) -> Arc<NatsBus> {
    NatsBus::connect(NatsSettings::new(nats.url(), name), clock.now())
        .await
        .unwrap()
}

fn subject() -> Subject {
    Subject::new("a").unwrap()
}

/// A handler that keeps what it was given.
fn recording() -> (Arc<Mutex<Vec<Bytes>>>, Handler) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let handler = handler(move |_, envelope: Envelope| {
        record.lock().unwrap().push(envelope.body.clone());
        async { Ok(envelope) }
    });
    (seen, handler)
}

async fn ask(
    bus: &NatsBus,
    clock: &Clock,
    within: Duration,
    body: &'static str,
) -> Result<Envelope, Error> {
    bus.request(
        subject(),
        Envelope::new(clock.read().plus(within), "", body),
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_address_is_told_at_once() {
    let mut nats = TestNats::start();
    nats.stop();
    let settings = NatsSettings::new(nats.url(), "near");
    let error = at_once(NatsBus::connect(settings, Clock::system().now()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConnectError::Unreachable { .. }),
        "{error:?}"
    );
    let frozen = TestNats::start();
    frozen.freeze();
    let settings = NatsSettings::new(frozen.url(), "near");
    let connect = NatsBus::connect(settings, Clock::system().now());
    let error = timeout(BACK_WITHIN, connect).await.unwrap().unwrap_err();
    assert!(
        matches!(error, ConnectError::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_server_is_found_again_and_nothing_late_is_executed() {
    let mut nats = TestNats::start();
    let clock = Clock::system();
    let (near, far) = (
        connect(&nats, "near", &clock).await,
        connect(&nats, "far", &clock).await,
    );
    let (seen, handler) = recording();
    let _served = near
        .serve(service("group", "a", 64, handler))
        .await
        .unwrap();
    ask(&far, &clock, AT_ONCE, "before").await.unwrap();

    nats.stop();
    // Some of these go out before the client has noticed, some after.
    let lost = join_all((0..20).map(|_| ask(&far, &clock, BRIEFLY, "while away")));
    for answer in at_once(lost).await {
        let kind = answer.unwrap_err().kind();
        assert!(
            matches!(kind, ErrorKind::DeadlineExceeded | ErrorKind::Unavailable),
            "{kind:?}"
        );
    }
    until(ErrorKind::Unavailable, async || {
        ask(&far, &clock, BRIEFLY, "known to be away")
            .await
            .unwrap_err()
            .kind()
    })
    .await;
    let publication = Envelope::new(clock.read().plus(AT_ONCE), "", "told");
    let error = far.publish(subject(), publication).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(at_once(far.health()).await.is_err());

    nats.start_again();
    let back = async {
        while ask(&far, &clock, BRIEFLY, "after").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(BACK_WITHIN, back).await.unwrap();
    far.health().await.unwrap();
    near.health().await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(
        seen.iter().all(|body| body == "before" || body == "after"),
        "{seen:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_end_by_their_deadline_though_the_client_is_choked() {
    let nats = TestNats::start();
    let clock = Clock::system();
    let (near, far) = (
        connect(&nats, "near", &clock).await,
        connect(&nats, "far", &clock).await,
    );
    let (seen, handler) = recording();
    let _served = near
        .serve(service("group", "a", 10_000, handler))
        .await
        .unwrap();

    nats.freeze();
    // Enough to fill the socket, the client's buffer and its queue of 2,048.
    let large = Bytes::from(vec![b'x'; 64 * 1024]);
    let deadline = clock.read().plus(BRIEFLY);
    let calls =
        (0..4_000).map(|_| far.request(subject(), Envelope::new(deadline, "", large.clone())));
    for answer in at_once(join_all(calls)).await {
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    }
    // The queue is full now, and stays so.
    let refused = at_once(ask(&far, &clock, BRIEFLY, "choked"))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::DeadlineExceeded);
    let told = at_once(far.publish(
        subject(),
        Envelope::new(clock.read().plus(BRIEFLY), "", "told"),
    ))
    .await;
    assert_eq!(told.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    let health = timeout(BACK_WITHIN, far.health()).await.unwrap();
    assert_eq!(health.unwrap_err().kind(), ErrorKind::Unavailable);

    nats.thaw();
    let back = async {
        while ask(&far, &clock, BACK_WITHIN, "after").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(4 * BACK_WITHIN, back).await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(
        seen.iter().all(|body| body == "after"),
        "{} executed late",
        seen.len() - 1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_noticed() {
    let nats = TestNats::start();
    let clock = Clock::system();
    let bus = connect(&nats, "near", &clock).await;
    bus.health().await.unwrap();
    nats.freeze();
    let health = timeout(BACK_WITHIN, bus.health()).await.unwrap();
    assert_eq!(health.unwrap_err().kind(), ErrorKind::Unavailable);
    nats.thaw();
    until(true, async || bus.health().await.is_ok()).await;
}

/// The receiver judges by its own clock, so that a message which was held up on its way is not
/// executed.
#[tokio::test]
async fn a_receiver_drops_what_comes_late() {
    let nats = TestNats::start();
    let (early, late) = (Clock::system(), Clock::system());
    late.advance(Duration::from_secs(60));
    let (near, far) = (
        connect(&nats, "near", &late).await,
        connect(&nats, "far", &early).await,
    );
    let (seen, handler) = recording();
    let _served = near.serve(service("group", "a", 1, handler)).await.unwrap();
    let error = at_once(ask(&far, &early, Duration::from_secs(30), "late"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    ask(&far, &early, Duration::from_secs(90), "in time")
        .await
        .unwrap();
    assert_eq!(*seen.lock().unwrap(), ["in time"]);
}

/// What comes from inside and what comes from outside share one count of places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_capacity_holds_over_both_buses() {
    let nats = TestNats::start();
    let clock = Clock::system();
    let local = MemoryBus::new(clock.now());
    let near = LocalFirst::new(
        local,
        connect(&nats, "near", &clock).await,
        Placement::new(),
    );
    let far = connect(&nats, "far", &clock).await;
    let (entered, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let held = {
        let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
        handler(move |_, envelope| {
            let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
            async move {
                entered.add_permits(1);
                release.acquire().await.unwrap().forget();
                Ok(envelope)
            }
        })
    };
    let _served = near.serve(service("group", "a", 1, held)).await.unwrap();
    let inside = near.request(
        subject(),
        Envelope::new(clock.read().plus(BACK_WITHIN), "", ""),
    );
    let outside = async {
        at_once(entered.acquire()).await.unwrap().forget();
        let refused = at_once(ask(&far, &clock, BACK_WITHIN, ""))
            .await
            .unwrap_err();
        release.add_permits(1);
        refused.kind()
    };
    let (inside, outside) = tokio::join!(inside, outside);
    inside.unwrap();
    assert_eq!(outside, ErrorKind::Overloaded);
}

/// What this process serves goes on while NATS is away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_service_survives_the_loss_of_the_server() {
    let mut nats = TestNats::start();
    let clock = Clock::system();
    let remote = connect(&nats, "near", &clock).await;
    let bus = LocalFirst::new(MemoryBus::new(clock.now()), remote, Placement::new());
    let (_, handler) = recording();
    let _served = bus.serve(service("group", "a", 1, handler)).await.unwrap();
    nats.stop();
    until(true, async || bus.health().await.is_err()).await;
    bus.request(subject(), Envelope::new(clock.read().plus(AT_ONCE), "", ""))
        .await
        .unwrap();
    let elsewhere = Subject::new("b").unwrap();
    let error = bus
        .request(elsewhere, Envelope::new(clock.read().plus(AT_ONCE), "", ""))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
