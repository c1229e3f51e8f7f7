//! A member as it is, and what is seen of it.

use hoursmith_domain::{Amount, Currency, MemberId, Role, UserId, Zone};
use hoursmith_routes::member::Member;
use serde_json::Value;
use uuid::Uuid;

use crate::base::{Base, Stored};
use crate::sight::Sight;

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Can act.
    Active,
    /// Has a link, and has not accepted yet.
    Invited,
    /// Is gone.
    Removed,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberState {
    pub(crate) id: MemberId,
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: Role,
    pub(crate) status: Status,
    /// Its own zone; the organization's holds if there is none.
    pub(crate) timezone: Option<Zone>,
    pub(crate) organization_timezone: Zone,
    pub(crate) billable_rate: Option<Amount>,
    pub(crate) cost_rate: Option<Amount>,
    /// The organization's, which its rates are in.
    pub(crate) currency: Currency,
    /// Its own; the organization's holds if there is none.
    pub(crate) weekly_capacity_seconds: Option<i64>,
    pub(crate) organization_weekly_capacity_seconds: i64,
    pub(crate) base: Base,
}

impl Status {
    /// The word in JSON and in the store.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Invited => "invited",
            Self::Removed => "removed",
        }
    }

    /// The status of a word in the store.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let mut all = [Self::Active, Self::Invited, Self::Removed].into_iter();
        all.find(|status| status.as_str() == word)
    }
}

impl MemberState {
    /// Whether the member can act.
    pub(crate) fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// What a caller sees.
    pub(crate) fn to_wire(&self, sight: Sight) -> Member {
        Member {
            id: self.id.0,
            user_id: self.user.0,
            name: self.name.clone(),
            email: self.email.clone(),
            role: self.role,
            status: self.status.as_str().to_owned(),
            timezone: self
                .timezone
                .unwrap_or(self.organization_timezone)
                .to_string(),
            billable_rate: sight.rate(self.billable_rate, self.currency),
            cost_rate: sight.cost(self.cost_rate, self.currency),
            currency: self.currency.to_string(),
            weekly_capacity_seconds: self
                .weekly_capacity_seconds
                .unwrap_or(self.organization_weekly_capacity_seconds),
            external_reference: self.base.external_reference.clone(),
            metadata: self.base.metadata.clone(),
            created_at: self.base.created_at,
            updated_at: self.base.updated_at,
        }
    }
}

impl Stored for MemberState {
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
