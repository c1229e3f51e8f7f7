//! The order of the chain, what each stage is told, and what its failure does.

use std::sync::Arc;

use hoursmith_bus::{Additions, ErrorKind, Response, Verdict, Visitor};
use hoursmith_domain::{Code, Problem};

use super::rig::{Answers, RATE, Rig, Who, bearer, by_address, request, token};

const JSON: &str = "Content-Type: application/json";

fn limited() -> Problem {
    Problem::new(Code::RateLimited, "slow down")
        .with_header("retry-after", "3")
        .with_header("x-ratelimit-limit", "30")
}

/// A request that is wrong in every way; each step mends what was refused and meets the next
/// refusal.
#[tokio::test]
async fn refusals_come_in_order() {
    let mut rig = Rig::start().await;
    rig.refusing("rate-limiter", limited()).await;
    rig.refusing("resource", Problem::new(Code::ValidationFailed, "no"))
        .await;
    rig.refusing(
        "idempotency",
        Problem::new(Code::IdempotencyKeyReused, "other"),
    )
    .await;
    let twice = "Host: second";
    let (wrong_key, key) = ("Idempotency-Key: a b", "Idempotency-Key: k");
    let (text, bad) = ("Content-Type: text/plain", "Authorization: Bearer bad");
    let (free, reader) = (&*bearer(Who::Free), &*bearer(Who::Reader));
    let (member, owner) = (&*bearer(Who::Member), &*bearer(Who::Owner));
    let huge = "x".repeat(1024 * 1024 + 1);
    let wrong = "/api/v1/clients?nope=1";
    let right = "/api/v1/clients";

    let code = async |rig: &Rig, path: &str, headers: &[&str], body: &str| {
        rig.ask("POST", path, headers, body).await.code()
    };
    assert_eq!(
        code(&rig, "/nowhere", &[twice, bad, wrong_key, text], &huge).await,
        "malformed_request"
    );
    assert_eq!(
        code(&rig, "/nowhere", &[bad, wrong_key, text], &huge).await,
        "rate_limited"
    );
    rig.serve("rate-limiter").await;
    assert_eq!(
        code(&rig, "/nowhere", &[bad, wrong_key, text], &huge).await,
        "not_found"
    );
    assert_eq!(
        code(&rig, wrong, &[bad, wrong_key, text], &huge).await,
        "token_invalid"
    );
    rig.refusing("rate-limiter", limited()).await;
    assert_eq!(
        code(&rig, wrong, &[free, wrong_key, text], &huge).await,
        "rate_limited"
    );
    rig.serve("rate-limiter").await;
    assert_eq!(
        code(&rig, wrong, &[free, wrong_key, text], &huge).await,
        "plan_required"
    );
    assert_eq!(
        code(&rig, wrong, &[reader, wrong_key, text], &huge).await,
        "scope_insufficient"
    );
    assert_eq!(
        code(&rig, wrong, &[member, wrong_key, text], &huge).await,
        "role_forbidden"
    );
    assert_eq!(
        code(&rig, wrong, &[owner, wrong_key, text], &huge).await,
        "unknown_parameter"
    );
    assert_eq!(
        code(&rig, right, &[owner, wrong_key, text], &huge).await,
        "invalid_idempotency_key"
    );
    assert_eq!(
        code(&rig, right, &[owner, key, text], &huge).await,
        "unsupported_media_type"
    );
    assert_eq!(
        code(&rig, right, &[owner, key, JSON], &huge).await,
        "body_too_large"
    );
    assert_eq!(
        code(&rig, right, &[owner, key, JSON], "{").await,
        "malformed_json"
    );
    assert!(rig.asked("idempotency").is_empty());
    assert_eq!(
        code(&rig, right, &[owner, key, JSON], "{}").await,
        "idempotency_key_reused"
    );
    assert!(rig.asked("resource").is_empty());
    rig.serve("idempotency").await;
    assert_eq!(
        code(&rig, right, &[owner, key, JSON], "{}").await,
        "validation_failed"
    );
}

