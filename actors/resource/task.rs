//! Tasks: list, read, create, change, delete; and members who leave are taken off theirs.

mod assign;
mod home;
mod input;
mod sql;
mod state;

use hoursmith_bus::Response;
use hoursmith_domain::{
    Code, EventType, FieldError, Grant, OrganizationId, Patch, Problem, TaskId, fold,
};
use hoursmith_store::{Conn, ErrorKind, Statement};
use serde_json::{Map, Value};

use crate::base::{Stored as _, held, missing, place, refuse_any, settle};
use crate::condition;
use crate::error::Error;
use crate::invoice;
use crate::list::{Page, json};
use crate::request::Request;
use crate::sight::Reach;
use crate::write::{Stamp, write};
pub(crate) use assign::unassign;
use home::{Home, lock_home};
use input::TaskInput;
use state::TaskState;

pub(crate) fn statements() -> Vec<Statement> {
    [sql::statements(), assign::statements(), home::statements()].concat()
}

/// `GET /api/v1/tasks`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let page = Page::of(request)?;
    let status = request.ask.head.query_param("status");
    let filter = sql::Filter {
        organization: request.caller.organization(),
        reach: request.reach(),
        project: request.param("project_id")?,
        completed: status.map(|status| status == "completed"),
        assignee: request.param("assignee_id")?,
        due_before: request.param("due_before")?,
        q: request.param::<String>("q")?.map(|text| fold(&text)),
        external_reference_id: request.param("external_reference_id")?,
    };
    let mut conn = request.context.db.read().await?;
    let rows = sql::list(&mut conn, &filter, &page).await?;
    drop(conn);
    let sight = request.sight();
    let place = |task: &TaskState| place(&page, task);
    page.respond(request, rows, place, |task| task.to_wire(sight))
}

/// `GET /api/v1/tasks/{task_id}`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let id: TaskId = request.id("task_id")?;
    let mut conn = request.context.db.read().await?;
    let organization = request.caller.organization();
    let task = sql::find(&mut conn, organization, id, request.reach())
        .await?
        .ok_or_else(Problem::not_found)?;
    let body = json(200, &task.to_wire(request.sight()))?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(body, task.base.version, conditions))
}

/// `POST /api/v1/tasks`
pub(crate) async fn create(request: &Request) -> Result<Response, Error> {
    let input = request
        .ask
        .with_document(|document| TaskInput::read_new(document.value()))??;
    let organization = request.caller.organization();
    let (reach, sight) = (request.reach(), request.sight());
    let location = format!("{}/api/v1/tasks/", request.context.public_url);
    write(request, move |conn, stamp| {
        Box::pin(async move {
            let project = input.project().ok_or_else(|| missing("project_id"))?;
            let (home, billable) = lock_home(conn, organization, project, reach)
                .await?
                .ok_or_else(|| missing("project_id"))?;
            let assignees = input.assignees().unwrap_or_default();
            let strangers =
                assign::strangers(conn, organization, reach, project, assignees).await?;
            let mut task = TaskState::new(TaskId(stamp.new_id()), home, billable, stamp.now);
            task.apply(input, stamp.now)?;
            sql::insert(conn, organization, &task)
                .await
                .map_err(refused)?;
            refuse_any(strangers)?;
            assign::link(conn, organization, &task).await?;
            let kind = EventType::TaskCreated;
            stamp
                .event(conn, kind, task.id.0, task.to_event(), None)
                .await?;
            let body = json(201, &task.to_wire(sight))?
                .with_header("location", format!("{location}{}", task.id));
            Ok(condition::tagged(body, task.base.version))
        })
    })
    .await
}

/// `PATCH /api/v1/tasks/{task_id}`
pub(crate) async fn update(request: &Request) -> Result<Response, Error> {
    let id: TaskId = request.id("task_id")?;
    let input = request
        .ask
        .with_document(|document| TaskInput::read_patch(document.value()))??;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let (reach, sight) = (request.reach(), request.sight());
    let only_status = request.grant == Grant::Assigned;
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let mine = |task: &TaskState| !only_status || task.assignees.contains(&reach.member);
            if only_status && let Some(field) = &input.beside_status {
                let found = sql::find(conn, organization, id, reach).await?;
                found.filter(mine).ok_or_else(Problem::not_found)?;
                return Err(role_forbidden(field).into());
            }
            let (home, mut strangers) = prepare(conn, organization, reach, id, &input).await?;
            let found = sql::lock(conn, organization, id, reach).await?;
            let before = held(found.filter(mine), &conditions, &mut stamp)?;
            let mut task = before.clone();
            if let Some(home) = home {
                if input.project().is_none() && home.project != before.home.project {
                    return Err(moved_meanwhile().into());
                }
                if input.assignees().is_none() {
                    strangers = assign::left_behind(conn, organization, home, &before).await?;
                }
                task.home = home;
            }
            task.apply(input, stamp.now)?;
            if let Some(previous) = settle(&before, &mut task, stamp.now) {
                assign::save(conn, organization, &before, &task, strangers, refused).await?;
                tell(conn, &stamp, &task, previous).await?;
                if before.name != task.name {
                    invoice::draft_changed(conn, &stamp, organization, task.home.client).await?;
                }
            }
            let body = json(200, &task.to_wire(sight))?;
            Ok(condition::tagged(body, task.base.version))
        })
    })
    .await
}

