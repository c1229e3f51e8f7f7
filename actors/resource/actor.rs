//! The worker: from a route to its handler.

use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::{Ask, Verdict, subjects};
use hoursmith_kit::{
    ActorSettings, Failure, Host, Plugin, Pool, PoolSpec, RestartPolicy, Routing, RunningPlugin,
    StartError, Worker,
};
use hoursmith_routes::problem;
use hoursmith_store::Statement;

use crate::error::Error;
use crate::request::{Context, Request};
use crate::settings::ResourceSettings;
use crate::{admin, client, expense, me, organization, seen, task, work};

const NAME: &str = "resource";

/// The plugin.
pub fn plugin() -> Arc<dyn Plugin> {
    Arc::new(Resource)
}

#[derive(Debug)]
struct Resource;

impl Plugin for Resource {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> ActorSettings {
        ActorSettings::of::<ResourceSettings>()
    }

    fn statements(&self) -> Vec<Statement> {
        [
            admin::statements(),
            client::statements(),
            &expense::statements(),
            me::statements(),
            organization::statements(),
            seen::statements(),
            &task::statements(),
            work::statements(),
        ]
        .concat()
    }

    fn start(&self, host: Host) -> BoxFuture<'static, Result<RunningPlugin, StartError>> {
        Box::pin(async move {
            let settings: ResourceSettings = host
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
            let pool = Pool::start(&host, spec, move |_| ResourceWorker {
                context: Arc::clone(&context),
            })
            .await?;
            let subscription = pool.serve(host.bus.as_ref(), subjects::resources()).await?;
            Ok(RunningPlugin::new(NAME).with_pool(pool, subscription))
        })
    }
}

struct ResourceWorker {
    context: Arc<Context>,
}

impl Worker for ResourceWorker {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        let request = Request::new(Arc::clone(&self.context), ask)?;
        match route(&request).await {
            Ok(response) => Ok(Verdict::Respond(response)),
            Err(Error::Problem(problem)) => Ok(Verdict::Respond(problem::render(
                &problem,
                &request.problem_context(),
            ))),
            Err(Error::Failure(failure)) => Err(failure),
        }
    }
}

/// Every route that this actor answers. A test holds it against the route table.
async fn route(request: &Request) -> Result<hoursmith_bus::Response, Error> {
    match request.ask.head.route.as_str() {
        "me.read" => me::read(request).await,
        "organization.read" => organization::read(request).await,
        "client.list" => client::list(request).await,
        "client.create" => client::create(request).await,
        "client.read" => client::read(request).await,
        "client.update" => client::update(request).await,
        "client.delete" => client::delete(request).await,
        "task.list" => task::list(request).await,
        "task.create" => task::create(request).await,
        "task.read" => task::read(request).await,
        "task.update" => task::update(request).await,
        "task.delete" => task::delete(request).await,
        "expense.list" => expense::list(request).await,
        "expense.create" => expense::create(request).await,
        "expense.read" => expense::read(request).await,
        "expense.update" => expense::update(request).await,
        "expense.delete" => expense::delete(request).await,
        other => Err(Failure::internal("find the handler", format!("no route {other}")).into()),
    }
}
