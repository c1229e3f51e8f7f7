//! Bounds of size and time, one to either side of each.

use std::time::Duration;

use super::rig::{Rig, Who, bearer, request, settings};
use crate::GatewaySettings;

const JSON: &str = "Content-Type: application/json";

fn small() -> GatewaySettings {
    GatewaySettings {
        max_header_bytes: 600,
        max_headers: 8,
        max_uri_bytes: 100,
        max_body_bytes: 1000,
        ..settings()
    }
}

#[tokio::test]
async fn number_of_headers() {
    let rig = Rig::with(small()).await;
    for (extra, status) in [(6, 200), (7, 400)] {
        let lines: Vec<String> = (0..extra).map(|n| format!("X-{n}: 1")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let reply = rig.ask("GET", "/api/v1/me", &lines, "").await;
        assert_eq!(reply.status, status, "{extra}");
        let code = if status == 400 {
            "malformed_request"
        } else {
            ""
        };
        assert_eq!(reply.code(), code);
    }
}

#[tokio::test]
async fn bytes_of_headers() {
    let rig = Rig::with(small()).await;
    // Host and Authorization, as on the wire with their line ends.
    let given = "Host: api.test\r\n".len() + bearer(Who::Owner).len() + 2;
    for (total, status) in [(600, 200), (601, 400)] {
        let filler = format!("X: {}", "x".repeat(total - given - "X: \r\n".len()));
        let reply = rig.ask("GET", "/api/v1/me", &[&filler], "").await;
        assert_eq!(reply.status, status, "{total}");
    }
}

#[tokio::test]
async fn length_of_the_uri() {
    let rig = Rig::with(small()).await;
    for (length, status) in [(100, 200), (101, 400)] {
        let path = format!(
            "/api/v1/clients/{}",
            "x".repeat(length - "/api/v1/clients/".len())
        );
        let reply = rig.ask("GET", &path, &[], "").await;
        assert_eq!(reply.status, status, "{length}");
    }
}

#[tokio::test]
async fn what_hyper_refuses_is_bare() {
    let rig = Rig::start().await;
    let many: Vec<String> = (0..150).map(|n| format!("X-{n}: 1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(rig.ask("GET", "/api/v1/me", &many, "").await.status, 431);
    let long = format!("/{}", "x".repeat(65_535));
    assert_eq!(rig.ask("GET", &long, &[], "").await.status, 414);
    let refused = rig.ask("GET", "/api/v1/me", &["X : 1"], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (400, ""));
}

/// A JSON body of so many bytes.
fn json(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

#[tokio::test]
async fn bytes_of_the_body() {
    let rig = Rig::with(small()).await;
    for (bytes, status) in [(1000, 200), (1001, 413)] {
        let reply = rig
            .ask("POST", "/api/v1/clients", &[JSON], &json(bytes))
            .await;
        assert_eq!(reply.status, status, "{bytes}");
    }
    assert_eq!(rig.asked("resource").len(), 1);
    assert_eq!(rig.asked("resource")[0].body, json(1000));
}

#[tokio::test]
async fn bytes_of_a_chunked_body() {
    let rig = Rig::with(small()).await;
    for (bytes, status) in [(1000, 200), (1001, 413)] {
        let body = json(bytes);
        let (first, second) = body.split_at(400);
        let chunk = |part: &str| format!("{:x}\r\n{part}\r\n", part.len());
        let head = request(
            "POST",
            "/api/v1/clients",
            &[JSON, "Transfer-Encoding: chunked", &bearer(Who::Owner)],
            "",
        );
        let mut wire = rig.wire().await;
        wire.send(head + &chunk(first) + &chunk(second) + "0\r\n\r\n")
            .await;
        assert_eq!(wire.reply().await.unwrap().status, status, "{bytes}");
        if status == 413 {
            wire.closed().await;
        }
    }
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_not_read() {
    let rig = Rig::start().await;
    let head = request(
        "POST",
        "/api/v1/clients",
        &[JSON, "Content-Length: 1048577", &bearer(Who::Owner)],
        "",
    );
    let mut wire = rig.wire().await;
    // Not a byte of the body is sent, and the answer is there.
    wire.send(head).await;
    let reply = wire.reply().await.unwrap();
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (413, "body_too_large")
    );
    assert_eq!(reply.header("connection"), Some("close"));
    wire.closed().await;
}

#[tokio::test]
async fn an_answer_is_read_even_while_a_large_body_is_sent() {
    let rig = Rig::start().await;
    let reply = rig
        .ask("POST", "/api/v1/clients", &[JSON], &json(2 * 1024 * 1024))
        .await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn a_body_where_none_is_taken_is_bounded_too() {
    let rig = Rig::with(small()).await;
    assert_eq!(
        rig.ask("DELETE", "/api/v1/clients/x", &[], &json(1000))
            .await
            .status,
        200
    );
    assert_eq!(
        rig.ask("DELETE", "/api/v1/clients/x", &[], &json(1001))
            .await
            .status,
        413
    );
    assert_eq!(rig.asked("resource").len(), 1);
    assert!(rig.asked("resource")[0].body.is_empty());
}

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let rig = Rig::with(GatewaySettings {
        header_timeout: SHORT,
        idle_timeout: LONG,
        ..settings()
    })
    .await;
    rig.wire().await.closed().await;
}

#[tokio::test]
async fn half_a_head_is_closed() {
    let rig = Rig::with(GatewaySettings {
        header_timeout: SHORT,
        idle_timeout: LONG,
        ..settings()
    })
    .await;
    let mut wire = rig.wire().await;
    wire.send("GET /api/v1/me HTTP/1.1\r\nHost:").await;
    wire.closed().await;
}

#[tokio::test]
async fn a_dripping_head_is_closed_also_after_an_idle_wait() {
    let rig = Rig::with(GatewaySettings {
        header_timeout: SHORT,
        idle_timeout: LONG,
        ..settings()
    })
    .await;
    let mut wire = rig.wire().await;
    wire.send(request("GET", "/api/v1/me", &[&bearer(Who::Owner)], ""))
        .await;
    assert_eq!(wire.reply().await.unwrap().status, 200);
    // Idle for longer than a head may take: that is fine.
    assert!(!wire.closes_within(2 * SHORT).await);
    wire.send("GET /api/v1/me HTTP/1.1\r\nX: ").await;
    let mut drips = 0;
    while !wire.closes_within(SHORT / 10).await {
        wire.send("x").await;
        drips += 1;
    }
    assert!(drips < 100, "closed by the head's time, not by its bytes");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let rig = Rig::with(GatewaySettings {
        header_timeout: LONG,
        idle_timeout: SHORT,
        ..settings()
    })
    .await;
    let mut wire = rig.wire().await;
    wire.send(request("GET", "/api/v1/me", &[&bearer(Who::Owner)], ""))
        .await;
    assert_eq!(wire.reply().await.unwrap().status, 200);
    wire.closed().await;
}

#[tokio::test]
async fn a_slow_body_is_refused() {
    let rig = Rig::with(GatewaySettings {
        body_timeout: SHORT,
        ..settings()
    })
    .await;
    let lines = [JSON, "Content-Length: 100", &bearer(Who::Owner)];
    let mut wire = rig.wire().await;
    wire.send(request("POST", "/api/v1/clients", &lines, "") + "{")
        .await;
    let reply = wire.reply().await.unwrap();
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (400, "malformed_request")
    );
    wire.closed().await;
    assert!(rig.asked("resource").is_empty());
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_cut() {
    let rig = Rig::with(GatewaySettings {
        idle_timeout: SHORT,
        ..settings()
    })
    .await;
    let mut wire = rig.wire().await;
    let one = request("GET", "/api/openapi.json", &[], "");
    // More answers than the buffers of both sides hold, none of which is read.
    wire.send(one.repeat(300)).await;
    super::rig::until(|| rig.tasks() == 1).await;
    super::rig::until(|| rig.tasks() == 0).await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_and_closed() {
    let rig = Rig::with(GatewaySettings {
        max_connections: 1,
        ..settings()
    })
    .await;
    let mut first = rig.wire().await;
    first
        .send(request("GET", "/api/v1/me", &[&bearer(Who::Owner)], ""))
        .await;
    assert_eq!(first.reply().await.unwrap().status, 200);
    let mut second = rig.wire().await;
    let reply = second.reply().await.unwrap();
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (503, Some("1"))
    );
    second.closed().await;
    first.finish().await;
    first.closed().await;
    super::rig::until(|| rig.tasks() == 0).await;
    let mut third = rig.wire().await;
    third
        .send(request("GET", "/api/v1/me", &[&bearer(Who::Owner)], ""))
        .await;
    assert_eq!(third.reply().await.unwrap().status, 200);
}

#[tokio::test]
async fn an_address_does_not_hold_every_connection() {
    let of = |trusted| GatewaySettings {
        max_connections_per_address: 1,
        trusted_proxies: trusted,
        ..settings()
    };
    let me = request("GET", "/api/v1/me", &[&bearer(Who::Owner)], "");
    let rig = Rig::with(of(vec![])).await;
    let mut first = rig.wire().await;
    first.send(&me).await;
    assert_eq!(first.reply().await.unwrap().status, 200);
    let mut second = rig.wire().await;
    assert_eq!(second.reply().await.unwrap().status, 503);
    second.closed().await;
    first.finish().await;
    first.closed().await;
    super::rig::until(|| rig.tasks() == 0).await;
    assert_eq!(rig.send(&me).await.status, 200);

    let rig = Rig::with(of(vec!["127.0.0.0/8".parse().unwrap()])).await;
    let mut wires = [rig.wire().await, rig.wire().await];
    for wire in &mut wires {
        wire.send(&me).await;
        assert_eq!(wire.reply().await.unwrap().status, 200);
    }
}
