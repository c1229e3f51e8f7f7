//! A page of time entries in the database: one statement for each way to find the rows.
//!
//! All take the same parameters and conditions and differ in what drives. A test explains each on
//! both engines and finds its index.

use hoursmith_domain::{Day, OrganizationId, Timestamp};
use hoursmith_store::{Conn, fetch_all, fetch_one};

use super::super::sql::{Row, columns, visible};
use super::{Driver, Filter, before};
use crate::base::stored_day;
use crate::error::Error;
use crate::list::Page;
use crate::time_entry::state::TimeEntryState;

/// Every filter, as a condition on rows that were found by another. The days are always bounded, so
/// that both engines can judge them by an index that holds them behind its order: of a window's edge
/// they pass over thousands of entries without reading one.
macro_rules! filters {
    () => {
        " AND e.spent_on >= $5 AND e.spent_on <= $6 \
          AND (CAST($7 AS UUID) IS NULL OR e.member_id = $7) \
          AND (CAST($8 AS UUID) IS NULL OR e.client_id = $8) \
          AND (CAST($9 AS UUID) IS NULL OR e.project_id = $9) \
          AND (CAST($10 AS UUID) IS NULL OR e.task_id = $10) \
          AND (CAST($11 AS BOOLEAN) IS NULL OR (e.duration_seconds IS NULL) = $11) \
          AND (CAST($12 AS BOOLEAN) IS NULL OR e.billable = $12) \
          AND (CAST($13 AS BOOLEAN) IS NULL OR (e.invoice_id IS NOT NULL) = $13) \
          AND (CAST($14 AS BOOLEAN) IS NULL OR (e.invoice_id IS NOT NULL OR e.spent_on < $17 \
            OR e.project_id IN (SELECT p.id FROM projects p \
                WHERE p.organization_id = $1 AND p.archived_at IS NOT NULL)) = $14) \
          AND (CAST($15 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM time_entry_tags f \
            WHERE f.organization_id = $1 AND f.time_entry_id = e.id AND f.tag = $15)) \
          AND (CAST($16 AS TEXT) IS NULL OR e.external_reference_id = $16) \
          AND e.order_at >= $18"
    };
}

/// Latest first, after a place.
macro_rules! latest_first {
    ($sort:literal, $id:literal) => {
        concat!(
            " AND (e.order_at, e.id) < (",
            $sort,
            ", ",
            $id,
            ") ORDER BY e.order_at DESC, e.id DESC"
        )
    };
    () => {
        latest_first!("$19", "$20")
    };
}

/// Entries by a condition that an index holds together with the order.
macro_rules! list {
    ($columns:expr, $condition:literal $(, $sort:literal, $id:literal)?) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM time_entries e WHERE ",
            visible!(),
            filters!(),
            $condition,
            latest_first!($($sort, $id)?),
            " LIMIT $21"
        )
    };
    ($condition:literal) => {
        list!(columns!(), $condition)
    };
}

/// Entries by last change, oldest first.
macro_rules! list_updated {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM time_entries e WHERE ",
            visible!(),
            filters!(),
            $condition,
            " AND (e.updated_at, e.id) > ($19, $20) ORDER BY e.updated_at, e.id LIMIT $21"
        )
    };
}

/// Entries of many projects. Of each, only what might be on the page: down to the place of its last
/// entry that would be, if the page were of this project alone. A hundred projects then cost a
/// hundred pages, however much time they have.
macro_rules! list_of_projects {
    ($columns:expr, $projects:literal) => {
        concat!(
            "WITH tops AS MATERIALIZED (SELECT s.project_id, COALESCE((SELECT e.order_at \
                FROM time_entries e WHERE e.organization_id = $1 AND e.project_id = s.project_id",
            filters!(),
            latest_first!(),
            " LIMIT 1 OFFSET $21 - 1), $18) AS least FROM (",
            $projects,
            ") s) SELECT ",
            $columns,
            " FROM tops CROSS JOIN time_entries e WHERE ",
            visible!(),
            " AND e.project_id = tops.project_id AND e.order_at >= tops.least",
            filters!(),
            latest_first!(),
            " LIMIT $21"
        )
    };
}

