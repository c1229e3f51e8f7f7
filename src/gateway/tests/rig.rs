//! A gateway on a bus of its own, with stages that answer what a test wants and remember what they
//! were asked.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use hoursmith_bus::{
    Additions, Bus as _, Envelope, Error, ErrorKind, Head, IdempotencyTicket, MemoryBus, Pattern,
    Response, Service, Subject, Subscription, Verdict, Visitor, subjects,
};
use hoursmith_domain::{
    CallerAuthority, Code, Door, Keys, MemberId, OrganizationId, Plan, Problem, Role, Scope,
    SecretKey, Timestamp, Token, TokenId, UserId,
};
use hoursmith_kit::{Clock, ManualClock, Random as _, SystemRandom};
use uuid::Uuid;

use super::wire::{Reply, Wire};
use crate::{Gateway, GatewayHost, GatewaySettings};

/// A question that a stage was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) stage: &'static str,
    pub(crate) head: Head,
    pub(crate) body: Bytes,
    pub(crate) deadline: Timestamp,
}

/// What a stage answers.
pub(crate) type Answers =
    Arc<dyn Fn(Asked) -> BoxFuture<'static, Result<Verdict, Error>> + Send + Sync>;

/// How an answer to a question on a subject is sealed.
pub(crate) type Sealing = Arc<dyn Fn(Envelope, &Subject, &Envelope) -> Envelope + Send + Sync>;

/// Which callers there are: one token each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Owner,
    Free,
    Reader,
    Member,
}

pub(crate) struct Rig {
    pub(crate) gateway: Gateway,
    pub(crate) bus: Arc<MemoryBus>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) keys: Keys,
    asked: Arc<Mutex<Vec<Asked>>>,
    subscriptions: Vec<(&'static str, Subscription)>,
}

/// Rate headers of the limiter here.
pub(crate) const RATE: [(&str, &str); 2] = [
    ("x-ratelimit-limit", "30"),
    ("ratelimit", "\"burst\";r=29;t=10"),
];

pub(crate) fn token(who: Who) -> String {
    Token::generate([who as u8 + 1; 64]).expose().to_owned()
}

pub(crate) fn settings() -> GatewaySettings {
    GatewaySettings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..GatewaySettings::of(&hoursmith_settings::Settings::default())
    }
}

impl Rig {
    /// A gateway with all stages, which say yes.
    pub(crate) async fn start() -> Self {
        Self::with(settings()).await
    }

    pub(crate) async fn with(settings: GatewaySettings) -> Self {
        let mut rig = Self::bare(settings).await;
        for stage in ["token-auth", "rate-limiter", "idempotency", "resource"] {
            rig.serve(stage).await;
        }
        rig
    }

    /// A gateway with nobody behind it.
    pub(crate) async fn bare(settings: GatewaySettings) -> Self {
        let clock = Arc::new(ManualClock::new());
        let reading = Arc::clone(&clock);
        let bus = MemoryBus::new(Arc::new(move || reading.now()));
        let keys = Keys::derive(&SecretKey::from_bytes([9; 32]));
        let host = GatewayHost {
            bus: Arc::clone(&bus) as Arc<dyn hoursmith_bus::Bus>,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random: Arc::new(SystemRandom),
            keys: keys.clone(),
        };
        let gateway = Gateway::start(settings, host).await.unwrap();
        Self {
            gateway,
            bus,
            clock,
            keys,
            asked: Arc::default(),
            subscriptions: Vec::new(),
        }
    }

    /// Serves a stage that says yes.
    pub(crate) async fn serve(&mut self, stage: &'static str) {
        self.serve_with(stage, self.yes(stage)).await;
    }

