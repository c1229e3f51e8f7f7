//! The console: the app that a browser shows, pages and forms made on the server.
//!
//! It has no data and no rights of its own. Whose session a request has it asks of accounts, and
//! everything else of the actors that answer the API, with the caller that accounts sealed, so that
//! the access table decides here as it does there and nothing that the app can do goes around it.
//! Pages are askama templates, which escape what they are given; there is one stylesheet and one
//! small script, served as public documents, and the policy allows no other.
//!
//! This room knows kit, bus and routes. It must not know the store.

mod ask;
mod browser;
mod entry;
mod form;
mod format;
mod halt;
mod invitation;
mod page;
mod pages;
mod router;
mod switch;
mod work;

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::{Ask, Pattern, Verdict, subjects};
use hoursmith_kit::{
    ActorSettings, Failure, Host, Plugin, Pool, PoolSpec, RestartPolicy, Routing, RunningPlugin,
    StartError, Worker,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use ask::Console;

const NAME: &str = "console";

/// Requests that may wait for a worker; a page takes milliseconds. One more is answered 503.
const QUEUE: usize = 256;

/// Settings of the console.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleSettings {
    /// Pages made at a time. A page waits for its actors, not for a core.
    pub workers: NonZeroUsize,
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self {
            workers: const { NonZeroUsize::new(32).unwrap() },
        }
    }
}

#[derive(Debug)]
struct ConsolePlugin;

/// The plugin.
pub fn plugin() -> Arc<dyn Plugin> {
    Arc::new(ConsolePlugin)
}

impl Plugin for ConsolePlugin {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> ActorSettings {
        ActorSettings::of::<ConsoleSettings>()
    }

    fn start(&self, host: Host) -> BoxFuture<'static, Result<RunningPlugin, StartError>> {
        Box::pin(start(host))
    }
}

async fn start(host: Host) -> Result<RunningPlugin, StartError> {
    let settings: ConsoleSettings = host
        .settings
        .actor(NAME)
        .map_err(|source| StartError::new(NAME, "read its settings", source))?;
    let spec = PoolSpec {
        plugin: NAME,
        workers: settings.workers,
        queue: QUEUE,
        routing: Routing::Any,
        restart: RestartPolicy::default(),
    };
    let console = Arc::new(Console::of(&host));
    let pool = Pool::start(&host, spec, move |_| Desk(Arc::clone(&console))).await?;
    let pattern = Pattern::from(&subjects::console_page());
    let served = pool.serve(&*host.bus, pattern).await?;
    Ok(RunningPlugin::new(NAME).with_pool(pool, served))
}

struct Desk(Arc<Console>);

impl Worker for Desk {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        router::answer(&self.0, &ask).await.map(Verdict::Respond)
    }
}
