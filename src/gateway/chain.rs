//! The chain that every request walks, in the one order there is.

use std::sync::Arc;

use bytes::Bytes;
use hoursmith_bus::{
    Additions, ErrorKind, Head, KeyedRequest, Response, Subject, Verdict, Visitor,
};
use hoursmith_domain::{Caller, Code, Problem, Token, without_invitation};
use hoursmith_routes::problem;
use http::header::AUTHORIZATION;
use hyper::body::Incoming;

use crate::edge::{Edge, Request};
use crate::limiter::{self, Outcome};
use crate::refusal;
use crate::router::{Row, Target};
use crate::stage::{self, ACTOR, CONSOLE, IDEMPOTENCY, Line, RATE_LIMITER, Stage, TOKEN_AUTH};
use crate::{answer, app, body, conditions, documents, framing, idempotency, query};

/// One request on its way through the chain.
pub(crate) struct Walk<'a> {
    edge: &'a Edge,
    request: &'a Request,
    line: Line<'a>,
    /// What the next stage is told. Shared with the stage while it is asked.
    head: Arc<Head>,
    /// Rate headers for the answer, whatever it will be.
    pub(crate) rate_headers: Vec<(String, String)>,
    /// Whether the limiter has had its say.
    limited: bool,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(edge: &'a Edge, request: &'a Request) -> Self {
        Self {
            edge,
            request,
            line: edge.line(request.deadline),
            head: Arc::new(Head::new(
                request.id,
                "",
                without_invitation(request.path()),
            )),
            rate_headers: Vec::new(),
            limited: false,
        }
    }

    /// Walks the chain to its end: the answer, or the first reason against one.
    pub(crate) async fn run(
        &mut self,
        target: &Target<'_>,
        incoming: Incoming,
    ) -> Result<Response, Problem> {
        let headers = &self.request.head.headers;
        // 1. Framing and size. First, because nothing in a message that can be read in two ways may
        //    be acted upon, not even its token.
        framing::check(&self.request.head, &self.edge.settings)?;

        // 2. The route. A pure look-up, and all that follows depends on it. Public documents and
        //    preflights end here: they are for everybody. What leads nowhere is limited, so that
        //    paths and tokens cannot be tried without end; under the caller's own budget where
        //    there is one, lest a colleague behind the same address pay for it.
        let (row, parameters) = match target {
            Target::Row { row, parameters } => (*row, parameters),
            Target::Document(document) => return Ok(documents::answer(document, headers)),
            Target::App { post } => return self.visit(*post, incoming).await,
            Target::Options(allow) => return Ok(answer::preflight(allow)),
            Target::Nothing(problem) => {
                let caller = self.authenticate().await.ok();
                self.limit(caller.as_ref()).await?;
                return Err(problem.clone());
            }
        };
        row.route.id.clone_into(&mut self.head().route);

        // 3. Who calls. Before the limit, which is the token's. A refused token costs its client's
        //    address, or guessing would be free.
        let caller = match self.authenticate().await {
            Ok(caller) => caller,
            Err(problem) if is_unauthorized(&problem) => {
                self.limit(None).await?;
                return Err(problem);
            }
            Err(problem) => return Err(problem),
        };

        // 4. The rate limit. Before the access row, so that refusals count as well, and before
        //    anything that costs us work.
        self.limit(Some(&caller)).await?;

        // 5. The access row: plan, scope, role. Before the body, which must not be taken from
        //    whoever may not send it, and before the actor, so that no actor can forget it.
        self.allow(row, &caller)?;

        // 6. The query, the conditions and the key, which are checked without the body.
        let query = query::read(row.route, self.request.head.uri.query())?;
        let conditions = conditions::read(headers)?;
        let key = match row.route.method {
            hoursmith_routes::Method::Post => idempotency::key(headers)?,
            _ => None,
        };

        // 7. The body. Its form is the gateway's to check; what it says is the actor's (422).
        let bounds = self.edge.body_bounds(self.request.deadline);
        let body = body::read(row.route, headers, incoming, bounds, key.is_some()).await?;

        // 8. The idempotency gate. Only now is the request known well enough to be told from
        //    another; a request that was refused above leaves no trace under its key.
        if let Some(key) = key {
            let keyed = KeyedRequest::of(key, &self.head.path, &query, body.digest);
            self.head().keyed = Some(keyed);
            match self.ask_fixed(&IDEMPOTENCY, &self.edge.idempotency).await? {
                Verdict::Continue(additions) => self.head().ticket = additions.ticket,
                Verdict::Respond(replay) => return Ok(replay),
                Verdict::Refuse(problem) => return Err(problem),
            }
            self.head().keyed = None;
        }

        // 9. The actor: 422, the row's 404, 409 and 412, then the effect. What it alone looks at
        //    is put into the head only now.
        let head = self.head();
        head.path_params.clone_from(parameters);
        head.query = query;
        head.conditions = conditions;
        match self.ask(&ACTOR, &row.subject, body.bytes).await? {
            Verdict::Respond(response) => Ok(response),
            Verdict::Refuse(problem) => Err(problem),
            Verdict::Continue(_) => Err(self.unexpected(&ACTOR)),
        }
    }

    /// Asks the console for a page. Such a request has no token, key or row: whose session it is
    /// and what that one may do is asked by the console, of the actors that decide it for the API
    /// as well.
    ///
    /// The limit comes first and is the address's: whether the cookie is a session's costs a query,
    /// and anybody can make one up.
    async fn visit(&mut self, post: bool, incoming: Incoming) -> Result<Response, Problem> {
        let address = &self.request.budget;
        self.spend(Visitor::App(address.clone()), address.as_bytes())
            .await?;
        let visit = app::visit(self.edge, self.request, post);
        let body = match post {
            true => {
                let bounds = self.edge.body_bounds(self.request.deadline);
                body::read_form(&self.request.head.headers, incoming, app::narrowed(bounds)).await?
            }
            false => Bytes::new(),
        };
        self.head().visit = Some(visit);
        match self.ask(&CONSOLE, &self.edge.console, body).await? {
            Verdict::Respond(response) => Ok(response),
            Verdict::Refuse(problem) => Err(problem),
            Verdict::Continue(_) => Err(self.unexpected(&CONSOLE)),
        }
    }

    /// Gives the answer of a request that was never limited its rate headers, without spending
    /// anything of the limit.
    pub(crate) async fn peek(&mut self) {
        if self.limited {
            return;
        }
        self.head().peek = true;
        // A peek is never refused; were it, the answer that is already there still stands.
        let _ = self.limit(None).await;
    }

    /// The head, to be written on. Copied if a stage that was asked before still looks at it.
    fn head(&mut self) -> &mut Head {
        Arc::make_mut(&mut self.head)
    }

    /// Asks token-auth for the caller. A malformed token is refused here, at no cost to anybody
    /// else; the token itself goes no further than this function.
    async fn authenticate(&mut self) -> Result<Caller, Problem> {
        let Some(authorization) = self.request.head.headers.get(AUTHORIZATION) else {
            return Err(refusal::token_missing());
        };
        let token = authorization
            .to_str()
            .ok()
            .and_then(bearer)
            .ok_or_else(refusal::token_invalid)?;
        let digest = token.digest(self.line.keys);
        self.head().token = Some(digest);
        let verdict = self.ask_fixed(&TOKEN_AUTH, &self.edge.token_auth).await;
        self.head().token = None;
        match verdict? {
            Verdict::Continue(Additions {
                caller: Some(sealed),
                ..
            }) => {
                let opened = sealed.open(self.line.keys, self.request.id, self.request.deadline);
                self.head().caller = Some(sealed);
                opened.ok_or_else(|| self.unexpected(&TOKEN_AUTH))
            }
            Verdict::Refuse(problem) if is_unauthorized(&problem) => Err(refusal::token_invalid()),
            Verdict::Refuse(problem) => Err(problem),
            Verdict::Continue(_) | Verdict::Respond(_) => Err(self.unexpected(&TOKEN_AUTH)),
        }
    }

    /// Asks the limiter, under the caller's budget or the address's.
    async fn limit(&mut self, caller: Option<&Caller>) -> Result<(), Problem> {
        match caller {
            Some(caller) => {
                let token = caller.token().0;
                self.spend(Visitor::Caller, token.as_bytes()).await
            }
            None => {
                let address = &self.request.budget;
                self.spend(Visitor::Address(address.clone()), address.as_bytes())
                    .await
            }
        }
    }

    /// Asks the limiter that owns a visitor's budget.
    async fn spend(&mut self, visitor: Visitor, owner: &[u8]) -> Result<(), Problem> {
        self.limited = true;
        self.head().visitor = Some(visitor);
        let outcome = limiter::ask(&self.line, &self.edge.owners, owner, &self.head).await;
        self.head().visitor = None;
        match outcome {
            Outcome::Admitted(headers) => self.rate_headers = headers,
            Outcome::Refused(problem) => return Err(problem),
            Outcome::Unknown(why) => self.edge.failed_open(&RATE_LIMITER, why),
        }
        Ok(())
    }

    fn allow(&self, row: &Row, caller: &Caller) -> Result<(), Problem> {
        let access = &row.route.access;
        match caller.decide(access) {
            Ok(_grant) => Ok(()),
            Err(refused) => Err(problem::refused(
                refused,
                access,
                caller,
                &self.edge.settings.public_url,
            )),
        }
    }

    async fn ask_fixed(&self, stage: &Stage, subject: &Subject) -> Result<Verdict, Problem> {
        self.ask(stage, subject, Bytes::new()).await
    }

    /// Asks a stage that the request cannot do without.
    async fn ask(&self, stage: &Stage, subject: &Subject, body: Bytes) -> Result<Verdict, Problem> {
        stage::ask(&self.line, stage, subject, &self.head, body)
            .await
            .map_err(|error| {
                self.edge.stage_failed(stage, self.request.id, &error);
                refusal::bus(error.kind(), self.edge.settings.max_body_bytes)
            })
    }

    /// A stage answered what it never may.
    fn unexpected(&self, stage: &Stage) -> Problem {
        let error =
            hoursmith_bus::Error::new(ErrorKind::Refused, "take the verdict of", stage.name);
        self.edge.stage_failed(stage, self.request.id, &error);
        Problem::internal()
    }
}

fn is_unauthorized(problem: &Problem) -> bool {
    matches!(problem.code, Code::TokenMissing | Code::TokenInvalid)
}

/// The token of `Bearer <token>` (RFC 6750, section 2.1), if it is well-formed.
fn bearer(authorization: &str) -> Option<Token> {
    let (scheme, token) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Token::parse(token.trim_start_matches(' ')).ok()
}
