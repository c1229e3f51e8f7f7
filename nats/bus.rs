//! The bus itself: [`Bus`] in terms of the client, with every wait bounded.
//!
//! * A call waits in one timeout for everything, the client's queue included: `async-nats` begins
//!   its own only after the request has been queued, and with a full queue it never begins.
//! * While the connection is known to be lost, calls fail at once. `async-nats` would keep them
//!   and send them after the reconnection, when their callers have long gone. What slips through
//!   is dropped by its receiver, which looks at the deadline first.
//! * A request that was on its way when the connection broke waits for its deadline: it may have
//!   been executed, so it must not look as if another try were harmless.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, PublishErrorKind, Request, RequestErrorKind};
use futures::future::{BoxFuture, join_all};
use hoursmith_bus::{
    Admission, Bus, End, Envelope, Error, ErrorKind, MAX_ENVELOPE_BYTES, Now, Service, Subject,
    Subscription,
};
use tokio::time::timeout;

use crate::link::{self, Link, ROUND_TRIP_WITHIN};
use crate::station::Station;
use crate::wire;

/// The bus over NATS.
pub struct NatsBus {
    client: Client,
    now: Now,
    link: Arc<Link>,
    /// Nobody serves it, so the server itself answers "no responders".
    probe: Subject,
    /// Our own subscriptions.
    stations: Arc<RwLock<Vec<Arc<Station>>>>,
    closed: AtomicBool,
}

impl NatsBus {
    pub(crate) fn new(client: Client, now: Now, link: Arc<Link>, probe: Subject) -> Self {
        Self {
            client,
            now,
            link,
            probe,
            stations: Arc::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// The connection.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// To the server and back, unless it is known to be away.
    pub(crate) async fn round_trip(&self) -> Result<(), Error> {
        self.connected()
            .map_err(|kind| Error::new(kind, "probe", &self.probe))?;
        link::round_trip(&self.client, &self.probe).await
    }

    fn connected(&self) -> Result<(), ErrorKind> {
        match self.client.connection_state() {
            _ if self.closed.load(Ordering::Acquire) => Err(ErrorKind::Closed),
            State::Connected => Ok(()),
            State::Pending | State::Disconnected => Err(ErrorKind::Unavailable),
        }
    }

    /// Whether an envelope may go out, and how long that may take.
    fn check(&self, envelope: &Envelope) -> Result<Duration, ErrorKind> {
        if envelope.size_bytes() > MAX_ENVELOPE_BYTES {
            return Err(ErrorKind::TooLarge);
        }
        let remaining = envelope
            .remaining(&self.now)
            .ok_or(ErrorKind::DeadlineExceeded)?;
        self.connected()?;
        Ok(remaining)
    }

    fn forget(stations: &RwLock<Vec<Arc<Station>>>, station: &Arc<Station>) {
        let mut stations = stations.write().unwrap_or_else(PoisonError::into_inner);
        stations.retain(|other| !Arc::ptr_eq(other, station));
    }
}

impl Bus for NatsBus {
    fn request(
        &self,
        subject: Subject,
        envelope: Envelope,
    ) -> BoxFuture<'_, Result<Envelope, Error>> {
        Box::pin(async move {
            let fail = |kind| Error::new(kind, "request", &subject);
            let remaining = self.check(&envelope).map_err(fail)?;
            let (headers, payload) = wire::message(envelope);
            let request = Request::new()
                .headers(headers)
                .payload(payload)
                .timeout(None);
            let answer = timeout(
                remaining,
                self.client.send_request(subject.to_string(), request),
            )
            .await
            .map_err(|_| fail(ErrorKind::DeadlineExceeded))?
            .map_err(|error| fail(request_kind(error.kind())).with_source(error))?;
            wire::read_answer(answer, &subject)
        })
    }

    fn publish(&self, subject: Subject, envelope: Envelope) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let fail = |kind| Error::new(kind, "publish", &subject);
            let remaining = self.check(&envelope).map_err(fail)?;
            let (headers, payload) = wire::message(envelope);
            timeout(
                remaining,
                self.client
                    .publish_with_headers(subject.to_string(), headers, payload),
            )
            .await
            .map_err(|_| fail(ErrorKind::DeadlineExceeded))?
            .map_err(|error| fail(publish_kind(error.kind())).with_source(error))
        })
    }

    fn serve(&self, service: Service) -> BoxFuture<'_, Result<Subscription, Error>> {
        Box::pin(async move {
            let pattern = service.pattern.clone();
            let fail = |kind| Error::new(kind, "serve", &pattern);
            self.connected().map_err(fail)?;
            let subscribe = self
                .client
                .queue_subscribe(pattern.to_string(), service.group.clone());
            let subscriber = timeout(ROUND_TRIP_WITHIN, subscribe)
                .await
                .map_err(|elapsed| fail(ErrorKind::Unavailable).with_source(elapsed))?
                .map_err(|error| fail(ErrorKind::Unavailable).with_source(error))?;
            let admission = Admission::new(service, Arc::clone(&self.now));
            let station = Station::open(
                admission,
                self.client.clone(),
                self.probe.clone(),
                subscriber,
            );
            self.stations
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Arc::clone(&station));
            let stations = Arc::clone(&self.stations);
            let subscription = Subscription::new(move |end| {
                Self::forget(&stations, &station);
                if end == End::Drop {
                    station.abandon();
                }
                Box::pin(async move { station.drained().await })
            });
            // A flush would say that the subscription was sent. This says that it holds.
            self.round_trip().await?;
            Ok(subscription)
        })
    }

    fn serves(&self, subject: &Subject) -> bool {
        let stations = self.stations.read().unwrap_or_else(PoisonError::into_inner);
        stations
            .iter()
            .any(|station| station.admission().pattern().matches(subject))
    }

    /// A round trip, so that a server which is frozen rather than gone is noticed as well.
    fn health(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            match self.link.refused() {
                Some(refused) => {
                    Err(Error::new(ErrorKind::Unavailable, "probe", &self.probe)
                        .with_source(refused))
                }
                None => self.round_trip().await,
            }
        })
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.closed.store(true, Ordering::Release);
            let stations = std::mem::take(
                &mut *self
                    .stations
                    .write()
                    .unwrap_or_else(PoisonError::into_inner),
            );
            join_all(stations.iter().map(|station| station.drained())).await;
            // The last answers go out before the connection closes. If they cannot, nobody is
            // there to hear them.
            drop(timeout(ROUND_TRIP_WITHIN, self.client.flush()).await);
            drop(timeout(ROUND_TRIP_WITHIN, self.client.drain()).await);
        })
    }
}

fn request_kind(kind: RequestErrorKind) -> ErrorKind {
    match kind {
        RequestErrorKind::NoResponders => ErrorKind::NoResponders,
        RequestErrorKind::TimedOut => ErrorKind::DeadlineExceeded,
        RequestErrorKind::MaxPayloadExceeded => ErrorKind::TooLarge,
        RequestErrorKind::InvalidSubject => ErrorKind::Refused,
        RequestErrorKind::Other => ErrorKind::Unavailable,
    }
}

fn publish_kind(kind: PublishErrorKind) -> ErrorKind {
    match kind {
        PublishErrorKind::MaxPayloadExceeded => ErrorKind::TooLarge,
        PublishErrorKind::InvalidSubject => ErrorKind::Refused,
        PublishErrorKind::Send => ErrorKind::Unavailable,
    }
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBus")
            .field("state", &self.client.connection_state())
            .field("probe", &self.probe)
            .finish_non_exhaustive()
    }
}
