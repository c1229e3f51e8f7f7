//! Time entries in the database.

use hoursmith_domain::{
    Amount, ClientId, Day, InvoiceId, MemberId, OrganizationId, ProjectId, RateSource, TaskId,
    TimeEntryId, Timestamp,
};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_optional};
use uuid::Uuid;

use super::state::{Surroundings, TimeEntryState};
use super::when::When;
use crate::base::BaseRow;
use crate::error;
use crate::reference::metadata_text;
use crate::sight::Reach;

/// An entry (`e`), with what locks it. Read by subqueries, not by joins: those would leave it to the
/// planner whether a list is still read in the order of its index.
macro_rules! columns {
    () => {
        concat!(
            "e.id, e.member_id, e.project_id, e.client_id, e.task_id, e.description, e.started_at, \
             e.ended_at, e.order_at, e.spent_on, e.duration_seconds, e.rounded_seconds, e.billable, \
             e.billable_rate, e.rate, e.rate_source, e.amount, e.currency, e.tags, e.invoice_id, \
             (SELECT o.lock_before FROM organizations o WHERE o.id = e.organization_id) AS lock_before, \
             (SELECT p.archived_at FROM projects p WHERE p.organization_id = e.organization_id \
                AND p.id = e.project_id) AS project_archived_at, ",
            $crate::base::base_columns!("e")
        )
    };
}

/// The rows that a caller sees: all ($2), or the time on projects that the member ($3) was added to,
/// or of that only the member's own ($4). Not correlated: asked once, not for each entry.
macro_rules! visible {
    () => {
        "e.organization_id = $1 AND ($2 OR (e.project_id IN (SELECT pm.project_id FROM project_members pm \
            WHERE pm.organization_id = $1 AND pm.member_id = $3) AND (NOT $4 OR e.member_id = $3)))"
    };
}

pub(super) use {columns, visible};

hoursmith_store::statements! {
    /// An entry that the caller sees.
    FIND_TIME_ENTRY = concat!(
        "SELECT ", columns!(), " FROM time_entries e WHERE ", visible!(), " AND e.id = $5"
    );
    /// Whose time it is, to hold the member before the entry.
    MEMBER_OF_TIME_ENTRY = "SELECT member_id FROM time_entries WHERE organization_id = $1 AND id = $2";
    /// Holds the row until the transaction ends.
    HOLD_TIME_ENTRY = "UPDATE time_entries SET version = version WHERE organization_id = $1 AND id = $2";
    /// The running entry of a member.
    FIND_RUNNING_TIME_ENTRY = "SELECT id, started_at FROM time_entries \
        WHERE organization_id = $1 AND member_id = $2 AND duration_seconds IS NULL";
    /// A span of a member ($2), other than this entry ($3), that shares time with the span from $4 to
    /// $5. Ends may touch, and a span without length shares nothing.
    FIND_OVERLAPPING_TIME_ENTRY = "SELECT id FROM time_entries WHERE organization_id = $1 \
        AND member_id = $2 AND id <> $3 AND ended_at > $4 AND started_at < $5 AND ended_at > started_at \
        LIMIT 1";
    /// A new entry.
    INSERT_TIME_ENTRY = "INSERT INTO time_entries (organization_id, id, member_id, project_id, client_id, \
        task_id, description, started_at, ended_at, order_at, spent_on, duration_seconds, rounded_seconds, \
        billable, billable_rate, rate, rate_source, amount, currency, tags, external_reference_service, \
        external_reference_id, external_reference_url, metadata, version, updated_at, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
        $21, $22, $23, $24, $25, $26, $27)";
    /// Every column that a change of the entry can change.
    UPDATE_TIME_ENTRY = "UPDATE time_entries SET member_id = $3, project_id = $4, client_id = $5, \
        task_id = $6, description = $7, started_at = $8, ended_at = $9, order_at = $10, spent_on = $11, \
        duration_seconds = $12, rounded_seconds = $13, billable = $14, billable_rate = $15, rate = $16, \
        rate_source = $17, amount = $18, currency = $19, tags = $20, external_reference_service = $21, \
        external_reference_id = $22, external_reference_url = $23, metadata = $24, version = $25, \
        updated_at = $26 WHERE organization_id = $1 AND id = $2";
    /// Counts a change of everything on an invoice, later than the last one of each.
    TOUCH_BILLED_TIME_ENTRIES = "UPDATE time_entries SET version = version + 1, \
        updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at + 1 END \
        WHERE organization_id = $1 AND invoice_id = $2";
    /// Everything on an invoice, which holds a bounded number of entries.
    BILLED_TIME_ENTRIES = concat!(
        "SELECT ", columns!(), " FROM time_entries e \
         WHERE e.organization_id = $1 AND e.invoice_id = $2 ORDER BY e.order_at, e.id"
    );
    /// Gone, and its tags with it.
    DELETE_TIME_ENTRY = "DELETE FROM time_entries WHERE organization_id = $1 AND id = $2";
    /// A tag of an entry, to find it by.
    INSERT_TIME_ENTRY_TAG = "INSERT INTO time_entry_tags (organization_id, tag, order_at, time_entry_id) \
        VALUES ($1, $2, $3, $4)";
    /// The tags of an entry.
    DELETE_TIME_ENTRY_TAGS = "DELETE FROM time_entry_tags WHERE organization_id = $1 AND time_entry_id = $2";
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    member_id: Uuid,
    project_id: Uuid,
    client_id: Option<Uuid>,
    task_id: Option<Uuid>,
    description: Option<String>,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    order_at: i64,
    spent_on: String,
    duration_seconds: Option<i64>,
    rounded_seconds: Option<i64>,
    billable: bool,
    billable_rate: Option<i64>,
    rate: Option<i64>,
    rate_source: Option<String>,
    amount: Option<i64>,
    currency: String,
    tags: String,
    invoice_id: Option<Uuid>,
    lock_before: Option<String>,
    project_archived_at: Option<i64>,
    #[sqlx(flatten)]
    base: BaseRow,
}

