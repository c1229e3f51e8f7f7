//! A request as a handler sees it.

use std::sync::Arc;

use hoursmith_bus::Ask;
use hoursmith_domain::{Caller, Grant, Keys, Problem};
use hoursmith_kit::{Clock, Failure, Host, Random};
use hoursmith_routes::{Route, problem};
use hoursmith_store::Db;
use std::str::FromStr;

use crate::error::Error;
use crate::wake::WakeUp;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) keys: Keys,
    pub(crate) public_url: String,
    pub(crate) wake_up: Arc<WakeUp>,
}

impl Context {
    pub(crate) fn of(host: &Host) -> Self {
        Self {
            db: host.db.clone(),
            clock: Arc::clone(&host.clock),
            random: Arc::clone(&host.random),
            keys: host.keys.clone(),
            public_url: host.settings.public_url.trim_end_matches('/').to_owned(),
            wake_up: Arc::new(WakeUp::of(host)),
        }
    }
}

/// A request whose caller is known and may make it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) context: Arc<Context>,
    pub(crate) ask: Ask,
    pub(crate) caller: Caller,
    pub(crate) route: &'static Route,
    /// How much of the organization the caller reaches through this route.
    pub(crate) grant: Grant,
}

impl Request {
    /// Takes a request in. The gateway has decided by the same row already; deciding again costs
    /// nothing and means that no path leads around it.
    pub(crate) fn new(context: Arc<Context>, ask: Ask) -> Result<Self, Failure> {
        let refused = |why: &str| Failure::internal("take the request in", why.to_owned());
        let route =
            hoursmith_routes::route(&ask.head.route).ok_or_else(|| refused("no such route"))?;
        let caller = ask
            .caller
            .clone()
            .ok_or_else(|| refused("it has no caller"))?;
        let grant = route
            .access
            .decide(caller.role(), caller.plan(), caller.scope())
            .map_err(|refusal| {
                refused(&format!(
                    "the gateway let a refused call through: {refusal:?}"
                ))
            })?;
        Ok(Self {
            context,
            ask,
            caller,
            route,
            grant,
        })
    }

    /// The id in the path. One that cannot be read never existed.
    pub(crate) fn id<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        self.ask
            .head
            .path_param(name)
            .and_then(|text| text.parse().ok())
            .ok_or_else(Problem::not_found)
    }

    /// A query parameter whose form the gateway has checked.
    pub(crate) fn param<T: FromStr>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(text) = self.ask.head.query_param(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Failure::internal(
                "read a query parameter",
                format!("{name} passed the gateway"),
            )
            .into()),
        }
    }

    /// What a problem's body repeats of the request.
    pub(crate) fn problem_context(&self) -> problem::Context<'_> {
        problem::Context {
            public_url: &self.context.public_url,
            request_id: self.ask.head.request_id,
            instance: &self.ask.head.path,
        }
    }
}
