//! Projects: list, read, create, change, delete.

mod input;
mod sql;
mod state;

use std::collections::BTreeSet;

use hoursmith_bus::Response;
use hoursmith_domain::{
    ClientId, Code, EventType, FieldError, OrganizationId, Patch, Problem, ProjectId,
};
use hoursmith_store::{Conn, ErrorKind, Statement};

use crate::base::{Stored as _, held, missing, place, settle};
use crate::client::{self, ClientState};
use crate::condition;
use crate::error::Error;
use crate::invoice;
use crate::list::{Page, json};
use crate::organization::{self, home};
use crate::request::Request;
use crate::sight::Reach;
use crate::work::BillingMethod;
use crate::write::{Stamp, write};
use input::ProjectInput;
pub(crate) use sql::{find, lock, update as save};
pub(crate) use state::ProjectState;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// `GET /api/v1/projects`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let page = Page::of(request)?;
    let filter = sql::Filter {
        organization: request.caller.organization(),
        reach: request.reach(),
        client: request.param("client_id")?,
        archived: request.param("archived")?,
        billable: request.param("billable")?,
        member: request.param("member_id")?,
        q: request
            .param::<String>("q")?
            .map(|text| hoursmith_domain::fold(&text)),
        external_reference_id: request.param("external_reference_id")?,
    };
    let now = request.context.clock.now();
    let mut conn = request.context.db.read().await?;
    let rows = sql::list(&mut conn, &filter, &page, now).await?;
    drop(conn);
    let sight = request.sight();
    let place = |project: &ProjectState| place(&page, project);
    page.respond(request, rows, place, |project| project.to_wire(sight))
}

/// `GET /api/v1/projects/{project_id}`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let id: ProjectId = request.id("project_id")?;
    let organization = request.caller.organization();
    let now = request.context.clock.now();
    let mut conn = request.context.db.read().await?;
    let project = find(&mut conn, organization, id, request.reach(), now)
        .await?
        .ok_or_else(Problem::not_found)?;
    let body = json(200, &project.to_wire(request.sight()))?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(body, project.base.version, conditions))
}

/// `POST /api/v1/projects`
pub(crate) async fn create(request: &Request) -> Result<Response, Error> {
    let mut input = request
        .ask
        .with_document(|document| ProjectInput::read_new(document.value()))??;
    let organization = request.caller.organization();
    let (reach, sight) = (request.reach(), request.sight());
    let location = format!("{}/api/v1/projects/", request.context.public_url);
    write(request, move |conn, stamp| {
        Box::pin(async move {
            let client = match input.client {
                Patch::Value(id) => Some(seen_client(conn, organization, id, reach).await?),
                Patch::Absent | Patch::Null => None,
            };
            let currency = match &client {
                Some(client) => client.currency,
                None => home(conn, organization, stamp.now).await?.currency,
            };
            take_defaults(&mut input, client.as_ref());
            let mut project = ProjectState::new(ProjectId(stamp.new_id()), currency, stamp.now);
            project.apply(input, stamp.now)?;
            sql::insert(conn, organization, &project)
                .await
                .map_err(refused)?;
            let object = project.to_event();
            stamp
                .event(conn, EventType::ProjectCreated, project.id.0, object, None)
                .await?;
            if project.fixed_fee.is_some() {
                invoice::draft_changed(conn, &stamp, organization, project.client).await?;
            }
            let body = json(201, &project.to_wire(sight))?
                .with_header("location", format!("{location}{}", project.id));
            Ok(condition::tagged(body, project.base.version))
        })
    })
    .await
}

