//! A delivery as it is, with its attempts.

use hoursmith_domain::Timestamp;
use hoursmith_routes::webhook_delivery::WebhookDelivery;

/// A delivery.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryState {
    /// What a caller sees: owners and admins alone come here, and see all of it.
    pub(crate) wire: WebhookDelivery,
    /// Counts the changes, from 1.
    pub(crate) version: i64,
}

impl DeliveryState {
    /// Where it stands in a list: by its last change, or by when it was made.
    pub(crate) fn moment(&self, is_by_change: bool) -> Timestamp {
        if is_by_change {
            self.wire.updated_at
        } else {
            self.wire.created_at
        }
    }
}
