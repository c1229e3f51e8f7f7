//! Settings of accounts.

use std::num::NonZeroUsize;

use hoursmith_domain::Plan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsSettings {
    /// Whether anybody who reaches the app may sign up. Members that an operator adds are not
    /// concerned.
    pub sign_up: bool,
    /// The plan of an organization that signs up: `free`, `studio` or `agency`.
    #[schemars(with = "String")]
    pub plan: Plan,
    /// Sessions looked up at a time.
    pub session_workers: NonZeroUsize,
    /// Passwords hashed at a time, each with 19 MiB.
    pub password_workers: NonZeroUsize,
}

impl Default for AccountsSettings {
    fn default() -> Self {
        Self {
            sign_up: true,
            plan: Plan::Studio,
            session_workers: const { NonZeroUsize::new(8).unwrap() },
            password_workers: const { NonZeroUsize::new(2).unwrap() },
        }
    }
}
