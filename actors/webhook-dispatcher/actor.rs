//! The plugin, and the worker that answers the API: from a route to its handler.

use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::{Ask, Response, Verdict, subjects};
use hoursmith_handler::error::Error;
use hoursmith_handler::request::{Context, Request};
use hoursmith_kit::{
    ActorSettings, Failure, Host, Plugin, Pool, PoolSpec, RestartPolicy, Routing, RunningPlugin,
    StartError, Task, Worker,
};
use hoursmith_store::Statement;

use crate::dispatch;
use crate::settings::WebhookSettings;

pub(crate) const NAME: &str = "webhook-dispatcher";

/// The plugin.
pub fn plugin() -> Arc<dyn Plugin> {
    Arc::new(WebhookDispatcher)
}

#[derive(Debug)]
struct WebhookDispatcher;

impl Plugin for WebhookDispatcher {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> ActorSettings {
        ActorSettings::of::<WebhookSettings>()
    }

    fn statements(&self) -> Vec<Statement> {
        dispatch::statements()
    }

    fn start(&self, host: Host) -> BoxFuture<'static, Result<RunningPlugin, StartError>> {
        Box::pin(async move {
            let settings: WebhookSettings = host
                .settings
                .actor(NAME)
                .map_err(|source| StartError::new(NAME, "read its settings", source))?;
            let spec = PoolSpec {
                plugin: NAME,
                workers: settings.workers,
                queue: settings.queue,
                routing: Routing::Any,
                restart: RestartPolicy::default(),
            };
            let context = Arc::new(Context::of(&host));
            let waking = Task::start("wake-up of the relays", Arc::clone(&context.wake_up).run());
            let pool = Pool::start(&host, spec, move |_| WebhookWorker {
                context: Arc::clone(&context),
            })
            .await?;
            let subscription = pool.serve(host.bus.as_ref(), subjects::webhooks()).await?;
            let running = RunningPlugin::new(NAME)
                .with_pool(pool, subscription)
                .with_task(waking);
            dispatch::start(&host, &settings, running).await
        })
    }
}

struct WebhookWorker {
    context: Arc<Context>,
}

impl Worker for WebhookWorker {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        self.context.answer(ask, route).await
    }
}

/// Every route that this actor answers. A test holds it against the route table.
async fn route(request: Request) -> Result<Response, Error> {
    let other = request.route;
    Err(Failure::internal("find the handler", format!("no route {other}")).into())
}
