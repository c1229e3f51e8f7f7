//! The totals that entries add up to: of a project in a month, and of a task.
//!
//! Kept in the entry's own transaction, as differences, so that a total is the sum of what is there
//! whatever came in which order. A running entry adds nothing yet.

mod sql;

use std::collections::BTreeMap;

use hoursmith_domain::{Month, OrganizationId, Problem, ProjectId, TaskId};
use hoursmith_store::{Conn, Statement};

use super::state::{TimeEntryState, too_large};
use crate::base::refuse_any;
use crate::error::Error;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// What changes, by row. Sorted: every transaction takes the rows in one order, tasks before months,
/// so that no two wait for one another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Seconds, and amounts in 1/10,000.
    pub(super) months: BTreeMap<(ProjectId, Month), (i64, i64)>,
    /// Seconds.
    pub(super) tasks: BTreeMap<TaskId, i64>,
}

impl Changes {
    /// Adds to the tasks. Before the entry's own row is written, which holds its task for others of
    /// its key: who renames or moves the task holds it first and then waits for the entries that are
    /// written on it, which so must not wait for the task any more.
    pub(super) async fn add_to_tasks(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
    ) -> Result<(), Error> {
        for (task, seconds) in &self.tasks {
            sql::add_to_task(conn, organization, *task, *seconds).await?;
        }
        Ok(())
    }

    /// Adds to the months of projects, for which everybody waits who writes on the project: so after
    /// the row of an entry that stays, and before that of one that goes, which whoever deletes the
    /// project waits for with the months in hand.
    pub(super) async fn add_to_months(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
    ) -> Result<(), Error> {
        for ((project, month), (seconds, amount)) in &self.months {
            if !sql::add_to_month(conn, organization, *project, *month, *seconds, *amount).await? {
                return Err(total_too_large().into());
            }
        }
        Ok(())
    }

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

/// A month's total that could not be shown as an amount any more.
fn total_too_large() -> Problem {
    match refuse_any(vec![too_large()]) {
        Err(problem) => problem,
        Ok(()) => Problem::internal(),
    }
}
