//! `nats-server.conf` on a real server: each component can do what it must and nothing else.
//!
//! The server reports a refusal as an event, after the call has succeeded. So each try is
//! followed by a round trip, and the event, which the server sends before its answer, is awaited.

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{self, consumer::PullConsumer};
use async_nats::{Client, ConnectOptions, Event};
use futures::StreamExt as _;
use hoursmith_bus::conformance::{AT_ONCE, Clock, at_once, echo, service};
use hoursmith_bus::{Bus as _, Envelope, EventStream as _, Subject, subjects};
use hoursmith_domain::OrganizationId;
use hoursmith_nats::testing::TestNats;
use hoursmith_nats::{ConnectError, Credentials, NatsBus, NatsSettings, STREAM, StreamSettings};
use tokio::sync::mpsc;
use uuid::Uuid;

/// User, variable of its password, and the password.
const IDENTITIES: [(&str, &str, &str); 10] = [
    ("gateway", "HOURSMITH_NATS_GATEWAY_PASSWORD", "pgateway"),
    ("token-auth", "HOURSMITH_NATS_TOKEN_AUTH_PASSWORD", "ptoken"),
    (
        "rate-limiter",
        "HOURSMITH_NATS_RATE_LIMITER_PASSWORD",
        "plimiter",
    ),
    (
        "idempotency",
        "HOURSMITH_NATS_IDEMPOTENCY_PASSWORD",
        "pidempotency",
    ),
    ("relay", "HOURSMITH_NATS_RELAY_PASSWORD", "prelay"),
    ("resource", "HOURSMITH_NATS_RESOURCE_PASSWORD", "presource"),
    (
        "webhook-dispatcher",
        "HOURSMITH_NATS_WEBHOOK_DISPATCHER_PASSWORD",
        "pwebhooks",
    ),
    ("accounts", "HOURSMITH_NATS_ACCOUNTS_PASSWORD", "paccounts"),
    ("console", "HOURSMITH_NATS_CONSOLE_PASSWORD", "pconsole"),
    ("hoursmith", "HOURSMITH_NATS_PASSWORD", "phoursmith"),
];

/// Of the subscriber: the variable of its password, and the password.
const BOOKS: (&str, &str) = ("HOURSMITH_NATS_BOOKS_PASSWORD", "pbooks");

/// Every kind of subject on the bus, and who may publish and who may subscribe to it. Answers and
/// probes are everybody's own.
const SUBJECTS: [(&str, &[&str], &[&str]); 21] = [
    (
        "hoursmith.v1.token-auth.check",
        &["gateway", "hoursmith"],
        &["token-auth", "hoursmith"],
    ),
    (
        "hoursmith.v1.rate-limiter.one.check",
        &["gateway", "hoursmith"],
        &["rate-limiter", "hoursmith"],
    ),
    (
        "hoursmith.v1.rate-limiter.alive",
        &["rate-limiter", "hoursmith"],
        &["gateway", "hoursmith"],
    ),
    (
        "hoursmith.v1.rate-limiter.who",
        &["gateway", "hoursmith"],
        &["rate-limiter", "hoursmith"],
    ),
    (
        "hoursmith.v1.idempotency.check",
        &["gateway", "hoursmith"],
        &["idempotency", "hoursmith"],
    ),
    (
        "hoursmith.v1.resource.client.create",
        &["gateway", "console", "hoursmith"],
        &["resource", "hoursmith"],
    ),
    (
        "hoursmith.v1.webhook-dispatcher.webhook_endpoint.create",
        &["gateway", "console", "hoursmith"],
        &["webhook-dispatcher", "hoursmith"],
    ),
    (
        "hoursmith.v1.resource.found",
        &["accounts", "hoursmith"],
        &["resource", "hoursmith"],
    ),
    (
        "hoursmith.v1.resource.accept",
        &["accounts", "hoursmith"],
        &["resource", "hoursmith"],
    ),
    (
        "hoursmith.v1.console.page",
        &["gateway", "hoursmith"],
        &["console", "hoursmith"],
    ),
    (
        "hoursmith.v1.accounts.session.check",
        &["console", "hoursmith"],
        &["accounts", "hoursmith"],
    ),
    (
        "hoursmith.v1.accounts.password.log_in",
        &["console", "hoursmith"],
        &["accounts", "hoursmith"],
    ),
    (
        "hoursmith.v1.token-auth.token.create",
        &["console", "hoursmith"],
        &["token-auth", "hoursmith"],
    ),
    (
        "hoursmith.v1.relay.wake",
        &["resource", "webhook-dispatcher", "hoursmith"],
        &["relay", "hoursmith"],
    ),
    (
        "hoursmith.v1.webhook-dispatcher.wake",
        &["relay", "webhook-dispatcher", "hoursmith"],
        &["webhook-dispatcher", "hoursmith"],
    ),
    (
        "hoursmith.events.organization.client.created",
        &["relay", "hoursmith"],
        &["hoursmith"],
    ),
    (
        "$JS.API.STREAM.INFO.HOURSMITH_EVENTS",
        &["relay", "hoursmith"],
        &[],
    ),
    (
        "$JS.API.STREAM.CREATE.HOURSMITH_EVENTS",
        &["relay", "hoursmith"],
        &[],
    ),
    (
        "$JS.API.STREAM.UPDATE.HOURSMITH_EVENTS",
        &["relay", "hoursmith"],
        &[],
    ),
    (
        "$JS.API.CONSUMER.INFO.HOURSMITH_EVENTS.books",
        &["relay", "hoursmith"],
        &[],
    ),
    (
        "$JS.API.CONSUMER.CREATE.HOURSMITH_EVENTS.books.hoursmith.events.organization.>",
        &["relay", "hoursmith"],
        &[],
    ),
];

