//! Me: whom the token acts as.

mod sql;

use hoursmith_bus::Response;
use hoursmith_domain::Problem;
use hoursmith_routes::me::Me;
use hoursmith_store::Statement;

use crate::condition;
use crate::error::Error;
use crate::list::json;
use crate::request::Request;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// `GET /api/v1/me`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let caller = &request.caller;
    let mut conn = request.context.db.read().await?;
    // The caller was vouched for a moment ago; one who is gone meanwhile is not found.
    let (member, token) = sql::find(&mut conn, caller.organization(), caller.token())
        .await?
        .ok_or_else(Problem::not_found)?;
    let me = Me {
        member: member.to_wire(request.sight()),
        organization_id: caller.organization().0,
        token,
    };
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(
        json(200, &me)?,
        member.base.version,
        conditions,
    ))
}
