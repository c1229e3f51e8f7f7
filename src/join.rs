//! Joining the bus, and the stream beside it, as the settings say.

use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Bus, EventStream, LocalFirst, MemoryBus, Now, Pattern, Placement, subjects};
use hoursmith_nats::{Credentials, NatsBus, NatsSettings, StreamSettings};
use hoursmith_settings::{EventsSettings, ExposeSecret as _, Settings};

use crate::assemble::{Parts, ServeError};
use crate::components::Components;
use crate::plugins::names;

/// The ways out of a process.
#[derive(Debug, Clone)]
pub struct Joined {
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// Where events are kept for subscribers, on NATS.
    pub stream: Option<Arc<dyn EventStream>>,
}

/// The bus that the settings name, for a process that runs these components.
pub async fn join_bus(
    settings: &Settings,
    components: &Components,
    parts: &Parts,
) -> Result<Joined, ServeError> {
    let clock = Arc::clone(&parts.clock);
    let now: Now = Arc::new(move || clock.now());
    let local = MemoryBus::new(Arc::clone(&now));
    let Some(url) = &settings.nats_url else {
        return Ok(Joined {
            bus: local,
            stream: None,
        });
    };
    let mut placement = Placement::new();
    for stage in &settings.nats.remote {
        match Pattern::new(&format!("{}.{stage}.>", subjects::PREFIX)) {
            Ok(pattern) if names().contains(&stage.as_str()) => {
                placement = placement.force_remote(pattern)
            }
            _ => return Err(ServeError::Remote(stage.clone())),
        }
    }
    let nats = &settings.nats;
    let credentials = match (&nats.nkey_seed, &nats.user, &nats.password) {
        (Some(seed), _, _) => Credentials::NkeySeed(seed.clone()),
        (None, Some(user), Some(password)) => Credentials::Password {
            user: user.clone(),
            password: password.clone(),
        },
        _ => Credentials::Url,
    };
    let joined = NatsSettings {
        urls: url
            .expose_secret()
            .split(',')
            .map(|url| url.trim().to_owned())
            .collect(),
        name: nats
            .component
            .clone()
            .unwrap_or_else(|| components.bus_name()),
        credentials,
    };
    let remote = NatsBus::connect(joined, now)
        .await
        .map_err(ServeError::Bus)?;
    let stream = remote.event_stream(stream_settings(&nats.events));
    Ok(Joined {
        bus: LocalFirst::new(local, remote, placement),
        stream: Some(stream),
    })
}

fn stream_settings(events: &EventsSettings) -> StreamSettings {
    StreamSettings {
        max_age: Duration::from_secs(u64::from(events.max_age_h).saturating_mul(60 * 60)),
        max_bytes: events.max_bytes,
        duplicate_window: Duration::from_secs(events.duplicate_window_s.into()),
        replicas: events.replicas,
        subscribers: events
            .subscribers
            .iter()
            .map(|subscriber| (subscriber.name.clone(), subscriber.organization))
            .collect(),
    }
}
