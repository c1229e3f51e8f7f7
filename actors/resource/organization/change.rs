//! The one way in which an organization is changed, whoever does it: its owners and admins in the
//! app, and an operator from the command line.

use hoursmith_bus::Conditions;
use hoursmith_domain::{
    Amount, Code, Currency, Day, EventType, FieldError, OrganizationId, Patch, Problem,
    RoundingMode, Zone,
};
use hoursmith_store::Conn;

use super::{OrganizationState, sql};
use crate::base::{Stored as _, held, settle};
use crate::error::Error;
use crate::write::Stamp;

/// The days of the week, as `week_start` has them.
pub(crate) const WEEKDAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Seconds of a week.
pub(crate) const WEEK: i64 = 604_800;

/// Minutes of a day.
pub(crate) const DAY: i64 = 1440;

/// What changes in an organization; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct OrganizationChange {
    /// Name, 1..=255 characters.
    pub name: Option<String>,
    /// Currency. It can change as long as nothing is in it.
    pub currency: Option<Currency>,
    /// Zone.
    pub timezone: Option<Zone>,
    /// First day of the week, such as `monday`.
    pub week_start: Option<String>,
    /// Rate per hour where nothing more special is set, at least 0.
    pub default_billable_rate: Patch<Amount>,
    /// In which direction time is rounded.
    pub rounding_mode: Option<RoundingMode>,
    /// The step that time is rounded to, 1..=1440 minutes.
    pub rounding_minutes: Option<i64>,
    /// Whether a member's entries may overlap.
    pub allow_overlap: Option<bool>,
    /// Days before it are locked.
    pub lock_before: Patch<Day>,
    /// Working time of a full week, 0..=604,800 seconds.
    pub weekly_capacity_seconds: Option<i64>,
}

impl OrganizationChange {
    /// Takes the change in. What was tracked before stays as it is: rounding and rates hold for what
    /// is written from then on.
    pub(crate) fn apply(self, organization: &mut OrganizationState) {
        set(&mut organization.name, self.name);
        set(&mut organization.currency, self.currency);
        set(&mut organization.timezone, self.timezone);
        set(&mut organization.week_start, self.week_start);
        self.default_billable_rate
            .apply(&mut organization.default_billable_rate);
        set(&mut organization.rounding.mode, self.rounding_mode);
        set(&mut organization.rounding.minutes, self.rounding_minutes);
        set(&mut organization.allow_overlap, self.allow_overlap);
        self.lock_before.apply(&mut organization.lock_before);
        set(
            &mut organization.weekly_capacity_seconds,
            self.weekly_capacity_seconds,
        );
    }
}

/// Changes an organization, if it is of the version that the conditions name, with its event.
pub(crate) async fn change(
    conn: &mut Conn,
    stamp: &mut Stamp,
    id: OrganizationId,
    conditions: &Conditions,
    change: impl FnOnce(&mut OrganizationState) + Send,
) -> Result<OrganizationState, Error> {
    sql::hold(conn, id).await?;
    let before = held(sql::find(conn, id).await?, conditions, stamp)?;
    let mut after = before.clone();
    change(&mut after);
    let Some(previous) = settle(&before, &mut after, stamp.now) else {
        return Ok(after);
    };
    if after.currency != before.currency && sql::is_currency_used(conn, id).await? {
        return Err(currency_fixed().into());
    }
    sql::update(conn, &after).await?;
    let (kind, object) = (EventType::OrganizationUpdated, after.to_event());
    stamp
        .event(conn, kind, id.0, object, Some(previous))
        .await?;
    Ok(after)
}

/// What was priced, tracked and billed is in the currency, and stays what it was.
fn currency_fixed() -> Problem {
    let detail = "The currency cannot change: a rate, a project without a client, time, an expense \
                  or an invoice is in it.";
    Problem::new(Code::Conflict, detail).with_error(FieldError::pointer(
        "#/currency",
        "in_use",
        "cannot change once a rate, time, an expense or an invoice is in it",
    ))
}

fn set<T>(current: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *current = value;
    }
}
