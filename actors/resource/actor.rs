//! The worker: from a route to its handler.

use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::{Ask, Verdict, subjects};
use hoursmith_kit::{
    ActorSettings, Failure, Host, Plugin, Pool, PoolSpec, RestartPolicy, Routing, RunningPlugin,
    StartError, Task, Worker,
};
use hoursmith_store::Statement;

use crate::error::Error;
use crate::request::{Context, Request};
use crate::settings::ResourceSettings;
use crate::{
    admin, client, event, expense, found, guarded, invoice, me, member, organization, project,
    project_member, seen, task, time_entry, work,
};

pub(crate) const NAME: &str = "resource";

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
            &admin::statements(),
            client::statements(),
            event::statements(),
            invoice::statements(),
            invoice::claim_statements(),
            invoice::content_statements(),
            &expense::statements(),
            me::statements(),
            &member::statements(),
            organization::statements(),
            project::statements(),
            project_member::statements(),
            &time_entry::statements(),
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
            let waking = Task::start("wake-up of the relays", Arc::clone(&context.wake_up).run());
            let on = subjects::accept_invitation();
            let (accepting, accepted) =
                guarded::start(&host, Arc::clone(&context), &on, member::accept).await?;
            let on = subjects::found_organization();
            let (founding, founded) =
                guarded::start(&host, Arc::clone(&context), &on, found::answer).await?;
            let pool = Pool::start(&host, spec, move |_| ResourceWorker {
                context: Arc::clone(&context),
                owners_change_plan: settings.owners_change_plan,
            })
            .await?;
            let subscription = pool.serve(host.bus.as_ref(), subjects::resources()).await?;
            Ok(RunningPlugin::new(NAME)
                .with_pool(accepting, accepted)
                .with_pool(founding, founded)
                .with_pool(pool, subscription)
                .with_task(waking))
        })
    }
}

struct ResourceWorker {
    context: Arc<Context>,
    owners_change_plan: bool,
}

impl Worker for ResourceWorker {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        let owners_change_plan = self.owners_change_plan;
        self.context
            .answer(ask, async move |request| {
                route(&request, owners_change_plan).await
            })
            .await
    }
}

/// Every route and operation that this actor answers. A test holds it against the two tables.
async fn route(
    request: &Request,
    owners_change_plan: bool,
) -> Result<hoursmith_bus::Response, Error> {
    match request.ask.head.route.as_str() {
        "me.read" => me::read(request).await,
        "organization.read" => organization::read(request).await,
        "organization.update" => organization::update(request).await,
        "organization.plan" => organization::plan(request, owners_change_plan),
        "organization.change_plan" => organization::change_plan(request, owners_change_plan).await,
        "client.list" => client::list(request).await,
        "client.create" => client::create(request).await,
        "client.read" => client::read(request).await,
        "client.update" => client::update(request).await,
        "client.delete" => client::delete(request).await,
        "event.list" => event::list(request).await,
        "event.latest" => event::latest(request).await,
        "event.read" => event::read(request).await,
        "member.list" => member::list(request).await,
        "member.read" => member::read(request).await,
        "member.invite" => member::invite(request).await,
        "member.update" => member::update(request).await,
        "member.remove" => member::remove(request).await,
        "project.list" => project::list(request).await,
        "project.create" => project::create(request).await,
        "project.read" => project::read(request).await,
        "project.update" => project::update(request).await,
        "project.delete" => project::delete(request).await,
        "project_member.list" => project_member::list(request).await,
        "project_member.put" => project_member::put(request).await,
        "project_member.delete" => project_member::delete(request).await,
        "time_entry.list" => time_entry::list(request).await,
        "time_entry.create" => time_entry::create(request).await,
        "time_entry.read" => time_entry::read(request).await,
        "time_entry.update" => time_entry::update(request).await,
        "time_entry.stop" => time_entry::stop(request).await,
        "time_entry.delete" => time_entry::delete(request).await,
        "invoice.list" => invoice::list(request).await,
        "invoice.read" => invoice::read(request).await,
        "invoice.send" => invoice::send(request).await,
        "invoice.pay" => invoice::pay(request).await,
        "invoice.void" => invoice::void(request).await,
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
