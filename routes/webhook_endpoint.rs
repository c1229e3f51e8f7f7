//! Webhook endpoints: where events are sent.

use hoursmith_domain::{Access, EventId, Grant, Plan, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{
    ExternalReference, ExternalReferenceInput, Metadata, MetadataInputSchema, MetadataSchema,
};
use crate::route::parameter;
use crate::words::{EventFilterWord, ReplayStatusWord, WebhookEndpointStatusWord};
use crate::{Form, Method, Route, Shape};

/// Reading, also for an organization that fell back from Agency.
const READ: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Deny,
    member: Grant::Deny,
    scope: Scope::Read,
    min_plan: Plan::Studio,
};

/// Deleting, which nobody needs Agency for.
const DELETE: Access = Access {
    scope: Scope::Write,
    ..READ
};

const WRITE: Access = Access {
    scope: Scope::Write,
    min_plan: Plan::Agency,
    ..READ
};

/// The words of `status`.
pub const STATUSES: &[&str] = &["enabled", "failing", "disabled"];

/// The words of `status` in a replay: of what deliveries may be sent again.
pub const REPLAYED: &[&str] = &["failed", "skipped", "delivered"];

/// Most endpoints of an organization.
pub const MAX_ENDPOINTS: i64 = 50;

const ALL: &str = "/api/v1/webhook_endpoints";
const ONE: &str = "/api/v1/webhook_endpoints/{webhook_endpoint_id}";

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        id: "webhook_endpoint.list",
        resource: "webhook_endpoint",
        action: "list",
        method: Method::Get,
        path: ALL,
        access: READ,
        actor: "webhook-dispatcher",
        parameters: &[parameter(
            "status",
            Form::OneOf(STATUSES),
            "Only endpoints in this state.",
        )],
        shape: Shape::List {
            page: "WebhookEndpointList",
        },
        summary: "List webhook endpoints",
        description: "Newest first. Owners and admins alone.",
    },
    Route {
        id: "webhook_endpoint.create",
        resource: "webhook_endpoint",
        action: "create",
        method: Method::Post,
        path: ALL,
        access: WRITE,
        actor: "webhook-dispatcher",
        parameters: &[],
        shape: Shape::Create {
            body: "WebhookEndpointCreate",
            resource: "WebhookEndpointWithSecret",
        },
        summary: "Create a webhook endpoint",
        description: "From now on the events that `events` names are sent to `url`. The answer has the `secret` that signs them; it is shown here and after a rotation, never again. An organization has at most 50 endpoints; one more is a conflict. Send an `Idempotency-Key` to make a retry safe: it answers with the same secret.",
    },
    Route {
        id: "webhook_endpoint.read",
        resource: "webhook_endpoint",
        action: "read",
        method: Method::Get,
        path: ONE,
        access: READ,
        actor: "webhook-dispatcher",
        parameters: &[],
        shape: Shape::Read {
            resource: "WebhookEndpoint",
        },
        summary: "Read a webhook endpoint",
        description: "One endpoint with its state and its ETag, without its secret.",
    },
    Route {
        id: "webhook_endpoint.update",
        resource: "webhook_endpoint",
        action: "update",
        method: Method::Patch,
        path: ONE,
        access: WRITE,
        actor: "webhook-dispatcher",
        parameters: &[],
        shape: Shape::Update {
            body: "WebhookEndpointUpdate",
            resource: "WebhookEndpoint",
        },
        summary: "Change a webhook endpoint",
        description: "A JSON Merge Patch. A new `url` holds for deliveries that wait as well, new `events` for events from now on. `enabled: false` disables: what waits is skipped, and nothing more is recorded for it. `enabled: true` enables a disabled endpoint again and forgets its failures; what it missed is sent by a replay.",
    },
    Route {
        id: "webhook_endpoint.delete",
        resource: "webhook_endpoint",
        action: "delete",
        method: Method::Delete,
        path: ONE,
        access: DELETE,
        actor: "webhook-dispatcher",
        parameters: &[],
        shape: Shape::Delete,
        summary: "Delete a webhook endpoint",
        description: "What waits for it is skipped; its deliveries stay readable.",
    },
    Route {
        id: "webhook_endpoint.rotate_secret",
        resource: "webhook_endpoint",
        action: "rotate_secret",
        method: Method::Post,
        path: "/api/v1/webhook_endpoints/{webhook_endpoint_id}/rotate_secret",
        access: WRITE,
        actor: "webhook-dispatcher",
        parameters: &[],
        shape: Shape::Act {
            resource: "WebhookEndpointWithSecret",
        },
        summary: "Rotate the secret of a webhook endpoint",
        description: "Answers the endpoint with a new `secret`. For 24 hours the one before signs as well, after the new one, so that a receiver can change over without losing a delivery. A second rotation within that time ends the oldest at once.",
    },
    Route {
        id: "webhook_endpoint.test",
        resource: "webhook_endpoint",
        action: "test",
        method: Method::Post,
        path: "/api/v1/webhook_endpoints/{webhook_endpoint_id}/test",
        access: WRITE,
        actor: "webhook-dispatcher",
        parameters: &[],
        shape: Shape::Command {
            body: None,
            answer: "WebhookTest",
        },
        summary: "Test a webhook endpoint",
        description: "Writes a `ping` event, which is sent to this endpoint alone, whatever its `events`. What became of it: `GET /api/v1/webhook_deliveries?event_id=…`, a moment later. A disabled endpoint is a conflict.",
    },
    Route {
        id: "webhook_endpoint.replay",
        resource: "webhook_endpoint",
        action: "replay",
        method: Method::Post,
        path: "/api/v1/webhook_endpoints/{webhook_endpoint_id}/replay",
        access: WRITE,
        actor: "webhook-dispatcher",
        parameters: &[],
        shape: Shape::Command {
            body: Some("WebhookReplay"),
            answer: "WebhookReplayed",
        },
        summary: "Replay events to a webhook endpoint",
        description: "Sends what happened since an instant and the endpoint has not got: what failed, what was skipped, and events of before it existed or while it was disabled, as far as its `events` name them now. With `status`, deliveries in that state alone, `delivered` ones too. Oldest first, with the original event ids; pings and what waits already are left alone. One call looks at a bounded part of the feed and queues as many deliveries as the operator permits; where it ends before the feed does it says so by `next_after_sequence`, also when it found nothing: send the same body again with that as `after_sequence`. They are sent at the endpoint's own pace. `dry_run` gives the same answer and queues nothing. A disabled endpoint is a conflict.",
    },
];

