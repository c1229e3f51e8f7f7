//! What a body says about a project.

use hoursmith_domain::{Amount, ClientId, Day, Fields, Patch, Problem};
use simd_json::borrowed::Value;

use super::state::{BudgetKind, BudgetPeriod};
use crate::base::BaseInput;
use crate::work::BillingMethod;

/// The settable fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProjectInput {
    pub(crate) client: Patch<ClientId>,
    pub(crate) name: Patch<String>,
    pub(crate) code: Patch<String>,
    pub(crate) color: Patch<String>,
    pub(crate) billable: Patch<bool>,
    pub(crate) billing_method: Patch<BillingMethod>,
    pub(crate) billable_rate: Patch<Amount>,
    pub(crate) fixed_fee: Patch<Amount>,
    pub(crate) budget: Patch<BudgetInput>,
    pub(crate) starts_on: Patch<Day>,
    pub(crate) ends_on: Patch<Day>,
    pub(crate) notes: Patch<String>,
    pub(crate) archived: Patch<bool>,
    pub(crate) base: BaseInput,
}

/// The settable parts of a budget.
#[derive(Debug, Clone, Default)]
pub(crate) struct BudgetInput {
    pub(crate) kind: Patch<BudgetKind>,
    pub(crate) amount: Patch<Amount>,
    pub(crate) period: Patch<BudgetPeriod>,
}

impl ProjectInput {
    /// Reads the body of a creation.
    pub(crate) fn read_new(body: &Value<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields);
        fields.required("name", &input.name);
        fields.finish().map(|()| input)
    }

    /// Reads a merge patch.
    pub(crate) fn read_patch(body: &Value<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields);
        fields.not_null("name", &input.name);
        fields.finish().map(|()| input)
    }

    fn read(fields: &mut Fields<'_>) -> Self {
        let zero = Amount::from_ten_thousandths(0);
        let input = Self {
            client: fields.id("client_id"),
            name: fields.text("name", 1, 255),
            code: fields.text("code", 1, 50),
            color: fields.parsed("color", "invalid_color", parse_color),
            billable: fields.boolean("billable"),
            billing_method: fields.word("billing_method", BillingMethod::WORDS),
            billable_rate: fields.amount("billable_rate", zero),
            fixed_fee: fields.amount("fixed_fee", zero),
            budget: fields.object("budget", BudgetInput::read),
            starts_on: fields.day("starts_on"),
            ends_on: fields.day("ends_on"),
            notes: fields.multiline("notes", 5000),
            archived: fields.boolean("archived"),
            base: BaseInput::read(fields),
        };
        fields.not_null("billable", &input.billable);
        fields.not_null("billing_method", &input.billing_method);
        fields.not_null("archived", &input.archived);
        fields.read_only(&[
            "archived_at",
            "currency",
            "members",
            "tracked_seconds",
            "billable_amount",
            "budget_used",
        ]);
        input
    }
}

impl BudgetInput {
    fn read(fields: &mut Fields<'_>) -> Self {
        let input = Self {
            kind: fields.word("kind", BudgetKind::WORDS),
            amount: fields.amount("amount", Amount::from_ten_thousandths(0)),
            period: fields.word("period", BudgetPeriod::WORDS),
        };
        fields.not_null("kind", &input.kind);
        fields.not_null("amount", &input.amount);
        fields.not_null("period", &input.period);
        input
    }
}

/// Kept in lower case, so that one colour has one spelling.
fn parse_color(text: &str) -> Result<String, &'static str> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("must be a colour such as #b4552d")
    }
}
