//! Webhook deliveries: what was sent of an event to an endpoint, and what became of it.

use hoursmith_domain::{Access, EventId, Grant, Plan, Scope, Timestamp, WebhookDeliveryId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::route::parameter;
use crate::words::{SkipReasonWord, WebhookDeliveryStatusWord};
use crate::{Form, Method, Route, Shape};

const READ: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Deny,
    member: Grant::Deny,
    scope: Scope::Read,
    min_plan: Plan::Studio,
};

const WRITE: Access = Access {
    scope: Scope::Write,
    min_plan: Plan::Agency,
    ..READ
};

/// The words of `status`.
pub const STATUSES: &[&str] = &["pending", "delivered", "failed", "skipped"];

/// The words of `skip_reason`.
pub const SKIP_REASONS: &[&str] = &["plan", "disabled", "deleted"];

/// Most attempts that are shown of a delivery, the last ones: two whole rounds of retries and some.
pub const MAX_ATTEMPTS_SHOWN: i64 = 20;

const ONE: &str = "/api/v1/webhook_deliveries/{webhook_delivery_id}";

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        id: "webhook_delivery.list",
        resource: "webhook_delivery",
        action: "list",
        method: Method::Get,
        path: "/api/v1/webhook_deliveries",
        access: READ,
        actor: "webhook-dispatcher",
        parameters: &[
            parameter(
                "endpoint_id",
                Form::Id,
                "Only deliveries to this endpoint, which may be deleted.",
            ),
            parameter(
                "event_id",
                Form::PrefixedId("evt_"),
                "Only deliveries of this event.",
            ),
            parameter(
                "status",
                Form::OneOf(STATUSES),
                "Only deliveries in this state.",
            ),
            parameter(
                "from",
                Form::Instant,
                "Only deliveries made at this instant or later.",
            ),
            parameter(
                "to",
                Form::Instant,
                "Only deliveries made before this instant.",
            ),
        ],
        shape: Shape::Records {
            page: "WebhookDeliveryList",
        },
        summary: "List webhook deliveries",
        description: "Newest first: one for each event and endpoint, what was skipped included, with the attempts so far. Owners and admins alone.",
    },
    Route {
        id: "webhook_delivery.read",
        resource: "webhook_delivery",
        action: "read",
        method: Method::Get,
        path: ONE,
        access: READ,
        actor: "webhook-dispatcher",
        parameters: &[],
        shape: Shape::Read {
            resource: "WebhookDelivery",
        },
        summary: "Read a webhook delivery",
        description: "One delivery with its attempts and its ETag.",
    },
    Route {
        id: "webhook_delivery.replay",
        resource: "webhook_delivery",
        action: "replay",
        method: Method::Post,
        path: "/api/v1/webhook_deliveries/{webhook_delivery_id}/replay",
        access: WRITE,
        actor: "webhook-dispatcher",
        parameters: &[],
        shape: Shape::Act {
            resource: "WebhookDelivery",
        },
        summary: "Replay a webhook delivery",
        description: "Sends the event again, at once and with all retries: the same event id, further attempts, a fresh signature, to the endpoint as it is now. A delivery that waits already is a conflict, and so is one whose endpoint is disabled or deleted.",
    },
];

/// What is sent of an event to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookDelivery {
    /// Id.
    #[schema(value_type = String, min_length = 36, max_length = 36, pattern = "^whd_[0-9a-f]{32}$", example = "whd_0199c3a28d517b60a4c2e91f3d7b5a06")]
    pub id: WebhookDeliveryId,
    /// The event; its id is the `webhook-id` of every attempt.
    #[schema(value_type = String, min_length = 36, max_length = 36, pattern = "^evt_[0-9a-f]{32}$", example = "evt_0199c3a27b7e7d10a1f4d2f6b8a94c31")]
    pub event_id: EventId,
    /// The endpoint, which may be deleted.
    #[schema(example = "0199c3a2-8c10-7a3e-b1d5-4e7f92c06a18")]
    pub endpoint_id: Uuid,
    /// Where it stands.
    #[schema(value_type = WebhookDeliveryStatusWord)]
    pub status: String,
    /// Why it was skipped; null if it was not.
    #[schema(required = true, value_type = Option<SkipReasonWord>)]
    pub skip_reason: Option<String>,
    /// The attempts, oldest first; of more than 20 the last.
    #[schema(max_items = 20)]
    pub attempts: Vec<WebhookAttempt>,
    /// When the next attempt is due; null if none is.
    #[schema(value_type = Option<String>, required = true, format = DateTime, max_length = 40)]
    pub next_attempt_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-24T09:30:00.260Z")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-24T09:30:00.410Z")]
    pub updated_at: Timestamp,
}

/// One attempt to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookAttempt {
    /// 1, 2, 3 and so on, replays included.
    #[schema(minimum = 1, example = 1)]
    pub number: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-24T09:30:00.300Z")]
    pub at: Timestamp,
    /// Where it was sent.
    #[schema(
        max_length = 2048,
        pattern = "^https?://[!-~]+$",
        example = "https://hooks.acme.example/hoursmith"
    )]
    pub url: String,
    /// The status of the answer; null if there was none.
    #[schema(required = true, minimum = 100, maximum = 999, example = 200)]
    pub status_code: Option<i64>,
    /// How long it took, in milliseconds.
    #[schema(minimum = 0, example = 84)]
    pub duration_ms: i64,
    /// Why there was no answer, in a word; null if there was one.
    #[schema(required = true, max_length = 100, pattern = "^[a-z_]+$")]
    pub error: Option<String>,
    /// The beginning of the answer's body; null if there was none.
    #[schema(
        required = true,
        max_length = 16384,
        pattern = "^[^]*$",
        example = "ok"
    )]
    pub response_excerpt: Option<String>,
}

/// A page of webhook deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookDeliveryList {
    /// The deliveries.
    #[schema(max_items = 200)]
    pub data: Vec<WebhookDelivery>,
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
