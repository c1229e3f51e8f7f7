//! The gate over the bus and the purge, on both engines.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Additions, Head, IdempotencyTicket, KeyedRequest, Response, Verdict};
use hoursmith_domain::Code;
use hoursmith_kit::testing::{Rig, Who};
use hoursmith_kit::{Clock as _, RunningPlugin, Task};
use hoursmith_store::idempotency::{self, Claim, Keep, Key};
use hoursmith_store::testing::{TestDb, on_both};
use hoursmith_store::{Error, execute, fetch_one};

use crate::purge::Purge;
use crate::{IdempotencySettings, plugin};

hoursmith_store::statements! {
    NEW_ORGANIZATION = "INSERT INTO organizations
        (id, name, slug, plan, currency, timezone, created_at, updated_at)
        VALUES ($1, 'Acme', $2, 'studio', 'EUR', 'Europe/Berlin', 0, 0)";
    NEW_USER = "INSERT INTO users (id, name, email, email_key, created_at, updated_at)
        VALUES ($1, 'Ada', $2, $2, 0, 0)";
    NEW_MEMBER = "INSERT INTO members
        (organization_id, id, user_id, role, status, created_at, updated_at)
        VALUES ($1, $2, $2, 'owner', 'active', 0, 0)";
    COUNT_RECORDS = "SELECT COUNT(*) FROM idempotency_records";
}

const SUBJECT: &str = "hoursmith.v1.idempotency.check";
const DAY: Duration = Duration::from_secs(86_400);
const BODY: &[u8] = b"{\"id\": 1}";

/// Two organizations with an owner each, and as a rule the plugin at work.
struct Bench {
    rig: Rig,
    db: TestDb,
    _running: Option<RunningPlugin>,
}

impl Bench {
    async fn start(db: TestDb) -> Self {
        let bench = Self::without_plugin(db).await;
        let running = plugin().start(bench.rig.host.clone()).await.unwrap();
        Self {
            _running: Some(running),
            ..bench
        }
    }

    async fn without_plugin(db: TestDb) -> Self {
        let rig = Rig::new(db.db().clone());
        for number in [1, 2] {
            let Who {
                organization,
                member,
                ..
            } = Who::owner(number);
            db.write(move |conn| {
                Box::pin(async move {
                    let word = format!("seed-{number}");
                    execute!(conn, NEW_ORGANIZATION, organization.0, &word)?;
                    execute!(conn, NEW_USER, member.0, &word)?;
                    execute!(conn, NEW_MEMBER, organization.0, member.0).map(drop)
                })
            })
            .await
            .map_err(|error: Error| error)
            .unwrap();
        }
        Self {
            rig,
            db,
            _running: None,
        }
    }

    /// Records an answer, as a handler does.
    async fn answered(&self, who: Who, text: String, fingerprint: [u8; 32]) {
        let now = self.rig.clock.now();
        let written = self.db.write(move |conn| {
            Box::pin(async move {
                let key = Key {
                    organization: who.organization,
                    member: who.member,
                    key: &text,
                };
                let claim = idempotency::claim(conn, &key, &fingerprint, now, DAY).await?;
                idempotency::complete(conn, &key, 201, &headers(), BODY, Keep::Plain).await?;
                Ok::<_, Error>(claim)
            })
        });
        assert_eq!(written.await.unwrap(), Claim::Claimed);
    }

    async fn check(&self, who: Who, request: &KeyedRequest) -> Verdict {
        let head = Head {
            keyed: Some(request.clone()),
            ..self.rig.head("/api/v1/clients")
        };
        self.rig.ask(SUBJECT, head, Some(who)).await.unwrap()
    }

    async fn records(&self) -> i64 {
        let mut conn = self.db.read().await.unwrap();
        let (count,) = fetch_one!(&mut conn, COUNT_RECORDS as (i64,)).unwrap();
        count
    }
}

fn headers() -> Vec<(String, String)> {
    vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("location".to_owned(), "/api/v1/clients/1".to_owned()),
    ]
}

fn request(key: &str, fingerprint: u8) -> KeyedRequest {
    KeyedRequest {
        key: key.to_owned(),
        fingerprint: [fingerprint; 32],
    }
}

fn passed(who: Who, request: &KeyedRequest) -> Verdict {
    let ticket = IdempotencyTicket {
        organization: who.organization,
        member: who.member,
        request: request.clone(),
        retention_s: 86_400,
    };
    Verdict::Continue(Additions {
        ticket: Some(ticket),
        ..Additions::default()
    })
}

