//! What a body may name, in the database.

use hoursmith_domain::{Amount, MemberId, OrganizationId, ProjectId, TaskId};
use hoursmith_store::{Conn, Error, execute, fetch_one, fetch_optional};
use uuid::Uuid;

use super::TaskTerms;
use crate::error;
use crate::sight::Reach;

hoursmith_store::statements! {
    /// Whether the caller may write time on a project ($5), of a member ($6), for a task ($7): on
    /// every one ($2), or on the projects that the caller ($3) was added to, of whoever shares one of
    /// them, or only of itself ($4).
    SEE_TERMS = "SELECT \
        EXISTS (SELECT 1 FROM projects p WHERE p.organization_id = $1 AND p.id = $5 AND ($2 OR EXISTS ( \
            SELECT 1 FROM project_members pm WHERE pm.organization_id = $1 AND pm.project_id = p.id \
            AND pm.member_id = $3))) AS project, \
        EXISTS (SELECT 1 FROM members m WHERE m.organization_id = $1 AND m.id = $6 AND ($2 OR m.id = $3 \
            OR (NOT $4 AND EXISTS (SELECT 1 FROM project_members mine JOIN project_members theirs \
                ON theirs.organization_id = mine.organization_id AND theirs.project_id = mine.project_id \
                WHERE mine.organization_id = $1 AND mine.member_id = $3 AND theirs.member_id = m.id)))) \
            AS member, \
        EXISTS (SELECT 1 FROM tasks t WHERE t.organization_id = $1 AND t.id = $7 AND ($2 OR EXISTS ( \
            SELECT 1 FROM project_members pm WHERE pm.organization_id = $1 AND pm.project_id = t.project_id \
            AND pm.member_id = $3))) AS task";
    /// A task's own terms.
    FIND_TASK_TERMS = "SELECT id, project_id, billable, billable_rate FROM tasks \
        WHERE organization_id = $1 AND id = $2";
    /// Holds a member until the transaction ends, and with it the member's time: what is read of it
    /// stays true. Always taken before any entry is.
    HOLD_MEMBER = "UPDATE members SET version = version WHERE organization_id = $1 AND id = $2";
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

pub(crate) async fn hold_member(
    conn: &mut Conn,
    organization: OrganizationId,
    member: MemberId,
) -> Result<(), Error> {
    execute!(conn, HOLD_MEMBER, organization.0, member.0)?;
    Ok(())
}
