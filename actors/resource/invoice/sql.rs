//! Invoices in the database, without what they bill.

use hoursmith_domain::{Amount, ClientId, Day, InvoiceId, OrganizationId, Timestamp};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_optional};
use uuid::Uuid;

use super::state::{InvoiceState, Status};
use crate::base::{BaseRow, base_columns, stored_currency, stored_day, stored_zone};
use crate::error;
use crate::list::Page;

macro_rules! columns {
    () => {
        concat!(
            "i.id, i.client_id, i.number, i.status, i.currency, i.issued_on, i.due_on, i.period_start, \
             i.period_end, i.subtotal, i.discount, i.tax_rate, i.tax_amount, i.total, i.amount_paid, \
             i.notes, i.sent_at, i.paid_at, i.voided_at, o.timezone, ",
            base_columns!("i")
        )
    };
}

macro_rules! invoices {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM invoices i JOIN organizations o ON o.id = i.organization_id \
             WHERE i.organization_id = $1"
        )
    };
}

macro_rules! filters {
    () => {
        " AND (CAST($2 AS TEXT) IS NULL OR i.status = $2) \
          AND (CAST($3 AS TEXT) IS NULL OR i.issued_on >= $3) \
          AND (CAST($4 AS TEXT) IS NULL OR i.issued_on <= $4) \
          AND (CAST($5 AS TEXT) IS NULL OR i.number = $5) \
          AND (CAST($6 AS TEXT) IS NULL OR i.external_reference_id = $6)"
    };
}

/// Of one client. A statement of its own, since an optional filter finds no index.
macro_rules! of_client {
    () => {
        " AND i.client_id = $10"
    };
}

/// Newest first, after a place.
macro_rules! by_creation {
    () => {
        " AND (i.created_at, i.id) < ($7, $8) ORDER BY i.created_at DESC, i.id DESC LIMIT $9"
    };
}

/// Oldest change first, after a place.
macro_rules! by_update {
    () => {
        " AND (i.updated_at, i.id) > ($7, $8) ORDER BY i.updated_at, i.id LIMIT $9"
    };
}

hoursmith_store::statements! {
    /// An invoice.
    FIND_INVOICE = concat!(invoices!(), " AND i.id = $2");
    /// An invoice by its number.
    FIND_INVOICE_BY_NUMBER = "SELECT id FROM invoices WHERE organization_id = $1 AND number = $2";
    /// The row, held until the transaction ends.
    HOLD_INVOICE = "UPDATE invoices SET version = version WHERE organization_id = $1 AND id = $2";
    /// A page of invoices, newest first.
    LIST_INVOICES = concat!(invoices!(), filters!(), by_creation!());
    /// A page of invoices, oldest change first.
    LIST_UPDATED_INVOICES = concat!(invoices!(), filters!(), by_update!());
    /// A page of a client's invoices, newest first.
    LIST_CLIENT_INVOICES = concat!(invoices!(), filters!(), of_client!(), by_creation!());
    /// A page of a client's invoices, oldest change first.
    LIST_UPDATED_CLIENT_INVOICES = concat!(invoices!(), filters!(), of_client!(), by_update!());
    /// The newest invoices, at most 1,000, for the operator.
    NEWEST_INVOICES = concat!(
        invoices!(),
        " AND (CAST($2 AS TEXT) IS NULL OR i.status = $2) ORDER BY i.created_at DESC, i.id DESC LIMIT 1000"
    );
    /// Every column that can change.
    UPDATE_INVOICE = "UPDATE invoices SET number = $3, status = $4, issued_on = $5, due_on = $6, \
        period_start = $7, period_end = $8, subtotal = $9, tax_rate = $10, tax_amount = $11, total = $12, \
        amount_paid = $13, notes = $14, sent_at = $15, paid_at = $16, voided_at = $17, version = $18, \
        updated_at = $19 WHERE organization_id = $1 AND id = $2";
    /// Counts a change of a client's open draft.
    BUMP_DRAFT = "UPDATE invoices SET version = version + 1, \
        updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at + 1 END \
        WHERE organization_id = $1 AND client_id = $2 AND status = 'draft'";
    /// Opens a client's draft when there is something to bill. Should another transaction open it at
    /// the same time, this one waits for it and counts a change; the version tells which it was.
    OPEN_DRAFT = "INSERT INTO invoices (organization_id, id, client_id, status, currency, created_at, updated_at) \
        SELECT c.organization_id, $3, c.id, 'draft', c.currency, $4, $4 FROM clients c \
        WHERE c.organization_id = $1 AND c.id = $2 AND ( \
            EXISTS (SELECT 1 FROM time_entries e WHERE e.organization_id = $1 AND e.client_id = $2 \
                AND e.invoice_id IS NULL AND e.amount IS NOT NULL) \
            OR EXISTS (SELECT 1 FROM expenses x WHERE x.organization_id = $1 AND x.client_id = $2 \
                AND x.invoice_id IS NULL AND x.billable) \
            OR EXISTS (SELECT 1 FROM projects p WHERE p.organization_id = $1 AND p.client_id = $2 \
                AND p.billing_method = 'fixed' AND p.fixed_fee > 0 \
                AND NOT EXISTS (SELECT 1 FROM invoice_lines l JOIN invoices b \
                    ON b.organization_id = l.organization_id AND b.id = l.invoice_id \
                    WHERE l.organization_id = $1 AND l.project_id = p.id AND l.kind = 'fixed' \
                    AND b.status <> 'void'))) \
        ON CONFLICT (organization_id, client_id) WHERE status = 'draft' \
        DO UPDATE SET version = invoices.version + 1, \
            updated_at = CASE WHEN invoices.updated_at < excluded.updated_at \
                THEN excluded.updated_at ELSE invoices.updated_at + 1 END \
        RETURNING id, version";
}