#[tokio::test]
async fn refusals_say_what_is_missing() {
    let rig = Rig::start().await;
    let none = rig.send(request("GET", "/api/v1/me", &[], "")).await;
    assert_eq!((none.status, none.code().as_str()), (401, "token_missing"));
    assert_eq!(
        none.header("www-authenticate"),
        Some("Bearer realm=\"hoursmith\"")
    );

    let scope = rig
        .ask("POST", "/api/v1/clients", &[&bearer(Who::Reader)], "")
        .await;
    assert_eq!(scope.status, 403);
    assert!(
        scope
            .header("www-authenticate")
            .unwrap()
            .contains("error=\"insufficient_scope\"")
    );

    let plan = rig
        .ask("GET", "/api/v1/me", &[&bearer(Who::Free)], "")
        .await;
    assert_eq!(plan.status, 402);
    assert_eq!(plan.json()["current_plan"], "free");
    assert_eq!(plan.json()["required_plan"], "studio");
    assert!(
        plan.json()["upgrade_url"]
            .as_str()
            .unwrap()
            .starts_with("http")
    );
}

#[tokio::test]
async fn refused_tokens_are_alike_and_malformed_ones_cost_no_call() {
    let rig = Rig::start().await;
    let good = token(Who::Owner);
    let swapped = format!(
        "{}{}",
        &good[..good.len() - 1],
        if good.ends_with('x') { 'y' } else { 'x' }
    );
    let unknown = hoursmith_domain::Token::generate([77; 64])
        .expose()
        .to_owned();
    let mut bodies = Vec::new();
    for (value, calls) in [
        ("Bearer".to_owned(), 0),
        ("Bearer ".to_owned(), 0),
        (good.clone(), 0),
        (format!("Basic {good}"), 0),
        (format!("Bearer {good} x"), 0),
        (format!("Bearer {good},Bearer {good}"), 0),
        (format!("Bearer {swapped}"), 0),
        (format!("Bearer {}", "x".repeat(5000)), 0),
        ("Bearer hsk_live_\u{fc}".to_owned(), 0),
        (String::new(), 0),
        (format!("Bearer {unknown}"), 1),
    ] {
        rig.forget();
        let line = format!("Authorization: {value}");
        let reply = rig.ask("GET", "/api/v1/me", &[&line], "").await;
        assert_eq!(reply.status, 401, "{value}");
        let challenge = reply.header("www-authenticate").unwrap().to_owned();
        assert!(challenge.contains("error=\"invalid_token\""));
        let mut body = reply.json();
        body["request_id"] = "".into();
        bodies.push(body.to_string());
        assert_eq!(rig.asked("token-auth").len(), calls, "{value}");
        assert!(rig.asked("rate-limiter").iter().all(by_address));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let reply = rig
        .ask(
            "GET",
            "/api/v1/me",
            &[&format!("Authorization: bEaReR   {good}")],
            "",
        )
        .await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn the_plaintext_token_stays() {
    let rig = Rig::start().await;
    rig.ask(
        "POST",
        "/api/v1/clients",
        &[JSON, "Idempotency-Key: k"],
        "{}",
    )
    .await;
    for asked in rig.stages_asked().iter().flat_map(|stage| rig.asked(stage)) {
        let text = format!("{:?} {:?}", asked.head.encode(), asked.body);
        assert!(!text.contains("hsk_live_"), "{}", asked.stage);
        assert_eq!(asked.head.token.is_some(), asked.stage == "token-auth");
    }
}

#[tokio::test]
async fn whose_limit_a_request_spends() {
    let rig = Rig::start().await;
    let visitor = async |path: &str, authorization: &str| {
        rig.forget();
        rig.ask("GET", path, &[authorization], "").await;
        let asked = rig.asked("rate-limiter");
        assert_eq!(asked.len(), 1, "{path}");
        assert!(!asked[0].head.peek);
        asked[0].head.visitor.clone().unwrap()
    };
    let address = Visitor::Address("127.0.0.1".to_owned());
    let unknown = hoursmith_domain::Token::generate([77; 64])
        .expose()
        .to_owned();
    let unknown = format!("Authorization: Bearer {unknown}");
    let owner = bearer(Who::Owner);
    assert_eq!(visitor("/api/v1/me", &owner).await, Visitor::Caller);
    assert_eq!(visitor("/api/v1/me", &unknown).await, address);
    assert_eq!(visitor("/nowhere", &owner).await, Visitor::Caller);
    assert_eq!(visitor("/nowhere", &unknown).await, address);
    assert_eq!(
        visitor("/nowhere", "Authorization: Bearer bad").await,
        address
    );
    let guest = Visitor::App("127.0.0.1".to_owned());
    assert_eq!(visitor("/app", &owner).await, guest);
    assert_eq!(visitor("/app/time", &unknown).await, guest);
}

#[tokio::test]
async fn a_visit_past_the_limit_costs_nobody_a_thing() {
    let mut rig = Rig::start().await;
    rig.serve("console").await;
    rig.ask("GET", "/app", &[], "").await;
    assert_eq!(rig.stages_asked(), ["rate-limiter", "console"]);
    rig.forget();
    let problem = Problem::new(Code::RateLimited, "later");
    rig.refusing("rate-limiter", problem).await;
    for (method, body) in [("GET", ""), ("POST", "a=b")] {
        assert_eq!(rig.ask(method, "/app", &[], body).await.status, 429);
    }
    assert_eq!(rig.stages_asked(), ["rate-limiter", "rate-limiter"]);
}

#[tokio::test]
async fn what_the_stages_are_told() {
    let rig = Rig::start().await;
    let headers = [
        JSON,
        "Idempotency-Key: \"k-1\"",
        "If-Match: \"1\"",
        "If-Match: \"2\"",
    ];
    let reply = rig
        .ask("POST", "/api/v1/clients", &headers, "{ \"name\": \"x\" }")
        .await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        rig.stages_asked(),
        ["token-auth", "rate-limiter", "idempotency", "resource"]
    );
    let gates = ["token-auth", "rate-limiter", "idempotency"];
    for stage in gates {
        let asked = &rig.asked(stage)[0];
        assert!(asked.body.is_empty());
        assert_eq!(asked.head.route, "client.create");
        assert!(asked.head.ticket.is_none());
    }
    let keyed = rig.asked("idempotency")[0].head.keyed.clone().unwrap();
    assert_eq!(keyed.key, "k-1");
    let actor = &rig.asked("resource")[0];
    assert_eq!(actor.body, "{ \"name\": \"x\" }");
    assert_eq!(actor.head.ticket.as_ref().unwrap().request, keyed);
    assert!(actor.head.caller.is_some());
    assert_eq!(
        actor.head.conditions.if_match.as_deref(),
        Some("\"1\", \"2\"")
    );
    let deadlines = rig
        .stages_asked()
        .into_iter()
        .map(|stage| rig.asked(stage)[0].deadline);
    assert_eq!(deadlines.collect::<std::collections::HashSet<_>>().len(), 1);
}

#[tokio::test]
async fn a_key_is_for_posts_and_fingerprints_what_is_meant() {
    let rig = Rig::start().await;
    rig.ask(
        "PATCH",
        "/api/v1/clients/x",
        &[JSON, "Idempotency-Key: k"],
        "{}",
    )
    .await;
    rig.ask("DELETE", "/api/v1/clients/x", &["Idempotency-Key: a b"], "")
        .await;
    rig.ask("POST", "/api/v1/clients", &[JSON], "{}").await;
    assert!(rig.asked("idempotency").is_empty());
    for body in [
        "{\"a\":1,\"b\":2}",
        "{ \"b\": 2, \"a\": 1 }",
        "{\"a\":1,\"b\":3}",
    ] {
        rig.ask(
            "POST",
            "/api/v1/clients",
            &[JSON, "Idempotency-Key: k"],
            body,
        )
        .await;
    }
    let prints: Vec<_> = rig
        .asked("idempotency")
        .into_iter()
        .map(|asked| asked.head.keyed.unwrap().fingerprint)
        .collect();
    assert_eq!(prints[0], prints[1]);
    assert_ne!(prints[0], prints[2]);
}

#[tokio::test]
async fn a_replay_ends_the_chain() {
    let mut rig = Rig::start().await;
    let answers: Answers = Arc::new(|_| {
        let replay = Response::json(201, "{\"id\":1}").with_header("idempotent-replayed", "true");
        Box::pin(std::future::ready(Ok(Verdict::Respond(replay))))
    });
    rig.serve_with("idempotency", answers).await;
    let reply = rig
        .ask(
            "POST",
            "/api/v1/clients",
            &[JSON, "Idempotency-Key: k"],
            "{}",
        )
        .await;
    assert_eq!(
        (reply.status, reply.header("idempotent-replayed")),
        (201, Some("true"))
    );
    assert_eq!(reply.body, b"{\"id\":1}");
    assert!(rig.asked("resource").is_empty());
}

#[tokio::test]
async fn media_types() {
    let rig = Rig::start().await;
    let create = "/api/v1/clients";
    let change = "/api/v1/clients/x";
    for (method, path, line, status) in [
        ("POST", create, "Content-Type: application/json", 200),
        (
            "POST",
            create,
            "Content-Type: Application/JSON; Charset=\"UTF-8\"",
            200,
        ),
        ("POST", create, "Content-Type: application/json;", 200),
        ("PATCH", change, "Content-Type: application/json", 200),
        (
            "PATCH",
            change,
            "Content-Type: application/merge-patch+json",
            200,
        ),
        (
            "POST",
            create,
            "Content-Type: application/merge-patch+json",
            415,
        ),
        (
            "POST",
            create,
            "Content-Type: application/json; charset=latin1",
            415,
        ),
        ("POST", create, "Content-Type: text/json", 415),
        ("POST", create, "Content-Type: application/jsonx", 415),
        (
            "POST",
            create,
            "Content-Type: application/json\r\nContent-Type: application/json",
            415,
        ),
        (
            "POST",
            create,
            "Content-Type: application/json\r\nContent-Encoding: gzip",
            415,
        ),
        ("POST", create, "X: no type", 415),
        ("DELETE", change, "Content-Type: text/plain", 200),
    ] {
        let reply = rig.ask(method, path, &[line], "{}").await;
        assert_eq!(reply.status, status, "{method} {line}");
        if status == 415 {
            assert_eq!(reply.header("accept"), Some("application/json"), "{line}");
        }
    }
    let patch = rig
        .ask("PATCH", change, &["Content-Type: text/plain"], "{}")
        .await;
    assert!(
        patch
            .header("accept-patch")
            .unwrap()
            .contains("application/merge-patch+json")
    );
    for line in ["X: no type", "Content-Type: text/plain"] {
        let empty = rig.ask("POST", create, &[line], "").await;
        assert_eq!(empty.status, 415, "{line}");
    }
    let empty = rig.ask("POST", create, &[JSON], "").await;
    assert_eq!(
        (empty.status, empty.code().as_str()),
        (400, "malformed_json")
    );
    let twice = rig.ask("POST", create, &[JSON], "{\"a\":1,\"a\":2}").await;
    assert_eq!(twice.json()["errors"][0]["pointer"], "#/a");
}

#[tokio::test]
async fn what_a_failing_stage_does() {
    let write = async |rig: &Rig| {
        let reply = rig
            .ask(
                "POST",
                "/api/v1/clients",
                &[JSON, "Idempotency-Key: k"],
                "{}",
            )
            .await;
        (reply.status, reply.header("retry-after").is_some())
    };
    for stage in ["token-auth", "idempotency", "resource"] {
        let mut rig = Rig::start().await;
        rig.leave(stage);
        assert_eq!(write(&rig).await, (503, true), "{stage} away");
        for (kind, expected) in [
            (ErrorKind::Overloaded, (503, true)),
            (ErrorKind::Closed, (503, true)),
            (ErrorKind::Unavailable, (503, true)),
            (ErrorKind::DeadlineExceeded, (504, false)),
            (ErrorKind::TooLarge, (413, false)),
            (ErrorKind::HandlerFailed, (500, false)),
            (ErrorKind::Refused, (500, false)),
        ] {
            rig.failing(stage, kind).await;
            assert_eq!(write(&rig).await, expected, "{stage} {kind:?}");
        }
        rig.serve(stage).await;
        assert_eq!(write(&rig).await, (200, false), "{stage} back");
    }
    let mut rig = Rig::start().await;
    rig.leave("idempotency");
    assert_eq!(
        rig.ask("POST", "/api/v1/clients", &[JSON], "{}")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_no_fault_of_the_request() {
    let mut rig = Rig::start().await;
    let huge: Answers = Arc::new(|_| {
        let body = vec![b'x'; hoursmith_bus::MAX_ENVELOPE_BYTES + 1];
        Box::pin(std::future::ready(Ok(Verdict::Respond(Response::json(
            200, body,
        )))))
    });
    rig.serve_with("resource", huge).await;
    let reply = rig.ask("GET", "/api/v1/me", &[], "").await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (500, "internal_error")
    );
}

#[tokio::test]
async fn without_a_limiter_requests_go_on() {
    let mut rig = Rig::start().await;
    for kind in [
        ErrorKind::Overloaded,
        ErrorKind::HandlerFailed,
        ErrorKind::Unavailable,
    ] {
        rig.failing("rate-limiter", kind).await;
        let reply = rig.ask("GET", "/api/v1/me", &[], "").await;
        assert_eq!(
            (reply.status, reply.header("x-ratelimit-limit")),
            (200, None),
            "{kind:?}"
        );
    }
    let silent: Answers = Arc::new(|_| Box::pin(std::future::pending()));
    rig.serve_with("rate-limiter", silent).await;
    assert_eq!(rig.ask("GET", "/api/v1/me", &[], "").await.status, 200);
    rig.leave("rate-limiter");
    assert_eq!(rig.ask("GET", "/api/v1/me", &[], "").await.status, 200);
    assert_eq!(
        rig.gateway.limiters_known(),
        0,
        "who does not respond is forgotten"
    );
}

#[tokio::test]
async fn the_next_limiter_takes_over_at_once() {
    let mut rig = Rig::start().await;
    // Three that are heard of and gone, beside the one that is there.
    for n in 1..=3 {
        rig.announce(uuid::Uuid::from_u128(n)).await;
    }
    super::rig::until(|| rig.gateway.limiters_known() == 4).await;
    for who in [Who::Owner, Who::Reader, Who::Member] {
        let reply = rig.ask("GET", "/api/v1/me", &[&bearer(who)], "").await;
        assert_eq!(reply.header(RATE[0].0), Some(RATE[0].1), "{who:?}");
    }
    rig.leave("rate-limiter");
}

#[tokio::test]
async fn a_verdict_that_makes_no_sense_is_our_bug() {
    let mut rig = Rig::start().await;
    let nothing: Answers = Arc::new(|_| {
        Box::pin(std::future::ready(Ok(Verdict::Continue(
            Additions::default(),
        ))))
    });
    rig.serve_with("resource", Arc::clone(&nothing)).await;
    assert_eq!(rig.ask("GET", "/api/v1/me", &[], "").await.status, 500);
    rig.serve_with("token-auth", nothing).await;
    assert_eq!(rig.ask("GET", "/api/v1/me", &[], "").await.status, 500);
}

#[tokio::test]
async fn a_caller_sealed_for_another_request_is_refused() {
    let mut rig = Rig::start().await;
    rig.ask("GET", "/api/v1/me", &[], "").await;
    let stolen = rig.asked("resource")[0].head.caller.clone();
    let answers: Answers = Arc::new(move |_| {
        let additions = Additions {
            caller: stolen.clone(),
            ..Additions::default()
        };
        Box::pin(std::future::ready(Ok(Verdict::Continue(additions))))
    });
    rig.serve_with("token-auth", answers).await;
    assert_eq!(rig.ask("GET", "/api/v1/me", &[], "").await.status, 500);
    assert_eq!(rig.asked("resource").len(), 1);
}