hoursmith_store::statements! {
    /// The day before which an organization's time is locked.
    LOCK_BEFORE = "SELECT lock_before FROM organizations WHERE id = $1";
    /// In the list's own order.
    LIST_TIME_ENTRIES = list!("");
    /// By the id in another system.
    LIST_TIME_ENTRIES_BY_REFERENCE = list!(" AND e.external_reference_id = $16");
    /// Of a task.
    LIST_TIME_ENTRIES_BY_TASK = list!(" AND e.task_id = $10");
    /// Timers that run.
    LIST_TIME_ENTRIES_RUNNING = list!(" AND e.duration_seconds IS NULL");
    /// With a tag.
    LIST_TIME_ENTRIES_BY_TAG = concat!(
        "SELECT ", columns!(), " FROM time_entry_tags t CROSS JOIN time_entries e WHERE ", visible!(),
        " AND t.organization_id = $1 AND t.tag = $15 AND t.order_at >= $18 AND e.id = t.time_entry_id \
          AND (t.order_at, t.time_entry_id) < ($19, $20)", filters!(),
        " ORDER BY t.order_at DESC, t.time_entry_id DESC LIMIT $21"
    );
    /// On a project.
    LIST_TIME_ENTRIES_BY_PROJECT = list!(" AND e.project_id = $9");
    /// Of a member.
    LIST_TIME_ENTRIES_BY_MEMBER = list!(" AND e.member_id = $7");
    /// For a client.
    LIST_TIME_ENTRIES_BY_CLIENT = list!(" AND e.client_id = $8");
    /// On an invoice.
    LIST_TIME_ENTRIES_INVOICED = list!(" AND e.invoice_id IS NOT NULL");
    /// On no invoice.
    LIST_TIME_ENTRIES_NOT_INVOICED = list!(" AND e.invoice_id IS NULL");
    /// Billable, or not.
    LIST_TIME_ENTRIES_BY_BILLABLE = list!(" AND e.billable = $12");
    /// On the projects that the caller was added to.
    LIST_TIME_ENTRIES_OF_PROJECTS = list_of_projects!(
        columns!(),
        "SELECT pm.project_id FROM project_members pm WHERE pm.organization_id = $1 AND pm.member_id = $3"
    );
    /// Locked for one of three reasons, each with its index; at most a page of each. What is before
    /// `lock_before` is found from the last place ($22, $23) that it can have.
    LIST_TIME_ENTRIES_LOCKED = concat!(
        "SELECT ", columns!(), " FROM time_entries e WHERE e.organization_id = $1 AND e.id IN ( \
         SELECT i.id FROM (", list!("e.id", " AND e.invoice_id IS NOT NULL"), ") i \
         UNION ALL SELECT l.id FROM (", list!("e.id", " AND e.spent_on < $17", "$22", "$23"), ") l \
         UNION ALL SELECT a.id FROM (",
        list_of_projects!(
            "e.id",
            "SELECT p.id AS project_id FROM projects p WHERE p.organization_id = $1 AND p.archived_at IS NOT NULL"
        ),
        ") a) ORDER BY e.order_at DESC, e.id DESC LIMIT $21"
    );
    /// By last change.
    LIST_UPDATED_TIME_ENTRIES = list_updated!("");
    /// Of a member, by last change.
    LIST_UPDATED_TIME_ENTRIES_BY_MEMBER = list_updated!(" AND e.member_id = $7");
    /// By the id in another system and last change.
    LIST_UPDATED_TIME_ENTRIES_BY_REFERENCE = list_updated!(" AND e.external_reference_id = $16");
}

pub(super) async fn lock_before(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<Option<Day>, Error> {
    let (text,) = fetch_one!(conn, LOCK_BEFORE as (Option<String>,), organization.0)?;
    Ok(text.as_deref().map(stored_day).transpose()?)
}

pub(super) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    driver: Driver,
    page: &Page,
    lock_before: Option<Day>,
) -> Result<Vec<TimeEntryState>, Error> {
    let start = match page.updated_since {
        Some(_) => page.after,
        None => filter.start(page.after),
    };
    // Sort before and after every day there is.
    let (no_day, no_end) = (String::new, || "9999-99-99".to_owned());
    macro_rules! rows {
        ($statement:path $(, $further:expr)* $(,)?) => {
            fetch_all!(
                conn,
                $statement as Row,
                filter.organization.0,
                filter.reach.all,
                filter.reach.member.0,
                filter.reach.own,
                filter.from.map_or_else(no_day, |day| day.to_string()),
                filter.to.map_or_else(no_end, |day| day.to_string()),
                filter.member.map(|id| id.0),
                filter.client.map(|id| id.0),
                filter.project.map(|id| id.0),
                filter.task.map(|id| id.0),
                filter.running,
                filter.billable,
                filter.invoiced,
                filter.locked,
                filter.tag.as_deref(),
                filter.external_reference_id.as_deref(),
                lock_before.map_or_else(no_day, |day| day.to_string()),
                filter.first_place(),
                start.sort,
                start.id,
                page.fetch(),
                $($further,)*
            )?
        };
    }
    let rows = match driver {
        Driver::Reference => rows!(LIST_TIME_ENTRIES_BY_REFERENCE),
        Driver::Task => rows!(LIST_TIME_ENTRIES_BY_TASK),
        Driver::Running => rows!(LIST_TIME_ENTRIES_RUNNING),
        Driver::Tag => rows!(LIST_TIME_ENTRIES_BY_TAG),
        Driver::Project => rows!(LIST_TIME_ENTRIES_BY_PROJECT),
        Driver::Member => rows!(LIST_TIME_ENTRIES_BY_MEMBER),
        Driver::Client => rows!(LIST_TIME_ENTRIES_BY_CLIENT),
        Driver::Invoiced => rows!(LIST_TIME_ENTRIES_INVOICED),
        Driver::NotInvoiced => rows!(LIST_TIME_ENTRIES_NOT_INVOICED),
        Driver::Projects => rows!(LIST_TIME_ENTRIES_OF_PROJECTS),
        Driver::Billable => rows!(LIST_TIME_ENTRIES_BY_BILLABLE),
        Driver::Order => rows!(LIST_TIME_ENTRIES),
        Driver::Updated => rows!(LIST_UPDATED_TIME_ENTRIES),
        Driver::UpdatedMember => rows!(LIST_UPDATED_TIME_ENTRIES_BY_MEMBER),
        Driver::UpdatedReference => rows!(LIST_UPDATED_TIME_ENTRIES_BY_REFERENCE),
        Driver::Locked => {
            let last = lock_before.map_or(Timestamp::from_micros(i64::MIN), super::past);
            let start = before(start, last);
            rows!(LIST_TIME_ENTRIES_LOCKED, start.sort, start.id)
        }
    };
    rows.into_iter().map(Row::into_state).collect()
}
