//! What a body may name, in the database.

use hoursmith_domain::{Amount, MemberId, OrganizationId, ProjectId, TaskId};
use hoursmith_store::{Conn, Error, fetch_one, fetch_optional};
use uuid::Uuid;

use super::TaskTerms;
use crate::error;
use crate::seen::{sees_member, sees_project};
use crate::sight::Reach;

hoursmith_store::statements! {
    /// Whether the caller sees a project ($5), a member ($6) and a task ($7), in one statement: every
    /// new entry asks.
    SEE_TERMS = concat!(
        "SELECT EXISTS (SELECT 1 FROM projects p WHERE p.organization_id = $1 AND p.id = $5 AND ",
        sees_project!("p.id"),
        ") AS project, EXISTS (SELECT 1 FROM members m WHERE m.organization_id = $1 AND m.id = $6 AND ",
        sees_member!("m.id"),
        ") AS member, EXISTS (SELECT 1 FROM tasks t WHERE t.organization_id = $1 AND t.id = $7 AND ",
        sees_project!("t.project_id"),
        ") AS task"
    );
    /// A task's own terms.
    FIND_TASK_TERMS = "SELECT id, project_id, billable, billable_rate FROM tasks \
        WHERE organization_id = $1 AND id = $2";
}

/// What of it the caller sees.
#[derive(sqlx::FromRow)]
pub(super) struct Seen {
    pub(super) project: bool,
    pub(super) member: bool,
    pub(super) task: bool,
}

pub(super) async fn see(
    conn: &mut Conn,
    organization: OrganizationId,
    reach: Reach,
    project: Option<ProjectId>,
    member: Option<MemberId>,
    task: Option<TaskId>,
) -> Result<Seen, Error> {
    fetch_one!(
        conn,
        SEE_TERMS as Seen,
        organization.0,
        reach.all,
        reach.member.0,
        reach.own,
        project.map(|id| id.0),
        member.map(|id| id.0),
        task.map(|id| id.0),
    )
}

pub(super) async fn find_task(
    conn: &mut Conn,
    organization: OrganizationId,
    task: TaskId,
) -> Result<Option<TaskTerms>, error::Error> {
    let row = fetch_optional!(
        conn,
        FIND_TASK_TERMS as (Uuid, Uuid, bool, Option<i64>),
        organization.0,
        task.0
    )?;
    Ok(row.map(|(id, project, billable, rate)| TaskTerms {
        id: TaskId(id),
        project: ProjectId(project),
        billable,
        rate: rate.and_then(Amount::from_ten_thousandths),
    }))
}