/// `DELETE /api/v1/tasks/{task_id}`
pub(crate) async fn delete(request: &Request) -> Result<Response, Error> {
    let id: TaskId = request.id("task_id")?;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let reach = request.reach();
    write(request, move |conn: &mut Conn, mut stamp| {
        Box::pin(async move {
            let found = sql::lock(conn, organization, id, reach).await?;
            let task = held(found, &conditions, &mut stamp)?;
            sql::delete(conn, organization, id).await.map_err(in_use)?;
            let kind = EventType::TaskDeleted;
            stamp.event(conn, kind, id.0, task.to_event(), None).await?;
            Ok(Response::empty(204))
        })
    })
    .await
}

/// For a change of the project, of who is assigned or of the name, which is unique in the project:
/// the project that the task will be in, held before the task is, and what is wrong with the
/// assignees that the body names. Two tasks that take each other's names would wait for each other.
async fn prepare(
    conn: &mut Conn,
    organization: OrganizationId,
    reach: Reach,
    id: TaskId,
    input: &TaskInput,
) -> Result<(Option<Home>, Vec<FieldError>), Error> {
    if input.project().is_none() && input.assignees().is_none() && input.name == Patch::Absent {
        return Ok((None, Vec::new()));
    }
    let task = sql::find(conn, organization, id, reach)
        .await?
        .ok_or_else(Problem::not_found)?;
    let project = input.project().unwrap_or(task.home.project);
    let (home, _) = lock_home(conn, organization, project, reach)
        .await?
        .ok_or_else(|| missing("project_id"))?;
    let assignees = input.assignees().unwrap_or_default();
    let strangers = assign::strangers(conn, organization, reach, project, assignees).await?;
    Ok((Some(home), strangers))
}

/// Writes the events of a change: one for the status, one for all else, each if it changed.
async fn tell(
    conn: &mut Conn,
    stamp: &Stamp,
    task: &TaskState,
    previous: Map<String, Value>,
) -> Result<(), Error> {
    let (status, rest) = state::split_status(previous);
    let turned = if task.completed_at.is_some() {
        EventType::TaskCompleted
    } else {
        EventType::TaskReopened
    };
    for (kind, previous) in [(EventType::TaskUpdated, rest), (turned, status)] {
        if !previous.is_empty() {
            stamp
                .event(conn, kind, task.id.0, task.to_event(), Some(previous))
                .await?;
        }
    }
    Ok(())
}

/// What the database refuses of a task's row: a name that is taken, the only unique column that is
/// not an id made here, or a project without the time that was tracked on the task.
fn refused(error: hoursmith_store::Error) -> Error {
    match error.kind() {
        ErrorKind::UniqueViolation => conflict(
            "Another task of the project has this name.",
            "name",
            "taken",
            "must be unique in the project, whatever its case",
        ),
        ErrorKind::ForeignKeyViolation => conflict(
            "Time is tracked on the task, so it stays in its project.",
            "project_id",
            "has_time",
            "cannot change once time is tracked on the task",
        ),
        _ => error.into(),
    }
}

fn conflict(detail: &str, field: &str, code: &str, rule: &str) -> Error {
    Problem::new(Code::Conflict, detail)
        .with_error(FieldError::pointer(format!("#/{field}"), code, rule))
        .into()
}

fn moved_meanwhile() -> Problem {
    Problem::new(
        Code::Conflict,
        "The task was moved to another project at the same moment; read it again.",
    )
}

fn role_forbidden(field: &str) -> Problem {
    Problem::new(
        Code::RoleForbidden,
        format!("Of a task, your role may change `status` alone, not `{field}`."),
    )
}

fn in_use(error: hoursmith_store::Error) -> Error {
    if error.kind() != ErrorKind::ForeignKeyViolation {
        return error.into();
    }
    Problem::new(
        Code::InUse,
        "Time is tracked on the task. Complete it instead, with `PATCH` and `{\"status\": \"completed\"}`.",
    )
    .into()
}

#[cfg(test)]
mod tests;
