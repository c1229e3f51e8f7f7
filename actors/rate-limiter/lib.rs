//! The rate limiter: admits each visitor's requests up to the plan's limits, exactly.
//!
//! A visitor is a token, or an address where there is no valid token. Its requests meet one
//! worker, the shard that owns it, so its ring needs no lock. Across processes the gateway asks
//! the visitor's owner among the limiters that it hears of, on a subject of that instance; each
//! limiter makes itself heard. What a limiter remembers dies with it, and limiters do not tell one
//! another of admissions: a restart or a change of owner forgives at most one window.
//!
//! This room knows kit and what kit stands on. It must not know what a request is about, and keeps
//! nothing in the database.

mod gate;
mod heartbeat;
mod limiter;
mod policy;
mod ring;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::{Pattern, subjects};
use hoursmith_kit::{
    ActorSettings, Host, Plugin, Pool, PoolSpec, RestartPolicy, Routing, RunningPlugin, StartError,
    Task,
};
use hoursmith_store::Statement;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use gate::{Gate, shard};
use heartbeat::Heartbeat;
pub use limiter::{Decision, Limiter, Owner, Tiers};
use policy::Policies;
pub use ring::{Horizon, Standing, Tier};

const NAME: &str = "rate-limiter";

/// Checks that may wait for a shard. Each takes a microsecond, so the last waits for one
/// millisecond; one more is refused, and the gateway lets it pass.
const QUEUE: usize = 1_024;

/// Settings of the rate limiter; the limits themselves are in `limits`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimiterSettings {
    /// Workers that share the visitors among them.
    pub shards: NonZeroUsize,
    /// Visitors remembered at a time, over all shards: half of them tokens and half addresses, so
    /// that a flood of addresses costs no token its count. One more takes the place of the one of
    /// its kind that was idle for longest. Each takes 8 bytes a request that it may make in a
    /// window, and some 100 beside that.
    pub max_visitors: NonZeroUsize,
}

impl Default for RateLimiterSettings {
    fn default() -> Self {
        Self {
            shards: const { NonZeroUsize::new(4).unwrap() },
            max_visitors: const { NonZeroUsize::new(100_000).unwrap() },
        }
    }
}

/// The plugin.
#[derive(Debug)]
struct RateLimiter;

/// The plugin.
pub fn plugin() -> Arc<dyn Plugin> {
    Arc::new(RateLimiter)
}

impl Plugin for RateLimiter {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> ActorSettings {
        ActorSettings::of::<RateLimiterSettings>()
    }

    fn statements(&self) -> Vec<Statement> {
        Vec::new()
    }

    fn start(&self, host: Host) -> BoxFuture<'static, Result<RunningPlugin, StartError>> {
        Box::pin(start(host))
    }
}

async fn start(host: Host) -> Result<RunningPlugin, StartError> {
    let settings: RateLimiterSettings = host
        .settings
        .actor(NAME)
        .map_err(|source| StartError::new(NAME, "read its settings", source))?;
    let policies = Arc::new(Policies::new(&host.settings.limits));
    let max_rings =
        NonZeroUsize::MIN.saturating_add((settings.max_visitors.get() - 1) / settings.shards);
    let clock = Arc::clone(&host.clock);
    let spec = PoolSpec {
        plugin: NAME,
        workers: settings.shards,
        queue: QUEUE,
        routing: Routing::ByKey(shard),
        restart: RestartPolicy::default(),
    };
    let pool = Pool::start(&host, spec, move |_| Gate {
        limiter: Limiter::new(max_rings, policies.horizon()),
        policies: Arc::clone(&policies),
        clock: Arc::clone(&clock),
    })
    .await?;
    let pattern = Pattern::from(&subjects::limiter_check(host.instance));
    let checks = pool.serve(&*host.bus, pattern).await?;

    let heartbeat = Arc::new(Heartbeat::new(&host));
    let questions = heartbeat
        .listen()
        .await
        .map_err(|source| StartError::new(NAME, "listen for who asks for it", source))?;
    let beating = Task::start("rate-limiter heartbeat", Arc::clone(&heartbeat).run());
    Ok(RunningPlugin::new(NAME)
        .with_pool(pool, checks)
        .with_farewell(move || async move {
            // In this order, so that no beat follows the goodbye.
            drop(questions);
            beating.end().await;
            heartbeat.leave().await;
        }))
}
