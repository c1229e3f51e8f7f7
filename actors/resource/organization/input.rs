//! What a body says about an organization and its plan.

use hoursmith_domain::{Amount, Fields, Patch, Plan, Problem, RoundingMode, Zone};
use simd_json::borrowed::Value;

use super::change::{DAY, OrganizationChange, WEEK, WEEKDAYS};

/// Reads a merge patch. Slug and plan are not in it: the one stands in addresses, and the other has
/// an operation of its own.
pub(super) fn read_patch(body: &Value<'_>) -> Result<OrganizationChange, Problem> {
    let mut fields = Fields::of(body);
    let name = fields.text("name", 1, 255);
    let currency = fields.currency("currency");
    let timezone = fields.parsed("timezone", "invalid_timezone", str::parse::<Zone>);
    let week_start = fields.parsed("week_start", "invalid_choice", parse_weekday);
    let rounding = fields.object("rounding", |inner| {
        let mode = inner.parsed("mode", "invalid_choice", parse_mode);
        let minutes = inner.integer("minutes", 1, DAY);
        inner.not_null("mode", &mode);
        inner.not_null("minutes", &minutes);
        (mode.into_option(), minutes.into_option())
    });
    let allow_overlap = fields.boolean("allow_overlap");
    let capacity = fields.integer("weekly_capacity_seconds", 0, WEEK);
    fields.not_null("name", &name);
    fields.not_null("currency", &currency);
    fields.not_null("timezone", &timezone);
    fields.not_null("week_start", &week_start);
    fields.not_null("rounding", &rounding);
    fields.not_null("allow_overlap", &allow_overlap);
    fields.not_null("weekly_capacity_seconds", &capacity);
    let (rounding_mode, rounding_minutes) = rounding.into_option().unwrap_or_default();
    let change = OrganizationChange {
        name: name.into_option(),
        currency: currency.into_option(),
        timezone: timezone.into_option(),
        week_start: week_start.into_option(),
        default_billable_rate: fields.amount("default_billable_rate", Some(Amount::ZERO)),
        rounding_mode,
        rounding_minutes,
        allow_overlap: allow_overlap.into_option(),
        lock_before: fields.day("lock_before"),
        weekly_capacity_seconds: capacity.into_option(),
    };
    fields.finish().map(|()| change)
}

/// Reads the plan that is wanted.
pub(super) fn read_plan(body: &Value<'_>) -> Result<Option<Plan>, Problem> {
    let mut fields = Fields::of(body);
    let plan: Patch<Plan> = fields.parsed("plan", "invalid_choice", str::parse::<Plan>);
    fields.required("plan", &plan);
    fields.finish().map(|()| plan.into_option())
}

fn parse_weekday(word: &str) -> Result<String, String> {
    match WEEKDAYS.contains(&word) {
        true => Ok(word.to_owned()),
        false => Err(format!("must be one of {}", WEEKDAYS.join(", "))),
    }
}

fn parse_mode(word: &str) -> Result<RoundingMode, &'static str> {
    RoundingMode::from_word(word).ok_or("must be one of none, up, down, nearest")
}
