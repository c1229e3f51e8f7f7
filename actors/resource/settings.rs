//! Settings of the resource actor.

use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much work is taken on at a time, and what owners may decide themselves.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ResourceSettings {
    /// Requests worked on at a time. A worker waits for the database most of its time; on SQLite
    /// as many writes share one flush to disk.
    pub(crate) workers: NonZeroUsize,
    /// Requests that may wait beside those; one more is answered 503.
    pub(crate) queue: usize,
    /// Whether owners may change their organization's plan in the app. Otherwise whoever operates
    /// the server does, with `hoursmith org plan`.
    pub(crate) owners_change_plan: bool,
}

impl Default for ResourceSettings {
    fn default() -> Self {
        Self {
            workers: NonZeroUsize::MIN.saturating_add(127),
            queue: 1024,
            owners_change_plan: false,
        }
    }
}
