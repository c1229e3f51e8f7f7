//! Rate limits over HTTP, with the numbers of `tests/contract/plans.tsv`.

use std::time::Duration;

use hoursmith_domain::{Plan, Scope};
use hoursmith_kit::Clock as _;
use serde_json::json;

use crate::http::{Answer, Connection};
use crate::world::{Bus, Person, Store, World};

async fn world() -> World {
    World::start_with(Bus::Memory, Store::Sqlite, |_| {}).await
}

/// A number in a header.
fn number(answer: &Answer, name: &str) -> u64 {
    answer
        .header(name)
        .parse()
        .unwrap_or_else(|_| panic!("{name} in {answer:?}"))
}

/// The binding tier's limit and what remains of it.
fn standing(answer: &Answer) -> (u64, u64) {
    (
        number(answer, "x-ratelimit-limit"),
        number(answer, "x-ratelimit-remaining"),
    )
}

/// Asks `count` times, all admitted, and gives the last answer.
async fn spend(world: &World, person: &Person, count: u64) -> Answer {
    let mut connection = Connection::open(world.address).await;
    let mut last = None;
    for _ in 0..count {
        last = Some(
            connection
                .send(world.get("/api/v1/me", person))
                .await
                .expect(200),
        );
    }
    last.unwrap()
}