/// What nobody may do.
const FORBIDDEN: [&str; 9] = [
    "other",
    "$SYS.REQ.SERVER.PING",
    "$JS.API.STREAM.DELETE.HOURSMITH_EVENTS",
    "$JS.API.STREAM.PURGE.HOURSMITH_EVENTS",
    "$JS.API.STREAM.CREATE.OTHER",
    "$JS.API.CONSUMER.DELETE.HOURSMITH_EVENTS.books",
    "$JS.API.CONSUMER.CREATE.HOURSMITH_EVENTS.books.other",
    "$JS.API.CONSUMER.MSG.NEXT.HOURSMITH_EVENTS.books",
    "hoursmith",
];

fn server() -> TestNats {
    let components = IDENTITIES
        .iter()
        .map(|(_, variable, password)| (*variable, *password));
    let environment: Vec<_> = components.chain([BOOKS]).collect();
    TestNats::start_strict(&environment)
}

/// A plain client that tells its refusals.
struct Prober {
    client: Client,
    user: &'static str,
    refusals: mpsc::UnboundedReceiver<String>,
}

impl Prober {
    async fn connect(nats: &TestNats, user: &'static str, password: &str) -> Self {
        let (told, refusals) = mpsc::unbounded_channel();
        let client = ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
            .custom_inbox_prefix(format!("_INBOX.{user}"))
            .event_callback(move |event| {
                if let Event::ServerError(error) = event {
                    told.send(error.to_string()).unwrap();
                }
                std::future::ready(())
            })
            .connect(nats.url())
            .await
            .unwrap();
        Self {
            client,
            user,
            refusals,
        }
    }

    /// Publishes something forbidden to everybody and waits for its refusal, behind which all
    /// earlier refusals have come. Returns those.
    async fn refusals(&mut self) -> Vec<String> {
        self.client.publish("fence", "".into()).await.unwrap();
        let mut refusals = Vec::new();
        loop {
            let refusal = at_once(self.refusals.recv()).await.unwrap();
            if refusal.contains("\"fence\"") {
                return refusals;
            }
            refusals.push(refusal);
        }
    }

    async fn may_publish(&mut self, subject: &str) -> bool {
        self.client
            .publish(subject.to_owned(), "".into())
            .await
            .unwrap();
        self.refusals().await.is_empty()
    }

