//! Settings of the webhook dispatcher.

use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much work is taken on at a time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WebhookSettings {
    /// Requests about endpoints and deliveries worked on at a time.
    pub(crate) workers: NonZeroUsize,
    /// Requests that may wait beside those; one more is answered 503.
    pub(crate) queue: usize,
    /// Deliveries that one replay of an endpoint queues at most. On SQLite, other writes wait while
    /// it queues them: half a second for the default.
    pub(crate) replay_max: u32,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            workers: NonZeroUsize::MIN.saturating_add(15),
            queue: 256,
            replay_max: 10_000,
        }
    }
}
