//! The organization, to read.

mod sql;

use hoursmith_bus::Response;
use hoursmith_domain::Problem;
use hoursmith_store::Statement;

use crate::condition;
use crate::error::Error;
use crate::list::json;
use crate::request::Request;
use crate::sight::Sight;

pub(crate) use sql::{find, home};

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// `GET /api/v1/organization`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let caller = &request.caller;
    let mut conn = request.context.db.read().await?;
    let row = sql::find(&mut conn, caller.organization())
        .await?
        .ok_or_else(Problem::not_found)?;
    let version = row.version;
    let sight = Sight::of(caller.role());
    let organization = row.into_wire(sight)?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(
        json(200, &organization)?,
        version,
        conditions,
    ))
}
