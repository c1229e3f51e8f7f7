//! The project of a task, held and read.

use hoursmith_domain::{OrganizationId, ProjectId};
use hoursmith_store::{Conn, execute, fetch_optional};
use uuid::Uuid;

use super::{TaskProject, task_project};
use crate::error::Error;
use crate::sight::Reach;

hoursmith_store::statements! {
    /// Holds a project that the caller sees, so that nobody leaves it meanwhile.
    HOLD_HOME = "UPDATE projects SET version = version WHERE organization_id = $1 AND id = $4 \
        AND ($2 OR id IN (SELECT pm.project_id FROM project_members pm \
            WHERE pm.organization_id = $1 AND pm.member_id = $3))";
    /// What a task has from a project.
    FIND_HOME = "SELECT p.client_id, COALESCE(c.currency, o.currency) AS currency, p.billable \
        FROM projects p JOIN organizations o ON o.id = p.organization_id \
        LEFT JOIN clients c ON c.organization_id = p.organization_id AND c.id = p.client_id \
        WHERE p.organization_id = $1 AND p.id = $2";
}

#[derive(sqlx::FromRow)]
struct Row {
    client_id: Option<Uuid>,
    currency: String,
    billable: bool,
}

/// A project that the caller sees, held until the transaction ends, and whether its tasks are
/// billable unless they say otherwise.
pub(crate) async fn lock_home(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    reach: Reach,
) -> Result<Option<(TaskProject, bool)>, Error> {
    let held = execute!(
        conn,
        HOLD_HOME,
        organization.0,
        reach.all,
        reach.member.0,
        project.0
    )?;
    if held == 0 {
        return Ok(None);
    }
    let row = fetch_optional!(conn, FIND_HOME as Row, organization.0, project.0)?;
    row.map(|row| {
        let home = task_project(project.0, row.client_id, &row.currency)?;
        Ok((home, row.billable))
    })
    .transpose()
}
