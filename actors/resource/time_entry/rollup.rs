//! The totals that entries add up to: of a project in a month, and of a task.
//!
//! Kept in the entry's own transaction, as differences, so that a total is the sum of what is there
//! whatever came in which order. A running entry adds nothing yet.

mod sql;

use std::collections::BTreeMap;

use hoursmith_domain::{Month, OrganizationId, Problem, ProjectId, TaskId};
use hoursmith_store::{Conn, ErrorKind, Statement};

use super::state::{TimeEntryState, too_large};
use crate::base::{missing, refuse_any};
use crate::error::Error;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// What changes, by row. Sorted: every transaction takes the rows in one order, months before tasks,
/// so that no two wait for one another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Seconds, and amounts in 1/10,000.
    pub(super) months: BTreeMap<(ProjectId, Month), (i64, i64)>,
    /// Seconds.
    pub(super) tasks: BTreeMap<TaskId, i64>,
}

/// Takes out what an entry added before a change, and adds what it adds after it. Before the
/// entry's own row is written, which holds its project and task for others of their keys: who
/// renames, moves or deletes those holds them first and then waits for the entries on them, and so
/// must never be waited for by an entry that is written already.
pub(crate) async fn keep(
    conn: &mut Conn,
    organization: OrganizationId,
    before: Option<&TimeEntryState>,
    after: Option<&TimeEntryState>,
) -> Result<(), Error> {
    let changes = Changes::between(before, after);
    for ((project, month), (seconds, amount)) in changes.months {
        let added = sql::add_to_month(conn, organization, project, month, seconds, amount);
        if !added.await.map_err(gone)? {
            return Err(total_too_large().into());
        }
    }
    for (task, seconds) in changes.tasks {
        sql::add_to_task(conn, organization, task, seconds).await?;
    }
    Ok(())
}

impl Changes {
    /// What an entry's change changes; rows that stay as they are are left out.
    pub(super) fn between(before: Option<&TimeEntryState>, after: Option<&TimeEntryState>) -> Self {
        let mut changes = Self::default();
        if let Some(before) = before {
            changes.add(before, -1);
        }
        if let Some(after) = after {
            changes.add(after, 1);
        }
        changes.months.retain(|_, total| *total != (0, 0));
        changes.tasks.retain(|_, seconds| *seconds != 0);
        changes
    }

    fn add(&mut self, entry: &TimeEntryState, sign: i64) {
        let Some(seconds) = entry.when.seconds() else {
            return;
        };
        // Durations and amounts are far from the ends of their type; differences cannot overflow.
        let seconds = seconds.saturating_mul(sign);
        let amount = entry
            .amount
            .map_or(0, hoursmith_domain::Amount::ten_thousandths)
            .saturating_mul(sign);
        let month = self
            .months
            .entry((entry.project, entry.spent_on.month()))
            .or_default();
        month.0 = month.0.saturating_add(seconds);
        month.1 = month.1.saturating_add(amount);
        if let Some(task) = entry.task {
            let total = self.tasks.entry(task).or_default();
            *total = total.saturating_add(seconds);
        }
    }
}

/// A project that was deleted after it was seen, as the database finds.
fn gone(error: hoursmith_store::Error) -> Error {
    if error.kind() == ErrorKind::ForeignKeyViolation {
        return missing("project_id").into();
    }
    error.into()
}

/// A month's total that could not be shown as an amount any more.
fn total_too_large() -> Problem {
    match refuse_any(vec![too_large()]) {
        Err(problem) => problem,
        Ok(()) => Problem::internal(),
    }
}