/// Where events are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookEndpoint {
    /// Id.
    #[schema(example = "0199c3a2-8c10-7a3e-b1d5-4e7f92c06a18")]
    pub id: Uuid,
    /// Where events are sent, in one spelling.
    #[schema(
        min_length = 8,
        max_length = 2048,
        pattern = "^https?://[!-~]+$",
        example = "https://hooks.acme.example/hoursmith"
    )]
    pub url: String,
    /// What it is for.
    #[schema(
        required = true,
        min_length = 1,
        max_length = 255,
        example = "Invoices into the ledger"
    )]
    pub description: Option<String>,
    /// Which events are sent: types, all of a resource (`invoice.*`), or all (`*`).
    #[schema(value_type = HashSet<EventFilterWord>, min_items = 1, max_items = 50, example = json!(["invoice.*", "client.created"]))]
    pub events: Vec<String>,
    /// Whether events are sent.
    #[schema(example = true)]
    pub enabled: bool,
    /// `failing` after a delivery was given up or none succeeded for a day: it is still tried.
    #[schema(value_type = WebhookEndpointStatusWord)]
    pub status: String,
    /// Attempts that failed since the last success.
    #[schema(minimum = 0, example = 0)]
    pub consecutive_failures: i64,
    /// When a delivery last succeeded.
    #[schema(value_type = Option<String>, required = true, format = DateTime, max_length = 40, example = "2026-11-24T09:30:01Z")]
    pub last_success_at: Option<Timestamp>,
    /// Counterpart in another system.
    #[schema(required = true)]
    pub external_reference: Option<ExternalReference>,
    /// The integration's own pairs.
    #[schema(value_type = MetadataSchema)]
    pub metadata: Metadata,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-01-05T08:00:00Z")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-02T14:11:09Z")]
    pub updated_at: Timestamp,
}

