//! Expenses in the database; lists are in a file of their own.

use hoursmith_domain::{
    Amount, ClientId, Currency, Day, ExpenseId, InvoiceId, MemberId, OrganizationId, ProjectId,
    Timestamp,
};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_optional};
use uuid::Uuid;

use super::state::ExpenseState;
use crate::base::{BaseRow, base_columns};
use crate::error;
use crate::reference::metadata_text;
use crate::sight::Reach;

/// What is read of an expense. Left joins, though no part can be missing, so that rows come in the
/// order of an index of the expenses.
macro_rules! expenses {
    () => {
        concat!(
            "SELECT e.id, e.member_id, e.project_id, e.client_id, e.spent_on, e.category, e.description, \
             e.quantity, e.unit_price, e.amount, e.currency, e.tax_amount, e.billable, e.reimbursable, \
             e.invoice_id, o.lock_before, p.archived_at, ",
            base_columns!("e"),
            " FROM expenses e \
              LEFT JOIN projects p ON p.organization_id = e.organization_id AND p.id = e.project_id \
              LEFT JOIN organizations o ON o.id = e.organization_id"
        )
    };
}

/// The rows that a caller sees: all ($2), or those of the projects that the member ($3) was added
/// to; of these only the member's own if so ($4). Not correlated: asked once, not for each row.
macro_rules! visible {
    () => {
        " WHERE e.organization_id = $1 AND ($2 OR e.project_id IN ( \
            SELECT pm.project_id FROM project_members pm \
            WHERE pm.organization_id = $1 AND pm.member_id = $3)) \
          AND (NOT CAST($4 AS BOOLEAN) OR e.member_id = $3)"
    };
}

pub(super) use {expenses, visible};

hoursmith_store::statements! {
    /// An expense that the caller sees.
    FIND_EXPENSE = concat!(expenses!(), visible!(), " AND e.id = $5");
    /// Holds the row until the transaction ends: what is decided by it stays true. Reading it is a
    /// statement of its own, since it is read with its project, which `RETURNING` cannot join.
    HOLD_EXPENSE = "UPDATE expenses SET version = version WHERE organization_id = $1 AND id = $2";
    /// A new expense.
    INSERT_EXPENSE = "INSERT INTO expenses (organization_id, id, member_id, project_id, client_id, \
        spent_on, category, description, quantity, unit_price, amount, currency, tax_amount, billable, \
        reimbursable, external_reference_service, external_reference_id, external_reference_url, \
        metadata, version, updated_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
        $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)";
    /// Every column that can change, but for the invoice, which sets itself.
    UPDATE_EXPENSE = "UPDATE expenses SET member_id = $3, project_id = $4, client_id = $5, spent_on = $6, \
        category = $7, description = $8, quantity = $9, unit_price = $10, amount = $11, currency = $12, \
        tax_amount = $13, billable = $14, reimbursable = $15, external_reference_service = $16, \
        external_reference_id = $17, external_reference_url = $18, metadata = $19, version = $20, \
        updated_at = $21 WHERE organization_id = $1 AND id = $2";
    /// Counts a change of everything on an invoice, later than the last one of each.
    TOUCH_BILLED_EXPENSES = "UPDATE expenses SET version = version + 1, \
        updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at + 1 END \
        WHERE organization_id = $1 AND invoice_id = $2";
    /// Everything on an invoice, which holds a bounded number of expenses.
    BILLED_EXPENSES = concat!(
        expenses!(), " WHERE e.organization_id = $1 AND e.invoice_id = $2 ORDER BY e.spent_on, e.id"
    );
    /// Gone.
    DELETE_EXPENSE = "DELETE FROM expenses WHERE organization_id = $1 AND id = $2";
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    member_id: Uuid,
    project_id: Uuid,
    client_id: Option<Uuid>,
    spent_on: String,
    category: Option<String>,
    description: Option<String>,
    quantity: Option<i64>,
    unit_price: Option<i64>,
    amount: i64,
    currency: String,
    tax_amount: Option<i64>,
    billable: bool,
    reimbursable: bool,
    invoice_id: Option<Uuid>,
    lock_before: Option<String>,
    archived_at: Option<i64>,
    #[sqlx(flatten)]
    base: BaseRow,
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ExpenseId,
    reach: Reach,
) -> Result<Option<ExpenseState>, error::Error> {
    let row = fetch_optional!(
        conn,
        FIND_EXPENSE as Row,
        organization.0,
        reach.all,
        reach.member.0,
        reach.own,
        id.0
    )?;
    row.map(Row::into_state).transpose()
}

