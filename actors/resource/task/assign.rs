//! Who is assigned to a task: members of its project, who stay assigned until they leave it.
//!
//! Whoever changes who is assigned holds the project's row, and so does whoever takes a member out
//! of the project: so that neither overlooks the other. Rows are held project first, then task.

mod sql;

use hoursmith_domain::{EventType, FieldError, MemberId, OrganizationId, ProjectId};
use hoursmith_store::Conn;

use super::home::TaskProject;
use super::sql::{lock_of_leaver, update};
use super::state::TaskState;
use crate::base::{Stored as _, missing, refuse_any, settle};
use crate::error::Error;
use crate::seen;
use crate::sight::Reach;
use crate::write::Stamp;
pub(crate) use sql::{link, statements, unlink};

/// Which of the members that a body assigns are not in the project: what is wrong with the change
/// if nothing else is. One that the caller does not even see is refused at once (404).
pub(crate) async fn strangers(
    conn: &mut Conn,
    organization: OrganizationId,
    reach: Reach,
    project: ProjectId,
    assignees: &[MemberId],
) -> Result<Vec<FieldError>, Error> {
    if assignees.is_empty() {
        return Ok(Vec::new());
    }
    let members = sql::members(conn, organization, project).await?;
    let mut errors = Vec::new();
    for (number, assignee) in assignees.iter().enumerate() {
        if members.contains(assignee) {
            continue;
        }
        let field = format!("assignee_ids/{number}");
        if !seen::member(conn, organization, reach, *assignee).await? {
            return Err(missing(&field).into());
        }
        errors.push(not_in_project(&field, "must be a member of the project"));
    }
    Ok(errors)
}

/// The same of the members that a task keeps when it is moved: then the project is what is wrong.
pub(crate) async fn left_behind(
    conn: &mut Conn,
    organization: OrganizationId,
    home: TaskProject,
    task: &TaskState,
) -> Result<Vec<FieldError>, Error> {
    let members = sql::members(conn, organization, home.project).await?;
    if task.assignees.iter().all(|one| members.contains(one)) {
        return Ok(Vec::new());
    }
    let detail = "must be a project that everyone assigned to the task is a member of";
    Ok(vec![not_in_project("project_id", detail)])
}

/// Takes a member who leaves a project off its tasks, with an event for each. To be called before
/// the membership is deleted, with the project's row held.
pub(crate) async fn unassign(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    project: ProjectId,
    member: MemberId,
) -> Result<(), Error> {
    for before in lock_of_leaver(conn, organization, project, member).await? {
        let mut stamp = stamp.clone();
        stamp.renew(before.base.updated_at);
        let mut task = before.clone();
        task.assignees.retain(|assignee| *assignee != member);
        let Some(previous) = settle(&before, &mut task, stamp.now) else {
            continue;
        };
        update(conn, organization, &task).await?;
        unlink(conn, organization, &task, Some(member)).await?;
        let kind = EventType::TaskUpdated;
        stamp
            .event(conn, kind, task.id.0, task.to_event(), Some(previous))
            .await?;
    }
    Ok(())
}

/// Saves a task that was changed, with who is assigned to it. The links go before the row, which
/// may move to a project that their members are not in, and come back after it.
pub(crate) async fn save(
    conn: &mut Conn,
    organization: OrganizationId,
    before: &TaskState,
    task: &TaskState,
    strangers: Vec<FieldError>,
    refused: impl FnOnce(hoursmith_store::Error) -> Error,
) -> Result<(), Error> {
    let relink = before.home.project != task.home.project || before.assignees != task.assignees;
    if relink {
        unlink(conn, organization, task, None).await?;
    }
    update(conn, organization, task).await.map_err(refused)?;
    refuse_any(strangers)?;
    if relink {
        link(conn, organization, task).await?;
    }
    Ok(())
}

fn not_in_project(field: &str, detail: &str) -> FieldError {
    FieldError::pointer(format!("#/{field}"), "not_in_project", detail)
}
