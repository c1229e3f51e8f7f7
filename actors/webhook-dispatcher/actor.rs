//! The plugin, and the worker that answers the API: from a route to its handler.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hoursmith_bus::{Ask, Response, Verdict, subjects};
use hoursmith_handler::error::Error;
use hoursmith_handler::request::{Context, Request};
use hoursmith_kit::{
    ActorSettings, Failure, Host, Plugin, Pool, PoolSpec, RestartPolicy, Routing, RunningPlugin,
    StartError, Task, WakeUp, Worker,
};
use hoursmith_outbound::Policy;
use hoursmith_settings::Settings;
use hoursmith_store::Statement;

use crate::settings::WebhookSettings;
use crate::{delivery, dispatch, endpoint, feed, ledger};

pub(crate) const NAME: &str = "webhook-dispatcher";

/// The plugin.
pub fn plugin() -> Arc<dyn Plugin> {
    Arc::new(WebhookDispatcher)
}

/// How long the settings keep deliveries: what happened before that is no longer to be shown.
pub fn delivery_retention(settings: &Settings) -> Result<Duration, StartError> {
    let own: WebhookSettings = settings
        .actor(NAME)
        .map_err(|source| StartError::new(NAME, "read its settings", source))?;
    Ok(own.delivery_retention())
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
        [
            delivery::statements().to_vec(),
            dispatch::statements(),
            endpoint::statements(),
            feed::statements().to_vec(),
            ledger::statements().to_vec(),
        ]
        .concat()
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
            let dispatchers = Arc::new(WakeUp::of(&host, subjects::webhook_wake()));
            let waking_dispatchers = Task::start(
                "wake-up of the webhook dispatchers",
                Arc::clone(&dispatchers).run(),
            );
            let rules = Arc::new(Rules {
                policy: Policy::new(&host.settings.outbound),
                replay_max: settings.replay_max,
                delivery_retention: settings.delivery_retention(),
                dispatchers,
            });
            let wake_up = Arc::clone(&context.wake_up);
            let pool = Pool::start(&host, spec, move |_| WebhookWorker {
                context: Arc::clone(&context),
                rules: Arc::clone(&rules),
            })
            .await?;
            let subscription = pool.serve(host.bus.as_ref(), subjects::webhooks()).await?;
            let running = RunningPlugin::new(NAME)
                .with_pool(pool, subscription)
                .with_task(waking)
                .with_task(waking_dispatchers);
            dispatch::start(&host, &settings, wake_up, running).await
        })
    }
}

struct WebhookWorker {
    context: Arc<Context>,
    rules: Arc<Rules>,
}

/// What the operator permits, and whom to tell of replays.
struct Rules {
    policy: Policy,
    replay_max: u32,
    delivery_retention: Duration,
    dispatchers: Arc<WakeUp>,
}

impl Rules {
    /// Something that was queued, or is to be ended, waits for nobody to look by himself.
    fn queued(&self, answer: Result<Response, Error>) -> Result<Response, Error> {
        if answer.is_ok() {
            self.dispatchers.ring();
        }
        answer
    }
}

impl Worker for WebhookWorker {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        let rules = &self.rules;
        self.context
            .answer(ask, async |request| route(&request, rules).await)
            .await
    }
}

/// Every route that this actor answers. A test holds it against the route table.
async fn route(request: &Request, rules: &Rules) -> Result<Response, Error> {
    match request.route {
        "webhook_endpoint.list" => endpoint::list(request).await,
        "webhook_endpoint.create" => endpoint::create(request, &rules.policy).await,
        "webhook_endpoint.read" => endpoint::read(request).await,
        "webhook_endpoint.update" => rules.queued(endpoint::update(request, &rules.policy).await),
        "webhook_endpoint.delete" => rules.queued(endpoint::delete(request).await),
        "webhook_endpoint.rotate_secret" => endpoint::rotate_secret(request).await,
        "webhook_endpoint.test" => endpoint::test(request).await,
        "webhook_endpoint.replay" => {
            let answer =
                endpoint::replay(request, rules.replay_max, rules.delivery_retention).await;
            rules.queued(answer)
        }
        "webhook_delivery.list" => delivery::list(request).await,
        "webhook_delivery.read" => delivery::read(request).await,
        "webhook_delivery.replay" => rules.queued(delivery::replay(request).await),
        other => Err(Failure::internal("find the handler", format!("no route {other}")).into()),
    }
}
