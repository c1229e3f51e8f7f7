//! What `org set` and `member set` take: fields that the API only reads. An empty value clears.

use std::str::FromStr;

use clap::Args;
use hoursmith_domain::{Amount, Currency, Day, Patch, RoundingMode, Zone};
use hoursmith_resource::admin::{MemberChange, OrganizationChange};

/// What of an organization to set.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(in crate::cli) struct OrgSettings {
    /// Name.
    #[arg(long)]
    name: Option<String>,
    /// ISO 4217 code; only while no rate, time, expense or invoice is in the present one.
    #[arg(long)]
    currency: Option<Currency>,
    /// IANA time zone.
    #[arg(long)]
    timezone: Option<Zone>,
    /// First day of the week, such as monday.
    #[arg(long)]
    week_start: Option<String>,
    /// Rate per hour where nothing more special is set; empty for none.
    #[arg(long, value_parser = clearable::<Amount>)]
    default_billable_rate: Option<Patch<Amount>>,
    /// none, up, down or nearest; holds for time that is written from now on.
    #[arg(long, value_parser = rounding_mode)]
    rounding_mode: Option<RoundingMode>,
    /// To how many minutes time is rounded.
    #[arg(long)]
    rounding_minutes: Option<i64>,
    /// Whether a member's entries may overlap: true or false.
    #[arg(long)]
    allow_overlap: Option<bool>,
    /// Time and expenses of the days before this one are locked; empty for none.
    #[arg(long, value_parser = clearable::<Day>)]
    lock_before: Option<Patch<Day>>,
    /// Working time of a full week, in seconds.
    #[arg(long)]
    weekly_capacity: Option<i64>,
}

/// What of a member to set.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(in crate::cli) struct MemberSettings {
    /// IANA time zone; empty for the organization's.
    #[arg(long, value_parser = clearable::<Zone>)]
    timezone: Option<Patch<Zone>>,
    /// Rate per hour; empty for none.
    #[arg(long, value_parser = clearable::<Amount>)]
    billable_rate: Option<Patch<Amount>>,
    /// What an hour costs; empty for none.
    #[arg(long, value_parser = clearable::<Amount>)]
    cost_rate: Option<Patch<Amount>>,
    /// Working time of a week, in seconds; empty for the organization's.
    #[arg(long, value_parser = clearable::<i64>)]
    weekly_capacity: Option<Patch<i64>>,
}

impl From<OrgSettings> for OrganizationChange {
    fn from(settings: OrgSettings) -> Self {
        Self {
            name: settings.name,
            currency: settings.currency,
            timezone: settings.timezone,
            week_start: settings.week_start,
            default_billable_rate: settings.default_billable_rate.unwrap_or_default(),
            rounding_mode: settings.rounding_mode,
            rounding_minutes: settings.rounding_minutes,
            allow_overlap: settings.allow_overlap,
            lock_before: settings.lock_before.unwrap_or_default(),
            weekly_capacity_seconds: settings.weekly_capacity,
        }
    }
}

impl From<MemberSettings> for MemberChange {
    fn from(settings: MemberSettings) -> Self {
        Self {
            timezone: settings.timezone.unwrap_or_default(),
            billable_rate: settings.billable_rate.unwrap_or_default(),
            cost_rate: settings.cost_rate.unwrap_or_default(),
            weekly_capacity_seconds: settings.weekly_capacity.unwrap_or_default(),
        }
    }
}

/// A value, or nothing where the text is empty.
fn clearable<T: FromStr>(text: &str) -> Result<Patch<T>, T::Err> {
    if text.is_empty() {
        return Ok(Patch::Null);
    }
    text.parse().map(Patch::Value)
}

fn rounding_mode(word: &str) -> Result<RoundingMode, &'static str> {
    RoundingMode::from_word(word).ok_or("must be none, up, down or nearest")
}
