//! The relay: makes committed events public, in order, and publishes them.
//!
//! An event is written without a number, in the transaction of its change. The relay numbers each
//! organization's events without a gap once they are committed, and from then on the API shows them. It
//! is the only sequencer: many may run, and a lease with a fencing token decides which one works.
//! Writers take no lock for any of it; they ring a bell after their commit, and since a bell may go
//! unheard, each relay also looks by itself. It rings another one for the webhook dispatchers.
//!
//! What is public it then publishes, to the stream or on the bus (`publisher.rs`).
//!
//! This room knows kit and what kit stands on, and handler for an event's public form. It must not
//! know what an event tells, who reads it, or who wrote it, nor what the stream is made of.

mod post;
mod publisher;
mod sequencer;

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hoursmith_bus::subjects;
use hoursmith_kit::{ActorSettings, Bell, Host, Plugin, RunningPlugin, StartError, Task, WakeUp};
use hoursmith_store::Statement;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use post::Post;
use publisher::Publisher;
use sequencer::Sequencer;

const NAME: &str = "relay";

/// Settings of the relay, which numbers events and publishes them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RelaySettings {
    /// Time between two looks for events that wait, in milliseconds. Whoever writes events says so
    /// at once; this is how late they may become public where that goes unheard. What could not be
    /// published is tried again as often.
    pub look_every_ms: NonZeroU32,
    /// Events numbered in one transaction. On SQLite, other writes wait for it.
    pub batch: NonZeroU32,
    /// How long the relay at work is not relieved when nothing is heard of it, in milliseconds:
    /// after a crash events wait this long for the next relay.
    pub lease_ms: NonZeroU32,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            look_every_ms: const { NonZeroU32::new(1_000).unwrap() },
            batch: const { NonZeroU32::new(500).unwrap() },
            lease_ms: const { NonZeroU32::new(3_000).unwrap() },
        }
    }
}

impl RelaySettings {
    fn look_every(&self) -> Duration {
        Duration::from_millis(self.look_every_ms.get().into())
    }

    fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms.get().into())
    }
}

#[derive(Debug)]
struct Relay;

/// The plugin.
pub fn plugin() -> Arc<dyn Plugin> {
    Arc::new(Relay)
}

impl Plugin for Relay {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> ActorSettings {
        ActorSettings::of::<RelaySettings>()
    }

    /// Those of publication; what numbers is the store's own, which lists it.
    fn statements(&self) -> Vec<Statement> {
        publisher::statements().to_vec()
    }

    fn start(&self, host: Host) -> BoxFuture<'static, Result<RunningPlugin, StartError>> {
        Box::pin(start(host))
    }
}

async fn start(host: Host) -> Result<RunningPlugin, StartError> {
    let settings: RelaySettings = host
        .settings
        .actor(NAME)
        .map_err(|source| StartError::new(NAME, "read its settings", source))?;
    let bell = Arc::new(Bell::default());
    let hearing = bell
        .hang(&host, NAME, &subjects::relay_wake())
        .await
        .map_err(|source| StartError::new(NAME, "listen for its wake-ups", source))?;
    let wake_up = Arc::new(WakeUp::of(&host, subjects::webhook_wake()));
    let waking = Task::start(
        "wake-up of the webhook dispatchers",
        Arc::clone(&wake_up).run(),
    );
    let post = Arc::new(Post::new(&host, &settings));
    let numbered = Arc::new(Bell::default());
    let look_every = settings.look_every();
    let sequencer = Sequencer::new(
        &host,
        &settings,
        Arc::clone(&post),
        Arc::clone(&numbered),
        wake_up,
    );
    let sequencer = Arc::new(sequencer);
    let publisher = Arc::new(Publisher::new(&host, Arc::clone(&post), numbered));
    let working = Task::kept("relay", look_every, move || {
        Arc::clone(&sequencer).run(Arc::clone(&bell), look_every)
    });
    let publishing = Task::kept("publication of events", look_every, move || {
        Arc::clone(&publisher).run(look_every)
    });
    let running = RunningPlugin::new(NAME).with_task(waking);
    Ok(running.with_farewell(move || async move {
        drop(hearing);
        working.end().await;
        publishing.end().await;
        post.leave().await;
    }))
}
