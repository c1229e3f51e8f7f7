//! What a grant and a role show: which rows, and which fields of them.

use hoursmith_domain::{Amount, Currency, Grant, Role};

use crate::request::Request;

/// Which amounts a caller sees. Refused ones read null, so that every role has one shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Billable rates and amounts: all but members.
    pub(crate) rates: bool,
    /// Costs: owners and admins.
    pub(crate) costs: bool,
}

impl Sight {
    /// What an owner sees, which is what events carry.
    pub(crate) const OWNER: Self = Self {
        rates: true,
        costs: true,
    };

    pub(crate) fn of(role: Role) -> Self {
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

    /// A billable rate as this caller sees it; stored in 1/10,000 of the currency's unit.
    pub(crate) fn rate(self, stored: Option<i64>, currency: Currency) -> Option<String> {
        stored
            .filter(|_| self.rates)
            .and_then(Amount::from_ten_thousandths)
            .map(|amount| amount.display(currency))
    }

    /// A cost as this caller sees it.
    pub(crate) fn cost(self, stored: Option<i64>, currency: Currency) -> Option<String> {
        stored
            .filter(|_| self.costs)
            .and_then(Amount::from_ten_thousandths)
            .map(|amount| amount.display(currency))
    }
}

impl Request {
    /// Whether the grant covers every row of the organization. Otherwise a statement looks at the
    /// caller's projects; what lies outside is not found.
    pub(crate) fn sees_all_rows(&self) -> bool {
        self.grant == Grant::All
    }
}
