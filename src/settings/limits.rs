//! How many API requests each plan admits, and how many requests the app does.

use std::time::Duration;

use hoursmith_domain::Plan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rate limits per plan. A token is limited by its own; requests without one, and those to the app,
/// by client address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Tokens of organizations that fell back to Free: limited before they are refused by plan.
    pub free: Limit,
    /// Tokens on Studio.
    pub studio: Limit,
    /// Tokens on Agency.
    pub agency: Limit,
    /// Requests without a valid token, by client address.
    pub anonymous: Limit,
    /// Requests to the app, by client address: a whole office may be behind one.
    pub app: Limit,
}

/// Two tiers, both of which a request must pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Requests admitted in any burst window.
    #[schemars(range(min = 1, max = 100_000))]
    pub burst_limit: u32,
    /// Length of the burst window, in seconds; at most the sustained one.
    #[schemars(range(min = 1, max = 3_600))]
    pub burst_window_s: u32,
    /// Requests admitted in any sustained window; at least the burst limit. Each is remembered
    /// for the length of the window, per active token.
    #[schemars(range(min = 1, max = 100_000))]
    pub sustained_limit: u32,
    /// Length of the sustained window, in seconds.
    #[schemars(range(min = 1, max = 3_600))]
    pub sustained_window_s: u32,
}

impl LimitSettings {
    /// The limit of a plan's tokens.
    pub fn of(&self, plan: Plan) -> Limit {
        match plan {
            Plan::Free => self.free,
            Plan::Studio => self.studio,
            Plan::Agency => self.agency,
        }
    }
}

impl Limit {
    const fn new(burst_limit: u32, sustained_limit: u32) -> Self {
        Self {
            burst_limit,
            burst_window_s: 10,
            sustained_limit,
            sustained_window_s: 60,
        }
    }

    /// The burst window.
    pub fn burst_window(&self) -> Duration {
        Duration::from_secs(self.burst_window_s.into())
    }

    /// The sustained window.
    pub fn sustained_window(&self) -> Duration {
        Duration::from_secs(self.sustained_window_s.into())
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            free: Limit::new(10, 60),
            studio: Limit::new(30, 600),
            agency: Limit::new(60, 1_200),
            anonymous: Limit::new(10, 60),
            app: Limit::new(600, 1_200),
        }
    }
}
