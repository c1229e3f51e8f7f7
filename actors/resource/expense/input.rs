//! What a body says about an expense.

use hoursmith_domain::{Amount, Currency, Day, Fields, MemberId, Patch, Problem, ProjectId};
use simd_json::borrowed::Value;
use simd_json::prelude::*;

use crate::base::BaseInput;

/// The settable fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct ExpenseInput {
    pub(crate) member_id: Patch<MemberId>,
    pub(crate) project_id: Patch<ProjectId>,
    pub(crate) spent_on: Patch<Day>,
    pub(crate) category: Patch<String>,
    pub(crate) description: Patch<String>,
    pub(crate) quantity: Patch<Amount>,
    pub(crate) unit_price: Patch<Amount>,
    pub(crate) amount: Patch<Amount>,
    pub(crate) currency: Patch<Currency>,
    pub(crate) tax_amount: Patch<Amount>,
    pub(crate) billable: Patch<bool>,
    pub(crate) reimbursable: Patch<bool>,
    pub(crate) base: BaseInput,
}

impl ExpenseInput {
    /// Reads the body of a creation.
    pub(crate) fn read_new(body: &Value<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields, body);
        fields.required("project_id", &input.project_id);
        match (named(body, "quantity"), named(body, "unit_price")) {
            (true, false) => fields.required("unit_price", &input.unit_price),
            (false, true) => fields.required("quantity", &input.quantity),
            (false, false) => fields.required("amount", &input.amount),
            (true, true) => {}
        }
        fields.finish().map(|()| input)
    }

    /// Reads a merge patch.
    pub(crate) fn read_patch(body: &Value<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields, body);
        fields.not_null("project_id", &input.project_id);
        fields.finish().map(|()| input)
    }

    fn read(fields: &mut Fields<'_>, body: &Value<'_>) -> Self {
        let zero = Amount::from_ten_thousandths(0);
        let input = Self {
            member_id: fields.id("member_id"),
            project_id: fields.id("project_id"),
            spent_on: fields.day("spent_on"),
            category: fields.text("category", 1, 100),
            description: fields.multiline("description", 5000),
            quantity: fields.amount("quantity", zero),
            unit_price: fields.amount("unit_price", zero),
            amount: fields.amount("amount", zero),
            currency: fields.currency("currency"),
            tax_amount: fields.amount("tax_amount", zero),
            billable: fields.boolean("billable"),
            reimbursable: fields.boolean("reimbursable"),
            base: BaseInput::read(fields),
        };
        fields.not_null("member_id", &input.member_id);
        fields.not_null("spent_on", &input.spent_on);
        fields.not_null("amount", &input.amount);
        fields.not_null("currency", &input.currency);
        fields.not_null("billable", &input.billable);
        fields.not_null("reimbursable", &input.reimbursable);
        fields.read_only(&["client_id", "invoice_id", "is_locked", "locked_reason"]);
        if named(body, "amount") && (named(body, "quantity") || named(body, "unit_price")) {
            let _: Patch<()> = fields.refuse("amount", "exclusive", EXCLUSIVE);
        }
        input
    }
}

/// The rule that an expense says what was paid in one of two ways.
pub(crate) const EXCLUSIVE: &str = "is quantity times unit price where these are set; set them to null to name the amount, or leave it out";

/// Whether the body gives a value, even one that cannot be read: then that is what is wrong, and
/// nothing is missing.
fn named(body: &Value<'_>, name: &str) -> bool {
    body.get(name).is_some_and(|value| !value.is_null())
}