/// `PATCH /api/v1/projects/{project_id}`
pub(crate) async fn update(request: &Request) -> Result<Response, Error> {
    let id: ProjectId = request.id("project_id")?;
    let input = request
        .ask
        .with_document(|document| ProjectInput::read_patch(document.value()))??;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let (reach, sight) = (request.reach(), request.sight());
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            if input.name != Patch::Absent || input.client != Patch::Absent {
                // Two projects that take each other's names would wait for each other.
                organization::hold(conn, organization).await?;
            }
            let found = lock(conn, organization, id, reach, stamp.now).await?;
            let before = held(found, &conditions, &mut stamp)?;
            let mut project = before.clone();
            project.apply(input, stamp.now)?;
            if project.client != before.client {
                project.currency = match project.client {
                    Some(client) => {
                        seen_client(conn, organization, client, reach)
                            .await?
                            .currency
                    }
                    None => home(conn, organization, stamp.now).await?.currency,
                };
            }
            let changed = change(conn, &stamp, organization, &before, &mut project).await?;
            // After the change, which waits for whoever is writing time on the project: so that what
            // came first is seen, and what comes later sees the change.
            if project.client != before.client && sql::is_tracked(conn, organization, id).await? {
                return Err(client_fixed().into());
            }
            if changed && project.bills_otherwise_than(&before) {
                let clients = BTreeSet::from([before.client, project.client]);
                for client in clients {
                    invoice::draft_changed(conn, &stamp, organization, client).await?;
                }
            }
            let body = json(200, &project.to_wire(sight))?;
            Ok(condition::tagged(body, project.base.version))
        })
    })
    .await
}

/// `DELETE /api/v1/projects/{project_id}`
pub(crate) async fn delete(request: &Request) -> Result<Response, Error> {
    let id: ProjectId = request.id("project_id")?;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let reach = request.reach();
    write(request, move |conn: &mut Conn, mut stamp| {
        Box::pin(async move {
            let found = lock(conn, organization, id, reach, stamp.now).await?;
            let project = held(found, &conditions, &mut stamp)?;
            sql::delete(conn, organization, id).await.map_err(in_use)?;
            let object = project.to_event();
            stamp
                .event(conn, EventType::ProjectDeleted, id.0, object, None)
                .await?;
            if project.fixed_fee.is_some() {
                invoice::draft_changed(conn, &stamp, organization, project.client).await?;
            }
            Ok(Response::empty(204))
        })
    })
    .await
}

/// Saves a changed project with its event. False when nothing changed.
pub(crate) async fn change(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    before: &ProjectState,
    project: &mut ProjectState,
) -> Result<bool, Error> {
    let Some(previous) = settle(before, project, stamp.now) else {
        return Ok(false);
    };
    save(conn, organization, project).await.map_err(refused)?;
    let object = project.to_event();
    stamp
        .event(
            conn,
            EventType::ProjectUpdated,
            project.id.0,
            object,
            Some(previous),
        )
        .await?;
    Ok(true)
}

/// The client that a body names, if the caller sees it.
async fn seen_client(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ClientId,
    reach: Reach,
) -> Result<ClientState, Error> {
    let found = client::find(conn, organization, id, reach).await?;
    Ok(found.ok_or_else(|| missing("client_id"))?)
}

/// What a new project takes from its method and its client where the body says nothing.
fn take_defaults(input: &mut ProjectInput, client: Option<&ClientState>) {
    if input.billable == Patch::Absent {
        let unbilled = input.billing_method == Patch::Value(BillingMethod::None);
        input.billable = Patch::Value(!unbilled);
    }
    if let (Patch::Absent, Some(rate)) = (
        &input.billable_rate,
        client.and_then(|client| client.billable_rate),
    ) {
        input.billable_rate = Patch::Value(rate);
    }
}

/// A project runs into the names of its client's other projects, and into a client that was deleted
/// a moment ago: ids are made here.
fn refused(error: hoursmith_store::Error) -> Error {
    match error.kind() {
        ErrorKind::UniqueViolation => Problem::new(
            Code::Conflict,
            "Another project of this client has this name.",
        )
        .with_error(FieldError::pointer(
            "#/name",
            "taken",
            "must be unique among the client's projects, whatever its case",
        ))
        .into(),
        ErrorKind::ForeignKeyViolation => missing("client_id").into(),
        _ => error.into(),
    }
}

/// What was tracked is for this client and in its currency, and stays so.
fn client_fixed() -> Problem {
    Problem::new(
        Code::Conflict,
        "The project has time, expenses or invoice lines for its client.",
    )
    .with_error(FieldError::pointer(
        "#/client_id",
        "in_use",
        "cannot change once time, expenses or invoice lines are kept for it",
    ))
}

fn in_use(error: hoursmith_store::Error) -> Error {
    if error.kind() != ErrorKind::ForeignKeyViolation {
        return error.into();
    }
    Problem::new(
        Code::InUse,
        "The project has tasks, time, expenses or invoice lines. Archive it instead, with `PATCH` and \
         `{\"archived\": true}`.",
    )
    .into()
}
