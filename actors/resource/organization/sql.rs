//! The organization's row.

use hoursmith_domain::{
    Amount, Currency, Month, OrganizationId, Rounding, RoundingMode, Timestamp, Zone,
};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, execute, fetch_one, fetch_optional};
use uuid::Uuid;

use super::state::OrganizationState;
use crate::base::{BaseRow, base_names};
use crate::error;

hoursmith_store::statements! {
    /// Holds the organization's row until the transaction ends.
    HOLD_ORGANIZATION = "UPDATE organizations SET version = version WHERE id = $1";
    /// The organization by its id.
    FIND_ORGANIZATION = concat!(
        "SELECT id, name, slug, plan, currency, timezone, week_start, default_billable_rate, \
         rounding_mode, rounding_minutes, rounding_target, allow_overlap, lock_before, \
         weekly_capacity_seconds, ",
        base_names!(),
        " FROM organizations WHERE id = $1"
    );
    /// Every column that can change.
    UPDATE_ORGANIZATION = "UPDATE organizations SET name = $2, plan = $3, currency = $4, timezone = $5, \
        week_start = $6, default_billable_rate = $7, rounding_mode = $8, rounding_minutes = $9, \
        allow_overlap = $10, lock_before = $11, weekly_capacity_seconds = $12, version = $13, \
        updated_at = $14 WHERE id = $1";
    /// Whether a rate, a project without a client, time, an expense or an invoice is in the currency.
    FIND_CURRENCY_USE = "SELECT EXISTS (SELECT 1 FROM organizations WHERE id = $1 \
            AND default_billable_rate IS NOT NULL) \
        OR EXISTS (SELECT 1 FROM members WHERE organization_id = $1 \
            AND (billable_rate IS NOT NULL OR cost_rate IS NOT NULL)) \
        OR EXISTS (SELECT 1 FROM projects WHERE organization_id = $1 AND client_id IS NULL) \
        OR EXISTS (SELECT 1 FROM time_entries WHERE organization_id = $1) \
        OR EXISTS (SELECT 1 FROM expenses WHERE organization_id = $1) \
        OR EXISTS (SELECT 1 FROM invoices WHERE organization_id = $1)";
    /// The currency of what names none, and the zone that says which month it is.
    FIND_HOME = "SELECT currency, timezone FROM organizations WHERE id = $1";
}

/// What resources take from their organization.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    /// The currency of what names none.
    pub(crate) currency: Currency,
    /// The current month, by which monthly budgets are counted.
    pub(crate) month: Month,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    slug: String,
    plan: String,
    currency: String,
    timezone: String,
    week_start: String,
    default_billable_rate: Option<i64>,
    rounding_mode: String,
    rounding_minutes: i64,
    rounding_target: String,
    allow_overlap: bool,
    lock_before: Option<String>,
    weekly_capacity_seconds: i64,
    #[sqlx(flatten)]
    base: BaseRow,
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<Option<OrganizationState>, error::Error> {
    let row = fetch_optional!(conn, FIND_ORGANIZATION as Row, organization.0)?;
    Ok(row.map(Row::into_state).transpose()?)
}

/// Holds the organization until the transaction ends; before any other row of it.
pub(crate) async fn hold(conn: &mut Conn, id: OrganizationId) -> Result<(), Error> {
    execute!(conn, HOLD_ORGANIZATION, id.0)?;
    Ok(())
}

/// The organization's currency, and the month that it is there.
pub(crate) async fn home(
    conn: &mut Conn,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<Home, error::Error> {
    let (currency, zone) = fetch_one!(conn, FIND_HOME as (String, String), organization.0)?;
    let currency = currency
        .parse()
        .map_err(|source| Failure::internal("read a stored currency", source))?;
    let zone: Zone = zone
        .parse()
        .map_err(|source| Failure::internal("read a stored time zone", source))?;
    Ok(Home {
        currency,
        month: zone.day_of(now).month(),
    })
}

pub(crate) async fn update(conn: &mut Conn, organization: &OrganizationState) -> Result<(), Error> {
    execute!(
        conn,
        UPDATE_ORGANIZATION,
        organization.id.0,
        organization.name.as_str(),
        organization.plan.as_str(),
        organization.currency.as_str(),
        organization.timezone.to_string(),
        organization.week_start.as_str(),
        organization
            .default_billable_rate
            .map(Amount::ten_thousandths),
        organization.rounding.mode.as_str(),
        organization.rounding.minutes,
        organization.allow_overlap,
        organization.lock_before.map(|day| day.to_string()),
        organization.weekly_capacity_seconds,
        organization.base.version,
        organization.base.updated_at.as_micros(),
    )?;
    Ok(())
}

/// Whether anything is in the organization's own currency.
pub(crate) async fn is_currency_used(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<bool, Error> {
    let (used,) = fetch_one!(conn, FIND_CURRENCY_USE as (bool,), organization.0)?;
    Ok(used)
}

impl Row {
    fn into_state(self) -> Result<OrganizationState, Failure> {
        let mode = RoundingMode::from_word(&self.rounding_mode)
            .ok_or_else(|| Failure::internal("read a stored rounding mode", self.rounding_mode))?;
        Ok(OrganizationState {
            id: OrganizationId(self.id),
            name: self.name,
            slug: self.slug,
            plan: self
                .plan
                .parse()
                .map_err(|source| Failure::internal("read a stored plan", source))?,
            currency: self
                .currency
                .parse()
                .map_err(|source| Failure::internal("read a stored currency", source))?,
            timezone: self
                .timezone
                .parse()
                .map_err(|source| Failure::internal("read a stored time zone", source))?,
            week_start: self.week_start,
            default_billable_rate: self
                .default_billable_rate
                .and_then(Amount::from_ten_thousandths),
            rounding: Rounding {
                mode,
                minutes: self.rounding_minutes,
            },
            rounding_target: self.rounding_target,
            allow_overlap: self.allow_overlap,
            lock_before: self
                .lock_before
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(|source| Failure::internal("read a stored day", source))?,
            weekly_capacity_seconds: self.weekly_capacity_seconds,
            base: self.base.into_base()?,
        })
    }
}
