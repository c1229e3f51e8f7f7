//! Accounts over both stores: what begins a session, what ends it, and what it vouches for.

mod accept;
mod own;
mod switch;

use std::time::Duration;

use hoursmith_bus::subjects::{self, AccountQuestion};
use hoursmith_bus::{Head, Verdict, Visit};
use hoursmith_domain::{Code, Door, Role, SessionDigest, SessionSecret};
use hoursmith_kit::testing::Rig;
use hoursmith_kit::{Asker, Clock as _, RunningPlugin};
use hoursmith_store::testing::{TestDb, on_both};
use hoursmith_store::{Error, execute, fetch_one};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::plugin;

hoursmith_store::statements! {
    NEW_ORGANIZATION = "INSERT INTO organizations (id, name, slug, plan, currency, timezone, created_at, updated_at)
        VALUES ($1, 'Studio', 'studio', 'free', 'EUR', 'UTC', 0, 0)";
    NEW_USER = "INSERT INTO users (id, name, email, email_key, search, password_hash, created_at, updated_at)
        VALUES ($1, 'Maya', 'Maya@studio.example', 'maya@studio.example', '', $2, 0, 0)";
    NEW_MEMBER = "INSERT INTO members (organization_id, id, user_id, role, status, created_at, updated_at)
        VALUES ($1, $2, $2, 'owner', 'active', 0, 0)";
    COUNT_SESSIONS = "SELECT COUNT(*) FROM sessions";
    REMOVE = "UPDATE members SET status = 'removed' WHERE organization_id = $1";
}

const PASSWORD: &str = "glacier-violin-83-orchard";

struct Bench {
    rig: Rig,
    db: TestDb,
    _running: RunningPlugin,
}

impl Bench {
    async fn start(db: TestDb) -> Self {
        let rig = Rig::new(db.db().clone());
        let running = plugin().start(rig.host.clone()).await.unwrap();
        let hash = crate::password::hash_for_tests(PASSWORD).await;
        db.write(move |conn| {
            Box::pin(async move {
                let (organization, person) = (Uuid::from_u128(1), Uuid::from_u128(2));
                execute!(conn, NEW_ORGANIZATION, organization)?;
                execute!(conn, NEW_USER, person, hash.as_str())?;
                execute!(conn, NEW_MEMBER, organization, person).map(drop)
            })
        })
        .await
        .map_err(|error: Error| error)
        .unwrap();
        Self {
            rig,
            db,
            _running: running,
        }
    }

    async fn ask(
        &self,
        question: AccountQuestion,
        session: Option<SessionDigest>,
        body: Option<Value>,
    ) -> Verdict {
        self.ask_on(visit(session), question, body).await
    }

    async fn ask_on(
        &self,
        visit: Visit,
        question: AccountQuestion,
        body: Option<Value>,
    ) -> Verdict {
        let head = Head {
            route: question.id().to_owned(),
            visit: Some(visit),
            ..self.rig.head("/app")
        };
        let subject = subjects::account(question);
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let deadline = self.rig.clock.now().plus(Duration::from_secs(60));
        let asker = Asker::of(&self.rig.host);
        asker
            .ask(&subject, head, body.into(), deadline)
            .await
            .unwrap()
    }

    async fn log_in(&self, email: &str, password: &str) -> Result<SessionDigest, Code> {
        let body = json!({ "email": email, "password": password });
        self.begun(self.ask(AccountQuestion::LogIn, None, Some(body)).await)
    }

    /// The session that an answer hands over.
    fn begun(&self, verdict: Verdict) -> Result<SessionDigest, Code> {
        answered(verdict).map(|body| {
            let secret = SessionSecret::parse(body["session"].as_str().unwrap()).unwrap();
            secret.digest(&self.rig.host.keys)
        })
    }

    /// What is answered to a session, or why it is refused.
    async fn told(
        &self,
        question: AccountQuestion,
        session: SessionDigest,
        body: Value,
    ) -> Result<Value, Code> {
        answered(self.ask(question, Some(session), Some(body)).await)
    }

    async fn check(&self, session: SessionDigest) -> Verdict {
        self.ask(AccountQuestion::SessionCheck, Some(session), None)
            .await
    }

    async fn is_good(&self, session: SessionDigest) -> bool {
        matches!(self.check(session).await, Verdict::Continue(_))
    }
}

fn visit(session: Option<SessionDigest>) -> Visit {
    Visit {
        post: true,
        same_origin: true,
        session,
        invitation: None,
        query: String::new(),
        address: "192.0.2.1".to_owned(),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
            .to_owned(),
    }
}