/// An endpoint, and the secret that signs its deliveries. Shown once.
// No `Debug`: the secret does not print.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[expect(missing_debug_implementations, reason = "it would print the secret")]
pub struct WebhookEndpointWithSecret {
    /// The endpoint's fields.
    #[serde(flatten)]
    pub endpoint: WebhookEndpoint,
    /// The secret. Keep it; it is not shown again.
    #[schema(
        min_length = 38,
        max_length = 38,
        pattern = "^whsec_[0-9A-Za-z+/]{32}$",
        example = "whsec_SG91cnNtaXRoIGV4YW1wbGUga2V5IDAw"
    )]
    pub secret: String,
}

/// A page of webhook endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookEndpointList {
    /// The endpoints.
    #[schema(max_items = 200)]
    pub data: Vec<WebhookEndpoint>,
    /// Whether there is another page. A short page proves nothing; this does.
    #[schema(example = true)]
    pub has_more: bool,
    /// The cursor of the next page; null on the last.
    #[schema(
        required = true,
        max_length = 200,
        pattern = "^[A-Za-z0-9_-]+$",
        example = "AZnDont-fRCh9NL2uKlMMQ"
    )]
    pub next_cursor: Option<String>,
}

/// What may be set; `url` and `events` are required.
// The schema of a change, `WebhookEndpointUpdate`, is this one with nothing required.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpointCreate {
    /// An https URL of a public host, without user or fragment, at port 443 or an ordinary one from
    /// 1024 on. The operator may permit more.
    #[schema(
        min_length = 8,
        max_length = 2048,
        pattern = "^[Hh][Tt][Tt][Pp][Ss]?://[^\\u0000-\\u0020\\u007f-\\u009f]+$",
        example = "https://hooks.acme.example/hoursmith"
    )]
    pub url: String,
    /// What it is for.
    #[schema(min_length = 1, max_length = 255, example = "Invoices into the ledger")]
    pub description: Option<String>,
    /// Which events are sent: types, all of a resource (`invoice.*`), or all (`*`).
    #[schema(value_type = HashSet<EventFilterWord>, min_items = 1, max_items = 50, example = json!(["invoice.*", "client.created"]))]
    pub events: Vec<String>,
    /// Whether events are sent; true if absent on creation.
    #[schema(nullable = false, example = true)]
    pub enabled: Option<bool>,
    /// Counterpart in another system.
    #[schema(value_type = Option<ExternalReferenceInput>)]
    pub external_reference: Option<ExternalReference>,
    /// Pairs to set; a null value removes its pair, null for all removes all.
    #[schema(value_type = Option<MetadataInputSchema>)]
    pub metadata: Option<Metadata>,
}

/// The test that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookTest {
    /// The `ping` event; deliveries are found by it.
    #[schema(value_type = String, min_length = 36, max_length = 36, pattern = "^evt_[0-9a-f]{32}$", example = "evt_0199c3a27b7e7d10a1f4d2f6b8a94c31")]
    pub event_id: EventId,
}

/// What to send again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookReplay {
    /// Events of this instant and later.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-23T00:00:00Z")]
    pub since: Timestamp,
    /// Only events with a larger sequence: where the call before this one ended; from `since` if absent.
    #[schema(minimum = 0, example = 4182)]
    pub after_sequence: Option<i64>,
    /// Events of before this instant; up to now if absent.
    #[schema(value_type = Option<String>, format = DateTime, max_length = 40, example = "2026-11-24T00:00:00Z")]
    pub until: Option<Timestamp>,
    /// Only deliveries in this state; all that was not delivered if absent.
    #[schema(value_type = Option<ReplayStatusWord>)]
    pub status: Option<String>,
    /// Only tell what would be sent.
    #[schema(nullable = false, example = false)]
    pub dry_run: Option<bool>,
}

/// What is sent again, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookReplayed {
    /// Deliveries that were queued, or would be.
    #[schema(minimum = 0, example = 128)]
    pub count: i64,
    /// The `after_sequence` of the next call; null where there is nothing left to look at.
    #[schema(required = true, minimum = 1)]
    pub next_after_sequence: Option<i64>,
}