/// What a list is narrowed by.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) organization: OrganizationId,
    pub(crate) client: Option<ClientId>,
    pub(crate) status: Option<String>,
    pub(crate) from: Option<Day>,
    pub(crate) to: Option<Day>,
    pub(crate) number: Option<String>,
    pub(crate) external_reference_id: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    client_id: Uuid,
    number: Option<String>,
    status: String,
    currency: String,
    issued_on: Option<String>,
    due_on: Option<String>,
    period_start: Option<String>,
    period_end: Option<String>,
    subtotal: i64,
    discount: i64,
    tax_rate: i64,
    tax_amount: i64,
    total: i64,
    amount_paid: i64,
    notes: Option<String>,
    sent_at: Option<i64>,
    paid_at: Option<i64>,
    voided_at: Option<i64>,
    timezone: String,
    #[sqlx(flatten)]
    base: BaseRow,
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    id: InvoiceId,
) -> Result<Option<InvoiceState>, error::Error> {
    let row = fetch_optional!(conn, FIND_INVOICE as Row, organization.0, id.0)?;
    row.map(Row::into_state).transpose()
}

pub(crate) async fn find_by_number(
    conn: &mut Conn,
    organization: OrganizationId,
    number: &str,
) -> Result<Option<InvoiceId>, Error> {
    let row = fetch_optional!(
        conn,
        FIND_INVOICE_BY_NUMBER as (Uuid,),
        organization.0,
        number
    )?;
    Ok(row.map(|(id,)| InvoiceId(id)))
}

/// The row as it is once no other transaction can change it.
pub(crate) async fn lock(
    conn: &mut Conn,
    organization: OrganizationId,
    id: InvoiceId,
) -> Result<Option<InvoiceState>, error::Error> {
    execute!(conn, HOLD_INVOICE, organization.0, id.0)?;
    find(conn, organization, id).await
}

pub(crate) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<InvoiceState>, error::Error> {
    macro_rules! rows {
        ($statement:path $(, $client:expr)?) => {
            fetch_all!(
                conn,
                $statement as Row,
                filter.organization.0,
                filter.status.as_deref(),
                filter.from.map(|day| day.to_string()),
                filter.to.map(|day| day.to_string()),
                filter.number.as_deref(),
                filter.external_reference_id.as_deref(),
                page.after.sort,
                page.after.id,
                page.fetch(),
                $($client.0)?
            )?
        };
    }
    let rows = match (page.updated_since, filter.client) {
        (None, None) => rows!(LIST_INVOICES),
        (Some(_), None) => rows!(LIST_UPDATED_INVOICES),
        (None, Some(client)) => rows!(LIST_CLIENT_INVOICES, client),
        (Some(_), Some(client)) => rows!(LIST_UPDATED_CLIENT_INVOICES, client),
    };
    rows.into_iter().map(Row::into_state).collect()
}

