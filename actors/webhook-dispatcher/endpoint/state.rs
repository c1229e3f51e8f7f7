//! An endpoint as it is: what is stored, and how a change and a view are made of it. Its secrets
//! stay in the database.

use hoursmith_domain::webhook::EventFilters;
use hoursmith_domain::{Problem, Timestamp, WebhookEndpointId};
use hoursmith_handler::base::{Base, Stored, refuse_any};
use hoursmith_routes::webhook_endpoint::WebhookEndpoint;
use serde_json::Value;
use uuid::Uuid;

use super::input::EndpointInput;

/// Where an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Events are sent.
    Enabled,
    /// They are sent, and do not arrive.
    Failing,
    /// Nothing is sent.
    Disabled,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndpointState {
    pub(crate) id: WebhookEndpointId,
    pub(crate) url: String,
    pub(crate) description: Option<String>,
    pub(crate) events: EventFilters,
    pub(crate) status: Status,
    pub(crate) consecutive_failures: i64,
    /// Since when none has succeeded.
    pub(crate) failing_since: Option<Timestamp>,
    pub(crate) last_success_at: Option<Timestamp>,
    pub(crate) base: Base,
}

impl Status {
    /// The word, in JSON and in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Failing => "failing",
            Self::Disabled => "disabled",
        }
    }

    /// The state of a word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Enabled, Self::Failing, Self::Disabled]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

impl EndpointState {
    /// An endpoint without a URL yet.
    pub(crate) fn new(id: WebhookEndpointId, now: Timestamp) -> Self {
        Self {
            id,
            url: String::new(),
            description: None,
            events: EventFilters::default(),
            status: Status::Enabled,
            consecutive_failures: 0,
            failing_since: None,
            last_success_at: None,
            base: Base::new(now),
        }
    }

    /// Whether nothing is sent.
    pub(crate) fn is_disabled(&self) -> bool {
        self.status == Status::Disabled
    }

    /// Takes a change in. Refuses what only the merged whole can show.
    pub(crate) fn apply(&mut self, input: EndpointInput) -> Result<(), Problem> {
        input.url.apply_required(&mut self.url);
        input.description.apply(&mut self.description);
        input.events.apply_required(&mut self.events);
        match input.enabled.into_option() {
            Some(false) => self.status = Status::Disabled,
            // One that fails is enabled already: what it is told again changes nothing.
            Some(true) if self.is_disabled() => {
                self.status = Status::Enabled;
                self.consecutive_failures = 0;
                self.failing_since = None;
            }
            Some(true) | None => {}
        }
        refuse_any(self.base.apply(input.base))
    }

    /// What a caller sees: owners and admins alone come here, and see all of it.
    pub(crate) fn to_wire(&self) -> WebhookEndpoint {
        WebhookEndpoint {
            id: self.id.0,
            url: self.url.clone(),
            description: self.description.clone(),
            events: self.events.0.iter().map(ToString::to_string).collect(),
            enabled: !self.is_disabled(),
            status: self.status.as_str().to_owned(),
            consecutive_failures: self.consecutive_failures,
            last_success_at: self.last_success_at,
            external_reference: self.base.external_reference.clone(),
            metadata: self.base.metadata.clone(),
            created_at: self.base.created_at,
            updated_at: self.base.updated_at,
        }
    }
}

impl Stored for EndpointState {
    fn id(&self) -> Uuid {
        self.id.0
    }

    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn to_event(&self) -> Value {
        // A wire type of strings and numbers, whose serialization cannot fail.
        serde_json::to_value(self.to_wire()).unwrap_or_default()
    }
}
