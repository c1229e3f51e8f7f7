//! Asking the other actors, as the person whose session it is.

use std::sync::Arc;

use bytes::Bytes;
use hoursmith_bus::subjects::{self, AccountQuestion, TokenQuestion};
use hoursmith_bus::{
    Ask, Conditions, Head, IdempotencyTicket, KeyedRequest, Response, Subject, Verdict, Visit,
};
use hoursmith_domain::{Caller, Code, Keys, Plan, SealedCaller};
use hoursmith_kit::{Asker, Clock, Failure, Host, Random};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::form::Form;
use crate::halt::{Halt, Refusal};

/// For how long a form that was sent once is not done twice.
const ONCE_S: u32 = 24 * 60 * 60;

/// Characters of a form's key: two ids in hex.
const ONCE_MAX: usize = 64;

/// What all requests share.
pub(crate) struct Console {
    asker: Asker,
    keys: Keys,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// Where browsers reach the app, without a slash at the end.
    pub(crate) public_url: String,
    /// How fast a token may ask, by plan.
    pub(crate) paces: Vec<Pace>,
}

/// How fast a token of a plan may ask.
pub(crate) struct Pace {
    pub(crate) plan: Plan,
    pub(crate) requests: u32,
    pub(crate) seconds: u32,
}

/// A request to the app.
#[derive(Clone, Copy)]
pub(crate) struct Guest<'a> {
    pub(crate) console: &'a Console,
    pub(crate) ask: &'a Ask,
    pub(crate) visit: &'a Visit,
}

/// One with a session that acts in an organization.
pub(crate) struct Person<'a> {
    pub(crate) guest: Guest<'a>,
    pub(crate) caller: Caller,
    sealed: SealedCaller,
}

impl Pace {
    fn of(host: &Host, plan: Plan) -> Self {
        let limit = host.settings.limits.of(plan);
        Self {
            plan,
            requests: limit.sustained_limit,
            seconds: limit.sustained_window_s,
        }
    }
}

impl Console {
    pub(crate) fn of(host: &Host) -> Self {
        Self {
            asker: Asker::of(host),
            keys: host.keys.clone(),
            clock: Arc::clone(&host.clock),
            random: Arc::clone(&host.random),
            paces: Plan::ALL.iter().map(|plan| Pace::of(host, *plan)).collect(),
            public_url: host.settings.public_url.trim_end_matches('/').to_owned(),
        }
    }
}

impl<'a> Guest<'a> {
    /// The person whose session the cookie is. Without one the browser is sent to log in.
    pub(crate) async fn person(self) -> Result<Person<'a>, Halt> {
        if self.visit.session.is_none() {
            return Err(Halt::LogIn);
        }
        let question = AccountQuestion::SessionCheck;
        let head = self.head(question.id());
        let sealed = match self.ask_account(question, head, None).await? {
            Verdict::Continue(additions) => additions.caller,
            // A fault is no reason to send somebody away who is logged in.
            verdict => {
                answered(verdict)?;
                return Err(Failure::internal("check a session", "no gate's answer").into());
            }
        };
        let sealed = sealed.ok_or(Halt::Nowhere)?;
        let opened = sealed.open(
            &self.console.keys,
            self.ask.head.request_id,
            self.ask.deadline,
        );
        let caller = opened.ok_or_else(|| Failure::internal("open a session's caller", "seal"))?;
        Ok(Person {
            guest: self,
            caller,
            sealed,
        })
    }

    /// Asks accounts.
    pub(crate) async fn account(
        &self,
        question: AccountQuestion,
        body: Option<&Value>,
    ) -> Result<Response, Halt> {
        let head = self.head(question.id());
        answered(self.ask_account(question, head, body).await?)
    }

    /// Asks accounts. The visit goes along, for its session and its address. Whose session is over
    /// is sent to log in.
    async fn ask_account(
        &self,
        question: AccountQuestion,
        head: Head,
        body: Option<&Value>,
    ) -> Result<Verdict, Halt> {
        let head = Head {
            visit: Some(self.visit.clone()),
            ..head
        };
        let subject = subjects::account(question);
        match self.send(&subject, head, written(body)).await? {
            Verdict::Refuse(problem) if problem.code == Code::TokenInvalid => Err(Halt::LogIn),
            verdict => Ok(verdict),
        }
    }

    fn head(&self, route: &str) -> Head {
        Head::new(self.ask.head.request_id, route, &self.ask.head.path)
    }

    async fn send(&self, subject: &Subject, head: Head, body: Bytes) -> Result<Verdict, Halt> {
        let asked = self
            .console
            .asker
            .ask(subject, head, body, self.ask.deadline);
        // On the heap, since a page waits for several at once.
        Box::pin(asked)
            .await
            .map_err(|error| Failure::bus("ask for what a page shows", error).into())
    }
}

