//! A delivery as it is, with its attempts.

use hoursmith_domain::{EventId, Timestamp, WebhookDeliveryId, WebhookEndpointId};
use hoursmith_routes::webhook_delivery::{WebhookAttempt, WebhookDelivery};

/// A delivery.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryState {
    pub(crate) id: WebhookDeliveryId,
    pub(crate) event_id: EventId,
    pub(crate) endpoint_id: WebhookEndpointId,
    pub(crate) status: String,
    pub(crate) skip_reason: Option<String>,
    /// The last ones, oldest first.
    pub(crate) attempts: Vec<WebhookAttempt>,
    pub(crate) next_attempt_at: Option<Timestamp>,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl DeliveryState {
    /// Where it stands in a list: by its last change, or by when it was made.
    pub(crate) fn moment(&self, is_by_change: bool) -> Timestamp {
        if is_by_change {
            self.updated_at
        } else {
            self.created_at
        }
    }

    /// What a caller sees: owners and admins alone come here, and see all of it.
    pub(crate) fn to_wire(&self) -> WebhookDelivery {
        WebhookDelivery {
            id: self.id,
            event_id: self.event_id,
            endpoint_id: self.endpoint_id.0,
            status: self.status.clone(),
            skip_reason: self.skip_reason.clone(),
            attempts: self.attempts.clone(),
            next_attempt_at: self.next_attempt_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