fn answered(verdict: Verdict) -> Result<Value, Code> {
    match verdict {
        Verdict::Respond(response) => {
            Ok(serde_json::from_slice(&response.body).unwrap_or_default())
        }
        Verdict::Refuse(problem) => Err(problem.code),
        Verdict::Continue(_) => panic!("a gate's answer"),
    }
}

async fn a_session_vouches_for_its_member_as_it_is_now(db: TestDb) {
    let bench = Bench::start(db).await;
    let session = bench.log_in("MAYA@studio.example", PASSWORD).await.unwrap();
    let Verdict::Continue(additions) = bench.check(session).await else {
        panic!("refused");
    };
    let sealed = additions.caller.unwrap();
    let facts = format!("{sealed:?}");
    assert!(
        facts.contains(&format!("{:?}", Door::App))
            && facts.contains(&format!("{:?}", Role::Owner))
    );

    let removed: Result<u64, Error> = bench
        .db
        .write(|conn| Box::pin(async move { execute!(conn, REMOVE, Uuid::from_u128(1)) }))
        .await;
    assert_eq!(removed.unwrap(), 1);
    let Verdict::Continue(additions) = bench.check(session).await else {
        panic!("refused");
    };
    assert!(additions.caller.is_none(), "a removed member has no say");
}

async fn a_session_ends_by_its_end_and_by_time(db: TestDb) {
    let bench = Bench::start(db).await;
    let (one, two) = (
        bench.log_in("maya@studio.example", PASSWORD).await.unwrap(),
        bench.log_in("maya@studio.example", PASSWORD).await.unwrap(),
    );
    bench
        .ask(AccountQuestion::SessionEnd, Some(one), None)
        .await;
    assert!(!bench.is_good(one).await);
    assert!(
        bench.is_good(two).await,
        "another browser's session goes on"
    );

    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    bench.rig.clock.advance(hours(11));
    assert!(bench.is_good(two).await);
    bench.rig.clock.advance(hours(11));
    assert!(bench.is_good(two).await, "it was used in between");
    bench.rig.clock.advance(hours(12));
    assert!(!bench.is_good(two).await, "it was not used for half a day");
}

async fn guessing_is_slow_and_says_nothing(db: TestDb) {
    let bench = Bench::start(db).await;
    assert_eq!(
        bench.log_in("nobody@studio.example", PASSWORD).await,
        bench.log_in("maya@studio.example", "wrong").await
    );
    for _ in 0..9 {
        bench
            .log_in("maya@studio.example", "wrong")
            .await
            .unwrap_err();
    }
    let right = bench.log_in("maya@studio.example", PASSWORD).await;
    assert_eq!(right, Err(Code::RateLimited));
    bench.rig.clock.advance(Duration::from_secs(60));
    assert!(bench.log_in("maya@studio.example", PASSWORD).await.is_ok());
}

async fn no_address_is_too_long_to_be_nobodys(db: TestDb) {
    let bench = Bench::start(db).await;
    let long = format!("{}@studio.example", "a".repeat(60_000));
    // Often enough for any address that is remembered.
    for _ in 0..50 {
        let answer = bench.log_in(&long, PASSWORD).await;
        assert_eq!(answer, Err(Code::ValidationFailed));
    }
    assert!(bench.log_in("maya@studio.example", PASSWORD).await.is_ok());
}

async fn a_session_that_begins_clears_some_that_are_over(db: TestDb) {
    let bench = Bench::start(db).await;
    for _ in 0..3 {
        bench.log_in("maya@studio.example", PASSWORD).await.unwrap();
    }
    bench.rig.clock.advance(Duration::from_secs(15 * 24 * 3600));
    bench.log_in("maya@studio.example", PASSWORD).await.unwrap();
    let mut conn = bench.db.read().await.unwrap();
    let (left,) = fetch_one!(&mut conn, COUNT_SESSIONS as (i64,)).unwrap();
    assert_eq!(left, 1);
}

on_both! {
    no_address_is_too_long_to_be_nobodys,
    a_session_that_begins_clears_some_that_are_over,
    a_session_vouches_for_its_member_as_it_is_now,
    a_session_ends_by_its_end_and_by_time,
    guessing_is_slow_and_says_nothing,
}

#[tokio::test]
async fn statements_prepare() {
    for db in [TestDb::sqlite().await, TestDb::postgres().await] {
        hoursmith_store::testing::prepare_all(&db, &plugin().statements()).await;
    }
}
