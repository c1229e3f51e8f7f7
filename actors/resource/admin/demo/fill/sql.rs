//! What there is to fill, in the database.

use std::collections::BTreeMap;

use hoursmith_domain::{MemberId, OrganizationId, ProjectId, TaskId};
use hoursmith_store::{Conn, Error, fetch_all, fetch_one};
use uuid::Uuid;

use super::Seat;

hoursmith_store::statements! {
    /// Time entries, and those on invoices.
    COUNT_TIME_ENTRIES = "SELECT COUNT(*), COUNT(invoice_id) FROM time_entries WHERE organization_id = $1";
    /// Who can track time on what: at most 10,000.
    LIST_SEATS = "SELECT pm.project_id, pm.member_id FROM project_members pm \
        JOIN projects p ON p.organization_id = pm.organization_id AND p.id = pm.project_id \
        JOIN members m ON m.organization_id = pm.organization_id AND m.id = pm.member_id \
        WHERE pm.organization_id = $1 AND p.archived_at IS NULL AND m.status = 'active' \
        ORDER BY p.created_at, pm.project_id, m.created_at, pm.member_id LIMIT 10000";
    /// Tasks of every project: at most 10,000.
    LIST_TASKS_OF_SEATS = "SELECT project_id, id FROM tasks WHERE organization_id = $1 \
        ORDER BY created_at, id LIMIT 10000";
}

pub(super) async fn count(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<(u64, u64), Error> {
    let (all, invoiced) = fetch_one!(conn, COUNT_TIME_ENTRIES as (i64, i64), organization.0)?;
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    Ok((number(all), number(invoiced)))
}

/// Every member in every project, with the project's tasks.
pub(super) async fn seats(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<Vec<Seat>, Error> {
    let mut tasks: BTreeMap<Uuid, Vec<TaskId>> = BTreeMap::new();
    for (project, task) in fetch_all!(conn, LIST_TASKS_OF_SEATS as (Uuid, Uuid), organization.0)? {
        tasks.entry(project).or_default().push(TaskId(task));
    }
    let seats = fetch_all!(conn, LIST_SEATS as (Uuid, Uuid), organization.0)?;
    let seats = seats.into_iter().map(|(project, member)| Seat {
        project: ProjectId(project),
        member: MemberId(member),
        tasks: tasks.get(&project).cloned().unwrap_or_default(),
    });
    Ok(seats.collect())
}
