//! Accepting an invitation, also while the password becomes another.

use std::num::NonZeroUsize;

use hoursmith_bus::{Ask, Pattern, Response};
use hoursmith_domain::InvitationSecret;
use hoursmith_kit::{Failure, Pool, PoolSpec, RestartPolicy, Routing, Worker};
use hoursmith_store::Db;

use super::*;

hoursmith_store::statements! {
    NEW_INVITATION = "INSERT INTO invitations
            (organization_id, member_id, digest, invited_by, created_at, expires_at)
        VALUES ($1, $2, $3, $2, 0, 9000000000000000)";
    ANOTHER_PASSWORD = "UPDATE users SET password_hash = 'another' WHERE id = $1";
    END_SESSIONS = "DELETE FROM sessions WHERE user_id = $1";
}

const MAYA: &str = "maya@studio.example";
const ORGANIZATION: Uuid = Uuid::from_u128(1);
const PERSON: Uuid = Uuid::from_u128(2);

/// What makes the member. Until it answers, the password may become another, which ends all sessions.
struct Resource {
    db: Db,
    password_changes: bool,
}

impl Worker for Resource {
    async fn handle(&mut self, _ask: Ask) -> Result<Verdict, Failure> {
        if self.password_changes {
            let changed: Result<u64, Error> = self
                .db
                .write(|conn| {
                    Box::pin(async move {
                        execute!(conn, ANOTHER_PASSWORD, PERSON)?;
                        execute!(conn, END_SESSIONS, PERSON)
                    })
                })
                .await;
            changed?;
        }
        let body = json!({ "user_id": PERSON, "organization_id": ORGANIZATION });
        Ok(Verdict::Respond(Response::json(200, body.to_string())))
    }
}

/// Somebody with a password is invited.
struct Scene {
    bench: Bench,
    secret: InvitationSecret,
    _resource: RunningPlugin,
}

impl Scene {
    async fn start(db: TestDb, password_changes: bool) -> Self {
        let bench = Bench::start(db).await;
        let secret = InvitationSecret::generate([3; 32]);
        let digest = secret.digest(&bench.rig.host.keys);
        let invited: Result<u64, Error> = (bench.db)
            .write(move |conn| {
                let digest = digest.0;
                Box::pin(async move {
                    execute!(
                        conn,
                        NEW_INVITATION,
                        ORGANIZATION,
                        PERSON,
                        digest.as_slice()
                    )
                })
            })
            .await;
        assert_eq!(invited.unwrap(), 1);
        let spec = PoolSpec {
            plugin: "resource",
            workers: NonZeroUsize::MIN,
            queue: 1,
            routing: Routing::Any,
            restart: RestartPolicy::default(),
        };
        let db = bench.db.db().clone();
        let make = move |_| Resource {
            db: db.clone(),
            password_changes,
        };
        let host = &bench.rig.host;
        let pool = Pool::start(host, spec, make).await.unwrap();
        let pattern = Pattern::from(&subjects::accept_invitation());
        let served = pool.serve(&*host.bus, pattern).await.unwrap();
        Self {
            bench,
            secret,
            _resource: RunningPlugin::new("resource").with_pool(pool, served),
        }
    }

    /// Accepts, and gives the session that begins.
    async fn accept(
        &self,
        session: Option<SessionDigest>,
        password: &str,
    ) -> Result<SessionDigest, Code> {
        let visit = Visit {
            invitation: Some(self.secret.digest(&self.bench.rig.host.keys)),
            ..visit(session)
        };
        let body = json!({ "password": password });
        let question = AccountQuestion::Accept;
        let verdict = self.bench.ask_on(visit, question, Some(body)).await;
        self.bench.begun(verdict)
    }

    async fn sessions(&self) -> i64 {
        let mut conn = self.bench.db.read().await.unwrap();
        let (count,) = fetch_one!(&mut conn, COUNT_SESSIONS as (i64,)).unwrap();
        count
    }
}

async fn whoever_accepts_is_in(db: TestDb) {
    let scene = Scene::start(db, false).await;
    let wrong = scene.accept(None, "wrong").await;
    assert_eq!(wrong, Err(Code::ValidationFailed));
    let confirmed = scene.accept(None, PASSWORD).await.unwrap();
    assert!(scene.bench.is_good(confirmed).await);
    let pressed = scene.accept(Some(confirmed), "").await.unwrap();
    assert!(scene.bench.is_good(pressed).await);
}

async fn nobody_slips_in_by_a_password_that_is_not_theirs_any_more(db: TestDb) {
    let scene = Scene::start(db, true).await;
    let refused = scene.accept(None, PASSWORD).await;
    assert_eq!(refused, Err(Code::ValidationFailed));
    assert_eq!(scene.sessions().await, 0);
}

async fn nobody_slips_in_by_a_session_that_ended_meanwhile(db: TestDb) {
    let scene = Scene::start(db, true).await;
    let session = scene.bench.log_in(MAYA, PASSWORD).await.unwrap();
    let refused = scene.accept(Some(session), "").await;
    assert_eq!(refused, Err(Code::ValidationFailed));
    assert_eq!(scene.sessions().await, 0);
}

on_both! {
    whoever_accepts_is_in,
    nobody_slips_in_by_a_password_that_is_not_theirs_any_more,
    nobody_slips_in_by_a_session_that_ended_meanwhile,
}