async fn me(world: &World, person: &Person) -> Answer {
    world.get("/api/v1/me", person).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_admitted_to_its_limit_and_recovers_when_it_says() {
    let world = world().await;
    let org = world.org().await;
    let first = spend(&world, &org.owner, 1).await;
    assert_eq!(standing(&first), (60, 59));
    assert_eq!(
        first.header("ratelimit-policy"),
        r#""burst";q=60;w=10, "sustained";q=1200;w=60"#
    );
    assert!(
        first
            .header("ratelimit")
            .starts_with(r#""burst";r=59;t=10, "sustained";r=1199;t=60"#),
        "{first:?}"
    );
    let last = spend(&world, &org.owner, 59).await;
    assert_eq!(standing(&last), (60, 0));

    let before = world.clock.now();
    let refused = me(&world, &org.owner)
        .await
        .expect_problem(429, "rate_limited");
    let after = world.clock.now();
    assert_eq!(refused.json()["violated-policies"], json!(["burst"]));
    assert_eq!(standing(&refused), (60, 0));
    let wait = number(&refused, "retry-after");
    assert!((1..=10).contains(&wait), "{refused:?}");
    assert!(
        refused
            .header("ratelimit")
            .starts_with(&format!(r#""burst";r=0;t={wait}, "sustained";r=1140;t="#))
    );
    // One moment, told twice: in seconds from now, rounded up, and in seconds of the epoch.
    let reset = number(&refused, "x-ratelimit-reset") as i64;
    let earliest = before.unix_seconds() + wait as i64 - 1;
    assert!(
        (earliest..=after.unix_seconds() + wait as i64 + 1).contains(&reset),
        "{refused:?}"
    );

    for _ in 0..100 {
        me(&world, &org.owner)
            .await
            .expect_problem(429, "rate_limited");
    }
    world.clock.advance(Duration::from_secs(wait));
    let admitted = me(&world, &org.owner).await.expect(200);
    assert_eq!(number(&admitted, "x-ratelimit-limit"), 60);
    world.clock.advance(Duration::from_secs(10));
    let rested = me(&world, &org.owner).await.expect(200);
    assert_eq!(standing(&rested), (60, 59), "refused requests cost nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_token_is_refused_for_counts() {
    let world = world().await;
    let org = world.org().await;
    let mut connection = Connection::open(world.address).await;
    let calls = [
        (
            world
                .post("/api/v1/clients", &org.member)
                .json(&json!({"name": "A"})),
            403,
        ),
        (
            world
                .post("/api/v1/clients", &org.member)
                .json(&json!({"nam": "A"})),
            403,
        ),
        (world.get("/api/v1/clients?limit=x", &org.member), 400),
        (world.get("/api/v1/nothing", &org.member), 404),
        (
            world
                .call("PUT", "/api/v1/clients")
                .token(&org.member.token),
            405,
        ),
    ];
    for (number, (call, status)) in calls.into_iter().enumerate() {
        let answer = connection.send(call).await.expect(status);
        assert_eq!(standing(&answer), (60, 59 - number as u64), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_do_not_share_a_limit() {
    let world = world().await;
    let org = world.org().await;
    spend(&world, &org.owner, 60).await;
    me(&world, &org.owner)
        .await
        .expect_problem(429, "rate_limited");
    let other = world.token(org.id, org.owner.id, Scope::Read, None).await;
    let other = Person {
        token: other,
        ..org.owner.clone()
    };
    assert_eq!(
        standing(&me(&world, &other).await.expect(200)),
        (60, 59),
        "the same member's other token"
    );
    assert_eq!(
        standing(&me(&world, &org.member).await.expect(200)),
        (60, 59)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_valid_token_is_limited_by_address() {
    let world = world().await;
    let org = world.org().await;
    let unknown = hoursmith_domain::Token::generate([7; 64]);
    for remaining in (0..10).rev() {
        let call = world.call("GET", "/api/v1/me");
        let (call, code) = match remaining % 3 {
            0 => (call, "token_missing"),
            1 => (call.token("hsk_live_malformed"), "token_invalid"),
            _ => (call.token(unknown.expose()), "token_invalid"),
        };
        let answer = call.send().await.expect_problem(401, code);
        assert_eq!(standing(&answer), (10, remaining));
        let policy = r#""anonymous-burst";q=10;w=10, "anonymous-sustained";q=60;w=60"#;
        assert_eq!(answer.header("ratelimit-policy"), policy);
    }
    let refused = world
        .call("GET", "/api/v1/me")
        .send()
        .await
        .expect_problem(429, "rate_limited");
    assert_eq!(
        refused.json()["violated-policies"],
        json!(["anonymous-burst"])
    );
    world
        .call("GET", "/api/v1/nothing")
        .send()
        .await
        .expect_problem(429, "rate_limited");
    assert_eq!(
        standing(&me(&world, &org.owner).await.expect(200)),
        (60, 59),
        "a token has its own"
    );
    world
        .call("GET", "/api/openapi.json")
        .send()
        .await
        .expect(200);
    world
        .clock
        .advance(Duration::from_secs(number(&refused, "retry-after")));
    world
        .call("GET", "/api/v1/me")
        .send()
        .await
        .expect_problem(401, "token_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_widens_the_limit_and_forgets_nothing() {
    let world = world().await;
    let org = world.org().await;
    let operator = world.operator();
    operator.set_plan(&org.slug, Plan::Studio).await.unwrap();
    assert_eq!(standing(&spend(&world, &org.owner, 30).await), (30, 0));
    me(&world, &org.owner)
        .await
        .expect_problem(429, "rate_limited");
    operator.set_plan(&org.slug, Plan::Agency).await.unwrap();
    assert_eq!(
        standing(&spend(&world, &org.owner, 1).await),
        (60, 29),
        "what was spent before counts"
    );
    assert_eq!(standing(&spend(&world, &org.owner, 29).await), (60, 0));
    me(&world, &org.owner)
        .await
        .expect_problem(429, "rate_limited");
    operator.set_plan(&org.slug, Plan::Free).await.unwrap();
    let refused = me(&world, &org.owner)
        .await
        .expect_problem(429, "rate_limited");
    // Limited before it is refused by plan: 60 requests are too many for both tiers of Free.
    assert_eq!(
        refused.json()["violated-policies"],
        json!(["burst", "sustained"])
    );
    world
        .clock
        .advance(Duration::from_secs(number(&refused, "retry-after")));
    me(&world, &org.owner)
        .await
        .expect_problem(402, "plan_required");
}
