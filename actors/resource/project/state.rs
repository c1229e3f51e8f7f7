//! A project as it is: what is stored, and how a change and a view are made of it.

use hoursmith_domain::{
    Amount, ClientId, Currency, Day, FieldError, MemberId, Patch, Problem, ProjectId, Timestamp,
};
use hoursmith_routes::project::{Budget as WireBudget, Membership as WireMembership, Project};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::input::{BudgetInput, ProjectInput};
use crate::base::{Base, Stored, archived_at, refuse_any, too_precise};
use crate::sight::Sight;
use crate::work::BillingMethod;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProjectState {
    pub(crate) id: ProjectId,
    pub(crate) client: Option<ClientId>,
    /// The client's, or the organization's; not stored with the project.
    pub(crate) currency: Currency,
    pub(crate) name: String,
    pub(crate) code: Option<String>,
    pub(crate) color: Option<String>,
    pub(crate) billable: bool,
    pub(crate) billing_method: BillingMethod,
    pub(crate) billable_rate: Option<Amount>,
    pub(crate) fixed_fee: Option<Amount>,
    pub(crate) budget: Option<Budget>,
    pub(crate) starts_on: Option<Day>,
    pub(crate) ends_on: Option<Day>,
    pub(crate) notes: Option<String>,
    pub(crate) archived_at: Option<Timestamp>,
    /// By member.
    pub(crate) members: Vec<Membership>,
    /// Since it began.
    pub(crate) total: Tracked,
    /// In the current month of the organization's zone.
    pub(crate) month: Tracked,
    pub(crate) base: Base,
}

/// A member of a project, as the project's row keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) member_id: Uuid,
    /// In 1/10,000 of the currency's unit.
    pub(crate) billable_rate: Option<i64>,
}

/// What was tracked on a project; kept by the writes of its entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tracked {
    pub(crate) seconds: i64,
    /// Sum of amounts, in 1/10,000 of the currency's unit.
    pub(crate) amount: i64,
}

/// What may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) kind: BudgetKind,
    pub(crate) amount: Amount,
    pub(crate) period: BudgetPeriod,
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BudgetKind {
    Hours,
    Money,
}

/// How long a budget lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BudgetPeriod {
    Total,
    Monthly,
}

impl BudgetKind {
    /// The words in JSON and in the store.
    pub(crate) const WORDS: &'static [(&'static str, Self)] =
        &[("hours", Self::Hours), ("money", Self::Money)];

    /// The word in JSON and in the store.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::Money => "money",
        }
    }
}

impl BudgetPeriod {
    /// The words in JSON and in the store.
    pub(crate) const WORDS: &'static [(&'static str, Self)] =
        &[("total", Self::Total), ("monthly", Self::Monthly)];

    /// The word in JSON and in the store.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Monthly => "monthly",
        }
    }
}

impl ProjectState {
    /// A project without a name yet, of no client, with nobody in it.
    pub(crate) fn new(id: ProjectId, currency: Currency, now: Timestamp) -> Self {
        Self {
            id,
            client: None,
            currency,
            name: String::new(),
            code: None,
            color: None,
            billable: true,
            billing_method: BillingMethod::Hourly,
            billable_rate: None,
            fixed_fee: None,
            budget: None,
            starts_on: None,
            ends_on: None,
            notes: None,
            archived_at: None,
            members: Vec::new(),
            total: Tracked::default(),
            month: Tracked::default(),
            base: Base::new(now),
        }
    }

    /// Takes a change in. Refuses what only the merged whole can show.
    pub(crate) fn apply(&mut self, input: ProjectInput, now: Timestamp) -> Result<(), Problem> {
        input.client.apply(&mut self.client);
        input.name.apply_required(&mut self.name);
        input.code.apply(&mut self.code);
        input.color.apply(&mut self.color);
        input.billable.apply_required(&mut self.billable);
        input
            .billing_method
            .apply_required(&mut self.billing_method);
        input.billable_rate.apply(&mut self.billable_rate);
        input.fixed_fee.apply(&mut self.fixed_fee);
        input.starts_on.apply(&mut self.starts_on);
        input.ends_on.apply(&mut self.ends_on);
        input.notes.apply(&mut self.notes);
        if let Some(archived) = input.archived.into_option() {
            self.archived_at = archived_at(archived, self.archived_at, now);
        }
        let mut errors = merge_budget(&mut self.budget, input.budget);
        errors.extend(self.contradictions());
        errors.extend(self.base.apply(input.base));
        refuse_any(errors)
    }

    /// What its fields say against each other.
    fn contradictions(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.billable && self.billing_method == BillingMethod::None {
            let detail = "must be false when `billing_method` is `none`";
            errors.push(FieldError::pointer("#/billable", "not_billable", detail));
        }
        if self.fixed_fee.is_some() && self.billing_method != BillingMethod::Fixed {
            let detail = "must be null unless `billing_method` is `fixed`";
            errors.push(FieldError::pointer("#/fixed_fee", "not_fixed", detail));
        }
        if self
            .fixed_fee
            .is_some_and(|fee| !fee.is_payable(self.currency))
        {
            errors.push(too_precise("fixed_fee", self.currency));
        }
        if let (Some(first), Some(last)) = (self.starts_on, self.ends_on)
            && last < first
        {
            let detail = "must not be before `starts_on`";
            errors.push(FieldError::pointer("#/ends_on", "before_start", detail));
        }
        errors
    }

