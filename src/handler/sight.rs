//! What a grant and a role show: which rows, and which fields of them.

use hoursmith_domain::{Amount, Currency, Grant, MemberId, Role};
use uuid::Uuid;

use crate::request::Request;

/// Which amounts a caller sees. Refused ones read null, so that every role has one shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Billable rates and amounts: all but members.
    pub rates: bool,
    /// Costs: owners and admins.
    pub costs: bool,
}

impl Sight {
    /// What an owner sees, which is what events carry.
    pub const OWNER: Self = Self {
        rates: true,
        costs: true,
    };

    /// What a role sees.
    pub fn of(role: Role) -> Self {
        match role {
            Role::Owner | Role::Admin => Self::OWNER,
            Role::Manager => Self {
                rates: true,
                costs: false,
            },
            Role::Member => Self {
                rates: false,
                costs: false,
            },
        }
    }

    /// A billable rate or amount as this caller sees it.
    pub fn rate(self, amount: Option<Amount>, currency: Currency) -> Option<String> {
        amount
            .filter(|_| self.rates)
            .map(|amount| amount.display(currency))
    }

    /// A cost as this caller sees it.
    pub fn cost(self, amount: Option<Amount>, currency: Currency) -> Option<String> {
        amount
            .filter(|_| self.costs)
            .map(|amount| amount.display(currency))
    }
}

/// Which rows a caller reaches through a route. Statements take it as three parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Every row of the organization.
    pub all: bool,
    /// Otherwise the rows of this member's projects.
    pub member: MemberId,
    /// Of these, only the rows that are the member's own.
    pub own: bool,
}

impl Reach {
    /// Every row, for what is done on nobody's behalf.
    pub const ALL: Self = Self {
        all: true,
        member: MemberId(Uuid::nil()),
        own: false,
    };
}

impl Request {
    /// The rows that the caller reaches; what lies outside is not found.
    pub fn reach(&self) -> Reach {
        Reach {
            all: self.grant == Grant::All,
            member: self.caller.member(),
            own: matches!(self.grant, Grant::Own | Grant::OneSelf),
        }
    }

    /// Which amounts the caller sees.
    pub fn sight(&self) -> Sight {
        Sight::of(self.caller.role())
    }
}
