//! Projects in the database.

use hoursmith_domain::{
    Amount, ClientId, Currency, Day, OrganizationId, ProjectId, Timestamp, fold,
};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_one, fetch_optional};
use uuid::Uuid;

use super::state::{Budget, BudgetKind, BudgetPeriod, ProjectState, Tracked};
use crate::base::{BaseRow, base_columns};
use crate::error;
use crate::list::{Page, contains};
use crate::organization::home;
use crate::reference::metadata_text;
use crate::sight::Reach;
use crate::work::BillingMethod;

/// A sum over the months of a project, which are few.
macro_rules! total {
    ($column:literal) => {
        concat!(
            "(SELECT CAST(COALESCE(SUM(t.",
            $column,
            "), 0) AS BIGINT) FROM project_months t \
             WHERE t.organization_id = p.organization_id AND t.project_id = p.id)"
        )
    };
}

/// A project with its currency and totals, those of a month ($2) beside the others.
macro_rules! columns {
    () => {
        concat!(
            "SELECT p.id, p.client_id, COALESCE(c.currency, o.currency) AS currency, p.name, p.code, \
             p.color, p.billable, p.billing_method, p.billable_rate, p.fixed_fee, p.budget_kind, \
             p.budget_amount, p.budget_period, p.starts_on, p.ends_on, p.notes, p.archived_at, p.members, ",
            total!("tracked_seconds"),
            " AS tracked_seconds, ",
            total!("billable_amount"),
            " AS billable_amount, COALESCE(n.tracked_seconds, 0) AS month_seconds, \
             COALESCE(n.billable_amount, 0) AS month_amount, ",
            base_columns!("p"),
            " FROM projects p JOIN organizations o ON o.id = p.organization_id \
             LEFT JOIN clients c ON c.organization_id = p.organization_id AND c.id = p.client_id \
             LEFT JOIN project_months n ON n.organization_id = p.organization_id \
                AND n.project_id = p.id AND n.month = $2 \
             WHERE p.organization_id = $1"
        )
    };
}

/// The rows that a caller sees: all ($3), or the projects that the member ($4) was added to. Not
/// correlated: asked once, not for each project.
macro_rules! visible {
    () => {
        " AND ($3 OR p.id IN (SELECT pm.project_id FROM project_members pm \
            WHERE pm.organization_id = $1 AND pm.member_id = $4))"
    };
}

macro_rules! filters {
    () => {
        " AND (CAST($5 AS UUID) IS NULL OR p.client_id = $5) \
          AND (CAST($6 AS BOOLEAN) IS NULL OR (p.archived_at IS NOT NULL) = $6) \
          AND (CAST($7 AS BOOLEAN) IS NULL OR p.billable = $7) \
          AND (CAST($8 AS UUID) IS NULL OR p.id IN (SELECT pm.project_id FROM project_members pm \
            WHERE pm.organization_id = $1 AND pm.member_id = $8)) \
          AND (CAST($9 AS TEXT) IS NULL OR p.search LIKE $9 ESCAPE '\\')"
    };
}

/// Newest first, after a place.
macro_rules! by_creation {
    () => {
        " AND (p.created_at, p.id) < ($10, $11) ORDER BY p.created_at DESC, p.id DESC LIMIT $12"
    };
}

/// Oldest change first, after a place.
macro_rules! by_update {
    () => {
        " AND (p.updated_at, p.id) > ($10, $11) ORDER BY p.updated_at, p.id LIMIT $12"
    };
}

/// By the id in another system. A statement of its own, since an optional filter finds no index.
macro_rules! referenced {
    () => {
        " AND p.external_reference_id = $13"
    };
}

