//! Assignments in the database.

use std::collections::HashSet;

use hoursmith_domain::{MemberId, OrganizationId, ProjectId};
use hoursmith_store::{Conn, Error, execute, fetch_all};
use uuid::Uuid;

use crate::task::state::TaskState;

hoursmith_store::statements! {
    /// Who is in a project; a few hundred at most.
    LIST_MEMBERS_OF_PROJECT =
        "SELECT member_id FROM project_members WHERE organization_id = $1 AND project_id = $2";
    /// A member of the project becomes an assignee.
    INSERT_ASSIGNEE = "INSERT INTO task_assignees (organization_id, project_id, task_id, member_id, \
        created_at) VALUES ($1, $2, $3, $4, $5)";
    /// All assignees of a task, or one.
    DELETE_ASSIGNEES = "DELETE FROM task_assignees WHERE organization_id = $1 AND task_id = $2 \
        AND (CAST($3 AS UUID) IS NULL OR member_id = $3)";
}

pub(crate) async fn members(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
) -> Result<HashSet<MemberId>, Error> {
    let rows = fetch_all!(
        conn,
        LIST_MEMBERS_OF_PROJECT as (Uuid,),
        organization.0,
        project.0
    )?;
    Ok(rows.into_iter().map(|(id,)| MemberId(id)).collect())
}

/// Writes who is assigned, none of whom is yet.
pub(crate) async fn link(
    conn: &mut Conn,
    organization: OrganizationId,
    task: &TaskState,
) -> Result<(), Error> {
    for member in &task.assignees {
        execute!(
            conn,
            INSERT_ASSIGNEE,
            organization.0,
            task.home.project.0,
            task.id.0,
            member.0,
            task.base.created_at.as_micros()
        )?;
    }
    Ok(())
}

/// Takes one member off a task, or all of them.
pub(crate) async fn unlink(
    conn: &mut Conn,
    organization: OrganizationId,
    task: &TaskState,
    member: Option<MemberId>,
) -> Result<(), Error> {
    execute!(
        conn,
        DELETE_ASSIGNEES,
        organization.0,
        task.id.0,
        member.map(|member| member.0)
    )?;
    Ok(())
}
