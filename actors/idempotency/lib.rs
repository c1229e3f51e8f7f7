//! Idempotency: the answer to a repeated request is the answer to the first.
//!
//! The gate finds finished requests by their key. The other half, writing effect and record in one
//! transaction, belongs to whoever has the effect (`store::idempotency`).
//!
//! This room knows kit and what kit stands on. It must not know what a request is about, nor how
//! its fingerprint was made.

mod gate;
mod purge;

#[cfg(test)]
mod tests;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hoursmith_bus::{Pattern, subjects};
use hoursmith_kit::{
    ActorSettings, Host, Plugin, Pool, PoolSpec, RestartPolicy, Routing, RunningPlugin, StartError,
    Task,
};
use hoursmith_store::Statement;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use gate::Gate;
use purge::Purge;

const NAME: &str = "idempotency";

/// Look-ups that may wait for a worker: as many as the gateway admits requests by default. One
/// more is answered 503.
const QUEUE: usize = 1_024;

/// Settings of idempotency.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IdempotencySettings {
    /// How long an answer is repeated, in seconds. From then on the key is new.
    pub retention_s: NonZeroU32,
    /// Keys looked up at a time. More than the database has connections for reads only wait there.
    pub workers: NonZeroUsize,
    /// Time between two rounds of deleting old records, in seconds.
    pub purge_every_s: NonZeroU32,
    /// Records deleted in one write. On SQLite, other writes wait for it.
    pub purge_batch: NonZeroU32,
}

impl IdempotencySettings {
    /// How long an answer is repeated.
    pub fn retention(&self) -> Duration {
        Duration::from_secs(self.retention_s.get().into())
    }
}

impl Default for IdempotencySettings {
    fn default() -> Self {
        Self {
            retention_s: const { NonZeroU32::new(24 * 60 * 60).unwrap() },
            workers: const { NonZeroUsize::new(8).unwrap() },
            purge_every_s: const { NonZeroU32::new(60).unwrap() },
            purge_batch: const { NonZeroU32::new(500).unwrap() },
        }
    }
}

#[derive(Debug)]
struct Idempotency;

/// The plugin.
pub fn plugin() -> Arc<dyn Plugin> {
    Arc::new(Idempotency)
}

impl Plugin for Idempotency {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> ActorSettings {
        ActorSettings::of::<IdempotencySettings>()
    }

    /// The statements are the store's own, which lists them.
    fn statements(&self) -> Vec<Statement> {
        Vec::new()
    }

    fn start(&self, host: Host) -> BoxFuture<'static, Result<RunningPlugin, StartError>> {
        Box::pin(start(host))
    }
}

async fn start(host: Host) -> Result<RunningPlugin, StartError> {
    let settings: IdempotencySettings = host
        .settings
        .actor(NAME)
        .map_err(|source| StartError::new(NAME, "read its settings", source))?;
    let retention = settings.retention();
    let purge = Purge {
        db: host.db.clone(),
        clock: Arc::clone(&host.clock),
        retention,
        every: Duration::from_secs(settings.purge_every_s.get().into()),
        batch: settings.purge_batch,
    };
    let (db, clock) = (host.db.clone(), Arc::clone(&host.clock));
    let keys = host.keys.clone();
    let spec = PoolSpec {
        plugin: NAME,
        workers: settings.workers,
        queue: QUEUE,
        routing: Routing::Any,
        restart: RestartPolicy::default(),
    };
    let pool = Pool::start(&host, spec, move |_| Gate {
        db: db.clone(),
        clock: Arc::clone(&clock),
        keys: keys.clone(),
        retention,
    })
    .await?;
    let pattern = Pattern::from(&subjects::idempotency_check());
    let checks = pool.serve(&*host.bus, pattern).await?;
    let purging = Task::start("idempotency purge", purge.run());
    Ok(RunningPlugin::new(NAME)
        .with_pool(pool, checks)
        .with_task(purging))
}