hoursmith_store::statements! {
    /// A project that the caller sees.
    FIND_PROJECT = concat!(columns!(), visible!(), " AND p.id = $5");
    /// A page of projects, newest first.
    LIST_PROJECTS = concat!(columns!(), visible!(), filters!(), by_creation!());
    /// A page of projects, oldest change first.
    LIST_UPDATED_PROJECTS = concat!(columns!(), visible!(), filters!(), by_update!());
    /// A page of the projects with a counterpart, newest first.
    LIST_REFERENCED_PROJECTS =
        concat!(columns!(), visible!(), filters!(), referenced!(), by_creation!());
    /// A page of the projects with a counterpart, oldest change first.
    LIST_UPDATED_REFERENCED_PROJECTS =
        concat!(columns!(), visible!(), filters!(), referenced!(), by_update!());
    /// Holds the row until the transaction ends: what is read of it afterwards stays true. SQLite
    /// has no `FOR UPDATE`; a write that changes nothing holds the row on both engines.
    HOLD_PROJECT = "UPDATE projects SET version = version WHERE organization_id = $1 AND id = $2";
    /// Whether anything is kept in the currency and for the client that the project has now.
    FIND_TRACKED = "SELECT EXISTS (SELECT 1 FROM time_entries WHERE organization_id = $1 AND project_id = $2) \
        OR EXISTS (SELECT 1 FROM expenses WHERE organization_id = $1 AND project_id = $2) \
        OR EXISTS (SELECT 1 FROM invoice_lines WHERE organization_id = $1 AND project_id = $2)";
    /// A new project.
    INSERT_PROJECT = "INSERT INTO projects (organization_id, id, client_id, name, name_key, search, code, color, \
        billable, billing_method, billable_rate, fixed_fee, budget_kind, budget_amount, budget_period, \
        starts_on, ends_on, notes, archived_at, members, external_reference_service, external_reference_id, \
        external_reference_url, metadata, version, updated_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, \
        $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)";
    /// Every column that can change.
    UPDATE_PROJECT = "UPDATE projects SET client_id = $3, name = $4, name_key = $5, search = $6, code = $7, \
        color = $8, billable = $9, billing_method = $10, billable_rate = $11, fixed_fee = $12, \
        budget_kind = $13, budget_amount = $14, budget_period = $15, starts_on = $16, ends_on = $17, \
        notes = $18, archived_at = $19, members = $20, external_reference_service = $21, \
        external_reference_id = $22, external_reference_url = $23, metadata = $24, version = $25, \
        updated_at = $26 WHERE organization_id = $1 AND id = $2";
    /// Nobody is in the project any more; refused by the database while a task has an assignee.
    DELETE_MEMBERSHIPS = "DELETE FROM project_members WHERE organization_id = $1 AND project_id = $2";
    /// Gone, and the totals of its months with it; refused by the database while anything else refers
    /// to it.
    DELETE_PROJECT = "DELETE FROM projects WHERE organization_id = $1 AND id = $2";
}

/// What a list is narrowed by.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) organization: OrganizationId,
    pub(crate) reach: Reach,
    pub(crate) client: Option<Uuid>,
    pub(crate) archived: Option<bool>,
    pub(crate) billable: Option<bool>,
    pub(crate) member: Option<Uuid>,
    pub(crate) q: Option<String>,
    pub(crate) external_reference_id: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    client_id: Option<Uuid>,
    currency: String,
    name: String,
    code: Option<String>,
    color: Option<String>,
    billable: bool,
    billing_method: String,
    billable_rate: Option<i64>,
    fixed_fee: Option<i64>,
    budget_kind: Option<String>,
    budget_amount: Option<i64>,
    budget_period: Option<String>,
    starts_on: Option<String>,
    ends_on: Option<String>,
    notes: Option<String>,
    archived_at: Option<i64>,
    members: String,
    tracked_seconds: i64,
    billable_amount: i64,
    month_seconds: i64,
    month_amount: i64,
    #[sqlx(flatten)]
    base: BaseRow,
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ProjectId,
    reach: Reach,
    now: Timestamp,
) -> Result<Option<ProjectState>, error::Error> {
    let home = home(conn, organization, now).await?;
    let month = home.month.to_string();
    let row = fetch_optional!(
        conn,
        FIND_PROJECT as Row,
        organization.0,
        month.as_str(),
        reach.all,
        reach.member.0,
        id.0
    )?;
    row.map(Row::into_state).transpose()
}

/// Like [`find`], and held until the transaction ends.
pub(crate) async fn lock(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ProjectId,
    reach: Reach,
    now: Timestamp,
) -> Result<Option<ProjectState>, error::Error> {
    execute!(conn, HOLD_PROJECT, organization.0, id.0)?;
    find(conn, organization, id, reach, now).await
}

pub(crate) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    page: &Page,
    now: Timestamp,
) -> Result<Vec<ProjectState>, error::Error> {
    let home = home(conn, filter.organization, now).await?;
    let month = home.month.to_string();
    let q = filter.q.as_deref().map(contains);
    macro_rules! rows {
        ($statement:path $(, $further:expr)?) => {
            fetch_all!(
                conn,
                $statement as Row,
                filter.organization.0,
                month.as_str(),
                filter.reach.all,
                filter.reach.member.0,
                filter.client,
                filter.archived,
                filter.billable,
                filter.member,
                q.as_deref(),
                page.after.sort,
                page.after.id,
                page.fetch(),
                $($further)?
            )?
        };
    }
    let rows = match (page.updated_since, filter.external_reference_id.as_deref()) {
        (None, None) => rows!(LIST_PROJECTS),
        (Some(_), None) => rows!(LIST_UPDATED_PROJECTS),
        (None, Some(id)) => rows!(LIST_REFERENCED_PROJECTS, id),
        (Some(_), Some(id)) => rows!(LIST_UPDATED_REFERENCED_PROJECTS, id),
    };
    rows.into_iter().map(Row::into_state).collect()
}

/// Whether the project has time, expenses or invoice lines.
pub(crate) async fn is_tracked(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ProjectId,
) -> Result<bool, Error> {
    let (tracked,) = fetch_one!(conn, FIND_TRACKED as (bool,), organization.0, id.0)?;
    Ok(tracked)
}

