//! The organization: read, changed, and put on another plan.

mod change;
mod input;
mod sql;
mod state;

use hoursmith_bus::Response;
use hoursmith_domain::{Code, Problem};
use hoursmith_routes::organization::PlanChoice;
use hoursmith_store::Statement;

use crate::condition;
use crate::error::Error;
use crate::list::json;
use crate::request::Request;
use crate::write::write;

pub use change::OrganizationChange;
pub(crate) use change::{DAY, WEEK, WEEKDAYS, change};
use sql::find;
pub(crate) use sql::{hold, home};
pub(crate) use state::OrganizationState;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// `GET /api/v1/organization`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let caller = &request.caller;
    let mut conn = request.context.db.read().await?;
    let organization = find(&mut conn, caller.organization())
        .await?
        .ok_or_else(Problem::not_found)?;
    let body = json(200, &organization.to_wire(request.sight()))?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(
        body,
        organization.base.version,
        conditions,
    ))
}

/// `organization.update`
pub(crate) async fn update(request: &Request) -> Result<Response, Error> {
    let input = request
        .ask
        .with_document(|document| input::read_patch(document.value()))??;
    save(request, move |organization| input.apply(organization)).await
}

/// `organization.plan`, with what the operator has decided about it.
pub(crate) fn plan(request: &Request, owners_may_change: bool) -> Result<Response, Error> {
    let choice = PlanChoice {
        plan: request.caller.plan(),
        owners_may_change,
    };
    json(200, &choice)
}

/// `organization.change_plan`, where the operator lets owners do it.
pub(crate) async fn change_plan(
    request: &Request,
    owners_may_change: bool,
) -> Result<Response, Error> {
    if !owners_may_change {
        let detail = "On this server, whoever operates it changes plans.";
        return Err(Problem::new(Code::RoleForbidden, detail).into());
    }
    let wanted = request
        .ask
        .with_document(|document| input::read_plan(document.value()))??;
    let plan = wanted.unwrap_or_else(|| request.caller.plan());
    save(request, move |organization| organization.plan = plan).await
}

async fn save(
    request: &Request,
    alter: impl FnOnce(&mut OrganizationState) + Clone + Send + 'static,
) -> Result<Response, Error> {
    let id = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let sight = request.sight();
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let after = change(conn, &mut stamp, id, &conditions, alter).await?;
            let body = json(200, &after.to_wire(sight))?;
            Ok(condition::tagged(body, after.base.version))
        })
    })
    .await
}

#[cfg(test)]
mod tests;
