//! The totals in the database.

use hoursmith_domain::{Month, OrganizationId, ProjectId, TaskId};
use hoursmith_store::{Conn, Error, execute};

hoursmith_store::statements! {
    /// Adds to a project's month. Nothing is written when the amount would have more than 12 digits
    /// before the point, which no amount has.
    ADD_TO_PROJECT_MONTH = "INSERT INTO project_months \
        (organization_id, project_id, month, tracked_seconds, billable_amount) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (organization_id, project_id, month) DO UPDATE \
        SET tracked_seconds = project_months.tracked_seconds + excluded.tracked_seconds, \
        billable_amount = project_months.billable_amount + excluded.billable_amount \
        WHERE project_months.billable_amount <= 9999999999999999 - excluded.billable_amount";
    /// Adds to a task's time.
    ADD_TO_TASK = "INSERT INTO task_totals (organization_id, task_id, tracked_seconds) VALUES ($1, $2, $3) \
        ON CONFLICT (organization_id, task_id) DO UPDATE \
        SET tracked_seconds = task_totals.tracked_seconds + excluded.tracked_seconds";
}

/// False when the total would be too large.
pub(super) async fn add_to_month(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    month: Month,
    seconds: i64,
    amount: i64,
) -> Result<bool, Error> {
    let written = execute!(
        conn,
        ADD_TO_PROJECT_MONTH,
        organization.0,
        project.0,
        month.to_string(),
        seconds,
        amount
    )?;
    Ok(written == 1)
}

pub(super) async fn add_to_task(
    conn: &mut Conn,
    organization: OrganizationId,
    task: TaskId,
    seconds: i64,
) -> Result<(), Error> {
    execute!(conn, ADD_TO_TASK, organization.0, task.0, seconds)?;
    Ok(())
}