/// The same, held until the transaction ends.
pub(crate) async fn lock(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ExpenseId,
    reach: Reach,
) -> Result<Option<ExpenseState>, error::Error> {
    execute!(conn, HOLD_EXPENSE, organization.0, id.0)?;
    find(conn, organization, id, reach).await
}

/// Runs a statement that writes every column of an expense; `$further` follow in it.
macro_rules! save {
    ($conn:expr, $statement:path, $organization:expr, $expense:expr $(, $further:expr)?) => {{
        let expense: &ExpenseState = $expense;
        let reference = expense.base.external_reference.as_ref();
        execute!(
            $conn,
            $statement,
            $organization.0,
            expense.id.0,
            expense.member.0,
            expense.project.0,
            expense.client.map(|client| client.0),
            expense.spent_on.to_string(),
            expense.category.as_deref(),
            expense.description.as_deref(),
            expense.quantity.map(Amount::ten_thousandths),
            expense.unit_price.map(Amount::ten_thousandths),
            expense.amount.ten_thousandths(),
            expense.currency.as_str(),
            expense.tax_amount.map(Amount::ten_thousandths),
            expense.billable,
            expense.reimbursable,
            reference.map(|reference| reference.service.as_str()),
            reference.map(|reference| reference.id.as_str()),
            reference.and_then(|reference| reference.url.as_deref()),
            metadata_text(&expense.base.metadata),
            expense.base.version,
            expense.base.updated_at.as_micros(),
            $($further)?
        )
    }};
}

pub(crate) async fn insert(
    conn: &mut Conn,
    organization: OrganizationId,
    expense: &ExpenseState,
) -> Result<(), Error> {
    let created_at = expense.base.created_at.as_micros();
    save!(conn, INSERT_EXPENSE, organization, expense, created_at)?;
    Ok(())
}

pub(crate) async fn update(
    conn: &mut Conn,
    organization: OrganizationId,
    expense: &ExpenseState,
) -> Result<(), Error> {
    save!(conn, UPDATE_EXPENSE, organization, expense)?;
    Ok(())
}

/// Counts a change of what is on an invoice.
pub(crate) async fn touch_billed(
    conn: &mut Conn,
    organization: OrganizationId,
    invoice: InvoiceId,
    now: Timestamp,
) -> Result<(), Error> {
    let now = now.as_micros();
    execute!(conn, TOUCH_BILLED_EXPENSES, organization.0, invoice.0, now)?;
    Ok(())
}

/// What is on an invoice.
pub(crate) async fn billed(
    conn: &mut Conn,
    organization: OrganizationId,
    invoice: InvoiceId,
) -> Result<Vec<ExpenseState>, error::Error> {
    let rows = fetch_all!(conn, BILLED_EXPENSES as Row, organization.0, invoice.0)?;
    rows.into_iter().map(Row::into_state).collect()
}

pub(crate) async fn delete(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ExpenseId,
) -> Result<(), Error> {
    execute!(conn, DELETE_EXPENSE, organization.0, id.0)?;
    Ok(())
}

impl Row {
    pub(super) fn into_state(self) -> Result<ExpenseState, error::Error> {
        let amount = |stored: Option<i64>| stored.and_then(Amount::from_ten_thousandths);
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|source| Failure::internal("read a stored currency", source))?;
        Ok(ExpenseState {
            id: ExpenseId(self.id),
            member: MemberId(self.member_id),
            project: ProjectId(self.project_id),
            client: self.client_id.map(ClientId),
            spent_on: day(&self.spent_on)?,
            category: self.category,
            description: self.description,
            quantity: amount(self.quantity),
            unit_price: amount(self.unit_price),
            amount: Amount::from_ten_thousandths(self.amount).ok_or_else(|| {
                Failure::internal("read a stored amount", self.amount.to_string())
            })?,
            currency,
            tax_amount: amount(self.tax_amount),
            billable: self.billable,
            reimbursable: self.reimbursable,
            invoice: self.invoice_id.map(InvoiceId),
            lock_before: self.lock_before.as_deref().map(day).transpose()?,
            is_archived: self.archived_at.is_some(),
            base: self.base.into_base()?,
        })
    }
}

fn day(text: &str) -> Result<Day, Failure> {
    text.parse()
        .map_err(|source| Failure::internal("read a stored day", source))
}
