//! What takes a password: signing up, logging in, accepting an invitation, confirming that it is still
//! the same person, and choosing another.

mod accept;
mod change;
mod hash;
mod sign_up;

use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Ask, Response, Verdict};
use hoursmith_domain::{
    Code, EMAIL_MAX, FieldError, Keys, OrganizationId, Problem, SessionSecret, UserId, fold,
};
use hoursmith_kit::{Asker, Clock, Failure, Random, Worker};
use hoursmith_store::Db;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::guess::Guesses;
use crate::session::LIFE;
use crate::settings::AccountsSettings;
use crate::sql::{self, NewSession};

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) keys: Keys,
    pub(crate) asker: Asker,
    pub(crate) guesses: Guesses,
    pub(crate) settings: AccountsSettings,
}

pub(crate) struct Passwords(pub(crate) Arc<Shared>);

#[derive(Deserialize)]
struct LogIn {
    email: String,
    password: String,
}

#[derive(Deserialize)]
struct Confirm {
    password: String,
}

impl Worker for Passwords {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        let shared = &self.0;
        match ask.head.route.as_str() {
            "password.sign_up" => sign_up::answer(shared, &ask).await,
            "password.accept" => accept::answer(shared, &ask).await,
            "password.log_in" => shared.log_in(&ask).await,
            "password.confirm" => shared.confirm(&ask).await,
            "password.change" => change::answer(shared, &ask).await,
            other => Err(Failure::internal(
                "find what to do with a password",
                format!("no such action as {other}"),
            )),
        }
    }
}

impl Shared {
    /// Unknown address, no password, wrong password: one answer after the same work.
    async fn log_in(&self, ask: &Ask) -> Result<Verdict, Failure> {
        let LogIn { email, password } = read(ask)?;
        // Nobody's, and not to be remembered as tried either: that memory is bounded by it.
        if email.chars().count() > EMAIL_MAX {
            return Ok(not_together());
        }
        if let Err(after) = self.admit(ask, &fold(&email)) {
            return Ok(too_often(after));
        }
        let found = sql::find_user(&mut *self.db.read().await?, &email).await?;
        let hash = found.as_ref().and_then(|user| user.password_hash.clone());
        let right = hash::verify(password, hash).await?;
        match found.filter(|_| right) {
            Some(user) => {
                let organization = user.organization_id.map(OrganizationId);
                let hash = user.password_hash;
                self.begin(ask, UserId(user.id), organization, hash).await
            }
            None => Ok(not_together()),
        }
    }

    /// Whether it is the caller's password: 204.
    async fn confirm(&self, ask: &Ask) -> Result<Verdict, Failure> {
        let Confirm { password } = read(ask)?;
        let Some(caller) = &ask.caller else {
            return Err(Failure::internal("confirm a password", "no caller"));
        };
        if let Err(after) = self.admit(ask, &caller.user().to_string()) {
            return Ok(too_often(after));
        }
        let hash = sql::find_password(&mut *self.db.read().await?, caller.user()).await?;
        Ok(match hash::verify(password, hash).await? {
            true => Verdict::Respond(Response::empty(204)),
            false => not_yours(),
        })
    }

    /// The hash of a password that somebody chooses, under a salt of its own.
    async fn hashed(&self, password: String) -> Result<String, Failure> {
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        hash::hash(password, salt).await
    }

    fn admit(&self, ask: &Ask, account: &str) -> Result<(), Duration> {
        let visit = ask.head.visit.as_ref();
        let address = visit.map_or("", |visit| visit.address.as_str());
        self.guesses.admit(account, address, self.clock.monotonic())
    }

    /// A new secret for a session.
    fn secret(&self) -> SessionSecret {
        let mut random = [0; 32];
        self.random.fill(&mut random);
        SessionSecret::generate(random)
    }

    /// Begins a session under a new secret: 201. With the hash that a password was found right by,
    /// only if it is the person's still: changing a password ends all sessions, and none may slip
    /// in behind that.
    async fn begin(
        &self,
        ask: &Ask,
        user: UserId,
        organization: Option<OrganizationId>,
        found_right: Option<String>,
    ) -> Result<Verdict, Failure> {
        let secret = self.secret();
        let now = self.clock.now();
        let visit = ask.head.visit.as_ref();
        let session = NewSession {
            id: self.random.uuid_v7(now),
            user,
            organization,
            digest: secret.digest(&self.keys),
            user_agent: visit.map_or_else(String::new, |visit| visit.user_agent.clone()),
            now,
            expires_at: now.plus(LIFE),
        };
        let begun: Result<bool, hoursmith_store::Error> = self
            .db
            .write(move |conn| {
                Box::pin(async move {
                    if let Some(hash) = found_right
                        && !sql::hold_password(conn, user, &hash).await?
                    {
                        return Ok(false);
                    }
                    sql::begin_session(conn, &session).await?;
                    Ok(true)
                })
            })
            .await;
        Ok(match begun? {
            true => begins(&secret),
            false => not_together(),
        })
    }
}

/// The answer that hands over a session's secret.
fn begins(secret: &SessionSecret) -> Verdict {
    let body = json!({ "session": secret.expose(), "lives_seconds": LIFE.as_secs() });
    Verdict::Respond(Response::json(201, body.to_string()))
}

fn not_together() -> Verdict {
    let detail = "Address and password do not belong together.";
    refuse([FieldError::pointer("#/password", "wrong", detail)])
}

fn not_yours() -> Verdict {
    let detail = "That is not your password.";
    refuse([FieldError::pointer("#/password", "wrong", detail)])
}

fn read<T: DeserializeOwned>(ask: &Ask) -> Result<T, Failure> {
    serde_json::from_slice(&ask.body)
        .map_err(|source| Failure::internal("read what a person typed", source))
}

fn refuse(errors: impl IntoIterator<Item = FieldError>) -> Verdict {
    let problem = Problem::new(Code::ValidationFailed, "Some of it cannot be so.");
    Verdict::Refuse(errors.into_iter().fold(problem, Problem::with_error))
}

fn too_often(after: Duration) -> Verdict {
    let seconds = after.as_secs().saturating_add(1);
    let detail = format!("That was tried too often. Try again in {seconds} seconds.");
    let problem = Problem::new(Code::RateLimited, detail);
    Verdict::Refuse(problem.with_header("retry-after", seconds.to_string()))
}

/// A hash, for a person that a test makes up.
#[cfg(test)]
pub(crate) async fn hash_for_tests(password: &str) -> String {
    hash::hash(password.to_owned(), [1; 16])
        .await
        .unwrap_or_default()
}
