//! The organization's row.

use hoursmith_domain::{Amount, Currency, Month, OrganizationId, Plan, Timestamp, Zone};
use hoursmith_kit::Failure;
use hoursmith_routes::organization::{Organization, Rounding};
use hoursmith_store::{Conn, Error, fetch_one, fetch_optional};
use uuid::Uuid;

use crate::error;
use crate::reference::{external_reference_from, metadata_from};
use crate::sight::Sight;

hoursmith_store::statements! {
    /// The organization by its id.
    FIND_ORGANIZATION = "SELECT id, name, slug, plan, currency, timezone, week_start, \
        default_billable_rate, rounding_mode, rounding_minutes, rounding_target, allow_overlap, \
        lock_before, weekly_capacity_seconds, external_reference_service, external_reference_id, \
        external_reference_url, metadata, version, created_at, updated_at \
        FROM organizations WHERE id = $1";
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
pub(crate) struct Row {
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
    external_reference_service: Option<String>,
    external_reference_id: Option<String>,
    external_reference_url: Option<String>,
    metadata: String,
    pub(crate) version: i64,
    created_at: i64,
    updated_at: i64,
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<Option<Row>, Error> {
    fetch_optional!(conn, FIND_ORGANIZATION as Row, organization.0)
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

impl Row {
    pub(crate) fn into_wire(self, sight: Sight) -> Result<Organization, Failure> {
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|source| Failure::internal("read a stored currency", source))?;
        let plan: Plan = self
            .plan
            .parse()
            .map_err(|source| Failure::internal("read a stored plan", source))?;
        Ok(Organization {
            id: self.id,
            name: self.name,
            slug: self.slug,
            plan,
            currency: self.currency,
            timezone: self.timezone,
            week_start: self.week_start,
            default_billable_rate: sight.rate(
                self.default_billable_rate
                    .and_then(Amount::from_ten_thousandths),
                currency,
            ),
            rounding: Rounding {
                mode: self.rounding_mode,
                minutes: self.rounding_minutes,
                target: self.rounding_target,
            },
            allow_overlap: self.allow_overlap,
            lock_before: self.lock_before,
            weekly_capacity_seconds: self.weekly_capacity_seconds,
            external_reference: external_reference_from(
                self.external_reference_service.as_ref(),
                self.external_reference_id.as_ref(),
                self.external_reference_url.as_ref(),
            ),
            metadata: metadata_from(&self.metadata)?,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        })
    }
}
