//! The stream of public events on JetStream: made, kept as it is set, and made anew when it is gone.
//!
//! Nothing rests on it: what has not been put in stands in the database, and what was lost with it is
//! read from the API. So whoever deletes it, or JetStream's whole folder, finds it again, empty, and
//! only what was not put in before comes.
//!
//! The subscribers' places in it (durable consumers) are made here too, from the settings, and not by
//! the subscribers: a subscriber's identity then needs to ask for its own messages and to acknowledge
//! them, and may neither make, change nor delete anything (`nats-server.conf`, docs/SUBSCRIBERS.md).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::context::{
    ContextBuilder, GetStreamErrorKind, PublishError, PublishErrorKind,
};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, ConsumerErrorKind, DiscardPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode};
use futures::future::BoxFuture;
use hoursmith_bus::{
    Envelope, Error, ErrorKind, EventStream, MAX_ENVELOPE_BYTES, Subject, subjects,
};
use hoursmith_domain::OrganizationId;
use tokio::time::timeout;

use crate::NatsBus;
use crate::wire;

/// The stream's name.
pub const STREAM: &str = "HOURSMITH_EVENTS";

/// How long anything may take here. The server answers within milliseconds, unless it is away.
const WITHIN: Duration = Duration::from_secs(5);

/// What the stream keeps, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSettings {
    /// How long an event is kept.
    pub max_age: Duration,
    /// How much is kept; the oldest goes first.
    pub max_bytes: u64,
    /// How long an event that comes twice is known.
    pub duplicate_window: Duration,
    /// On how many servers of a cluster each event is kept.
    pub replicas: u8,
    /// Who reads it: the name of a durable consumer, and whose events it is given.
    pub subscribers: Vec<(String, OrganizationId)>,
}

/// The stream, over the bus's connection.
pub struct JetStream {
    client: Client,
    context: Context,
    settings: StreamSettings,
}

impl JetStream {
    pub(crate) fn new(client: Client, settings: StreamSettings) -> Arc<Self> {
        let context = ContextBuilder::new().timeout(WITHIN).build(client.clone());
        Arc::new(Self {
            client,
            context,
            settings,
        })
    }

    /// Where the stream is spoken of in an error.
    fn fail(kind: ErrorKind, operation: &'static str) -> Error {
        Error::new(kind, operation, STREAM)
    }

