//! Events: what changed, in the order in which it is made public.

use std::borrow::Cow;

use hoursmith_domain::{Access, EventId, EventType, Grant, Plan, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder};
use utoipa::openapi::{RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::operation::Operation;
use crate::route::parameter;
use crate::words::EventTypeWord;
use crate::{Form, Method, Parameter, Route, Shape};

const READ: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Deny,
    member: Grant::Deny,
    scope: Scope::Read,
    min_plan: Plan::Studio,
};

/// The largest whole number that every JSON reader keeps exactly (RFC 8259, section 6).
const LARGEST: i64 = 9_007_199_254_740_991;

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        id: "event.list",
        resource: "event",
        action: "list",
        method: Method::Get,
        path: "/api/v1/events",
        access: READ,
        actor: "resource",
        parameters: &[
            Parameter {
                name: "type",
                description: "Only events of this type; may be given more than once.",
                form: Form::OneOf(EventType::WORDS),
                repeatable: true,
            },
            parameter(
                "resource_id",
                Form::Id,
                "Only what happened to the object with this id.",
            ),
            parameter(
                "after_sequence",
                Form::Integer {
                    min: 0,
                    max: LARGEST,
                },
                "Only events with a larger sequence.",
            ),
        ],
        shape: Shape::Feed { page: "EventList" },
        summary: "List events",
        description: "Everything that changed in the organization, oldest first, by `sequence`: 1, 2, 3 and so on without a gap. An event is shown milliseconds after its change, and nothing is ever shown before one that is shown already, so a reader that remembers the last `sequence` and asks for what is after it misses nothing. Deletions are read from here.",
    },
    Route {
        id: "event.read",
        resource: "event",
        action: "read",
        method: Method::Get,
        path: "/api/v1/events/{event_id}",
        access: READ,
        actor: "resource",
        parameters: &[],
        shape: Shape::Read { resource: "Event" },
        summary: "Read an event",
        description: "One event. It never changes, and neither does its ETag.",
    },
];

/// What is asked about events over the bus. The feed itself begins with the oldest, for those who
/// must miss none.
pub const OPERATIONS: &[Operation] = &[Operation {
    id: "event.latest",
    access: READ,
    actor: "resource",
    description: "Tells the last few events, the newest first: `LatestEvents`.",
}];

/// The last few events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LatestEvents {
    /// The events, the newest first.
    pub data: Vec<Event>,
}

/// Something that changed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Id.
    #[schema(value_type = String, min_length = 36, max_length = 36, pattern = "^evt_[0-9a-f]{32}$", example = "evt_0199c3a27b7e7d10a1f4d2f6b8a94c31")]
    pub id: EventId,
    /// What happened.
    #[schema(value_type = EventTypeWord)]
    pub r#type: String,
    /// When it happened.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-24T09:30:00.250Z")]
    pub created_at: Timestamp,
    /// The organization that it happened in.
    #[schema(example = "0199c3a2-7d1b-7341-b07c-5f2e8d9a6c04")]
    pub organization_id: Uuid,
    /// Its place among the organization's events: 1, 2, 3 and so on without a gap.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64, example = 42)]
    pub sequence: i64,
    /// The version of the API that `data` is written in.
    #[schema(max_length = 10, pattern = "^v[1-9][0-9]*$", example = "v1")]
    pub api_version: String,
    /// What it is about. As it was written, never anew: it is opaque here.
    #[schema(value_type = EventData)]
    pub data: Box<RawValue>,
}

/// What an event is about.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventData {
    /// The object as an owner saw it after the change; after a deletion, as it was last.
    #[schema(value_type = EventObject)]
    pub object: serde_json::Map<String, serde_json::Value>,
    /// Of the fields that changed, the values before; absent where nothing was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = EventPreviousAttributes)]
    pub previous_attributes: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A page of events.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    /// The events.
    #[schema(max_items = 200)]
    pub data: Vec<Event>,
    /// Whether there is another page. A short page proves nothing; this does.
    #[schema(example = true)]
    pub has_more: bool,
    /// The cursor of the next page; null on the last. There, go on with `after_sequence` when there
    /// may be more.
    #[schema(
        required = true,
        max_length = 200,
        pattern = "^[A-Za-z0-9_-]+$",
        example = "AZnDont-fRCh9NL2uKlMMQ"
    )]
    pub next_cursor: Option<String>,
}

/// Schema of an event's object.
#[derive(Debug)]
pub(crate) struct EventObject;

/// Schema of an event's previous attributes.
#[derive(Debug)]
pub(crate) struct EventPreviousAttributes;

impl PartialSchema for EventObject {
    fn schema() -> RefOr<Schema> {
        free_form(
            "The object, in the form that its own `GET` has for an owner: a `Client` in \
             `client.created`, and so on. Which one, the event's `type` says before the dot.",
            json!({
                "id": "0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31",
                "name": "Atlas Coffee Roasters",
                "currency": "EUR",
                "billable_rate": "135.00",
                "archived": false,
                "created_at": "2026-11-02T14:11:09Z",
                "updated_at": "2026-11-24T09:30:00.250Z",
            }),
        )
    }
}

impl ToSchema for EventObject {
    fn name() -> Cow<'static, str> {
        "EventObject".into()
    }
}

impl PartialSchema for EventPreviousAttributes {
    fn schema() -> RefOr<Schema> {
        free_form(
            "Of the object's fields that changed, the values before; without `updated_at`, which \
             always changes.",
            json!({"billable_rate": "120.00"}),
        )
    }
}

impl ToSchema for EventPreviousAttributes {
    fn name() -> Cow<'static, str> {
        "EventPreviousAttributes".into()
    }
}

fn free_form(description: &str, example: serde_json::Value) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .examples([example])
        .into()
}
