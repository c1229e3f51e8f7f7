//! The connection: whether it works, and what server and client tell about it beside messages.
//!
//! NATS refuses a subscription asynchronously: the call succeeds, the component is deaf, and its
//! callers see nobody. So the refusal is kept and turns the bus's health red for good; only a
//! change of permissions and a restart mend it. `async-nats` keeps at most 128 events and drops
//! the rest, so nothing here counts them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, Event, Request, RequestErrorKind, ServerError};
use hoursmith_bus::{Error, ErrorKind, Subject};
use tokio::time::timeout;

/// How long a round trip to the server may take. Beyond, it is as good as lost: readiness goes
/// red before the client notices after three pings.
pub(crate) const ROUND_TRIP_WITHIN: Duration = Duration::from_secs(2);

/// To the server and back. Nobody serves the probe's subject, so the server itself answers "no
/// responders". It works off a connection's commands in order: all that was sent before has taken
/// effect, and all that it sent before has arrived. (A flush would prove neither: it ends when the
/// socket has taken the bytes.)
pub(crate) async fn round_trip(client: &Client, probe: &Subject) -> Result<(), Error> {
    let fail = || Error::new(ErrorKind::Unavailable, "probe", probe);
    let request = Request::new().timeout(None);
    match timeout(
        ROUND_TRIP_WITHIN,
        client.send_request(probe.to_string(), request),
    )
    .await
    {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.kind() == RequestErrorKind::NoResponders => Ok(()),
        Ok(Err(error)) => Err(fail().with_source(error)),
        Err(elapsed) => Err(fail().with_source(elapsed)),
    }
}

/// What is known of the connection.
#[derive(Debug, Default)]
pub(crate) struct Link {
    refused: Mutex<Option<String>>,
}

impl Link {
    /// The first subscription that the server refused, in its words.
    pub(crate) fn refused(&self) -> Option<String> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes note of an event.
    pub(crate) fn note(&self, event: &Event) {
        match event {
            Event::Connected => tracing::info!("Connected to NATS."),
            Event::Disconnected => tracing::warn!("Lost the connection to NATS; reconnecting."),
            Event::Draining | Event::Closed => tracing::info!("Closed the connection to NATS."),
            Event::LameDuckMode => tracing::info!("The NATS server is about to shut down."),
            Event::SlowConsumer(_) => {
                tracing::error!("Messages from NATS were dropped: this process does not keep up.")
            }
            Event::ServerError(ServerError::Other(text)) if is_refused_subscription(text) => {
                tracing::error!(
                    nats.error = text,
                    "NATS refused a subscription; this component hears nothing on it."
                );
                self.refused
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert_with(|| text.clone());
            }
            Event::ServerError(error) => {
                tracing::error!(nats.error = %error, "NATS refused an operation.")
            }
            Event::ClientError(error) => {
                tracing::error!(nats.error = %error, "The NATS client failed.")
            }
        }
    }
}

fn is_refused_subscription(text: &str) -> bool {
    text.to_ascii_lowercase()
        .starts_with("permissions violation for subscription")
}