/// A question for the actor of a route or an operation.
pub(crate) struct Question<'q> {
    id: &'q str,
    path: Vec<(&'q str, String)>,
    query: Vec<(&'q str, String)>,
    body: Option<Value>,
    once: Option<String>,
    conditions: Conditions,
}

impl<'q> Question<'q> {
    /// By the id of the route or operation.
    pub(crate) fn new(id: &'q str) -> Self {
        Self {
            id,
            path: Vec::new(),
            query: Vec::new(),
            body: None,
            once: None,
            conditions: Conditions::default(),
        }
    }

    /// The path parameter.
    pub(crate) fn of(mut self, name: &'q str, value: impl ToString) -> Self {
        self.path.push((name, value.to_string()));
        self
    }

    /// A query parameter.
    pub(crate) fn with(mut self, name: &'q str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// The body.
    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The form's own key: sent again, by a double click or after the back button, it is answered
    /// as the first time and done no second time.
    pub(crate) fn once(mut self, key: &str) -> Self {
        self.once = (!key.is_empty() && key.len() <= ONCE_MAX).then(|| key.to_owned());
        self
    }

    /// The tag of what a form was made from ([`Person::read_tagged`]): what somebody has changed since
    /// is not changed back by a form that still shows the old, but refused.
    pub(crate) fn if_match(mut self, tag: &str) -> Self {
        self.conditions.if_match = (!tag.is_empty()).then(|| tag.to_owned());
        self
    }
}

impl Person<'_> {
    /// Asks, and reads the answer.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        question: Question<'_>,
    ) -> Result<T, Halt> {
        let response = self.ask(question).await?;
        parsed(&response)
    }

    /// Reads one object with its tag, for a form that changes it: the form carries the tag along as its
    /// `version`, and [`Question::if_match`] has it checked.
    pub(crate) async fn read_tagged<T: DeserializeOwned>(
        &self,
        question: Question<'_>,
    ) -> Result<(T, String), Halt> {
        let response = self.ask(question).await?;
        let mut headers = response.headers.iter();
        let (_, tag) = headers
            .find(|(name, _)| name == "etag")
            .ok_or_else(|| Failure::internal("read an object's tag", "it has none"))?;
        Ok((parsed(&response)?, tag.clone()))
    }

    /// Asks. A refusal is an error.
    pub(crate) async fn ask(&self, question: Question<'_>) -> Result<Response, Halt> {
        let subject = hoursmith_routes::subject(question.id).ok_or_else(|| {
            Failure::internal(
                "find who answers",
                format!("nobody answers {}", question.id),
            )
        })?;
        let subject = Subject::new(&subject)
            .map_err(|source| Failure::internal("name an actor's subject", source))?;
        if question
            .once
            .as_deref()
            .is_some_and(|key| self.is_elsewhere(key))
        {
            let detail = "You switched to another organization since you opened this form. \
                 If it belongs here, send it again.";
            return Err(Halt::refused(409, detail));
        }
        let body = written(question.body.as_ref());
        let mut head = self.head(question.id);
        let pairs = |pairs: Vec<(&str, String)>| -> Vec<(String, String)> {
            let owned = |(name, value): (&str, String)| (name.to_owned(), value);
            pairs.into_iter().map(owned).collect()
        };
        head.path_params = pairs(question.path);
        head.query = pairs(question.query);
        head.conditions = question.conditions;
        let key = question.once.map(|key| format!("app-{key}"));
        head.ticket = key.map(|key| self.ticket(key, &head, &body));
        answered(self.guest.send(&subject, head, body).await?)
    }

    /// Asks about the person's own API tokens.
    pub(crate) async fn token(
        &self,
        question: TokenQuestion,
        id: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Response, Halt> {
        let mut head = self.head(question.id());
        if let Some(id) = id {
            head.path_params = vec![("token_id".to_owned(), id.to_owned())];
        }
        let subject = subjects::token(question);
        answered(self.guest.send(&subject, head, written(body)).await?)
    }

    /// Whether the password is the person's own; what is wrong otherwise is an error.
    pub(crate) async fn confirm(&self, password: &str) -> Result<(), Halt> {
        let question = AccountQuestion::Confirm;
        let head = self.head(question.id());
        let body = serde_json::json!({ "password": password });
        let verdict = self.guest.ask_account(question, head, Some(&body)).await?;
        answered(verdict).map(drop)
    }

    fn head(&self, route: &str) -> Head {
        Head {
            caller: Some(self.sealed.clone()),
            ..self.guest.head(route)
        }
    }

    /// A key for a form, so that sending it twice does it once. It begins with the organization
    /// that the form was made in.
    pub(crate) fn form_key(&self) -> String {
        let console = self.guest.console;
        let unique = console.random.uuid_v7(console.clock.now());
        let here = self.caller.organization();
        format!("{}{}", here.0.simple(), unique.simple())
    }

    /// Refuses a form that was made in another organization. For forms that name no object, which
    /// would be good in any, and need not be done only once.
    pub(crate) fn must_be_here(&self, form: &Form) -> Result<(), Halt> {
        if !self.is_elsewhere(form.get("once")) {
            return Ok(());
        }
        let detail = "You switched to another organization since you opened this form, and nothing \
             was changed. Open the page again if the form belongs here.";
        Err(Halt::refused(409, detail))
    }

    /// Whether the key's form was made in another organization: one tab may switch while another
    /// has a form open, and what was meant for one must not be done in the other.
    fn is_elsewhere(&self, key: &str) -> bool {
        let here = self.caller.organization().0.simple().to_string();
        key.len() == ONCE_MAX && !key.starts_with(&here)
    }

    /// The key is one request's: with another object, query or body it is refused.
    fn ticket(&self, key: String, head: &Head, body: &[u8]) -> IdempotencyTicket {
        let named = [head.path_params.as_slice(), &head.query].concat();
        let digest = Sha256::digest(body).into();
        IdempotencyTicket {
            organization: self.caller.organization(),
            member: self.caller.member(),
            request: KeyedRequest::of(key, &head.route, &named, Some(digest)),
            retention_s: ONCE_S,
        }
    }
}

fn parsed<T: DeserializeOwned>(response: &Response) -> Result<T, Halt> {
    serde_json::from_slice(&response.body)
        .map_err(|source| Failure::internal("read what a page shows", source).into())
}

fn written(body: Option<&Value>) -> Bytes {
    body.map(|body| Bytes::from(body.to_string()))
        .unwrap_or_default()
}

/// The response, unless it says no.
fn answered(verdict: Verdict) -> Result<Response, Halt> {
    match verdict {
        Verdict::Respond(response) if response.status < 400 => Ok(response),
        Verdict::Respond(response) => Err(Halt::Refused(Refusal::of_response(&response))),
        Verdict::Refuse(problem) => Err(Halt::Refused(Refusal::of_problem(&problem))),
        Verdict::Continue(_) => Err(Failure::internal("take an answer", "a gate's").into()),
    }
}
