//! Token authentication: who calls, from a token's digest, as of this very request.
//!
//! It vouches and does not judge: what the caller's plan, scope and role allow is decided by the
//! gateway from the access table. It holds a [`CallerAuthority`], as accounts does for sessions.
//! Beside that it mints, lists and revokes tokens for the app (`own.rs`).
//!
//! This room knows kit and what kit stands on. It must not know a route or an HTTP header.

mod gate;
mod last_used;
mod mint;
mod own;
mod sql;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::{Pattern, subjects};
use hoursmith_domain::CallerAuthority;
use hoursmith_kit::{
    ActorSettings, Host, Plugin, Pool, PoolSpec, RestartPolicy, Routing, RunningPlugin, StartError,
};
use hoursmith_store::Statement;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use gate::Gate;
use last_used::LastUsed;
pub use mint::{MintedToken, NewToken, TokenAdminError, list_tokens, mint_token, revoke_token};
pub use sql::TokenInfo;

const NAME: &str = "token-auth";

/// Checks that may wait for a worker: as many as the gateway admits requests by default. One more
/// is answered 503.
const QUEUE: usize = 1_024;

/// Settings of token authentication.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokenAuthSettings {
    /// Tokens looked up at a time. More than the database has connections for reads only wait
    /// there.
    pub workers: NonZeroUsize,
}

impl Default for TokenAuthSettings {
    fn default() -> Self {
        Self {
            workers: const { NonZeroUsize::new(8).unwrap() },
        }
    }
}

#[derive(Debug)]
struct TokenAuth;

/// The plugin.
pub fn plugin() -> Arc<dyn Plugin> {
    Arc::new(TokenAuth)
}

impl Plugin for TokenAuth {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> ActorSettings {
        ActorSettings::of::<TokenAuthSettings>()
    }

    fn statements(&self) -> Vec<Statement> {
        sql::statements().to_vec()
    }

    fn start(&self, host: Host) -> BoxFuture<'static, Result<RunningPlugin, StartError>> {
        Box::pin(start(host))
    }
}

async fn start(host: Host) -> Result<RunningPlugin, StartError> {
    let settings: TokenAuthSettings = host
        .settings
        .actor(NAME)
        .map_err(|source| StartError::new(NAME, "read its settings", source))?;
    let authority = Arc::new(CallerAuthority::new(host.keys.clone()));
    let (last_used, writing) = LastUsed::start(host.db.clone());
    let (db, clock) = (host.db.clone(), Arc::clone(&host.clock));
    let spec = PoolSpec {
        plugin: NAME,
        workers: settings.workers,
        queue: QUEUE,
        routing: Routing::Any,
        restart: RestartPolicy::default(),
    };
    let pool = Pool::start(&host, spec, move |_| Gate {
        db: db.clone(),
        clock: Arc::clone(&clock),
        authority: Arc::clone(&authority),
        last_used: last_used.clone(),
    })
    .await?;
    let pattern = Pattern::from(&subjects::token_auth_check());
    let checks = pool.serve(&*host.bus, pattern).await?;
    let (owners, own) = own::start(&host).await?;
    Ok(RunningPlugin::new(NAME)
        .with_pool(pool, checks)
        .with_pool(owners, own)
        .with_task(writing))
}
