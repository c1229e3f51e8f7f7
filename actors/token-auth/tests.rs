//! The gate over the bus and the administration of tokens, on both engines.

use std::time::Duration;

use hoursmith_bus::{Error as BusError, Head, Verdict};
use hoursmith_domain::{
    Caller, Code, MemberId, OrganizationId, Plan, Role, Scope, Timestamp, Token, TokenId,
};
use hoursmith_kit::testing::{Rig, Who};
use hoursmith_kit::{Clock as _, RunningPlugin};
use hoursmith_store::testing::{TestDb, on_both, prepare_all};
use hoursmith_store::{Error, execute};
use uuid::Uuid;

use crate::{
    MintedToken, NewToken, TokenAdminError, TokenInfo, list_tokens, mint_token, plugin,
    revoke_token, sql,
};

hoursmith_store::statements! {
    NEW_ORGANIZATION = "INSERT INTO organizations
        (id, name, slug, plan, currency, timezone, created_at, updated_at)
        VALUES ($1, 'Acme', $2, 'studio', 'EUR', 'Europe/Berlin', 0, 0)";
    NEW_USER = "INSERT INTO users (id, name, email, email_key, created_at, updated_at)
        VALUES ($1, 'Ada', $2, $2, 0, 0)";
    NEW_MEMBER = "INSERT INTO members
        (organization_id, id, user_id, role, status, created_at, updated_at)
        VALUES ($1, $2, $2, 'owner', 'active', 0, 0)";
    SET_PLAN = "UPDATE organizations SET plan = $2 WHERE id = $1";
    SET_ROLE = "UPDATE members SET role = $2 WHERE organization_id = $1";
    SET_STATUS = "UPDATE members SET status = $2 WHERE organization_id = $1";
}

const SUBJECT: &str = "hoursmith.v1.token-auth.check";

/// Two organizations with an owner each, and the plugin at work.
struct Bench {
    rig: Rig,
    db: TestDb,
    _running: RunningPlugin,
}

impl Bench {
    async fn start(db: TestDb) -> Self {
        let rig = Rig::new(db.db().clone());
        let running = plugin().start(rig.host.clone()).await.unwrap();
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
            _running: running,
        }
    }

    fn new_token(&self) -> NewToken {
        let Who {
            organization,
            member,
            ..
        } = Who::owner(1);
        NewToken {
            organization,
            member,
            name: "sync".to_owned(),
            scope: Scope::Write,
            expires_at: None,
        }
    }

    async fn try_mint(&self, new: NewToken) -> Result<MintedToken, TokenAdminError> {
        let host = &self.rig.host;
        mint_token(
            &self.db,
            &*host.random,
            &host.keys,
            self.rig.clock.now(),
            new,
        )
        .await
    }

    async fn mint(&self) -> MintedToken {
        self.try_mint(self.new_token()).await.unwrap()
    }

    async fn check(&self, token: Option<&Token>) -> Result<Verdict, BusError> {
        let head = Head {
            token: token.map(|token| token.digest(&self.rig.host.keys)),
            ..self.rig.head("/")
        };
        self.rig.ask(SUBJECT, head, None).await
    }

    /// Whom the gate vouches for, opened as the next stage does.
    async fn caller(&self, token: &Token) -> Option<Caller> {
        let head = Head {
            token: Some(token.digest(&self.rig.host.keys)),
            ..self.rig.head("/")
        };
        let subject = hoursmith_bus::Subject::new(SUBJECT).unwrap();
        let envelope = self.rig.envelope(&subject, head.clone(), None);
        let deadline = envelope.deadline;
        let answer = self
            .rig
            .host
            .bus
            .request(subject.clone(), envelope)
            .await
            .unwrap();
        match Verdict::from_envelope(answer, &subject).unwrap() {
            Verdict::Continue(additions) => Some(
                additions
                    .caller
                    .unwrap()
                    .open(&self.rig.host.keys, head.request_id, deadline)
                    .unwrap(),
            ),
            Verdict::Refuse(problem) => {
                assert_eq!(problem.code, Code::TokenInvalid);
                None
            }
            Verdict::Respond(_) => panic!("a gate that answers"),
        }
    }

    async fn set(&self, statement: hoursmith_store::Statement, word: &'static str) {
        let organization = Who::owner(1).organization.0;
        let written = self.db.write(move |conn| {
            Box::pin(async move { execute!(conn, statement, organization, word) })
        });
        assert_eq!(written.await.map_err(|error: Error| error).unwrap(), 1);
    }

    async fn list(&self, number: u128) -> Vec<TokenInfo> {
        list_tokens(&self.db, Who::owner(number).organization, None, 100)
            .await
            .unwrap()
    }

    async fn last_used(&self) -> Option<Timestamp> {
        self.list(1).await.pop().unwrap().last_used_at
    }
}

