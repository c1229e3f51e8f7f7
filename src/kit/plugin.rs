//! A plugin and what it is given.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::{Bus, EventStream, Subscription};
use hoursmith_domain::Keys;
use hoursmith_settings::Settings;
use hoursmith_store::{Db, Statement};
use uuid::Uuid;

use crate::{Clock, Pool, Random, Task};

/// One concern of the product, started and stopped on its own.
///
/// Its [`name`](Plugin::name) is the name of its folder under `actors/`, of its queue group, of its
/// settings table and its label in metrics. To add one: a folder, a dependency line, a line in
/// `src/plugins.rs`.
pub trait Plugin: Send + Sync + fmt::Debug + 'static {
    /// The name.
    fn name(&self) -> &'static str;

    /// The settings it takes, for the reference.
    fn settings(&self) -> ActorSettings;

    /// Every SQL statement it may run, for the test that prepares them on both engines. None for one
    /// that does not know the store.
    fn statements(&self) -> Vec<Statement> {
        Vec::new()
    }

    /// Starts its actors and serves its subjects. When this returns, it is ready.
    fn start(&self, host: Host) -> BoxFuture<'static, Result<RunningPlugin, StartError>>;
}

/// What the settings reference says of a plugin's table.
#[derive(Debug, Clone)]
pub struct ActorSettings {
    /// JSON Schema of the table.
    pub schema: schemars::Schema,
    /// Its defaults.
    pub defaults: serde_json::Value,
}

impl ActorSettings {
    /// Of a settings type.
    pub fn of<T: schemars::JsonSchema + serde::Serialize + Default>() -> Self {
        Self {
            schema: schemars::schema_for!(T),
            // Plain data with string names, whose serialization cannot fail.
            defaults: serde_json::to_value(T::default()).unwrap_or_default(),
        }
    }
}

/// What a plugin runs on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Host {
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// Where public events are kept for subscribers; `None` without NATS.
    pub stream: Option<Arc<dyn EventStream>>,
    /// The database.
    pub db: Db,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The deployment's keys.
    pub keys: Keys,
    /// The settings; a plugin reads its own table with [`Settings::actor`].
    pub settings: Arc<Settings>,
    /// This process, among those on the bus: 32 hex digits in a subject.
    pub instance: Uuid,
}

type Farewell = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send + Sync>;

/// A started plugin.
pub struct RunningPlugin {
    name: &'static str,
    farewell: Option<Farewell>,
    subscriptions: Vec<Subscription>,
    pools: Vec<Pool>,
    tasks: Vec<Task>,
}

impl RunningPlugin {
    /// A plugin with nothing running yet.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            farewell: None,
            subscriptions: Vec::new(),
            pools: Vec::new(),
            tasks: Vec::new(),
        }
    }

    /// Adds a pool and the subscription it answers.
    #[must_use]
    pub fn with_pool(mut self, pool: Pool, subscription: Subscription) -> Self {
        self.pools.push(pool);
        self.with_subscription(subscription)
    }

    /// Adds a subscription that no pool answers, drained when the plugin stops.
    #[must_use]
    pub fn with_subscription(mut self, subscription: Subscription) -> Self {
        self.subscriptions.push(subscription);
        self
    }

    /// Adds a background task, ended with the plugin.
    #[must_use]
    pub fn with_task(mut self, task: Task) -> Self {
        self.tasks.push(task);
        self
    }

    /// What is done first when the plugin stops, while its subjects are still served: to tell
    /// others that it leaves. It must end by itself.
    #[must_use]
    pub fn with_farewell<F>(mut self, farewell: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.farewell = Some(Box::new(move || Box::pin(farewell())));
        self
    }

    /// The name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Takes nothing more, lets what was admitted finish, and stops.
    pub async fn stop(self) {
        if let Some(farewell) = self.farewell {
            farewell().await;
        }
        futures::future::join_all(self.subscriptions.into_iter().map(Subscription::drain)).await;
        drop(self.tasks);
        for pool in &self.pools {
            pool.stop().await;
        }
    }
}

impl fmt::Debug for RunningPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningPlugin")
            .field("name", &self.name)
            .field("pools", &self.pools)
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}

/// A plugin that could not be started.
#[derive(Debug)]
pub struct StartError {
    plugin: &'static str,
    operation: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

impl StartError {
    /// `plugin` could not do `operation` (a verb phrase: "serve its subject").
    pub fn new(
        plugin: &'static str,
        operation: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            plugin,
            operation,
            source: source.into(),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the plugin {} could not {}", self.plugin, self.operation)
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}
