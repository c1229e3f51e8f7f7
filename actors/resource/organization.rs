//! The organization, to read.

mod sql;
mod state;

use hoursmith_bus::Response;
use hoursmith_domain::Problem;
use hoursmith_store::Statement;

use crate::condition;
use crate::error::Error;
use crate::list::json;
use crate::request::Request;

pub(crate) use sql::{find, hold, home, is_currency_used, update};
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