pub(crate) async fn newest(
    conn: &mut Conn,
    organization: OrganizationId,
    status: Option<Status>,
) -> Result<Vec<InvoiceState>, error::Error> {
    let status = status.map(Status::as_str);
    let rows = fetch_all!(conn, NEWEST_INVOICES as Row, organization.0, status)?;
    rows.into_iter().map(Row::into_state).collect()
}

pub(crate) async fn update(
    conn: &mut Conn,
    organization: OrganizationId,
    invoice: &InvoiceState,
) -> Result<(), Error> {
    let day = |day: Option<Day>| day.map(|day| day.to_string());
    execute!(
        conn,
        UPDATE_INVOICE,
        organization.0,
        invoice.id.0,
        invoice.number.as_deref(),
        invoice.status.as_str(),
        day(invoice.issued_on),
        day(invoice.due_on),
        day(invoice.period.map(|(first, _)| first)),
        day(invoice.period.map(|(_, last)| last)),
        invoice.subtotal.ten_thousandths(),
        invoice.tax_rate.ten_thousandths(),
        invoice.tax_amount.ten_thousandths(),
        invoice.total.ten_thousandths(),
        invoice.amount_paid.ten_thousandths(),
        invoice.notes.as_deref(),
        invoice.sent_at.map(Timestamp::as_micros),
        invoice.paid_at.map(Timestamp::as_micros),
        invoice.voided_at.map(Timestamp::as_micros),
        invoice.base.version,
        invoice.base.updated_at.as_micros(),
    )?;
    Ok(())
}

/// Counts a change of the open draft; false when none is open.
pub(crate) async fn bump_draft(
    conn: &mut Conn,
    organization: OrganizationId,
    client: ClientId,
    now: Timestamp,
) -> Result<bool, Error> {
    let rows = execute!(conn, BUMP_DRAFT, organization.0, client.0, now.as_micros())?;
    Ok(rows > 0)
}

/// Opens a draft if there is something to bill; its id if it was not open before.
pub(crate) async fn open_draft(
    conn: &mut Conn,
    organization: OrganizationId,
    client: ClientId,
    id: InvoiceId,
    now: Timestamp,
) -> Result<Option<InvoiceId>, Error> {
    let row = fetch_optional!(
        conn,
        OPEN_DRAFT as (Uuid, i64),
        organization.0,
        client.0,
        id.0,
        now.as_micros()
    )?;
    Ok(row
        .filter(|(_, version)| *version == 1)
        .map(|(id, _)| InvoiceId(id)))
}

impl Row {
    fn into_state(self) -> Result<InvoiceState, error::Error> {
        let status = Status::WORDS
            .iter()
            .find(|(word, _)| *word == self.status)
            .map(|(_, status)| *status)
            .ok_or_else(|| Failure::internal("read a stored invoice status", self.status))?;
        let period = day(self.period_start.as_deref())?.zip(day(self.period_end.as_deref())?);
        Ok(InvoiceState {
            id: InvoiceId(self.id),
            client: ClientId(self.client_id),
            number: self.number,
            status,
            currency: stored_currency(&self.currency)?,
            issued_on: day(self.issued_on.as_deref())?,
            due_on: day(self.due_on.as_deref())?,
            period,
            through: None,
            subtotal: amount(self.subtotal)?,
            discount: amount(self.discount)?,
            tax_rate: amount(self.tax_rate)?,
            tax_amount: amount(self.tax_amount)?,
            total: amount(self.total)?,
            amount_paid: amount(self.amount_paid)?,
            notes: self.notes,
            sent_at: self.sent_at.map(Timestamp::from_micros),
            paid_at: self.paid_at.map(Timestamp::from_micros),
            voided_at: self.voided_at.map(Timestamp::from_micros),
            lines: Vec::new(),
            zone: stored_zone(&self.timezone)?,
            base: self.base.into_base()?,
        })
    }
}

/// A stored day, if there is one.
pub(super) fn day(text: Option<&str>) -> Result<Option<Day>, Failure> {
    text.map(stored_day).transpose()
}

/// A stored amount.
pub(super) fn amount(units: i64) -> Result<Amount, Failure> {
    Amount::from_ten_thousandths(units)
        .ok_or_else(|| Failure::internal("read a stored amount", units.to_string()))
}
