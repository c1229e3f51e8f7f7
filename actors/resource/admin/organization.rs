//! Organizations, as an operator changes them.

use hoursmith_domain::{Amount, Currency, Day, EventType, Patch, Plan, RoundingMode, Zone};

use super::{Admin, AdminError, check};
use crate::base::{Stored as _, settle};
use crate::organization::{OrganizationState, find, hold, is_currency_used, update};

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

impl Admin {
    /// Changes the plan; takes effect on the next request.
    pub async fn set_plan(&self, slug: &str, plan: Plan) -> Result<(), AdminError> {
        self.change_organization(slug, move |organization| organization.plan = plan)
            .await
    }

    /// Changes an organization. What was tracked before stays as it is: rounding and rates hold for
    /// what is written from then on.
    pub async fn set_organization(
        &self,
        slug: &str,
        change: OrganizationChange,
    ) -> Result<(), AdminError> {
        change.check()?;
        self.change_organization(slug, move |organization| change.apply(organization))
            .await
    }

    async fn change_organization(
        &self,
        slug: &str,
        change: impl FnOnce(&mut OrganizationState) + Send + 'static,
    ) -> Result<(), AdminError> {
        let id = self.organization(slug).await?;
        let missing = AdminError::NoOrganization(slug.to_owned());
        let admin = self.clone();
        self.write(move |conn| {
            Box::pin(async move {
                hold(conn, id).await?;
                let before = find(conn, id).await?.ok_or(missing)?;
                let mut after = before.clone();
                change(&mut after);
                let mut stamp = admin.stamp(id);
                stamp.renew(before.base.updated_at);
                let Some(previous) = settle(&before, &mut after, stamp.now) else {
                    return Ok(());
                };
                if after.currency != before.currency && is_currency_used(conn, id).await? {
                    return Err(AdminError::CurrencyUsed);
                }
                update(conn, &after).await?;
                let kind = EventType::OrganizationUpdated;
                let object = after.to_event();
                Ok(stamp
                    .event(conn, kind, id.0, object, Some(previous))
                    .await?)
            })
        })
        .await
    }
}

impl OrganizationChange {
    fn check(&self) -> Result<(), AdminError> {
        self.name
            .as_deref()
            .map_or(Ok(()), |name| check::name("name", name))?;
        self.week_start.as_deref().map_or(Ok(()), check::weekday)?;
        check::rate("default billable rate", &self.default_billable_rate)?;
        self.rounding_minutes
            .map_or(Ok(()), check::rounding_minutes)?;
        self.weekly_capacity_seconds.map_or(Ok(()), check::capacity)
    }

    fn apply(self, organization: &mut OrganizationState) {
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

fn set<T>(current: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *current = value;
    }
}
