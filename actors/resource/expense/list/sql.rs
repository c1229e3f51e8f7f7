//! Pages of expenses, each read in the order of an index.

use hoursmith_store::{Conn, fetch_all};

use super::Filter;
use crate::base::base_columns;
use crate::error::Error;
use crate::expense::sql::{Row, expenses, visible};
use crate::expense::state::ExpenseState;
use crate::list::Page;

macro_rules! filters {
    () => {
        " AND (CAST($5 AS UUID) IS NULL OR e.member_id = $5) \
          AND (CAST($6 AS UUID) IS NULL OR e.client_id = $6) \
          AND (CAST($7 AS UUID) IS NULL OR e.project_id = $7) \
          AND (CAST($8 AS TEXT) IS NULL OR e.spent_on >= $8) \
          AND (CAST($9 AS TEXT) IS NULL OR e.spent_on <= $9) \
          AND (CAST($10 AS BOOLEAN) IS NULL OR e.billable = $10) \
          AND (CAST($11 AS BOOLEAN) IS NULL OR (e.invoice_id IS NOT NULL) = $11) \
          AND (CAST($12 AS BOOLEAN) IS NULL OR (e.invoice_id IS NOT NULL \
              OR COALESCE(e.spent_on < o.lock_before, FALSE) OR p.archived_at IS NOT NULL) = $12) \
          AND (CAST($13 AS TEXT) IS NULL OR e.category = $13)"
    };
}

/// A page after a place, newest first.
macro_rules! newest {
    ($($further:literal)?) => {
        concat!(
            expenses!(), visible!(), filters!(), $($further,)?
            " AND (e.created_at, e.id) < ($14, $15) ORDER BY e.created_at DESC, e.id DESC LIMIT $16"
        )
    };
}

/// A page after a place, oldest change first.
macro_rules! updated {
    ($($further:literal)?) => {
        concat!(
            expenses!(), visible!(), filters!(), $($further,)?
            " AND (e.updated_at, e.id) > ($14, $15) ORDER BY e.updated_at, e.id LIMIT $16"
        )
    };
}

// An optional filter finds no index: what narrows most has a statement of its own.
hoursmith_store::statements! {
    /// A page of expenses, newest first.
    LIST_EXPENSES = newest!();
    /// A page of the expenses of a member, newest first.
    LIST_EXPENSES_OF_MEMBER = newest!(" AND e.member_id = $5");
    /// A page of the expenses for a client, newest first.
    LIST_EXPENSES_OF_CLIENT = newest!(" AND e.client_id = $6");
    /// A page of the expenses for a project, newest first.
    LIST_EXPENSES_OF_PROJECT = newest!(" AND e.project_id = $7");
    /// A page of the expenses with a counterpart, newest first.
    LIST_REFERENCED_EXPENSES = newest!(" AND e.external_reference_id = $17");
    /// A page of expenses, oldest change first.
    LIST_UPDATED_EXPENSES = updated!();
    /// A page of the expenses with a counterpart, oldest change first.
    LIST_UPDATED_REFERENCED_EXPENSES = updated!(" AND e.external_reference_id = $17");
}

pub(super) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<ExpenseState>, Error> {
    let from = filter.from.map(|day| day.to_string());
    let to = filter.to.map(|day| day.to_string());
    macro_rules! rows {
        ($statement:path $(, $further:expr)?) => {
            fetch_all!(
                conn,
                $statement as Row,
                filter.organization.0,
                filter.reach.all,
                filter.reach.member.0,
                filter.reach.own,
                filter.member.map(|member| member.0),
                filter.client.map(|client| client.0),
                filter.project.map(|project| project.0),
                from.as_deref(),
                to.as_deref(),
                filter.billable,
                filter.invoiced,
                filter.locked,
                filter.category.as_deref(),
                page.after.sort,
                page.after.id,
                page.fetch(),
                $($further)?
            )?
        };
    }
    let rows = match (page.updated_since, filter.external_reference_id.as_deref()) {
        (Some(_), None) => rows!(LIST_UPDATED_EXPENSES),
        (Some(_), Some(id)) => rows!(LIST_UPDATED_REFERENCED_EXPENSES, id),
        (None, Some(id)) => rows!(LIST_REFERENCED_EXPENSES, id),
        (None, None) if filter.project.is_some() => rows!(LIST_EXPENSES_OF_PROJECT),
        (None, None) if filter.member.is_some() => rows!(LIST_EXPENSES_OF_MEMBER),
        (None, None) if filter.client.is_some() => rows!(LIST_EXPENSES_OF_CLIENT),
        (None, None) => rows!(LIST_EXPENSES),
    };
    rows.into_iter().map(Row::into_state).collect()
}