    /// In time, and at once while the connection is known to be lost: what `async-nats` would keep
    /// for later comes again anyway.
    async fn in_time<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if self.client.connection_state() != State::Connected {
            return Err(Self::fail(ErrorKind::Unavailable, operation));
        }
        timeout(WITHIN, work).await.map_err(|elapsed| {
            Self::fail(ErrorKind::DeadlineExceeded, operation).with_source(elapsed)
        })?
    }

    async fn publish(&self, subject: &Subject, message: PublishMessage) -> Result<(), Error> {
        let fail = |error: PublishError| {
            Error::new(publish_kind(error.kind()), "put an event in on", subject).with_source(error)
        };
        let sent = self
            .context
            .send_publish(subject.to_string(), message)
            .await
            .map_err(fail)?;
        sent.await.map(drop).map_err(fail)
    }

    /// The stream as the settings want it. What they do not speak of is left as it is.
    fn wanted(&self, now: Config) -> Config {
        let settings = &self.settings;
        Config {
            name: STREAM.to_owned(),
            subjects: vec![subjects::events().to_string()],
            storage: StorageType::File,
            discard: DiscardPolicy::Old,
            max_age: settings.max_age,
            max_bytes: i64::try_from(settings.max_bytes).unwrap_or(i64::MAX),
            duplicate_window: settings.duplicate_window,
            num_replicas: settings.replicas.into(),
            ..now
        }
    }

    async fn tend_stream(&self) -> Result<(), Error> {
        const LOOK: &str = "look after";
        match self.context.get_stream(STREAM).await {
            Ok(stream) => {
                let now = stream.cached_info().config.clone();
                let wanted = self.wanted(now.clone());
                if wanted == now {
                    return Ok(());
                }
                tracing::info!(nats.stream = STREAM, "The stream of events is set anew.");
                let updated = self.context.update_stream(wanted).await.map(drop);
                updated.map_err(|error| Self::fail(ErrorKind::Unavailable, LOOK).with_source(error))
            }
            Err(error) if is_no_stream(&error.kind()) => {
                tracing::info!(nats.stream = STREAM, "The stream of events is made.");
                let config = self.wanted(Config::default());
                let made = self.context.create_stream(config).await.map(drop);
                made.map_err(|error| Self::fail(ErrorKind::Unavailable, LOOK).with_source(error))
            }
            Err(error) => Err(Self::fail(ErrorKind::Unavailable, LOOK).with_source(error)),
        }
    }

    /// A place that is there is left as it is, unless it is for another organization.
    async fn tend_subscriber(&self, name: &str, of: OrganizationId) -> Result<(), Error> {
        let fail = || Error::new(ErrorKind::Unavailable, "look after the subscriber", name);
        let filter = subjects::events_of(of).to_string();
        let found: Result<PullConsumer, _> =
            self.context.get_consumer_from_stream(name, STREAM).await;
        match found {
            Ok(consumer) if consumer.cached_info().config.filter_subject == filter => {
                return Ok(());
            }
            Ok(_) => {}
            Err(error) if is_no_consumer(&error.kind()) => {}
            Err(error) => return Err(fail().with_source(error)),
        }
        tracing::info!(
            nats.stream = STREAM,
            nats.consumer = name,
            "A subscriber's place in the stream of events is made."
        );
        let config = pull::Config {
            durable_name: Some(name.to_owned()),
            filter_subject: filter,
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ..pull::Config::default()
        };
        let made = self.context.create_consumer_on_stream(config, STREAM).await;
        made.map(drop).map_err(|error| fail().with_source(error))
    }
}

impl EventStream for JetStream {
    fn put<'a>(
        &'a self,
        subject: Subject,
        id: &'a str,
        envelope: Envelope,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if envelope.size_bytes() > MAX_ENVELOPE_BYTES {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    "put an event in on",
                    &subject,
                ));
            }
            let (headers, payload) = wire::message(envelope);
            let message = || {
                PublishMessage::build()
                    .headers(headers.clone())
                    .payload(payload.clone())
                    .message_id(id)
                    .expected_stream(STREAM)
            };
            let put = self.in_time("put an event in", self.publish(&subject, message()));
            match put.await {
                Err(error) if error.kind() == ErrorKind::NoResponders => {
                    self.tend().await?;
                    self.in_time("put an event in", self.publish(&subject, message()))
                        .await
                }
                done => done,
            }
        })
    }

    fn tend(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.in_time("look after", async {
            self.tend_stream().await?;
            for (name, organization) in &self.settings.subscribers {
                self.tend_subscriber(name, *organization).await?;
            }
            Ok(())
        }))
    }
}

impl NatsBus {
    /// The stream of events, on this connection. Nothing is asked of the server yet.
    pub fn event_stream(&self, settings: StreamSettings) -> Arc<JetStream> {
        JetStream::new(self.client(), settings)
    }
}

fn publish_kind(kind: PublishErrorKind) -> ErrorKind {
    match kind {
        PublishErrorKind::MaxPayloadExceeded => ErrorKind::TooLarge,
        PublishErrorKind::StreamNotFound => ErrorKind::NoResponders,
        PublishErrorKind::TimedOut => ErrorKind::DeadlineExceeded,
        PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::WrongLastSequence
        | PublishErrorKind::BrokenPipe
        | PublishErrorKind::MaxAckPending
        | PublishErrorKind::Other => ErrorKind::Unavailable,
    }
}

fn is_no_stream(kind: &GetStreamErrorKind) -> bool {
    matches!(kind, GetStreamErrorKind::JetStream(error)
        if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

fn is_no_consumer(kind: &ConsumerErrorKind) -> bool {
    matches!(kind, ConsumerErrorKind::JetStream(error)
        if error.error_code() == ErrorCode::CONSUMER_NOT_FOUND)
}

impl fmt::Debug for JetStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStream")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
