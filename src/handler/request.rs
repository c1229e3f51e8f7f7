//! A request as a handler sees it.

use std::sync::Arc;

use hoursmith_bus::{Ask, Response, Verdict, subjects};
use hoursmith_domain::{Caller, Grant, Keys, Problem, RequestId};
use hoursmith_kit::{Clock, Failure, Host, Random, WakeUp};
use hoursmith_routes::problem;
use hoursmith_store::Db;
use std::str::FromStr;

use crate::error::Error;

/// What all requests share.
#[derive(Debug)]
pub struct Context {
    /// The database.
    pub db: Db,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The deployment's keys.
    pub keys: Keys,
    /// Where clients reach the server, without a slash at the end.
    pub public_url: String,
    /// The bell of the relays.
    pub wake_up: Arc<WakeUp>,
}

impl Context {
    /// What a plugin's host has of it.
    pub fn of(host: &Host) -> Self {
        Self {
            db: host.db.clone(),
            clock: Arc::clone(&host.clock),
            random: Arc::clone(&host.random),
            keys: host.keys.clone(),
            public_url: host.settings.public_url.trim_end_matches('/').to_owned(),
            wake_up: Arc::new(WakeUp::of(host, subjects::relay_wake())),
        }
    }

    /// Answers a question by a handler; a refusal becomes its problem.
    pub async fn answer<F>(
        self: &Arc<Self>,
        ask: Ask,
        route: impl FnOnce(Request) -> F,
    ) -> Result<Verdict, Failure>
    where
        F: Future<Output = Result<Response, Error>>,
    {
        let (request_id, path) = (ask.head.request_id, ask.head.path.clone());
        let answer = async { route(Request::new(Arc::clone(self), ask)?).await };
        match answer.await {
            Ok(response) => Ok(Verdict::Respond(response)),
            Err(Error::Problem(problem)) => {
                let context = self.problem(request_id, &path);
                Ok(Verdict::Respond(problem::render(&problem, &context)))
            }
            Err(Error::Failure(failure)) => Err(failure),
            Err(Error::Contended(error)) => Err(error.into()),
        }
    }

    /// What a problem's body repeats of a request.
    pub fn problem<'a>(&'a self, request: RequestId, path: &'a str) -> problem::Context<'a> {
        problem::Context {
            public_url: &self.public_url,
            request_id: request,
            instance: path,
        }
    }
}

/// A request whose caller is known and may make it.
#[derive(Debug)]
pub struct Request {
    /// What it shares with the others.
    pub context: Arc<Context>,
    /// The question as it came.
    pub ask: Ask,
    /// Who asks.
    pub caller: Caller,
    /// Id of the route or operation.
    pub route: &'static str,
    /// How much of the organization the caller reaches through it.
    pub grant: Grant,
}

impl Request {
    /// Takes a request in. For a route the gateway has decided by the same row already; deciding
    /// again costs nothing and means that no path leads around it. For an operation, which no
    /// gateway stands before, this is where it is decided.
    pub fn new(context: Arc<Context>, ask: Ask) -> Result<Self, Error> {
        let unfit = |why: &str| Failure::internal("take the request in", why.to_owned());
        let (route, access) = hoursmith_routes::access(&ask.head.route)
            .ok_or_else(|| unfit("no such route or operation"))?;
        let caller = ask
            .caller
            .clone()
            .ok_or_else(|| unfit("it has no caller"))?;
        let grant = caller
            .decide(access)
            .map_err(|refusal| problem::refused(refusal, access, &caller, &context.public_url))?;
        Ok(Self {
            context,
            ask,
            caller,
            route,
            grant,
        })
    }

    /// The id in the path. One that cannot be read never existed.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        self.ask
            .head
            .path_param(name)
            .and_then(|text| text.parse().ok())
            .ok_or_else(Problem::not_found)
    }

    /// A query parameter whose form the gateway has checked.
    pub fn param<T: FromStr>(&self, name: &str) -> Result<Option<T>, Error> {
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
    pub fn problem_context(&self) -> problem::Context<'_> {
        let head = &self.ask.head;
        self.context.problem(head.request_id, &head.path)
    }
}
