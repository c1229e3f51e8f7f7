//! What operators look at: health, metrics and logs, and what they must never see there.

use hoursmith_domain::{Keys, SecretKey, Token};
use hoursmith_telemetry::names;
use serde_json::json;

use crate::cases::created;
use crate::http::Call;
use crate::metrics::{text, value};
use crate::world::{Bus, Org, Person, SECRET, Store, World, generous, until_ready};

async fn look(world: &World, path: &str) -> (u16, String) {
    let answer = Call::new(world.admin_address, "GET", path).send().await;
    (
        answer.status,
        String::from_utf8(answer.body.to_vec()).unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_ready_while_it_reaches_nats() {
    let mut world = World::start(Bus::Nats, Store::Sqlite).await;
    until_ready(world.admin_address).await;
    assert_eq!(look(&world, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(look(&world, "/readyz").await, (200, "ready\n".to_owned()));
    world.nats.as_mut().unwrap().stop();
    let (status, why) = look(&world, "/readyz").await;
    assert_eq!(status, 503, "{why}");
    assert!(
        why.starts_with("not ready: ") && why.len() > "not ready: \n".len(),
        "{why}"
    );
    assert_eq!(
        look(&world, "/healthz").await.0,
        200,
        "it is well, and waits"
    );
    world.nats.as_mut().unwrap().start_again();
    until_ready(world.admin_address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_ready_while_it_reaches_the_database() {
    let world = World::start(Bus::Memory, Store::Postgres).await;
    until_ready(world.admin_address).await;
    world.running().db().unwrap().close().await;
    let (status, why) = look(&world, "/readyz").await;
    assert!(
        status == 503 && why.starts_with("not ready: "),
        "{status} {why}"
    );
    assert_eq!(look(&world, "/healthz").await.0, 200);
    assert_eq!(look(&world, "/").await.0, 404);
    let post = Call::new(world.admin_address, "POST", "/metrics")
        .send()
        .await;
    assert_eq!(post.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_happened() {
    let world = World::start(Bus::Process, Store::Sqlite).await;
    let org = world.org().await;
    let post = |name: &str| {
        let call = world.post("/api/v1/clients", &org.owner).key("key");
        call.json(&json!({ "name": name }))
    };
    post("A").send().await.expect(201);
    post("A").send().await.expect(201);
    post("B")
        .send()
        .await
        .expect_problem(409, "idempotency_key_reused");
    world
        .get("/api/v1/clients", &org.owner)
        .send()
        .await
        .expect(200);
    world
        .get("/api/v1/clients/x", &org.owner)
        .send()
        .await
        .expect(404);
    world.call("GET", "/api/v1/me").send().await.expect(401);
    let text = text(world.admin_address).await;
    for (series, wanted) in [
        (
            r#"hoursmith_http_requests_total{route="/api/v1/clients",method="POST",status="2xx"}"#,
            2.0,
        ),
        (
            r#"hoursmith_http_requests_total{route="/api/v1/clients",method="POST",status="4xx"}"#,
            1.0,
        ),
        (
            r#"hoursmith_http_requests_total{route="/api/v1/clients",method="GET",status="2xx"}"#,
            1.0,
        ),
        (
            r#"hoursmith_http_requests_total{route="/api/v1/me",method="GET",status="4xx"}"#,
            1.0,
        ),
        (
            r#"hoursmith_http_request_duration_seconds_count{route="/api/v1/clients"}"#,
            4.0,
        ),
        (
            r#"hoursmith_stage_duration_seconds_count{stage="idempotency",outcome="answered"}"#,
            3.0,
        ),
        (
            r#"hoursmith_stage_duration_seconds_count{stage="actor",outcome="answered"}"#,
            3.0,
        ),
        ("hoursmith_http_requests_in_flight", 0.0),
        ("hoursmith_idempotency_replays_total", 1.0),
        ("hoursmith_idempotency_conflicts_total", 1.0),
        ("hoursmith_events_appended_total", 1.0),
        ("hoursmith_rate_limiter_failed_open_total", 0.0),
    ] {
        assert_eq!(value(&text, series), Some(wanted), "{series} in\n{text}");
    }
    // What is shown only once something has gone wrong.
    let rare = [
        names::BUS_ERRORS,
        names::ADMISSION_REFUSED,
        names::WORKER_RESTARTS,
    ];
    for metric in names::ALL
        .iter()
        .filter(|metric| !rare.contains(&metric.name))
    {
        assert!(
            text.contains(&format!("# HELP {} ", metric.name)),
            "{} in\n{text}",
            metric.name
        );
        assert!(
            text.lines().any(|line| line.starts_with(metric.name)),
            "{} in\n{text}",
            metric.name
        );
    }
    // A client chooses no label: the path of what is no route is nowhere.
    assert!(!text.contains("/api/v1/clients/x"), "{text}");
}

/// Everything that must be in no log, in every form it could take there.
fn secrets(tokens: &[&str]) -> Vec<String> {
    let secret = SecretKey::from_bytes(SECRET);
    let keys = Keys::derive(&secret);
    let list = |bytes: &[u8]| bytes.iter().map(u8::to_string).collect::<Vec<_>>();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let mut secrets = vec![secret.expose(), hex(&SECRET)];
    secrets.extend([",", ", "].map(|comma| list(&SECRET).join(comma)));
    for token in tokens {
        let digest = Token::parse(token).unwrap().digest(&keys).0;
        // Half of it would do for whoever reads a log.
        secrets.push(token[..token.len() / 2].to_owned());
        secrets.push(hex(&digest));
        secrets.push(hex(&digest).to_uppercase());
        secrets.extend([",", ", "].map(|comma| list(&digest).join(comma)));
    }
    secrets
}

/// What a person types behind an invitation's link.
const PASSWORD: &str = "glacier-violin-83-orchard";

/// A member opens a link and chooses a password: half of the link's secret.
async fn accept_an_invitation(world: &World, org: &Org) -> String {
    let keys = Keys::derive(&SecretKey::from_bytes(SECRET));
    let operator = world.operator();
    let link = operator.link(&keys, &org.slug, &org.member.email).await;
    let link = link.unwrap().secret;
    let path = link.link("");
    let page = world.call("GET", &path).send().await.expect(200);
    assert_eq!(page.header("referrer-policy"), "same-origin");
    let misspelt = format!("{path}/x");
    world.call("GET", &misspelt).send().await.expect(404);
    let accept = world
        .call("POST", &path)
        .header("sec-fetch-site", "same-origin")
        .raw(
            "application/x-www-form-urlencoded",
            format!("new_password={PASSWORD}"),
        );
    accept.send().await.expect(303);
    world.call("GET", &path).send().await.expect(404);
    link.expose()[..link.expose().len() / 2].to_owned()
}

async fn logs_hold_no_secret(bus: Bus, store: Store) {
    let mut world = World::start_with(bus, store, |settings| {
        generous(settings);
        settings.log.filter = "trace".to_owned();
    })
    .await;
    let org = world.org().await;
    created(&world, &org.owner, "A").await;
    let post = world
        .post("/api/v1/clients", &org.owner)
        .key("key")
        .json(&json!({"name": "Letter-of-Intent"}));
    post.clone().send().await.expect(201);
    post.send().await.expect(201);
    world
        .get("/api/v1/me", &org.member)
        .send()
        .await
        .expect(200);
    world
        .get("/api/v1/clients?q=A", &org.admin)
        .send()
        .await
        .expect(200);
    let invitation = accept_an_invitation(&world, &org).await;
    let unknown = Token::generate([9; 64]);
    let stranger = Person {
        token: unknown.expose().to_owned(),
        ..org.owner.clone()
    };
    world.get("/api/v1/me", &stranger).send().await.expect(401);
    let broken = format!("{}x", org.owner.token);
    world
        .call("GET", "/api/v1/me")
        .token(&broken)
        .send()
        .await
        .expect(401);
    world
        .call("GET", "/api/v1/me")
        .header("authorization", &org.owner.token)
        .send()
        .await
        .expect(401);
    let mut log = String::new();
    for process in world.processes.iter_mut().rev() {
        assert_eq!(process.terminate(), Some(0));
        log.push_str(&process.log());
    }
    assert!(
        log.contains("TRACE") && log.contains("A request was answered."),
        "it logs at all"
    );
    let tokens = [
        &org.owner.token,
        &org.member.token,
        &org.admin.token,
        &stranger.token,
    ];
    let others = [invitation, PASSWORD.to_owned(), "$argon2id$".to_owned()];
    for secret in secrets(&tokens.map(String::as_str))
        .into_iter()
        .chain(others)
    {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
    let body = log.lines().find(|line| line.contains("Letter-of-Intent"));
    assert_eq!(body, None, "no body either");
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_hold_no_secret_in_one_process() {
    logs_hold_no_secret(Bus::Process, Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_hold_no_secret_in_five_processes() {
    logs_hold_no_secret(Bus::Split, Store::Postgres).await;
}
