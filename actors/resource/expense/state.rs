//! An expense as it is: what is stored, and how a change and a view are made of it.

use hoursmith_domain::{
    Amount, ClientId, Currency, Day, ExpenseId, FieldError, InvoiceId, MemberId, Patch, ProjectId,
    Timestamp,
};
use hoursmith_routes::expense::Expense;
use serde_json::Value;
use uuid::Uuid;

use super::input::{EXCLUSIVE, ExpenseInput};
use crate::base::{Base, Stored, too_precise};
use crate::work::{Ground, LockedReason};

/// An expense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExpenseState {
    pub(crate) id: ExpenseId,
    pub(crate) member: MemberId,
    pub(crate) project: ProjectId,
    /// The project's, which cannot change once it has expenses.
    pub(crate) client: Option<ClientId>,
    pub(crate) spent_on: Day,
    pub(crate) category: Option<String>,
    pub(crate) description: Option<String>,
    /// With `unit_price`, or neither: then the amount was named.
    pub(crate) quantity: Option<Amount>,
    pub(crate) unit_price: Option<Amount>,
    pub(crate) amount: Amount,
    pub(crate) currency: Currency,
    pub(crate) tax_amount: Option<Amount>,
    pub(crate) billable: bool,
    pub(crate) reimbursable: bool,
    pub(crate) invoice: Option<InvoiceId>,
    /// The organization's, read with the expense and never saved with it.
    pub(crate) lock_before: Option<Day>,
    /// The project's, likewise.
    pub(crate) is_archived: bool,
    pub(crate) base: Base,
}

impl ExpenseState {
    /// An expense of nothing yet, on a day.
    pub(crate) fn new(
        id: ExpenseId,
        member: MemberId,
        ground: &Ground,
        spent_on: Day,
        nothing: Amount,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            member,
            project: ground.project,
            client: ground.client,
            spent_on,
            category: None,
            description: None,
            quantity: None,
            unit_price: None,
            amount: nothing,
            currency: ground.currency,
            tax_amount: None,
            billable: ground.billable,
            reimbursable: false,
            invoice: None,
            lock_before: ground.lock_before,
            is_archived: ground.is_archived,
            base: Base::new(now),
        }
    }

    /// Takes a change in, on the ground that the expense stands on after it, and tells what only
    /// the merged whole can show to be wrong.
    pub(crate) fn apply(
        &mut self,
        input: ExpenseInput,
        member: MemberId,
        ground: &Ground,
    ) -> Vec<FieldError> {
        self.member = member;
        self.project = ground.project;
        self.client = ground.client;
        self.lock_before = ground.lock_before;
        self.is_archived = ground.is_archived;
        input.spent_on.apply_required(&mut self.spent_on);
        input.category.apply(&mut self.category);
        input.description.apply(&mut self.description);
        input.currency.apply_required(&mut self.currency);
        input.tax_amount.apply(&mut self.tax_amount);
        input.billable.apply_required(&mut self.billable);
        input.reimbursable.apply_required(&mut self.reimbursable);
        input.quantity.apply(&mut self.quantity);
        input.unit_price.apply(&mut self.unit_price);
        let mut errors = self.base.apply(input.base);
        match self.total(input.amount) {
            Ok(amount) => self.amount = amount,
            Err(error) => errors.push(error),
        }
        if self.tax_amount.is_some_and(|tax| tax > self.amount) {
            errors.push(wrong(
                "tax_amount",
                "max_value",
                "must be at most the amount",
            ));
        }
        if self.billable && !self.amount.is_payable(self.currency) {
            errors.push(too_precise("amount", self.currency));
        }
        if self.billable && self.currency != ground.currency {
            let detail = format!(
                "must be {}, in which the project is billed, or the expense not be billable",
                ground.currency
            );
            errors.push(wrong("currency", "not_project_currency", &detail));
        }
        errors
    }

    /// What was paid: quantity times unit price where they are set, else the amount that is named
    /// or was.
    fn total(&self, named: Patch<Amount>) -> Result<Amount, FieldError> {
        match (self.quantity, self.unit_price, named) {
            (None, None, named) => Ok(named.into_option().unwrap_or(self.amount)),
            (_, _, Patch::Value(_)) => Err(wrong("amount", "exclusive", EXCLUSIVE)),
            (Some(quantity), Some(price), _) => price
                .times(quantity, self.currency)
                .ok_or_else(|| wrong("unit_price", "too_large", TOO_LARGE)),
            (Some(_), None, _) => Err(wrong("unit_price", "required", "is required")),
            (None, Some(_), _) => Err(wrong("quantity", "required", "is required")),
        }
    }

    /// Why it cannot change now, if it cannot.
    pub(crate) fn locked_reason(&self) -> Option<LockedReason> {
        LockedReason::of(
            self.invoice.is_some(),
            self.spent_on,
            self.lock_before,
            self.is_archived,
        )
    }

    /// What every caller sees who sees it at all: what a member paid is no secret from that member.
    pub(crate) fn to_wire(&self) -> Expense {
        let money = |amount: Amount| amount.display(self.currency);
        let locked_reason = self.locked_reason();
        Expense {
            id: self.id.0,
            member_id: self.member.0,
            project_id: self.project.0,
            client_id: self.client.map(|client| client.0),
            spent_on: self.spent_on,
            category: self.category.clone(),
            description: self.description.clone(),
            quantity: self.quantity.map(Amount::plain),
            unit_price: self.unit_price.map(money),
            amount: money(self.amount),
            currency: self.currency.to_string(),
            tax_amount: self.tax_amount.map(money),
            billable: self.billable,
            reimbursable: self.reimbursable,
            is_locked: locked_reason.is_some(),
            locked_reason: locked_reason.map(|reason| reason.as_str().to_owned()),
            invoice_id: self.invoice.map(|invoice| invoice.0),
            external_reference: self.base.external_reference.clone(),
            metadata: self.base.metadata.clone(),
            created_at: self.base.created_at,
            updated_at: self.base.updated_at,
        }
    }
}

impl Stored for ExpenseState {
    fn id(&self) -> Uuid {
        self.id.0
    }

    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn to_event(&self) -> Value {
        // A wire type of strings and numbers, whose serialization cannot fail.
        serde_json::to_value(self.to_wire()).unwrap_or_default()
    }
}

const TOO_LARGE: &str = "gives an amount of more than 12 digits before the point";

fn wrong(field: &str, code: &str, detail: &str) -> FieldError {
    FieldError::pointer(format!("#/{field}"), code, detail)
}