    async fn may_subscribe(&mut self, subject: &str) -> bool {
        let plain = self.client.subscribe(subject.to_owned()).await.unwrap();
        let plain_refused = !self.refusals().await.is_empty();
        let queue = self
            .client
            .queue_subscribe(subject.to_owned(), self.user.to_owned())
            .await
            .unwrap();
        let queue_refused = !self.refusals().await.is_empty();
        drop((plain, queue));
        assert_eq!(plain_refused, queue_refused, "{} on {subject}", self.user);
        !plain_refused
    }
}

#[tokio::test]
async fn each_component_may_do_what_it_must_and_nothing_else() {
    let nats = server();
    for (user, _, password) in IDENTITIES {
        let mut prober = Prober::connect(&nats, user, password).await;
        for (subject, publishers, subscribers) in SUBJECTS {
            assert_eq!(
                prober.may_publish(subject).await,
                publishers.contains(&user),
                "{user} to {subject}"
            );
            assert_eq!(
                prober.may_subscribe(subject).await,
                subscribers.contains(&user),
                "{user} on {subject}"
            );
        }
        for (other, _, _) in IDENTITIES {
            let own = other == user;
            let (inbox, probe) = (
                format!("_INBOX.{other}.x.y"),
                format!("_INBOX.{other}.probe"),
            );
            assert_eq!(prober.may_publish(&probe).await, own, "{user} to {probe}");
            assert!(!prober.may_publish(&inbox).await, "{user} to {inbox}");
            assert_eq!(prober.may_subscribe(&inbox).await, own, "{user} on {inbox}");
        }
        for subject in FORBIDDEN
            .iter()
            .chain(&[">", "*", "_INBOX.>", "hoursmith.v1.>"])
        {
            let all_in_one = user == "hoursmith" && *subject == "hoursmith.v1.>";
            assert_eq!(
                prober.may_subscribe(subject).await,
                all_in_one,
                "{user} on {subject}"
            );
        }
        for subject in FORBIDDEN {
            assert!(!prober.may_publish(subject).await, "{user} to {subject}");
        }
    }
}