fn replayed() -> Verdict {
    let response = Response {
        status: 201,
        headers: headers(),
        body: BODY.into(),
    };
    Verdict::Respond(response.with_header("idempotent-replayed", "true"))
}

async fn a_finished_request_is_replayed_and_another_refused(db: TestDb) {
    let bench = Bench::start(db).await;
    let (who, first) = (Who::owner(1), request("k", 1));
    assert_eq!(bench.check(who, &first).await, passed(who, &first));
    bench.answered(who, "k".to_owned(), [1; 32]).await;
    for _ in 0..2 {
        assert_eq!(bench.check(who, &first).await, replayed());
    }
    let Verdict::Refuse(problem) = bench.check(who, &request("k", 2)).await else {
        panic!("passed")
    };
    assert_eq!(problem.code, Code::IdempotencyKeyReused);
    let other = request("K", 1);
    assert_eq!(bench.check(who, &other).await, passed(who, &other));
}

async fn a_key_belongs_to_its_member(db: TestDb) {
    let bench = Bench::start(db).await;
    let first = request("k", 1);
    bench.answered(Who::owner(1), "k".to_owned(), [1; 32]).await;
    // Another organization, and a colleague.
    let colleague = Who {
        member: Who::owner(2).member,
        ..Who::owner(1)
    };
    for who in [Who::owner(2), colleague] {
        assert_eq!(bench.check(who, &first).await, passed(who, &first));
    }
}

async fn after_a_day_the_key_is_new(db: TestDb) {
    let bench = Bench::start(db).await;
    let (who, first) = (Who::owner(1), request("k", 1));
    bench.answered(who, "k".to_owned(), [1; 32]).await;
    bench.rig.clock.advance(DAY - Duration::from_secs(60));
    assert_eq!(bench.check(who, &first).await, replayed());
    bench.rig.clock.advance(Duration::from_secs(60));
    for request in [first, request("k", 2)] {
        assert_eq!(bench.check(who, &request).await, passed(who, &request));
    }
}

async fn a_head_without_key_or_caller_is_our_mistake(db: TestDb) {
    let bench = Bench::start(db).await;
    let keyed = Head {
        keyed: Some(request("k", 1)),
        ..bench.rig.head("/")
    };
    for (head, who) in [(bench.rig.head("/"), Some(Who::owner(1))), (keyed, None)] {
        let verdict = bench.rig.ask(SUBJECT, head, who).await.unwrap();
        let Verdict::Refuse(problem) = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(problem.code, Code::InternalError);
    }
}

async fn what_no_longer_counts_is_purged_in_batches(db: TestDb) {
    let bench = Bench::without_plugin(db).await;
    for n in 0..7 {
        bench
            .answered(Who::owner(1), format!("old-{n}"), [1; 32])
            .await;
    }
    bench.rig.clock.advance(DAY);
    bench
        .answered(Who::owner(1), "new".to_owned(), [1; 32])
        .await;
    assert_eq!(bench.records().await, 8);
    let purge = Purge {
        db: bench.db.db().clone(),
        clock: Arc::clone(&bench.rig.host.clock),
        retention: DAY,
        every: Duration::from_millis(1),
        batch: NonZeroU32::new(3).unwrap(),
    };
    let purging = Task::start("test purge", purge.run());
    let purged = async {
        while bench.records().await > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), purged)
        .await
        .unwrap();
    purging.end().await;
    let Who {
        organization,
        member,
        ..
    } = Who::owner(1);
    let key = Key {
        organization,
        member,
        key: "new",
    };
    let mut conn = bench.db.read().await.unwrap();
    assert!(
        idempotency::find(
            &mut conn,
            &bench.rig.host.keys,
            &key,
            bench.rig.clock.now(),
            DAY
        )
        .await
        .unwrap()
        .is_some()
    );
}

#[test]
fn an_answer_is_kept_for_a_day_by_default() {
    assert_eq!(IdempotencySettings::default().retention(), DAY);
}

on_both! {
    a_finished_request_is_replayed_and_another_refused,
    a_key_belongs_to_its_member,
    after_a_day_the_key_is_new,
    a_head_without_key_or_caller_is_our_mistake,
    what_no_longer_counts_is_purged_in_batches,
}
