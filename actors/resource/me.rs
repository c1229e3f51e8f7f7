//! Me: whom the token acts as.

mod sql;

use hoursmith_bus::Response;
use hoursmith_routes::me::Me;
use hoursmith_store::Statement;

use crate::condition;
use crate::error::Error;
use crate::list::json;
use crate::request::Request;
use crate::sight::Sight;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// `GET /api/v1/me`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let caller = &request.caller;
    let mut conn = request.context.db.read().await?;
    // The caller was vouched for a moment ago; one who is gone meanwhile is not found.
    let row = sql::find(&mut conn, caller.organization(), caller.token())
        .await?
        .ok_or_else(hoursmith_domain::Problem::not_found)?;
    let version = row.version;
    let sight = Sight::of(caller.role());
    let me: Me = row.into_wire(sight)?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(json(200, &me)?, version, conditions))
}