    /// What a stage answers that says yes.
    pub(crate) fn yes(&self, stage: &'static str) -> Answers {
        let keys = self.keys.clone();
        match stage {
            "token-auth" => {
                Arc::new(move |asked| Box::pin(std::future::ready(Ok(authenticate(&keys, &asked)))))
            }
            "rate-limiter" => Arc::new(|_| {
                let headers = RATE
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .to_vec();
                Box::pin(std::future::ready(Ok(Verdict::Continue(Additions {
                    headers,
                    ..Additions::default()
                }))))
            }),
            "idempotency" => Arc::new(|asked| Box::pin(std::future::ready(Ok(ticket(&asked))))),
            _ => Arc::new(|asked| {
                let body =
                    serde_json::json!({ "route": asked.head.route, "bytes": asked.body.len() });
                let response = Response::json(200, body.to_string()).with_header("etag", "\"1\"");
                Box::pin(std::future::ready(Ok(Verdict::Respond(response))))
            }),
        }
    }

    /// Serves a stage, instead of who serves it now.
    pub(crate) async fn serve_with(&mut self, stage: &'static str, answers: Answers) {
        let keys = self.keys.clone();
        let honest: Sealing = Arc::new(move |answer, subject, question| {
            answer.sealed_answer(subject, question, &keys)
        });
        self.serve_sealing(stage, answers, honest).await;
    }

    /// Serves a stage whose answers are sealed in a certain way, instead of who serves it now.
    pub(crate) async fn serve_sealing(
        &mut self,
        stage: &'static str,
        answers: Answers,
        sealing: Sealing,
    ) {
        self.leave(stage);
        let instance = SystemRandom.uuid_v7(self.clock.now());
        let pattern = match stage {
            "rate-limiter" => format!("hoursmith.v1.rate-limiter.{}.check", instance.simple()),
            "resource" => "hoursmith.v1.resource.>".to_owned(),
            "console" => subjects::console_page().as_str().to_owned(),
            gate => format!("hoursmith.v1.{gate}.check"),
        };
        let (log, keys) = (Arc::clone(&self.asked), self.keys.clone());
        let service = Service {
            pattern: Pattern::new(&pattern).unwrap(),
            group: stage.to_owned(),
            capacity: NonZeroUsize::new(4096).unwrap(),
            handler: Arc::new(move |subject: Subject, envelope: Envelope| {
                envelope.verify(&subject, &keys).unwrap();
                let asked = Asked {
                    stage,
                    head: Head::clone(&envelope.question().unwrap()),
                    body: envelope.body.clone(),
                    deadline: envelope.deadline,
                };
                log.lock().unwrap().push(asked.clone());
                let answer = answers(asked);
                let sealing = Arc::clone(&sealing);
                Box::pin(async move {
                    let answer = answer.await?.into_envelope(&envelope);
                    Ok(sealing(answer, &subject, &envelope))
                })
            }),
        };
        let subscription = self.bus.serve(service).await.unwrap();
        self.subscriptions.push((stage, subscription));
        if stage == "rate-limiter" {
            self.announce(instance).await;
        }
    }

    /// Says that a limiter lives, and waits until the gateway has heard it.
    pub(crate) async fn announce(&self, instance: Uuid) {
        let subject = subjects::limiter_alive();
        let deadline = self.clock.now().plus(Duration::from_secs(60));
        let beat = Envelope::new(deadline, Bytes::new(), instance.simple().to_string())
            .sealed(&subject, &self.keys);
        self.bus.publish(subject, beat).await.unwrap();
        until(|| self.gateway.limiters_known() > 0).await;
    }

    /// Ends whoever serves a stage.
    pub(crate) fn leave(&mut self, stage: &str) {
        self.subscriptions.retain(|(served, _)| *served != stage);
    }

    /// Serves a stage that always refuses.
    pub(crate) async fn refusing(&mut self, stage: &'static str, problem: Problem) {
        let answers: Answers =
            Arc::new(move |_| Box::pin(std::future::ready(Ok(Verdict::Refuse(problem.clone())))));
        self.serve_with(stage, answers).await;
    }