pub(super) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    id: TimeEntryId,
    reach: Reach,
) -> Result<Option<TimeEntryState>, error::Error> {
    let row = fetch_optional!(
        conn,
        FIND_TIME_ENTRY as Row,
        organization.0,
        reach.all,
        reach.member.0,
        reach.own,
        id.0
    )?;
    row.map(Row::into_state).transpose()
}

pub(super) async fn member_of(
    conn: &mut Conn,
    organization: OrganizationId,
    id: TimeEntryId,
) -> Result<Option<MemberId>, Error> {
    let row = fetch_optional!(conn, MEMBER_OF_TIME_ENTRY as (Uuid,), organization.0, id.0)?;
    Ok(row.map(|(id,)| MemberId(id)))
}

pub(super) async fn hold(
    conn: &mut Conn,
    organization: OrganizationId,
    id: TimeEntryId,
) -> Result<(), Error> {
    execute!(conn, HOLD_TIME_ENTRY, organization.0, id.0)?;
    Ok(())
}

/// The running entry of a member, and since when it runs.
pub(super) async fn running(
    conn: &mut Conn,
    organization: OrganizationId,
    member: MemberId,
) -> Result<Option<(TimeEntryId, Timestamp)>, Error> {
    let row = fetch_optional!(
        conn,
        FIND_RUNNING_TIME_ENTRY as (Uuid, i64),
        organization.0,
        member.0
    )?;
    Ok(row.map(|(id, start)| (TimeEntryId(id), Timestamp::from_micros(start))))
}

/// Whether the member has another span that shares time with the one from `start` to `end`.
pub(super) async fn overlaps(
    conn: &mut Conn,
    organization: OrganizationId,
    entry: &TimeEntryState,
    start: Timestamp,
    end: Timestamp,
) -> Result<bool, Error> {
    let row = fetch_optional!(
        conn,
        FIND_OVERLAPPING_TIME_ENTRY as (Uuid,),
        organization.0,
        entry.member.0,
        entry.id.0,
        start.as_micros(),
        end.as_micros()
    )?;
    Ok(row.is_some())
}

/// Writes an entry with a statement whose parameters are numbered alike.
macro_rules! write_entry {
    ($conn:expr, $statement:path, $organization:expr, $entry:expr $(, $further:expr)?) => {{
        let (entry, reference) = ($entry, $entry.base.external_reference.as_ref());
        execute!(
            $conn,
            $statement,
            $organization.0,
            entry.id.0,
            entry.member.0,
            entry.project.0,
            entry.client.map(|id| id.0),
            entry.task.map(|id| id.0),
            entry.description.as_deref(),
            entry.when.started_at().map(Timestamp::as_micros),
            entry.when.ended_at().map(Timestamp::as_micros),
            entry.order_at.as_micros(),
            entry.spent_on.to_string(),
            entry.when.seconds(),
            entry.rounded_seconds,
            entry.billable,
            entry.billable_rate.map(Amount::ten_thousandths),
            entry.rate.map(|(rate, _)| rate.ten_thousandths()),
            entry.rate.map(|(_, source)| source.as_str()),
            entry.amount.map(Amount::ten_thousandths),
            entry.currency.as_str(),
            tags_text(&entry.tags),
            reference.map(|reference| reference.service.as_str()),
            reference.map(|reference| reference.id.as_str()),
            reference.and_then(|reference| reference.url.as_deref()),
            metadata_text(&entry.base.metadata),
            entry.base.version,
            entry.base.updated_at.as_micros(),
            $($further)?
        )
    }};
}

