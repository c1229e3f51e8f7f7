//! Expenses, what members paid for projects: list, read, create, change, delete; and what invoices
//! take and release.

mod input;
mod list;
mod sql;
mod state;

use std::collections::BTreeSet;

use hoursmith_bus::Response;
use hoursmith_domain::{
    Amount, ClientId, EventType, ExpenseId, FieldError, InvoiceId, MemberId, OrganizationId, Patch,
    Problem, ProjectId,
};
use hoursmith_store::{Conn, ErrorKind, Statement};

use crate::base::{Stored as _, held, missing, refuse_any, settle};
use crate::condition;
use crate::error::Error;
use crate::invoice::{Billing, draft_changed, tell};
use crate::list::json;
use crate::request::Request;
use crate::seen;
use crate::sight::Reach;
use crate::work::{Ground, LockedReason, ground, must_stand};
use crate::write::{Stamp, write};
use input::ExpenseInput;
pub(crate) use list::list;
use state::ExpenseState;

pub(crate) fn statements() -> Vec<Statement> {
    [sql::statements(), list::statements()].concat()
}

/// `GET /api/v1/expenses/{expense_id}`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let id: ExpenseId = request.id("expense_id")?;
    let mut conn = request.context.db.read().await?;
    let organization = request.caller.organization();
    let expense = sql::find(&mut conn, organization, id, request.reach())
        .await?
        .ok_or_else(Problem::not_found)?;
    let body = json(200, &expense.to_wire())?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(body, expense.base.version, conditions))
}

/// `POST /api/v1/expenses`
pub(crate) async fn create(request: &Request) -> Result<Response, Error> {
    let input = request
        .ask
        .with_document(|document| ExpenseInput::read_new(document.value()))??;
    let organization = request.caller.organization();
    let reach = request.reach();
    let location = format!("{}/api/v1/expenses/", request.context.public_url);
    write(request, move |conn, stamp| {
        Box::pin(async move {
            let (project, member) = parties(conn, organization, reach, &input, None).await?;
            let ground = ground(conn, organization, project, member)
                .await?
                .ok_or_else(|| missing("project_id"))?;
            let today = ground.zone.day_of(stamp.now);
            let nothing = Amount::from_ten_thousandths(0).ok_or_else(Problem::internal)?;
            let id = ExpenseId(stamp.new_id());
            let mut expense = ExpenseState::new(id, member, &ground, today, nothing, stamp.now);
            let mut errors = strangers(&input, &ground);
            errors.extend(expense.apply(input, member, &ground));
            unlocked(expense.locked_reason())?;
            refuse_any(errors)?;
            sql::insert(conn, organization, &expense)
                .await
                .map_err(gone)?;
            must_stand(conn, organization, project, ground.client, ground.currency).await?;
            let kind = EventType::ExpenseCreated;
            stamp
                .event(conn, kind, id.0, expense.to_event(), None)
                .await?;
            tell_drafts(conn, &stamp, organization, &[&expense]).await?;
            let body =
                json(201, &expense.to_wire())?.with_header("location", format!("{location}{id}"));
            Ok(condition::tagged(body, expense.base.version))
        })
    })
    .await
}

/// `PATCH /api/v1/expenses/{expense_id}`
pub(crate) async fn update(request: &Request) -> Result<Response, Error> {
    let id: ExpenseId = request.id("expense_id")?;
    let input = request
        .ask
        .with_document(|document| ExpenseInput::read_patch(document.value()))??;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let reach = request.reach();
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let found = sql::lock(conn, organization, id, reach)
                .await?
                .ok_or_else(Problem::not_found)?;
            let (project, member) =
                parties(conn, organization, reach, &input, Some(&found)).await?;
            let before = held(Some(found), &conditions, &mut stamp)?;
            unlocked(before.locked_reason())?;
            let ground = ground(conn, organization, project, member)
                .await?
                .ok_or_else(|| missing("project_id"))?;
            let mut errors = Vec::new();
            if (project, member) != (before.project, before.member) {
                errors = strangers(&input, &ground);
            }
            let mut expense = before.clone();
            errors.extend(expense.apply(input, member, &ground));
            unlocked(expense.locked_reason())?;
            refuse_any(errors)?;
            if let Some(previous) = settle(&before, &mut expense, stamp.now) {
                sql::update(conn, organization, &expense)
                    .await
                    .map_err(gone)?;
                if expense.project != before.project {
                    must_stand(conn, organization, project, ground.client, ground.currency).await?;
                }
                let (kind, object) = (EventType::ExpenseUpdated, expense.to_event());
                stamp
                    .event(conn, kind, id.0, object, Some(previous))
                    .await?;
                tell_drafts(conn, &stamp, organization, &[&before, &expense]).await?;
            }
            let body = json(200, &expense.to_wire())?;
            Ok(condition::tagged(body, expense.base.version))
        })
    })
    .await
}

