//! An organization as it is, and what is seen of it.

use hoursmith_domain::{Amount, Currency, Day, OrganizationId, Plan, Rounding, Zone};
use hoursmith_routes::organization::{Organization, Rounding as WireRounding};
use serde_json::Value;
use uuid::Uuid;

use crate::base::{Base, Stored};
use crate::sight::Sight;

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrganizationState {
    pub(crate) id: OrganizationId,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) plan: Plan,
    pub(crate) currency: Currency,
    pub(crate) timezone: Zone,
    /// The day in lower case, such as `monday`.
    pub(crate) week_start: String,
    pub(crate) default_billable_rate: Option<Amount>,
    pub(crate) rounding: Rounding,
    /// What is rounded: `entry`.
    pub(crate) rounding_target: String,
    pub(crate) allow_overlap: bool,
    /// Days before it are locked.
    pub(crate) lock_before: Option<Day>,
    pub(crate) weekly_capacity_seconds: i64,
    pub(crate) base: Base,
}

impl OrganizationState {
    /// What a caller sees.
    pub(crate) fn to_wire(&self, sight: Sight) -> Organization {
        Organization {
            id: self.id.0,
            name: self.name.clone(),
            slug: self.slug.clone(),
            plan: self.plan,
            currency: self.currency.to_string(),
            timezone: self.timezone.to_string(),
            week_start: self.week_start.clone(),
            default_billable_rate: sight.rate(self.default_billable_rate, self.currency),
            rounding: WireRounding {
                mode: self.rounding.mode.as_str().to_owned(),
                minutes: self.rounding.minutes,
                target: self.rounding_target.clone(),
            },
            allow_overlap: self.allow_overlap,
            lock_before: self.lock_before.map(|day| day.to_string()),
            weekly_capacity_seconds: self.weekly_capacity_seconds,
            external_reference: self.base.external_reference.clone(),
            metadata: self.base.metadata.clone(),
            created_at: self.base.created_at,
            updated_at: self.base.updated_at,
        }
    }
}

impl Stored for OrganizationState {
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
