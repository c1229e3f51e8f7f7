//! Counts public events by type: an actor in one folder, beside the product's own.
//!
//! It hears every event on the bus and answers, on a subject of its own, how many there were since it
//! started. What is told on the bus is news and may be missed; whoever must miss nothing reads the
//! stream or the feed (docs/SUBSCRIBERS.md). docs/ADD-AN-ACTOR.md walks through this file.
//!
//! This room knows bus, kit and what kit stands on. It must not know another actor.

mod counts;

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::{Envelope, Handler, Pattern, Service, Subject, subjects};
use hoursmith_kit::{ActorSettings, Host, Plugin, RunningPlugin, StartError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use counts::Counts;

/// The name: of the folder, the queue group, the settings table, the identity on NATS.
pub const NAME: &str = "event-counter";

/// Where it is asked, with an empty envelope: the answer's body is a JSON object, type to number.
pub const SUBJECT: &str = "hoursmith.v1.event-counter.counts";

/// Events taken in at a time. Each takes a microsecond; one that finds no room is not counted.
const AT_A_TIME: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Settings of the event counter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CounterSettings {
    /// Types that are told apart. Events of further ones are counted together, as `other`.
    pub most_types: NonZeroUsize,
}

impl Default for CounterSettings {
    fn default() -> Self {
        Self {
            most_types: const { NonZeroUsize::new(100).unwrap() },
        }
    }
}

#[derive(Debug)]
struct EventCounter;

/// The plugin.
pub fn plugin() -> Arc<dyn Plugin> {
    Arc::new(EventCounter)
}

impl Plugin for EventCounter {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> ActorSettings {
        ActorSettings::of::<CounterSettings>()
    }

    fn start(&self, host: Host) -> BoxFuture<'static, Result<RunningPlugin, StartError>> {
        Box::pin(start(host))
    }
}

async fn start(host: Host) -> Result<RunningPlugin, StartError> {
    let settings: CounterSettings = host
        .settings
        .actor(NAME)
        .map_err(|source| StartError::new(NAME, "read its settings", source))?;
    let subject = Pattern::new(SUBJECT)
        .map_err(|source| StartError::new(NAME, "read its subject", source))?;
    let counts = Arc::new(Counts::new(settings.most_types));
    let mut running = RunningPlugin::new(NAME);
    for (pattern, handler) in [
        (subjects::events(), hear(&host, &counts)),
        (subject, answer(&host, &counts)),
    ] {
        let service = Service {
            pattern,
            group: NAME.to_owned(),
            capacity: AT_A_TIME,
            handler,
        };
        let subscription = host
            .bus
            .serve(service)
            .await
            .map_err(|source| StartError::new(NAME, "serve its subjects", source))?;
        running = running.with_subscription(subscription);
    }
    Ok(running)
}

/// Counts what was told by a part of this deployment: the seal says so.
fn hear(host: &Host, counts: &Arc<Counts>) -> Handler {
    let (keys, counts) = (host.keys.clone(), Arc::clone(counts));
    Arc::new(move |subject: Subject, envelope: Envelope| {
        let heard = envelope.verify(&subject, &keys).map(|()| {
            counts.add(kind(&subject));
            Envelope::new(envelope.deadline, "", "")
        });
        Box::pin(std::future::ready(heard))
    })
}

/// Answers with the counts, sealed for the question.
fn answer(host: &Host, counts: &Arc<Counts>) -> Handler {
    let (keys, counts) = (host.keys.clone(), Arc::clone(counts));
    Arc::new(move |subject: Subject, question: Envelope| {
        let answered = question.verify(&subject, &keys).map(|()| {
            Envelope::new(question.deadline, "", counts.json())
                .sealed_answer(&subject, &question, &keys)
        });
        Box::pin(std::future::ready(answered))
    })
}

/// The type in `hoursmith.events.<organization>.<type>`, which has a dot of its own.
fn kind(subject: &Subject) -> &str {
    subject.as_str().splitn(4, '.').nth(3).unwrap_or_default()
}

#[cfg(test)]
mod tests;