    /// Serves a stage whose bus call fails.
    pub(crate) async fn failing(&mut self, stage: &'static str, kind: ErrorKind) {
        let answers: Answers =
            Arc::new(move |_| Box::pin(std::future::ready(Err(Error::new(kind, "answer", stage)))));
        self.serve_with(stage, answers).await;
    }

    /// What a stage has been asked so far.
    pub(crate) fn asked(&self, stage: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|asked| asked.stage == stage)
            .cloned()
            .collect()
    }

    pub(crate) fn stages_asked(&self) -> Vec<&'static str> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(|asked| asked.stage)
            .collect()
    }

    /// Open connections and writes in work.
    pub(crate) fn tasks(&self) -> usize {
        self.gateway.edge.tasks.len()
    }

    /// The gateway, to be stopped, and the stages, to be kept meanwhile.
    pub(crate) fn split(self) -> (Gateway, Vec<(&'static str, Subscription)>) {
        (self.gateway, self.subscriptions)
    }

    pub(crate) fn forget(&self) {
        self.asked.lock().unwrap().clear();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.gateway.local_addr()
    }

    pub(crate) async fn wire(&self) -> Wire {
        Wire::open(self.address()).await
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut wire = self.wire().await;
        wire.send(request).await;
        wire.reply().await.unwrap()
    }

    /// A request of the owner, or of whoever the headers name.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> Reply {
        let mut lines = headers.to_vec();
        let authorization = format!("Authorization: Bearer {}", token(Who::Owner));
        if !headers.iter().any(|line| line.starts_with("Authorization")) {
            lines.push(&authorization);
        }
        let mut wire = self.wire().await;
        wire.send(request(method, path, &lines, body)).await;
        wire.reply_to(method != "HEAD").await.unwrap()
    }
}

/// A request's text, with Host and, where there is a body, its length.
pub(crate) fn request(method: &str, path: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: api.test\r\n");
    for line in headers {
        text.push_str(line);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text + "\r\n" + body
}

pub(crate) fn bearer(who: Who) -> String {
    format!("Authorization: Bearer {}", token(who))
}

/// Waits for a condition.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap();
}

fn authenticate(keys: &Keys, asked: &Asked) -> Verdict {
    let known = [Who::Owner, Who::Free, Who::Reader, Who::Member]
        .into_iter()
        .find(|who| {
            let token = Token::parse(&token(*who)).unwrap();
            Some(token.digest(keys)) == asked.head.token
        });
    let Some(who) = known else {
        return Verdict::Refuse(Problem::new(Code::TokenInvalid, "revoked"));
    };
    let role = if who == Who::Member {
        Role::Member
    } else {
        Role::Owner
    };
    let plan = if who == Who::Free {
        Plan::Free
    } else {
        Plan::Agency
    };
    let scope = if who == Who::Reader {
        Scope::Read
    } else {
        Scope::Write
    };
    let id = |n: u128| Uuid::from_u128(n + who as u128 * 10);
    let caller = CallerAuthority::new(keys.clone()).vouch(
        asked.head.request_id,
        asked.deadline,
        OrganizationId(id(1)),
        UserId(id(2)),
        MemberId(id(3)),
        TokenId(id(4)),
        role,
        plan,
        scope,
        Door::Api,
    );
    Verdict::Continue(Additions {
        caller: Some(caller),
        ..Additions::default()
    })
}

fn ticket(asked: &Asked) -> Verdict {
    let ticket = IdempotencyTicket {
        organization: OrganizationId(Uuid::from_u128(1)),
        member: MemberId(Uuid::from_u128(3)),
        request: asked.head.keyed.clone().unwrap(),
        retention_s: 86_400,
    };
    Verdict::Continue(Additions {
        ticket: Some(ticket),
        ..Additions::default()
    })
}

/// Whether a limiter's question was about an address.
pub(crate) fn by_address(asked: &Asked) -> bool {
    matches!(&asked.head.visitor, Some(Visitor::Address(address)) if address == "127.0.0.1")
}