async fn at_once<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .unwrap()
}

async fn statements_prepare(db: TestDb) {
    prepare_all(&db, &plugin().statements()).await;
}

async fn a_live_token_is_vouched_for(db: TestDb) {
    let bench = Bench::start(db).await;
    let minted = bench.mint().await;
    let caller = bench.caller(&minted.token).await.unwrap();
    let who = Who::owner(1);
    assert_eq!(
        (caller.organization(), caller.member()),
        (who.organization, who.member)
    );
    assert_eq!((caller.user().0, caller.token()), (who.member.0, minted.id));
    assert_eq!(
        (caller.role(), caller.plan(), caller.scope()),
        (Role::Owner, Plan::Studio, Scope::Write)
    );

    let new = NewToken {
        scope: Scope::Read,
        ..bench.new_token()
    };
    let read = bench.try_mint(new).await.unwrap();
    assert_eq!(
        bench.caller(&read.token).await.unwrap().scope(),
        Scope::Read
    );
}

async fn every_change_counts_from_the_next_request_on(db: TestDb) {
    let bench = Bench::start(db).await;
    let MintedToken { id, token } = bench.mint().await;
    for (word, role) in [
        ("admin", Role::Admin),
        ("manager", Role::Manager),
        ("member", Role::Member),
    ] {
        bench.set(SET_ROLE, word).await;
        assert_eq!(bench.caller(&token).await.unwrap().role(), role);
    }
    // The free plan is vouched for as well: what it may not do is for the access table to say.
    for (word, plan) in [("free", Plan::Free), ("agency", Plan::Agency)] {
        bench.set(SET_PLAN, word).await;
        assert_eq!(bench.caller(&token).await.unwrap().plan(), plan);
    }
    for status in ["removed", "invited"] {
        bench.set(SET_STATUS, status).await;
        assert_eq!(bench.caller(&token).await, None, "{status}");
    }
    bench.set(SET_STATUS, "active").await;
    assert!(bench.caller(&token).await.is_some());
    assert!(
        revoke_token(
            &bench.db,
            bench.rig.clock.now(),
            Who::owner(1).organization,
            id
        )
        .await
        .unwrap()
    );
    assert_eq!(bench.caller(&token).await, None);
}

async fn every_dead_token_is_refused_alike(db: TestDb) {
    let bench = Bench::start(db).await;
    let day = Duration::from_secs(86_400);
    let new = NewToken {
        expires_at: Some(bench.rig.clock.now().plus(day)),
        ..bench.new_token()
    };
    let expiring = bench.try_mint(new).await.unwrap().token;
    let revoked = bench.mint().await;
    assert!(bench.caller(&expiring).await.is_some());
    bench.rig.clock.advance(day);
    revoke_token(
        &bench.db,
        bench.rig.clock.now(),
        Who::owner(1).organization,
        revoked.id,
    )
    .await
    .unwrap();

    let mut answers = Vec::new();
    for token in [&expiring, &revoked.token, &Token::generate([9; 64])] {
        let Ok(Verdict::Refuse(problem)) = bench.check(Some(token)).await else {
            panic!("admitted")
        };
        answers.push(problem);
    }
    let live = bench.mint().await.token;
    bench.set(SET_STATUS, "removed").await;
    let Ok(Verdict::Refuse(problem)) = bench.check(Some(&live)).await else {
        panic!("admitted")
    };
    answers.push(problem);
    answers.dedup();
    let [problem] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!(problem.code, Code::TokenInvalid);
    assert!(problem.headers.is_empty(), "the challenge is the gateway's");

    let Ok(Verdict::Refuse(problem)) = bench.check(None).await else {
        panic!("admitted")
    };
    assert_eq!(problem.code, Code::TokenMissing);
    assert!(problem.headers.is_empty());
}