pub(super) async fn insert(
    conn: &mut Conn,
    organization: OrganizationId,
    entry: &TimeEntryState,
) -> Result<(), Error> {
    let created_at = entry.base.created_at.as_micros();
    write_entry!(conn, INSERT_TIME_ENTRY, organization, entry, created_at)?;
    insert_tags(conn, organization, entry).await
}

/// Saves a change, and the rows of its tags where they or the entry's place changed.
pub(super) async fn update(
    conn: &mut Conn,
    organization: OrganizationId,
    before: &TimeEntryState,
    entry: &TimeEntryState,
) -> Result<(), Error> {
    write_entry!(conn, UPDATE_TIME_ENTRY, organization, entry)?;
    if before.tags == entry.tags && before.order_at == entry.order_at {
        return Ok(());
    }
    execute!(conn, DELETE_TIME_ENTRY_TAGS, organization.0, entry.id.0)?;
    insert_tags(conn, organization, entry).await
}

async fn insert_tags(
    conn: &mut Conn,
    organization: OrganizationId,
    entry: &TimeEntryState,
) -> Result<(), Error> {
    for tag in &entry.tags {
        execute!(
            conn,
            INSERT_TIME_ENTRY_TAG,
            organization.0,
            tag.as_str(),
            entry.order_at.as_micros(),
            entry.id.0
        )?;
    }
    Ok(())
}

/// Counts a change of what is on an invoice.
pub(super) async fn touch_billed(
    conn: &mut Conn,
    organization: OrganizationId,
    invoice: InvoiceId,
    now: Timestamp,
) -> Result<(), Error> {
    let now = now.as_micros();
    execute!(
        conn,
        TOUCH_BILLED_TIME_ENTRIES,
        organization.0,
        invoice.0,
        now
    )?;
    Ok(())
}

/// What is on an invoice.
pub(super) async fn billed(
    conn: &mut Conn,
    organization: OrganizationId,
    invoice: InvoiceId,
) -> Result<Vec<TimeEntryState>, error::Error> {
    let rows = fetch_all!(conn, BILLED_TIME_ENTRIES as Row, organization.0, invoice.0)?;
    rows.into_iter().map(Row::into_state).collect()
}

pub(super) async fn delete(
    conn: &mut Conn,
    organization: OrganizationId,
    id: TimeEntryId,
) -> Result<(), Error> {
    execute!(conn, DELETE_TIME_ENTRY, organization.0, id.0)?;
    Ok(())
}

impl Row {
    pub(super) fn into_state(self) -> Result<TimeEntryState, error::Error> {
        let amount = |stored: Option<i64>| stored.and_then(Amount::from_ten_thousandths);
        let instant = |stored: Option<i64>| stored.map(Timestamp::from_micros);
        let currency = self
            .currency
            .parse()
            .map_err(|source| Failure::internal("read a stored currency", source))?;
        let source = self.rate_source.as_deref().and_then(RateSource::from_word);
        let tags = serde_json::from_str(&self.tags)
            .map_err(|source| Failure::internal("read stored tags", source))?;
        let when = match (
            instant(self.started_at),
            instant(self.ended_at),
            self.duration_seconds,
        ) {
            (Some(start), None, _) => When::Running(start),
            (Some(start), Some(end), _) => When::Span(start, end),
            (None, _, Some(seconds)) => When::Duration(seconds),
            (None, _, None) => {
                let why = format!("the time entry {} has no time", self.id);
                return Err(Failure::internal("read a stored time entry", why).into());
            }
        };
        Ok(TimeEntryState {
            id: TimeEntryId(self.id),
            member: MemberId(self.member_id),
            project: ProjectId(self.project_id),
            client: self.client_id.map(ClientId),
            task: self.task_id.map(TaskId),
            description: self.description,
            when,
            order_at: Timestamp::from_micros(self.order_at),
            spent_on: day(&self.spent_on)?,
            rounded_seconds: self.rounded_seconds,
            billable: self.billable,
            billable_rate: amount(self.billable_rate),
            rate: amount(self.rate).zip(source),
            amount: amount(self.amount),
            currency,
            tags,
            invoice: self.invoice_id.map(InvoiceId),
            surroundings: Surroundings {
                lock_before: self.lock_before.as_deref().map(day).transpose()?,
                is_archived: self.project_archived_at.is_some(),
            },
            base: self.base.into_base()?,
        })
    }
}

pub(super) fn day(text: &str) -> Result<Day, Failure> {
    text.parse()
        .map_err(|source| Failure::internal("read a stored day", source))
}

fn tags_text(tags: &[String]) -> String {
    // A list of strings, whose serialization cannot fail.
    serde_json::to_string(tags).unwrap_or_else(|_| "[]".to_owned())
}
