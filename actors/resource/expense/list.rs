//! Lists of expenses.

mod sql;

use hoursmith_bus::Response;
use hoursmith_domain::{ClientId, Day, MemberId, OrganizationId, ProjectId};

use super::state::ExpenseState;
use crate::base::place;
use crate::error::Error;
use crate::list::Page;
use crate::request::Request;
use crate::sight::Reach;
pub(crate) use sql::statements;

/// What a list is narrowed by.
#[derive(Debug)]
pub(crate) struct Filter {
    organization: OrganizationId,
    reach: Reach,
    member: Option<MemberId>,
    client: Option<ClientId>,
    project: Option<ProjectId>,
    from: Option<Day>,
    to: Option<Day>,
    billable: Option<bool>,
    invoiced: Option<bool>,
    locked: Option<bool>,
    category: Option<String>,
    external_reference_id: Option<String>,
}

/// `GET /api/v1/expenses`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let page = Page::of(request)?;
    let reach = request.reach();
    let member: Option<MemberId> = request.param("member_id")?;
    let filter = Filter {
        organization: request.caller.organization(),
        reach,
        // Who sees its own alone reads by the index of members, and sees nobody else's.
        member: member.or_else(|| reach.own.then_some(reach.member)),
        client: request.param("client_id")?,
        project: request.param("project_id")?,
        from: request.param("from")?,
        to: request.param("to")?,
        billable: request.param("billable")?,
        invoiced: request.param("invoiced")?,
        locked: request.param("locked")?,
        category: request.param("category")?,
        external_reference_id: request.param("external_reference_id")?,
    };
    let mut conn = request.context.db.read().await?;
    let rows = sql::list(&mut conn, &filter, &page).await?;
    drop(conn);
    let place = |expense: &ExpenseState| place(&page, expense);
    page.respond(request, rows, place, |expense| expense.to_wire())
}