/// `DELETE /api/v1/expenses/{expense_id}`
pub(crate) async fn delete(request: &Request) -> Result<Response, Error> {
    let id: ExpenseId = request.id("expense_id")?;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let reach = request.reach();
    write(request, move |conn: &mut Conn, mut stamp| {
        Box::pin(async move {
            let found = sql::lock(conn, organization, id, reach).await?;
            let expense = held(found, &conditions, &mut stamp)?;
            unlocked(expense.locked_reason())?;
            sql::delete(conn, organization, id).await?;
            let kind = EventType::ExpenseDeleted;
            stamp
                .event(conn, kind, id.0, expense.to_event(), None)
                .await?;
            tell_drafts(conn, &stamp, organization, &[&expense]).await?;
            Ok(Response::empty(204))
        })
    })
    .await
}

/// Counts the change of what an invoice took, or is about to release, and writes the events.
pub(crate) async fn tell_of_invoice(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    invoice: InvoiceId,
    billing: Billing,
) -> Result<(), Error> {
    sql::touch_billed(conn, organization, invoice, stamp.now).await?;
    let billed = sql::billed(conn, organization, invoice).await?;
    let free = |expense: &ExpenseState| ExpenseState {
        invoice: None,
        ..expense.clone()
    };
    let kind = EventType::ExpenseUpdated;
    tell(conn, stamp, kind, billed, billing, free).await
}

/// The project and the member that an expense will have. What the body names anew must be there
/// for the caller (404), and who writes its own alone names nobody else (403).
async fn parties(
    conn: &mut Conn,
    organization: OrganizationId,
    reach: Reach,
    input: &ExpenseInput,
    current: Option<&ExpenseState>,
) -> Result<(ProjectId, MemberId), Error> {
    let project = match (&input.project_id, current) {
        (Patch::Value(named), Some(current)) if *named == current.project => *named,
        (Patch::Value(named), _) => {
            if !seen::project(conn, organization, reach, *named).await? {
                return Err(missing("project_id").into());
            }
            *named
        }
        (_, current) => current.ok_or_else(|| missing("project_id"))?.project,
    };
    let default = current.map_or(reach.member, |current| current.member);
    let member = match input.member_id {
        Patch::Value(named) if named != default => named,
        _ => return Ok((project, default)),
    };
    // Who reaches its own rows alone has nobody else to name.
    if reach.own || !seen::member(conn, organization, reach, member).await? {
        return Err(missing("member_id").into());
    }
    Ok((project, member))
}

/// What is wrong when the member is not in the project: whichever of them the body names.
fn strangers(input: &ExpenseInput, ground: &Ground) -> Vec<FieldError> {
    if ground.is_in_project {
        return Vec::new();
    }
    let (pointer, detail) = match input.member_id {
        Patch::Value(_) => ("#/member_id", "must be a member of the project"),
        _ => ("#/project_id", "must be a project that the member is in"),
    };
    vec![FieldError::pointer(pointer, "not_in_project", detail)]
}

/// A project that was deleted after it was seen, as the database finds: it is not there any more.
fn gone(error: hoursmith_store::Error) -> Error {
    if error.kind() == ErrorKind::ForeignKeyViolation {
        return missing("project_id").into();
    }
    error.into()
}

/// Refuses what is locked, or would be.
fn unlocked(reason: Option<LockedReason>) -> Result<(), Problem> {
    reason.map_or(Ok(()), |reason| Err(reason.refusal()))
}

/// Tells the drafts that may hold an expense, as it was and as it is: of each client once, in one
/// order, as with every row that two transactions may both want.
async fn tell_drafts(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    states: &[&ExpenseState],
) -> Result<(), Error> {
    let billable = states.iter().filter(|state| state.billable);
    let clients: BTreeSet<ClientId> = billable.filter_map(|state| state.client).collect();
    for client in clients {
        draft_changed(conn, stamp, organization, Some(client)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