    /// Whether a client's draft would look different for this change.
    pub(crate) fn bills_otherwise_than(&self, other: &Self) -> bool {
        let billed = |project: &Self| {
            (
                project.client,
                project.billing_method,
                project.fixed_fee,
                project.name.clone(),
            )
        };
        billed(self) != billed(other)
    }

    /// Adds a member, or sets its rate.
    pub(crate) fn add(&mut self, member: MemberId, rate: Option<Amount>) {
        let membership = Membership {
            member_id: member.0,
            billable_rate: rate.map(Amount::ten_thousandths),
        };
        match self.place_of(member) {
            Ok(at) => {
                if let Some(known) = self.members.get_mut(at) {
                    *known = membership;
                }
            }
            Err(at) => self.members.insert(at, membership),
        }
    }

    /// Removes a member.
    pub(crate) fn remove(&mut self, member: MemberId) {
        self.members
            .retain(|membership| membership.member_id != member.0);
    }

    fn place_of(&self, member: MemberId) -> Result<usize, usize> {
        self.members
            .binary_search_by_key(&member.0, |membership| membership.member_id)
    }

    /// What a caller sees.
    pub(crate) fn to_wire(&self, sight: Sight) -> Project {
        let budget = self
            .budget
            .filter(|budget| sight.rates || budget.kind == BudgetKind::Hours);
        Project {
            id: self.id.0,
            client_id: self.client.map(|client| client.0),
            name: self.name.clone(),
            code: self.code.clone(),
            color: self.color.clone(),
            billable: self.billable,
            billing_method: self.billing_method.as_str().to_owned(),
            billable_rate: sight.rate(self.billable_rate, self.currency),
            fixed_fee: sight.rate(self.fixed_fee, self.currency),
            budget: budget.map(|budget| budget.to_wire(self.currency)),
            currency: self.currency.to_string(),
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            notes: self.notes.clone(),
            archived: self.archived_at.is_some(),
            archived_at: self.archived_at,
            members: self
                .members
                .iter()
                .map(|membership| membership.to_wire(sight, self.currency))
                .collect(),
            tracked_seconds: self.total.seconds,
            billable_amount: sight.rate(Some(self.total.amount()), self.currency),
            budget_used: budget.and_then(|budget| self.used(budget)),
            external_reference: self.base.external_reference.clone(),
            metadata: self.base.metadata.clone(),
            created_at: self.base.created_at,
            updated_at: self.base.updated_at,
        }
    }

    /// How much of a budget is used, in its unit.
    fn used(&self, budget: Budget) -> Option<String> {
        let tracked = match budget.period {
            BudgetPeriod::Total => self.total,
            BudgetPeriod::Monthly => self.month,
        };
        match budget.kind {
            BudgetKind::Hours => Amount::hours(tracked.seconds).map(Amount::plain),
            BudgetKind::Money => Some(tracked.amount().display(self.currency)),
        }
    }
}

impl Stored for ProjectState {
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
        serde_json::to_value(self.to_wire(Sight::OWNER)).unwrap_or_default()
    }
}

impl Tracked {
    fn amount(self) -> Amount {
        Amount::of_sum(self.amount)
    }
}

impl Budget {
    fn to_wire(self, currency: Currency) -> WireBudget {
        WireBudget {
            kind: self.kind.as_str().to_owned(),
            amount: match self.kind {
                BudgetKind::Hours => self.amount.plain(),
                BudgetKind::Money => self.amount.display(currency),
            },
            period: self.period.as_str().to_owned(),
        }
    }
}

impl Membership {
    /// The member's rate on the project.
    pub(crate) fn rate(&self) -> Option<Amount> {
        self.billable_rate.and_then(Amount::from_ten_thousandths)
    }

    fn to_wire(self, sight: Sight, currency: Currency) -> WireMembership {
        WireMembership {
            member_id: self.member_id,
            billable_rate: sight.rate(self.rate(), currency),
        }
    }
}

/// Merges what a body says into a budget. Refused when the result would lack its kind or amount.
fn merge_budget(current: &mut Option<Budget>, patch: Patch<BudgetInput>) -> Vec<FieldError> {
    let input = match patch {
        Patch::Absent => return Vec::new(),
        Patch::Null => {
            *current = None;
            return Vec::new();
        }
        Patch::Value(input) => input,
    };
    let (mut kind, mut amount) = (
        current.map(|budget| budget.kind),
        current.map(|budget| budget.amount),
    );
    let mut period = current.map_or(BudgetPeriod::Total, |budget| budget.period);
    input.kind.apply(&mut kind);
    input.amount.apply(&mut amount);
    input.period.apply_required(&mut period);
    if let (Some(kind), Some(amount)) = (kind, amount) {
        *current = Some(Budget {
            kind,
            amount,
            period,
        });
        return Vec::new();
    }
    [("amount", amount.is_none()), ("kind", kind.is_none())]
        .iter()
        .filter(|(_, is_missing)| *is_missing)
        .map(|(name, _)| FieldError::pointer(format!("#/budget/{name}"), "required", "is required"))
        .collect()
}