async fn a_use_is_noted_to_the_minute(db: TestDb) {
    let bench = Bench::start(db).await;
    let MintedToken { id, token } = bench.mint().await;
    assert_eq!(bench.last_used().await, None);
    let until_noted_after = async |than: Option<Timestamp>| {
        at_once(async {
            loop {
                bench.caller(&token).await.unwrap();
                let last = bench.last_used().await;
                if last > than {
                    return last;
                }
            }
        })
        .await
    };
    let first = until_noted_after(None).await;
    bench.rig.clock.advance(Duration::from_secs(61));
    let second = until_noted_after(first).await;
    assert!(second > first);

    let minute = Duration::from_secs(60);
    let touch = async |at: Timestamp| {
        let organization = Who::owner(1).organization;
        let touched = bench.db.write(move |conn| {
            Box::pin(async move { sql::touch(conn, organization, id, at, at.minus(minute)).await })
        });
        touched.await.map_err(|error: Error| error).unwrap()
    };
    let last = second.unwrap();
    assert_eq!(touch(last.plus(minute)).await, 0);
    assert_eq!(
        touch(last.plus(minute).plus(Duration::from_micros(1))).await,
        1
    );
}

async fn what_cannot_be_minted_is_said(db: TestDb) {
    let bench = Bench::start(db).await;
    let named = |name: &str| NewToken {
        name: name.to_owned(),
        ..bench.new_token()
    };
    for name in ["", "a\0b", &"x".repeat(256)] {
        assert!(
            matches!(
                bench.try_mint(named(name)).await,
                Err(TokenAdminError::Name(_))
            ),
            "{name}"
        );
    }
    let now = bench.rig.clock.now();
    let expired = NewToken {
        expires_at: Some(now),
        ..bench.new_token()
    };
    assert!(matches!(
        bench.try_mint(expired).await,
        Err(TokenAdminError::Expired { .. })
    ));

    let nobody = |organization, member| NewToken {
        organization,
        member,
        ..bench.new_token()
    };
    let strangers = [
        nobody(Who::owner(1).organization, MemberId(Uuid::from_u128(404))),
        // Another organization's member is nobody here.
        nobody(Who::owner(1).organization, Who::owner(2).member),
        nobody(OrganizationId(Uuid::from_u128(404)), Who::owner(1).member),
    ];
    for new in strangers {
        assert!(matches!(
            bench.try_mint(new).await,
            Err(TokenAdminError::NoSuchMember { .. })
        ));
    }
    bench.set(SET_STATUS, "removed").await;
    let removed = bench.try_mint(bench.new_token()).await;
    assert!(matches!(removed, Err(TokenAdminError::NoSuchMember { .. })));
    assert_eq!(bench.list(1).await, []);
}

async fn tokens_are_listed_and_revoked_within_their_organization(db: TestDb) {
    let bench = Bench::start(db).await;
    let mut minted = Vec::new();
    for _ in 0..3 {
        minted.push(bench.mint().await);
        // Ids order by the millisecond.
        bench.rig.clock.advance(Duration::from_millis(2));
    }
    let ids: Vec<TokenId> = minted.iter().rev().map(|token| token.id).collect();
    let listed = bench.list(1).await;
    assert_eq!(listed.iter().map(|token| token.id).collect::<Vec<_>>(), ids);
    let newest = &listed[0];
    assert_eq!(
        (newest.name.as_str(), newest.last_four.as_str()),
        ("sync", minted[2].token.last_four())
    );
    assert_eq!(bench.list(2).await, []);

    let Who { organization, .. } = Who::owner(1);
    let page = list_tokens(&bench.db, organization, Some(ids[0]), 1)
        .await
        .unwrap();
    assert_eq!(
        page.iter().map(|token| token.id).collect::<Vec<_>>(),
        [ids[1]]
    );

    let now = bench.rig.clock.now();
    assert!(
        !revoke_token(&bench.db, now, Who::owner(2).organization, ids[0])
            .await
            .unwrap()
    );
    assert!(bench.caller(&minted[2].token).await.is_some());
    for later in [0, 1] {
        let at = now.plus(Duration::from_secs(later));
        assert!(
            revoke_token(&bench.db, at, organization, ids[0])
                .await
                .unwrap()
        );
    }
    assert_eq!(bench.list(1).await[0].revoked_at, Some(now));
    assert_eq!(bench.list(1).await[1].revoked_at, None);
}

on_both! {
    statements_prepare,
    a_live_token_is_vouched_for,
    every_change_counts_from_the_next_request_on,
    every_dead_token_is_refused_alike,
    a_use_is_noted_to_the_minute,
    what_cannot_be_minted_is_said,
    tokens_are_listed_and_revoked_within_their_organization,
}
