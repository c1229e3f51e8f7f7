//! What a time entry or an expense stands on: its project, its member, the organization's rules.
//!
//! Read in one statement, inside the transaction that writes the entry, so that currency, rates,
//! zone and locks are those of one moment. Nothing is held for it, so that members write time on one
//! project side by side; whether client and currency still are what they were is asked once the row
//! is written, which is when nobody can change them any more ([`must_stand`]).

mod sql;

use hoursmith_domain::{Amount, ClientId, Code, Currency, Day, Problem, ProjectId, Rounding, Zone};

pub(crate) use sql::{ground, must_stand, statements};

/// How a project is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BillingMethod {
    /// By the hour: billable entries have a rate.
    Hourly,
    /// By one fee: entries have no rate of their own.
    Fixed,
    /// Not at all.
    None,
}

/// Why time or an expense cannot be changed, the strongest reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockedReason {
    /// A sent invoice bills it.
    Invoiced,
    /// Its day is before the organization's `lock_before`.
    PeriodLocked,
    /// Its project is archived.
    ProjectArchived,
}

/// The ground that an entry of a member on a project stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ground {
    pub(crate) project: ProjectId,
    /// Whom the project is for.
    pub(crate) client: Option<ClientId>,
    /// The client's currency, or the organization's when the project has no client.
    pub(crate) currency: Currency,
    /// Whether entries are billable unless they say otherwise.
    pub(crate) billable: bool,
    pub(crate) billing_method: BillingMethod,
    pub(crate) is_archived: bool,
    /// Whether the member is in the project. An entry of one who is not cannot be made.
    pub(crate) is_in_project: bool,
    /// Whether the member is active.
    pub(crate) is_active: bool,
    pub(crate) project_rate: Option<Amount>,
    pub(crate) project_member_rate: Option<Amount>,
    /// Only where [`Ground::currency`] is the organization's, whose currency the rate is in.
    pub(crate) member_rate: Option<Amount>,
    /// The same.
    pub(crate) organization_rate: Option<Amount>,
    /// The member's zone, or the organization's.
    pub(crate) zone: Zone,
    pub(crate) rounding: Rounding,
    pub(crate) allow_overlap: bool,
    /// Days before it are locked.
    pub(crate) lock_before: Option<Day>,
}

impl BillingMethod {
    /// The words in JSON and in the store.
    pub(crate) const WORDS: &'static [(&'static str, Self)] = &[
        ("hourly", Self::Hourly),
        ("fixed", Self::Fixed),
        ("none", Self::None),
    ];

    /// The word in JSON and in the store.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Fixed => "fixed",
            Self::None => "none",
        }
    }
}

impl LockedReason {
    /// The word in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Invoiced => "invoiced",
            Self::PeriodLocked => "period_locked",
            Self::ProjectArchived => "project_archived",
        }
    }

    /// The reason that holds, if any does: of an entry that is invoiced or not, on a day.
    pub(crate) fn of(
        is_invoiced: bool,
        spent_on: Day,
        lock_before: Option<Day>,
        is_archived: bool,
    ) -> Option<Self> {
        if is_invoiced {
            Some(Self::Invoiced)
        } else if lock_before.is_some_and(|day| spent_on < day) {
            Some(Self::PeriodLocked)
        } else if is_archived {
            Some(Self::ProjectArchived)
        } else {
            None
        }
    }

    /// The refusal of a change: 409 `locked`, with the reason as a member of its own.
    pub(crate) fn refusal(self) -> Problem {
        let detail = match self {
            Self::Invoiced => "It is on a sent invoice; void the invoice to release it.",
            Self::PeriodLocked => "Its day is in a locked period of the organization.",
            Self::ProjectArchived => "Its project is archived; bring the project back first.",
        };
        Problem::new(Code::Locked, detail).with_member("locked_reason", self.as_str())
    }
}
