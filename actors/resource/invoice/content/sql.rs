//! What can be billed, and the lines of what was.

use hoursmith_domain::{Currency, InvoiceId, OrganizationId, Timestamp};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, execute, fetch_all};
use uuid::Uuid;

use super::super::line::{Item, Kind, Line, MAX_ENTRIES, MAX_LINES};
use super::super::sql::{amount, day};
use super::super::state::InvoiceState;
use crate::error;

/// A draft ($2) of a client ($3) in a currency ($4), and what it bills, in one statement and so of
/// one moment: first the draft itself, if it still is one, then at most $6 fees, $5 entries and $6
/// expenses. `$time` and `$expenses` say which.
macro_rules! items {
    ($time:literal, $expenses:literal) => {
        concat!(
            "SELECT 'draft' AS kind, i.id, CAST(NULL AS UUID) AS project_id, \
             CAST(NULL AS TEXT) AS project_name, CAST(NULL AS UUID) AS task_id, \
             CAST(NULL AS TEXT) AS task_name, CAST(NULL AS TEXT) AS category, \
             CAST(NULL AS TEXT) AS description, CAST(NULL AS TEXT) AS spent_on, \
             CAST(NULL AS BIGINT) AS seconds, CAST(NULL AS BIGINT) AS quantity, \
             CAST(NULL AS BIGINT) AS unit_price, CAST(NULL AS BIGINT) AS amount, \
             i.version, i.updated_at FROM invoices i \
             WHERE i.organization_id = $1 AND i.id = $2 AND i.status = 'draft' \
             UNION ALL SELECT * FROM (SELECT 'fixed', p.id, p.id, p.name, \
             CAST(NULL AS UUID), CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT), \
             CAST(NULL AS TEXT), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), \
             p.fixed_fee, p.fixed_fee, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT) FROM projects p \
             WHERE p.organization_id = $1 AND p.client_id = $3 \
             AND p.billing_method = 'fixed' AND p.fixed_fee > 0 \
             AND NOT EXISTS (SELECT 1 FROM invoice_lines l JOIN invoices b \
                 ON b.organization_id = l.organization_id AND b.id = l.invoice_id \
                 WHERE l.organization_id = $1 AND l.project_id = p.id AND l.kind = 'fixed' \
                 AND b.status <> 'void') \
             ORDER BY p.created_at, p.id LIMIT $6) AS fees \
             UNION ALL SELECT * FROM (SELECT 'time', e.id, e.project_id, p.name, e.task_id, t.name, \
             CAST(NULL AS TEXT), CAST(NULL AS TEXT), e.spent_on, e.rounded_seconds, \
             CAST(NULL AS BIGINT), e.rate, e.amount, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT) \
             FROM time_entries e \
             JOIN projects p ON p.organization_id = e.organization_id AND p.id = e.project_id \
             LEFT JOIN tasks t ON t.organization_id = e.organization_id AND t.id = e.task_id \
             WHERE e.organization_id = $1 AND e.client_id = $3 AND e.currency = $4 AND ",
            $time,
            " ORDER BY e.spent_on, e.id LIMIT $5) AS entries \
             UNION ALL SELECT * FROM (SELECT 'expense', x.id, x.project_id, p.name, \
             CAST(NULL AS UUID), CAST(NULL AS TEXT), x.category, x.description, x.spent_on, \
             CAST(NULL AS BIGINT), x.quantity, x.unit_price, x.amount, \
             CAST(NULL AS BIGINT), CAST(NULL AS BIGINT) FROM expenses x \
             JOIN projects p ON p.organization_id = x.organization_id AND p.id = x.project_id \
             WHERE x.organization_id = $1 AND x.client_id = $3 AND x.currency = $4 AND ",
            $expenses,
            " ORDER BY x.spent_on, x.id LIMIT $6) AS costs"
        )
    };
}

hoursmith_store::statements! {
    /// A draft and what is unbilled.
    UNBILLED_ITEMS = items!(
        "e.invoice_id IS NULL AND e.amount IS NOT NULL",
        "x.invoice_id IS NULL AND x.billable"
    );
    /// A draft and what was claimed for it in this transaction.
    CLAIMED_ITEMS = items!("e.invoice_id = $2", "x.invoice_id = $2");
    /// Lines as they were frozen.
    LIST_LINES = "SELECT id, kind, project_id, description, quantity, unit_price, amount, \
        time_entry_ids, expense_ids FROM invoice_lines \
        WHERE organization_id = $1 AND invoice_id = $2 ORDER BY position";
    /// A line, frozen.
    INSERT_LINE = "INSERT INTO invoice_lines (organization_id, invoice_id, position, id, kind, project_id, \
        description, quantity, unit_price, amount, time_entry_ids, expense_ids) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
}

