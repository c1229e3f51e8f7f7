//! What a body says about an endpoint.

use hoursmith_domain::webhook::{EventFilter, EventFilters, MAX_EVENT_FILTERS};
use hoursmith_domain::{Fields, Patch, Problem};
use hoursmith_handler::base::BaseInput;
use hoursmith_outbound::{Policy, Refused};
use simd_json::borrowed::Value;

/// The settable fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct EndpointInput {
    pub(crate) url: Patch<String>,
    pub(crate) description: Patch<String>,
    pub(crate) events: Patch<EventFilters>,
    pub(crate) enabled: Patch<bool>,
    pub(crate) base: BaseInput,
}

impl EndpointInput {
    /// Reads the body of a creation.
    pub(crate) fn read_new(body: &Value<'_>, policy: &Policy) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields, policy);
        fields.required("url", &input.url);
        fields.required("events", &input.events);
        fields.finish().map(|()| input)
    }

    /// Reads a merge patch.
    pub(crate) fn read_patch(body: &Value<'_>, policy: &Policy) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields, policy);
        fields.not_null("url", &input.url);
        fields.not_null("events", &input.events);
        fields.finish().map(|()| input)
    }

    fn read(fields: &mut Fields<'_>, policy: &Policy) -> Self {
        let input = Self {
            url: fields.parsed("url", "invalid_url", |text| judge(text, policy)),
            description: fields.text("description", 1, 255),
            events: fields
                .list(
                    "events",
                    MAX_EVENT_FILTERS,
                    "invalid_event",
                    str::parse::<EventFilter>,
                )
                .map(EventFilters),
            enabled: fields.boolean("enabled"),
            base: BaseInput::read(fields),
        };
        fields.not_empty("events");
        fields.not_null("enabled", &input.enabled);
        fields.read_only(&[
            "status",
            "secret",
            "consecutive_failures",
            "last_success_at",
        ]);
        input
    }
}

/// The URL in the spelling that is kept. That one is judged too, as it will be at every attempt: it
/// may be longer than what was typed.
fn judge(text: &str, policy: &Policy) -> Result<String, Refused> {
    let target = policy.check(text)?;
    policy
        .check(target.as_str())
        .map(|kept| kept.as_str().to_owned())
}
