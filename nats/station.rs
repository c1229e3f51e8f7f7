//! One subscription at work: takes messages, asks for a place, answers.
//!
//! The loop never waits for anything but the next message. `async-nats` drops messages, and says
//! so in a mere event, when a subscription's queue is full; a loop that waited for a place, or for
//! room to send a refusal, would fill it.
//!
//! Leaving takes three steps, since `async-nats` forgets a subscription when it has sent `UNSUB` and
//! drops what the server passed on before it read that. First the server is asked to unsubscribe in
//! a way that the client takes for later: a count of messages with more than nine digits, which
//! nats-server reads as none. Then a round trip, behind which nothing more comes. Only then is the
//! client told to forget. With a server that took the count at its word, the last step alone would
//! unsubscribe, and what is on its way in that millisecond would end at its caller's deadline.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message, PublishErrorKind, Subscriber};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use hoursmith_bus::{Admission, Envelope, Error, ErrorKind, Subject};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::{link, wire};

/// A subscription and its places.
#[derive(Debug)]
pub(crate) struct Station {
    admission: Arc<Admission>,
    client: Client,
    probe: Subject,
    phase: watch::Sender<Phase>,
}

/// How far a station's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    Leaving,
    Left,
}

/// How long leaving, or handing an answer to the client, may take. Longer means that the server is
/// away, and then there is nobody to tell.
const ROOM_WITHIN: Duration = Duration::from_secs(2);

impl Station {
    /// Starts to work on a subscription.
    pub(crate) fn open(
        admission: Arc<Admission>,
        client: Client,
        probe: Subject,
        subscriber: Subscriber,
    ) -> Arc<Self> {
        let phase = watch::Sender::new(Phase::Serving);
        let station = Arc::new(Self {
            admission,
            client,
            probe,
            phase,
        });
        spawn(Arc::clone(&station).work(subscriber));
        station
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Unsubscribes and handles nothing more.
    pub(crate) fn abandon(&self) {
        self.admission.close();
        self.leave();
    }

    /// Unsubscribes, handles what has arrived, and waits until it is answered.
    pub(crate) async fn drained(&self) {
        self.leave();
        let mut phase = self.phase.subscribe();
        // Too late means that the server is away, so nothing comes from it.
        drop(timeout(ROOM_WITHIN, phase.wait_for(|phase| *phase == Phase::Left)).await);
        self.admission.drained().await;
    }

    fn leave(&self) {
        self.phase.send_if_modified(|phase| {
            let serving = *phase == Phase::Serving;
            if serving {
                *phase = Phase::Leaving;
            }
            serving
        });
    }

    async fn work(self: Arc<Self>, mut subscriber: Subscriber) {
        let mut phase = self.phase.subscribe();
        let leaving =
            pin!(async move { drop(phase.wait_for(|phase| *phase == Phase::Leaving).await) });
        let mut messages = subscriber.by_ref().take_until(leaving);
        while let Some(message) = messages.next().await {
            self.take(message);
        }
        // Where a step fails, the server is away and nothing is on its way. Then dropping the
        // subscriber is enough.
        let left = timeout(ROOM_WITHIN, async {
            subscriber.unsubscribe_after(u64::MAX).await.ok()?;
            link::round_trip(&self.client, &self.probe).await.ok()?;
            subscriber.drain().await.ok()
        });
        if let Ok(Some(())) = left.await {
            while let Ok(Some(message)) = timeout(ROOM_WITHIN, subscriber.next()).await {
                self.take(message);
            }
        }
        self.phase.send_replace(Phase::Left);
    }

    /// Hands a message to the handler, in a task of its own, or refuses it, in either case at once.
    /// The places bound the tasks.
    fn take(&self, message: Message) {
        let reply = wire::reply_to(&message);
        let read = wire::read(message);
        let admitted = read.and_then(|(subject, envelope)| match self.admission.admit() {
            Ok(admitted) => Ok((admitted, subject, envelope)),
            Err(kind) => Err(Error::new(kind, "answer", subject)),
        });
        match admitted {
            Ok((admitted, subject, envelope)) => {
                let client = self.client.clone();
                spawn(async move {
                    let asked = subject.clone();
                    match (admitted.answer(subject, envelope).await, reply) {
                        (answer, Some(reply)) => answer_to(&client, &asked, reply, answer).await,
                        (Err(error), None) => {
                            tracing::warn!(
                                error = &error as &dyn std::error::Error,
                                "A published envelope failed."
                            );
                        }
                        (Ok(_), None) => {}
                    }
                });
            }
            Err(error) => self.refuse(reply, &error),
        }
    }

    /// Says no without waiting: where the client's queue has no room, the caller's deadline says
    /// it. Outside tokio's cooperative budget, which would make a queue with room look full.
    fn refuse(&self, reply: Option<async_nats::Subject>, error: &Error) {
        if error.kind() == ErrorKind::Refused || reply.is_none() {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "A message from NATS was refused."
            );
        }
        if let Some(reply) = reply {
            let answer =
                self.client
                    .publish_with_headers(reply, wire::error_headers(error), Bytes::new());
            drop(tokio::task::unconstrained(answer).now_or_never());
        }
    }
}

/// Answers, also with what is too late for its caller: `async-nats` keeps an entry for each
/// request until it is answered.
async fn answer_to(
    client: &Client,
    asked: &Subject,
    reply: async_nats::Subject,
    answer: Result<Envelope, Error>,
) {
    let (headers, payload) = match answer {
        Ok(answer) => wire::message(answer),
        Err(error) => (wire::error_headers(&error), Bytes::new()),
    };
    let sent = send(client, asked, &reply, headers, payload).await;
    if sent == Some(PublishErrorKind::MaxPayloadExceeded) {
        // A server with a smaller `max_payload` than `nats-server.conf`. No fault of the question.
        let error = Error::new(ErrorKind::HandlerFailed, "answer", asked);
        let headers = wire::error_headers(&error);
        send(client, asked, &reply, headers, Bytes::new()).await;
    }
}

/// Sends, and logs what does not work.
async fn send(
    client: &Client,
    asked: &Subject,
    reply: &async_nats::Subject,
    headers: HeaderMap,
    payload: Bytes,
) -> Option<PublishErrorKind> {
    let size_bytes = payload.len();
    match timeout(
        ROOM_WITHIN,
        client.publish_with_headers(reply.clone(), headers, payload),
    )
    .await
    {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            let kind = error.kind();
            tracing::warn!(
                bus.subject = %asked,
                answer.size_bytes = size_bytes,
                error = &error as &dyn std::error::Error,
                "An answer could not be sent."
            );
            Some(kind)
        }
        Err(_) => {
            tracing::warn!("An answer was dropped: NATS is away.");
            None
        }
    }
}

/// Tasks are `kit`'s to start, but `kit` stands on this room. These end with their subscription or
/// their deadline; a handler's panic is caught inside.
#[expect(
    clippy::disallowed_methods,
    reason = "kit, which names tasks, is above this room"
)]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}
