//! A member's own tokens, as the app shows them: minted, listed and revoked by the member alone.
//!
//! Asked by the console with a session's caller. A caller that came with a token is refused: a
//! token must not beget another, or revoking one that leaked would not be the end of it.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Ask, Response, Subscription, Verdict, subjects};
use hoursmith_domain::{
    Caller, Code, Door, FieldError, Keys, Plan, Problem, Scope, Timestamp, TokenId,
};
use hoursmith_kit::{
    Clock, Failure, Host, Pool, PoolSpec, Random, RestartPolicy, Routing, StartError, Worker,
};
use hoursmith_store::Db;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::NAME;
use crate::mint::{NewToken, TokenAdminError, mint_token};
use crate::sql::{self, TokenInfo};

/// A person's clicks; more at a time wait, and past [`QUEUE`] are answered 503.
const WORKERS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// Clicks that may wait.
const QUEUE: usize = 64;

/// Live tokens that are listed: many times what anybody tells apart.
const LIST_MAX: u32 = 200;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest life that may be asked for, in days.
const DAYS_MAX: u32 = 3650;

/// Starts the pool that answers for the app.
pub(crate) async fn start(host: &Host) -> Result<(Pool, Subscription), StartError> {
    let spec = PoolSpec {
        plugin: NAME,
        workers: WORKERS,
        queue: QUEUE,
        routing: Routing::Any,
        restart: RestartPolicy::default(),
    };
    let desk = Desk {
        db: host.db.clone(),
        clock: Arc::clone(&host.clock),
        random: Arc::clone(&host.random),
        keys: host.keys.clone(),
    };
    let pool = Pool::start(host, spec, move |_| desk.clone()).await?;
    let served = pool.serve(&*host.bus, subjects::tokens()).await?;
    Ok((pool, served))
}

#[derive(Clone)]
struct Desk {
    db: Db,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    keys: Keys,
}

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    name: String,
    scope: Scope,
    /// Days until it expires; absent for never.
    expires_in_days: Option<u32>,
}

impl Worker for Desk {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        let Some(caller) = ask.caller.as_ref() else {
            return Err(Failure::internal(
                "take a request about tokens",
                "no caller",
            ));
        };
        if caller.door() != Door::App {
            let detail = "Tokens are minted, listed and revoked in the app alone.";
            return Ok(Verdict::Refuse(Problem::new(Code::RoleForbidden, detail)));
        }
        match ask.head.route.as_str() {
            "token.create" => self.create(caller, &ask.body).await,
            "token.list" => self.list(caller).await,
            "token.revoke" => self.revoke(caller, ask.head.path_param("token_id")).await,
            other => Err(Failure::internal(
                "find what to do with tokens",
                format!("no such action as {other}"),
            )),
        }
    }
}

impl Desk {
    async fn create(&self, caller: &Caller, body: &[u8]) -> Result<Verdict, Failure> {
        if caller.plan() < Plan::Studio {
            let problem = Problem::new(Code::PlanRequired, "API tokens need the plan studio.")
                .with_member("current_plan", caller.plan().as_str())
                .with_member("required_plan", Plan::Studio.as_str());
            return Ok(Verdict::Refuse(problem));
        }
        let wish: Wish = serde_json::from_slice(body)
            .map_err(|source| Failure::internal("read which token to mint", source))?;
        if wish.expires_in_days.is_some_and(|days| days > DAYS_MAX) {
            return Ok(refuse(
                "expires_in_days",
                &format!("must be at most {DAYS_MAX} days"),
            ));
        }
        let now = self.clock.now();
        let expires_at = wish
            .expires_in_days
            .map(|days| now.plus(DAY.saturating_mul(days)));
        let new = NewToken {
            organization: caller.organization(),
            member: caller.member(),
            name: wish.name,
            scope: wish.scope,
            expires_at,
        };
        match mint_token(&self.db, &*self.random, &self.keys, now, new).await {
            Ok(minted) => {
                let body = json!({ "id": minted.id.to_string(), "token": minted.token.expose() });
                Ok(Verdict::Respond(Response::json(201, body.to_string())))
            }
            Err(TokenAdminError::Name(error)) => Ok(refuse("name", &error.to_string())),
            Err(error @ TokenAdminError::Expired { .. }) => {
                Ok(refuse("expires_in_days", &error.to_string()))
            }
            Err(error) => Err(Failure::internal("mint a token", error)),
        }
    }

    async fn list(&self, caller: &Caller) -> Result<Verdict, Failure> {
        let mut conn = self.db.read().await?;
        let rows =
            sql::list_of(&mut conn, caller.organization(), caller.member(), LIST_MAX).await?;
        let data = rows
            .into_iter()
            .map(|row| TokenInfo::try_from(row).map(|token| shown(&token)))
            .collect::<Result<Vec<Value>, _>>()
            .map_err(|source| Failure::internal("read a token", source))?;
        let body = json!({ "data": data });
        Ok(Verdict::Respond(Response::json(200, body.to_string())))
    }

    async fn revoke(&self, caller: &Caller, token: Option<&str>) -> Result<Verdict, Failure> {
        let Some(token) = token.and_then(|id| id.parse::<TokenId>().ok()) else {
            return Ok(Verdict::Refuse(Problem::not_found()));
        };
        let (organization, member) = (caller.organization(), caller.member());
        let now = self.clock.now();
        let found: Result<bool, hoursmith_store::Error> = self
            .db
            .write(move |conn| Box::pin(sql::revoke_of(conn, organization, member, token, now)))
            .await;
        Ok(match found? {
            true => Verdict::Respond(Response::empty(204)),
            false => Verdict::Refuse(Problem::not_found()),
        })
    }
}

fn shown(token: &TokenInfo) -> Value {
    let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "id": token.id.to_string(),
        "name": token.name,
        "last_four": token.last_four,
        "scope": token.scope.as_str(),
        "expires_at": at(token.expires_at),
        "last_used_at": at(token.last_used_at),
        "created_at": token.created_at.to_string(),
    })
}

fn refuse(field: &str, detail: &str) -> Verdict {
    let problem = Problem::new(Code::ValidationFailed, "The token cannot be minted so.");
    let error = FieldError::pointer(format!("#/{field}"), "invalid", detail);
    Verdict::Refuse(problem.with_error(error))
}