/// Writes every column of a project, in the order that `INSERT_PROJECT` and `UPDATE_PROJECT` share.
macro_rules! save {
    ($conn:expr, $statement:path, $organization:expr, $project:expr $(, $further:expr)?) => {{
        let project: &ProjectState = $project;
        let reference = project.base.external_reference.as_ref();
        let name_key = fold(&project.name);
        let search = match &project.code {
            Some(code) => format!("{name_key} {}", fold(code)),
            None => name_key.clone(),
        };
        execute!(
            $conn,
            $statement,
            $organization.0,
            project.id.0,
            project.client.map(|client| client.0),
            project.name.as_str(),
            name_key.as_str(),
            search.as_str(),
            project.code.as_deref(),
            project.color.as_deref(),
            project.billable,
            project.billing_method.as_str(),
            project.billable_rate.map(Amount::ten_thousandths),
            project.fixed_fee.map(Amount::ten_thousandths),
            project.budget.map(|budget| budget.kind.as_str()),
            project.budget.map(|budget| budget.amount.ten_thousandths()),
            project.budget.map(|budget| budget.period.as_str()),
            project.starts_on.map(|day| day.to_string()),
            project.ends_on.map(|day| day.to_string()),
            project.notes.as_deref(),
            project.archived_at.map(Timestamp::as_micros),
            // A list of ids and numbers, whose serialization cannot fail.
            serde_json::to_string(&project.members).unwrap_or_default(),
            reference.map(|reference| reference.service.as_str()),
            reference.map(|reference| reference.id.as_str()),
            reference.and_then(|reference| reference.url.as_deref()),
            metadata_text(&project.base.metadata),
            project.base.version,
            project.base.updated_at.as_micros(),
            $($further)?
        )
    }};
}

pub(crate) async fn insert(
    conn: &mut Conn,
    organization: OrganizationId,
    project: &ProjectState,
) -> Result<(), Error> {
    let created_at = project.base.created_at.as_micros();
    save!(conn, INSERT_PROJECT, organization, project, created_at)?;
    Ok(())
}

pub(crate) async fn update(
    conn: &mut Conn,
    organization: OrganizationId,
    project: &ProjectState,
) -> Result<(), Error> {
    save!(conn, UPDATE_PROJECT, organization, project)?;
    Ok(())
}

pub(crate) async fn delete(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ProjectId,
) -> Result<(), Error> {
    for statement in [DELETE_MEMBERSHIPS, DELETE_PROJECT] {
        execute!(conn, statement, organization.0, id.0)?;
    }
    Ok(())
}

impl Row {
    fn into_state(self) -> Result<ProjectState, error::Error> {
        let budget = match (self.budget_kind, self.budget_amount, self.budget_period) {
            (Some(kind), Some(amount), Some(period)) => Some(Budget {
                kind: word(BudgetKind::WORDS, "a budget's kind", &kind)?,
                amount: Amount::of_sum(amount),
                period: word(BudgetPeriod::WORDS, "a budget's period", &period)?,
            }),
            _ => None,
        };
        let members = serde_json::from_str(&self.members)
            .map_err(|source| Failure::internal("read a project's members", source))?;
        Ok(ProjectState {
            id: ProjectId(self.id),
            client: self.client_id.map(ClientId),
            currency: parse_currency(&self.currency)?,
            name: self.name,
            code: self.code,
            color: self.color,
            billable: self.billable,
            billing_method: word(
                BillingMethod::WORDS,
                "a billing method",
                &self.billing_method,
            )?,
            billable_rate: self.billable_rate.and_then(Amount::from_ten_thousandths),
            fixed_fee: self.fixed_fee.and_then(Amount::from_ten_thousandths),
            budget,
            starts_on: self.starts_on.as_deref().map(parse_day).transpose()?,
            ends_on: self.ends_on.as_deref().map(parse_day).transpose()?,
            notes: self.notes,
            archived_at: self.archived_at.map(Timestamp::from_micros),
            members,
            total: Tracked {
                seconds: self.tracked_seconds,
                amount: self.billable_amount,
            },
            month: Tracked {
                seconds: self.month_seconds,
                amount: self.month_amount,
            },
            base: self.base.into_base()?,
        })
    }
}

fn word<T: Copy>(words: &[(&str, T)], what: &str, stored: &str) -> Result<T, Failure> {
    let found = words.iter().find(|(word, _)| *word == stored);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| Failure::internal("read a stored word", format!("{what}: {stored}")))
}

fn parse_currency(stored: &str) -> Result<Currency, Failure> {
    stored
        .parse()
        .map_err(|source| Failure::internal("read a stored currency", source))
}

fn parse_day(stored: &str) -> Result<Day, Failure> {
    stored
        .parse()
        .map_err(|source| Failure::internal("read a stored day", source))
}
