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
    /// Adds what changed. After the rows of entries that stay, which hold project and task for others
    /// of their keys: who renames or moves those waits for such entries with nothing in hand that is
    /// added to here. Before the row of an entry that goes, which whoever deletes the project or task
    /// waits for with the totals in hand.
    pub(super) async fn write(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
    ) -> Result<(), Error> {
        for (task, seconds) in &self.tasks {
            sql::add_to_task(conn, organization, *task, *seconds).await?;
        }
        for ((project, month), (seconds, amount)) in &self.months {
            if !sql::add_to_month(conn, organization, *project, *month, *seconds, *amount).await? {
                return Err(total_too_large().into());
            }
        }
        Ok(())
    }

    /// Two changes as one.
    pub(super) fn and(mut self, other: Self) -> Self {
        for (month, (seconds, amount)) in other.months {
            let total = self.months.entry(month).or_default();
            total.0 = total.0.saturating_add(seconds);
            total.1 = total.1.saturating_add(amount);
        }
        for (task, seconds) in other.tasks {
            let total = self.tasks.entry(task).or_default();
            *total = total.saturating_add(seconds);
        }
        self
    }

    /// What a change of entries changes; rows that stay as they are are left out.
    pub(super) fn between<'a>(
        before: impl IntoIterator<Item = &'a TimeEntryState>,
        after: impl IntoIterator<Item = &'a TimeEntryState>,
    ) -> Self {
        let mut changes = Self::default();
        before.into_iter().for_each(|entry| changes.add(entry, -1));
        after.into_iter().for_each(|entry| changes.add(entry, 1));
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
