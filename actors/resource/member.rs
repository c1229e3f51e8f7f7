//! Members: list and read. They are added and changed by the operator, see [`crate::admin`].

mod sql;
mod state;

use hoursmith_bus::Response;
use hoursmith_domain::{MemberId, OrganizationId, Problem, fold};
use hoursmith_store::{Conn, Statement};

use crate::base::place;
use crate::condition;
use crate::error::Error;
use crate::list::{Page, json};
use crate::request::Request;
use crate::sight::Reach;
pub(crate) use sql::{
    Row as MemberRow, find, find_by_email, hold, list_all, member_columns, member_joins, update,
};
pub(crate) use state::MemberState;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// `GET /api/v1/members`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let page = Page::of(request)?;
    let filter = sql::Filter {
        organization: request.caller.organization(),
        reach: request.reach(),
        role: request.param("role")?,
        status: request.param("status")?,
        project: request.param("project_id")?,
        q: request.param::<String>("q")?.map(|text| fold(&text)),
        external_reference_id: request.param("external_reference_id")?,
    };
    let mut conn = request.context.db.read().await?;
    let rows = sql::list(&mut conn, &filter, &page).await?;
    drop(conn);
    let sight = request.sight();
    let place = |member: &MemberState| place(&page, member);
    page.respond(request, rows, place, |member| member.to_wire(sight))
}

/// `GET /api/v1/members/{member_id}`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let id: MemberId = request.id("member_id")?;
    let organization = request.caller.organization();
    let mut conn = request.context.db.read().await?;
    let member = find(&mut conn, organization, id, request.reach())
        .await?
        .ok_or_else(Problem::not_found)?;
    let body = json(200, &member.to_wire(request.sight()))?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(body, member.base.version, conditions))
}

/// Whether there is such a member whom the caller sees, and who can act.
pub(crate) async fn is_active(
    conn: &mut Conn,
    organization: OrganizationId,
    id: MemberId,
    reach: Reach,
) -> Result<bool, Error> {
    let found = find(conn, organization, id, reach).await?;
    Ok(found.is_some_and(|member| member.is_active()))
}