/// The version of a draft at the moment of which its items are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) version: i64,
    pub(crate) updated_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct ItemRow {
    kind: String,
    id: Uuid,
    project_id: Option<Uuid>,
    project_name: Option<String>,
    task_id: Option<Uuid>,
    task_name: Option<String>,
    category: Option<String>,
    description: Option<String>,
    spent_on: Option<String>,
    seconds: Option<i64>,
    quantity: Option<i64>,
    unit_price: Option<i64>,
    amount: Option<i64>,
    version: Option<i64>,
    updated_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct LineRow {
    id: Uuid,
    kind: String,
    project_id: Option<Uuid>,
    description: String,
    quantity: i64,
    unit_price: i64,
    amount: i64,
    time_entry_ids: String,
    expense_ids: String,
}

/// A draft's version and what is unbilled at one moment; nothing when it is no draft any more.
pub(crate) async fn unbilled(
    conn: &mut Conn,
    organization: OrganizationId,
    draft: &InvoiceState,
) -> Result<Option<(Moment, Vec<Item>)>, error::Error> {
    let (entries, lines) = bounds();
    let rows = fetch_all!(
        conn,
        UNBILLED_ITEMS as ItemRow,
        organization.0,
        draft.id.0,
        draft.client.0,
        draft.currency.as_str(),
        entries,
        lines
    )?;
    into_items(rows, draft.currency)
}

/// A draft's version and what was claimed for it in this transaction, with every unbilled fee.
pub(crate) async fn claimed(
    conn: &mut Conn,
    organization: OrganizationId,
    draft: &InvoiceState,
) -> Result<Option<(Moment, Vec<Item>)>, error::Error> {
    let (entries, lines) = bounds();
    let rows = fetch_all!(
        conn,
        CLAIMED_ITEMS as ItemRow,
        organization.0,
        draft.id.0,
        draft.client.0,
        draft.currency.as_str(),
        entries,
        lines
    )?;
    into_items(rows, draft.currency)
}

/// One more of each than fits, so that it shows that something does not.
fn bounds() -> (i64, i64) {
    let more = |max: usize| i64::try_from(max).unwrap_or(i64::MAX).saturating_add(1);
    (more(MAX_ENTRIES), more(MAX_LINES))
}

fn into_items(
    rows: Vec<ItemRow>,
    currency: Currency,
) -> Result<Option<(Moment, Vec<Item>)>, error::Error> {
    let mut rows = rows.into_iter();
    // UNION ALL gives no order in the standard; the draft is looked for, not expected first.
    let mut moment = None;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows.by_ref() {
        if let (Some(version), Some(updated_at)) = (row.version, row.updated_at) {
            moment = Some(Moment {
                version,
                updated_at: Timestamp::from_micros(updated_at),
            });
        } else {
            items.push(row.into_item(currency)?);
        }
    }
    Ok(moment.map(|moment| (moment, items)))
}

pub(crate) async fn lines(
    conn: &mut Conn,
    organization: OrganizationId,
    invoice: InvoiceId,
) -> Result<Vec<Line>, error::Error> {
    let rows = fetch_all!(conn, LIST_LINES as LineRow, organization.0, invoice.0)?;
    rows.into_iter().map(LineRow::into_line).collect()
}

pub(crate) async fn insert_lines(
    conn: &mut Conn,
    organization: OrganizationId,
    invoice: &InvoiceState,
) -> Result<(), Error> {
    // Arrays of ids, whose serialization cannot fail.
    let ids = |ids: &[Uuid]| serde_json::to_string(ids).unwrap_or_default();
    for (position, line) in (0_i64..).zip(&invoice.lines) {
        execute!(
            conn,
            INSERT_LINE,
            organization.0,
            invoice.id.0,
            position,
            line.id,
            line.kind.as_str(),
            line.project,
            line.description.as_str(),
            line.quantity.ten_thousandths(),
            line.unit_price.ten_thousandths(),
            line.amount.ten_thousandths(),
            ids(&line.time_entry_ids),
            ids(&line.expense_ids),
        )?;
    }
    Ok(())
}

impl ItemRow {
    /// Something that can be billed in a currency. Amounts were refused that have more digits than
    /// it, but a fee may be of a time when the client was billed in another.
    fn into_item(self, currency: Currency) -> Result<Item, error::Error> {
        let kind = kind(&self.kind)?;
        let (Some(project), Some(total)) = (self.project_id, self.amount) else {
            return Err(incomplete(self.id).into());
        };
        let total = amount(total)?.rounded(currency);
        let price = match (kind, self.unit_price) {
            (Kind::Time | Kind::Expense, Some(units)) => amount(units)?,
            (Kind::Fixed, _) | (_, None) => total,
        };
        let name = self.project_name.unwrap_or_default();
        let description = match kind {
            Kind::Fixed => name,
            Kind::Time => joined(Some(name), self.task_name),
            Kind::Expense => match joined(self.category, self.description) {
                text if text.is_empty() => name,
                text => text,
            },
        };
        Ok(Item {
            kind,
            id: self.id,
            project,
            task: self.task_id,
            spent_on: day(self.spent_on.as_deref())?,
            description,
            seconds: self.seconds.unwrap_or(0),
            quantity: self.quantity.map(amount).transpose()?,
            unit_price: price,
            amount: total,
        })
    }
}

impl LineRow {
    fn into_line(self) -> Result<Line, error::Error> {
        let ids = |text: &str| {
            serde_json::from_str::<Vec<Uuid>>(text)
                .map_err(|source| Failure::internal("read stored ids", source))
        };
        Ok(Line {
            id: self.id,
            kind: kind(&self.kind)?,
            project: self.project_id,
            description: self.description,
            quantity: amount(self.quantity)?,
            unit_price: amount(self.unit_price)?,
            amount: amount(self.amount)?,
            time_entry_ids: ids(&self.time_entry_ids)?,
            expense_ids: ids(&self.expense_ids)?,
        })
    }
}

fn kind(word: &str) -> Result<Kind, Failure> {
    Kind::WORDS
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, kind)| *kind)
        .ok_or_else(|| Failure::internal("read a stored kind of line", word.to_owned()))
}

/// Two texts with a colon between them, or the one there is.
fn joined(first: Option<String>, second: Option<String>) -> String {
    match (first, second) {
        (Some(first), Some(second)) => format!("{first}: {second}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => String::new(),
    }
}

fn incomplete(id: Uuid) -> Failure {
    Failure::internal("read what can be billed", format!("{id} has no amount"))
}
