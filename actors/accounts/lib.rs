//! Accounts: people, their passwords and their sessions in the app.
//!
//! It vouches for sessions as token-auth vouches for tokens: one query reads session, member and
//! organization as they are at this very request. Two pools: sessions are cheap and asked for every
//! page; a password costs some 20 ms of a core and 19 MiB by design, so few are worked on at a time
//! and few may wait, lest guessing take the machine from everybody else.
//!
//! This room knows kit and what kit stands on. It must not know HTML, a cookie or a form, nor how an
//! organization is stored: it asks the resource actor for one, with the person who founds it.

mod check;
mod guess;
mod invitation;
mod password;
mod session;
mod settings;
mod sql;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::subjects;
use hoursmith_domain::CallerAuthority;
use hoursmith_kit::{
    ActorSettings, Asker, Host, Plugin, Pool, PoolSpec, RestartPolicy, Routing, RunningPlugin,
    StartError,
};
use hoursmith_store::Statement;

use guess::Guesses;
use password::{Passwords, Shared};
use session::Sessions;
pub use settings::AccountsSettings;

const NAME: &str = "accounts";

/// Questions about sessions that may wait for a worker: as many as the gateway admits requests by
/// default. One more is answered 503.
const SESSION_QUEUE: usize = 1_024;

/// Passwords that may wait for a worker: at some 25 ms each, the last one waits under half a second.
/// One more is answered 503.
const PASSWORD_QUEUE: usize = 32;

#[derive(Debug)]
struct Accounts;

/// The plugin.
pub fn plugin() -> Arc<dyn Plugin> {
    Arc::new(Accounts)
}

impl Plugin for Accounts {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> ActorSettings {
        ActorSettings::of::<AccountsSettings>()
    }

    fn statements(&self) -> Vec<Statement> {
        [
            sql::statements(),
            session::statements(),
            invitation::statements(),
        ]
        .concat()
    }

    fn start(&self, host: Host) -> BoxFuture<'static, Result<RunningPlugin, StartError>> {
        Box::pin(start(host))
    }
}

async fn start(host: Host) -> Result<RunningPlugin, StartError> {
    let settings: AccountsSettings = host
        .settings
        .actor(NAME)
        .map_err(|source| StartError::new(NAME, "read its settings", source))?;
    let spec = |workers: NonZeroUsize, queue| PoolSpec {
        plugin: NAME,
        workers,
        queue,
        routing: Routing::Any,
        restart: RestartPolicy::default(),
    };
    let sessions = Sessions {
        db: host.db.clone(),
        clock: Arc::clone(&host.clock),
        authority: Arc::new(CallerAuthority::new(host.keys.clone())),
    };
    let checking = spec(settings.session_workers, SESSION_QUEUE);
    let checks = Pool::start(&host, checking, move |_| sessions.clone()).await?;
    let checked = checks
        .serve(&*host.bus, subjects::account_sessions())
        .await?;

    let shared = Arc::new(Shared {
        db: host.db.clone(),
        clock: Arc::clone(&host.clock),
        random: Arc::clone(&host.random),
        keys: host.keys.clone(),
        asker: Asker::of(&host),
        guesses: Guesses::default(),
        settings,
    });
    let hashing = spec(shared.settings.password_workers, PASSWORD_QUEUE);
    let hashes = Pool::start(&host, hashing, move |_| Passwords(Arc::clone(&shared))).await?;
    let hashed = hashes
        .serve(&*host.bus, subjects::account_passwords())
        .await?;
    Ok(RunningPlugin::new(NAME)
        .with_pool(checks, checked)
        .with_pool(hashes, hashed))
}
