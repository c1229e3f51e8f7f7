//! What a token costs and when it ends.

use std::sync::Arc;
use std::time::Duration;

use hoursmith_domain::{OrganizationId, Scope, Timestamp, Token};
use hoursmith_kit::{Clock as _, Random as _, SystemRandom};
use hoursmith_token_auth::TokenInfo;

use crate::http::{Answer, Call, Connection};
use crate::processes::Process;
use crate::world::{Bus, Person, StoppedClock, Store, World, serve};

/// A well-formed token that was never minted.
fn unknown() -> Token {
    let mut bytes = [0; 64];
    SystemRandom.fill(&mut bytes);
    Token::generate(bytes)
}

/// A thousand texts that are no tokens, each one change away from one.
fn malformed() -> Vec<String> {
    (0..1000)
        .map(|number| {
            let token = unknown().expose().to_owned();
            let at = "hsk_live_".len() + number % 38;
            match number % 5 {
                0 => token[..at].to_owned(),
                1 => format!("{token}{number}"),
                2 => token.replacen("hsk_live_", ["hsk_test_", "HSK_LIVE_", ""][number % 3], 1),
                3 => format!("{}-{}", &token[..at], &token[at + 1..]),
                _ => {
                    let other = if token.as_bytes()[at] == b'x' {
                        "y"
                    } else {
                        "x"
                    };
                    format!("{}{other}{}", &token[..at], &token[at + 1..])
                }
            }
        })
        .collect()
}

async fn refuse_malformed(connection: &mut Connection, call: impl Fn() -> Call) {
    for text in malformed() {
        let answer = connection.send(call().token(&text)).await;
        answer.expect_problem(401, "token_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_tokens_ask_no_database() {
    let world = World::start(Bus::Memory, Store::Sqlite).await;
    let org = world.org().await;
    // From here on whoever asks the database fails.
    world.running().db().unwrap().close().await;
    let call = || world.call("GET", "/api/v1/me");
    call()
        .token(&org.owner.token)
        .send()
        .await
        .expect_problem(503, "unavailable");
    call()
        .token(unknown().expose())
        .send()
        .await
        .expect_problem(503, "unavailable");
    refuse_malformed(&mut Connection::open(world.address).await, call).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_tokens_ask_nobody() {
    let mut world = World::start(Bus::Split, Store::Sqlite).await;
    // The gateway alone stays.
    let gateway = world.processes.pop().unwrap();
    for process in &mut world.processes {
        assert_eq!(process.terminate(), Some(0));
    }
    let call = || Call::new(gateway.api.unwrap(), "GET", "/api/v1/me");
    call()
        .token(unknown().expose())
        .send()
        .await
        .expect_problem(503, "unavailable");
    refuse_malformed(&mut Connection::open(gateway.api.unwrap()).await, call).await;
    let alone = Process::start_part(&world.settings, "gateway");
    let call = || Call::new(alone.api.unwrap(), "GET", "/api/v1/me");
    call()
        .token(unknown().expose())
        .send()
        .await
        .expect_problem(503, "unavailable");
    call()
        .token("hsk_live_x")
        .send()
        .await
        .expect_problem(401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_expires_at_its_instant() {
    for store in [Store::Sqlite, Store::Postgres] {
        let world = World::start(Bus::Memory, store).await;
        let org = world.org().await;
        let end = world.clock.now().plus(Duration::from_secs(3600));
        let token = world
            .token(org.id, org.owner.id, Scope::Write, Some(end))
            .await;
        let person = Person {
            token,
            ..org.owner.clone()
        };
        world.get("/api/v1/me", &person).send().await.expect(200);

        let clock = StoppedClock::at(end.minus(Duration::from_micros(1)));
        let stopped = serve(&world.settings, Arc::clone(&clock) as _).await;
        let ask = async || -> Answer {
            let call = Call::new(stopped.api_addr().unwrap(), "GET", "/api/v1/me");
            call.token(&person.token).send().await
        };
        ask().await.expect(200);
        clock.advance(Duration::from_micros(1));
        ask().await.expect_problem(401, "token_invalid");
        clock.advance(Duration::from_micros(1));
        ask().await.expect_problem(401, "token_invalid");
        assert!(stopped.stop().await);
    }
}

/// An organization's token as lists show it.
async fn shown(world: &World, organization: OrganizationId, token: &str) -> TokenInfo {
    let all = hoursmith_token_auth::list_tokens(world.db.db(), organization, None, 100)
        .await
        .unwrap();
    all.into_iter()
        .find(|info| token.ends_with(&info.last_four))
        .unwrap()
}

/// Waits until a token's last use is another than `before`.
async fn until_used(
    world: &World,
    organization: OrganizationId,
    token: &str,
    before: Option<Timestamp>,
) -> Timestamp {
    let used = async {
        loop {
            match shown(world, organization, token).await.last_used_at {
                at if at == before => tokio::task::yield_now().await,
                at => return at.unwrap(),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), used)
        .await
        .expect("the use is written down")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_written_at_most_once_a_minute() {
    for store in [Store::Sqlite, Store::Postgres] {
        let world = World::start(Bus::Memory, store).await;
        let org = world.org().await;
        let token = &org.owner.token;
        let ask = async || world.get("/api/v1/me", &org.owner).send().await.expect(200);
        assert_eq!(shown(&world, org.id, token).await.last_used_at, None);
        ask().await;
        let first = until_used(&world, org.id, token, None).await;
        // Real time passes as well, so this stays well within the minute.
        world.clock.advance(Duration::from_secs(30));
        for _ in 0..10 {
            ask().await;
        }
        // Uses are written in order: once a later one is there, an earlier one would be too.
        world
            .get("/api/v1/me", &org.member)
            .send()
            .await
            .expect(200);
        until_used(&world, org.id, &org.member.token, None).await;
        assert_eq!(shown(&world, org.id, token).await.last_used_at, Some(first));
        world.clock.advance(Duration::from_secs(31));
        ask().await;
        let second = until_used(&world, org.id, token, Some(first)).await;
        assert!(
            first.until(second) > Duration::from_secs(60),
            "{first} {second}"
        );
    }
}