#[tokio::test]
async fn the_bus_works_under_every_identity() {
    let nats = server();
    let clock = Clock::system();
    let gateway = as_component(&nats, "gateway", "pgateway", &clock)
        .await
        .unwrap();
    for (subject, publishers, subscribers) in SUBJECTS {
        if !publishers.contains(&"gateway") {
            continue;
        }
        let (user, _, password) = IDENTITIES
            .into_iter()
            .find(|(user, ..)| *user == subscribers[0])
            .unwrap();
        let component = as_component(&nats, user, password, &clock).await.unwrap();
        let _served = component
            .serve(service(user, subject, 4, echo()))
            .await
            .unwrap();
        for _ in 0..3 {
            let envelope = Envelope::new(clock.read().plus(AT_ONCE), "head", "body");
            let answer = gateway
                .request(Subject::new(subject).unwrap(), envelope.clone())
                .await
                .unwrap();
            assert_eq!(answer, envelope, "{subject}");
        }
        component.health().await.unwrap();
    }
    gateway.health().await.unwrap();
    // The same in the URL, where a password may have to be written in percent encoding.
    let settings = NatsSettings::new(nats.url_as("gateway", "%70gateway"), "gateway");
    NatsBus::connect(settings, clock.now())
        .await
        .unwrap()
        .health()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_deaf_component_is_not_healthy() {
    let nats = server();
    let clock = Clock::system();
    let resource = as_component(&nats, "resource", "presource", &clock)
        .await
        .unwrap();
    resource.health().await.unwrap();
    let served = resource
        .serve(service(
            "resource",
            "hoursmith.v1.token-auth.check",
            1,
            echo(),
        ))
        .await;
    hoursmith_bus::conformance::until(true, async || resource.health().await.is_err()).await;
    drop(served);
}

#[tokio::test]
async fn strangers_stay_outside() {
    let nats = server();
    let clock = Clock::system();
    for (user, password) in [("gateway", "wrong"), ("nobody", "pgateway")] {
        let error = as_component(&nats, user, password, &clock)
            .await
            .unwrap_err();
        assert!(
            matches!(error, ConnectError::Unreachable { .. }),
            "{error:?}"
        );
        assert!(
            !format!("{error} {error:?}").contains(password),
            "{error:?}"
        );
    }
    let anonymous = NatsBus::connect(NatsSettings::new(nats.url(), "gateway"), clock.now()).await;
    assert!(
        matches!(anonymous, Err(ConnectError::Unreachable { .. })),
        "{anonymous:?}"
    );
    // The gateway's identity under another component's name would wait for answers in vain.
    let settings = NatsSettings::new(nats.url_as("gateway", "pgateway"), "resource");
    let deaf = NatsBus::connect(settings, clock.now()).await;
    assert!(matches!(deaf, Err(ConnectError::Deaf { .. })), "{deaf:?}");
}

/// A subscriber gets its organization's events from its own place in the stream, and nothing else.
#[tokio::test]
async fn a_subscriber_is_given_its_own_and_nothing_else() {
    let nats = server();
    let clock = Clock::system();
    let relay = as_component(&nats, "relay", "prelay", &clock)
        .await
        .unwrap();
    let [own, other] = [1, 2].map(|number| OrganizationId(Uuid::from_u128(number)));
    let stream = relay.event_stream(StreamSettings {
        max_age: Duration::from_secs(3_600),
        max_bytes: 1024 * 1024,
        duplicate_window: Duration::from_secs(1),
        replicas: 1,
        subscribers: vec![("books".to_owned(), own), ("others".to_owned(), other)],
    });
    stream.tend().await.unwrap();
    for (of, id) in [(other, "1"), (own, "2"), (other, "3"), (own, "4")] {
        let subject = subjects::event(of, "client.created").unwrap();
        let envelope = Envelope::new(clock.read().plus(AT_ONCE), "", id);
        stream.put(subject, id, envelope).await.unwrap();
    }

    let mut books = Prober::connect(&nats, "books", BOOKS.1).await;
    let context = jetstream::new(books.client.clone());
    let place: PullConsumer = context
        .get_consumer_from_stream("books", STREAM)
        .await
        .unwrap();
    let messages = place.fetch().max_messages(2).messages().await.unwrap();
    let bodies: Vec<_> = messages
        .map(|message| message.unwrap().payload.clone())
        .collect()
        .await;
    assert_eq!(bodies, ["2", "4"]);
    assert_eq!(books.refusals().await, Vec::<String>::new());

    let of_other = subjects::events_of(other).to_string();
    let creation = format!("$JS.API.CONSUMER.CREATE.{STREAM}.books.{of_other}");
    for subject in [
        "$JS.API.CONSUMER.MSG.NEXT.HOURSMITH_EVENTS.others",
        "$JS.API.CONSUMER.INFO.HOURSMITH_EVENTS.others",
        "$JS.API.CONSUMER.DURABLE.CREATE.HOURSMITH_EVENTS.books",
        "$JS.API.CONSUMER.CREATE.HOURSMITH_EVENTS",
        "$JS.API.STREAM.MSG.GET.HOURSMITH_EVENTS",
        "$JS.API.DIRECT.GET.HOURSMITH_EVENTS",
        "$JS.API.STREAM.INFO.HOURSMITH_EVENTS",
        "$JS.ACK.HOURSMITH_EVENTS.others.1.1.1.1.1",
        "hoursmith.events.organization.client.created",
        "hoursmith.v1.relay.wake",
        &creation,
    ]
    .into_iter()
    .chain(
        FORBIDDEN
            .into_iter()
            .filter(|subject| !subject.contains("MSG.NEXT")),
    ) {
        assert!(!books.may_publish(subject).await, "{subject}");
    }
    let events = subjects::events().to_string();
    for subject in [
        events.as_str(),
        &of_other,
        ">",
        "hoursmith.>",
        "$JS.>",
        "_INBOX.>",
    ] {
        assert!(!books.may_subscribe(subject).await, "{subject}");
    }
}

async fn as_component(
    nats: &TestNats,
    user: &str,
    password: &str,
    clock: &Arc<Clock>,
) -> Result<Arc<NatsBus>, ConnectError> {
    let credentials = Credentials::Password {
        user: user.to_owned(),
        password: password.to_owned().into(),
    };
    let settings = NatsSettings {
        credentials,
        ..NatsSettings::new(nats.url(), user)
    };
    NatsBus::connect(settings, clock.now()).await
}
