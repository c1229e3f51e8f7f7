//! Clients that leave, stages that panic or hang, overload, and the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hoursmith_bus::{Response, Verdict};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::rig::{Answers, Rig, Who, bearer, request, settings, until};
use crate::{GatewaySettings, Stopped};

const JSON: &str = "Content-Type: application/json";

/// A stage that waits until it is released, and counts.
#[derive(Default)]
struct Gate {
    entered: AtomicUsize,
    done: AtomicUsize,
    open: Notify,
}

impl Gate {
    fn answers(self: &Arc<Self>) -> Answers {
        let gate = Arc::clone(self);
        Arc::new(move |_| {
            let gate = Arc::clone(&gate);
            Box::pin(async move {
                let released = gate.open.notified();
                gate.entered.fetch_add(1, Ordering::SeqCst);
                released.await;
                gate.done.fetch_add(1, Ordering::SeqCst);
                Ok(Verdict::Respond(Response::json(200, "{}")))
            })
        })
    }
}

async fn gated(settings: GatewaySettings) -> (Rig, Arc<Gate>) {
    let mut rig = Rig::with(settings).await;
    let gate = Arc::new(Gate::default());
    rig.serve_with("resource", gate.answers()).await;
    (rig, gate)
}

#[tokio::test]
async fn a_write_goes_on_when_its_client_leaves() {
    let (rig, gate) = gated(settings()).await;
    let mut wire = rig.wire().await;
    wire.send(request(
        "POST",
        "/api/v1/clients",
        &[JSON, &bearer(Who::Owner)],
        "{}",
    ))
    .await;
    until(|| gate.entered.load(Ordering::SeqCst) == 1).await;
    drop(wire);
    // The connection is gone, the write is not.
    until(|| rig.tasks() == 1).await;
    gate.open.notify_waiters();
    until(|| gate.done.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn a_panic_is_answered_at_once() {
    let mut rig = Rig::start().await;
    let panicking: Answers = Arc::new(|_| Box::pin(async { panic!("a stage that panics") }));
    for stage in ["resource", "idempotency", "token-auth"] {
        rig.serve_with(stage, Arc::clone(&panicking)).await;
        let reply = rig
            .ask(
                "POST",
                "/api/v1/clients",
                &[JSON, "Idempotency-Key: k"],
                "{}",
            )
            .await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (500, "internal_error"),
            "{stage}"
        );
        assert!(!String::from_utf8_lossy(&reply.body).contains("panics"));
    }
}

#[tokio::test]
async fn a_hanging_actor_is_left_at_the_deadline() {
    let deadline = Duration::from_millis(300);
    let (rig, gate) = gated(GatewaySettings {
        deadline,
        ..settings()
    })
    .await;
    let reply = rig.ask("GET", "/api/v1/me", &[], "").await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (504, "deadline_exceeded")
    );
    assert_eq!(gate.entered.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn overload_is_refused_at_the_door() {
    let (rig, gate) = gated(GatewaySettings {
        max_concurrent_requests: 2,
        ..settings()
    })
    .await;
    let text = request("GET", "/api/v1/me", &[&bearer(Who::Owner)], "");
    let mut wires = Vec::new();
    for _ in 0..2 {
        let mut wire = rig.wire().await;
        wire.send(&text).await;
        wires.push(wire);
    }
    until(|| gate.entered.load(Ordering::SeqCst) == 2).await;
    rig.forget();
    let refused = rig.send(&text).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (503, "unavailable")
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(rig.stages_asked().is_empty());
    gate.open.notify_waiters();
    for mut wire in wires {
        assert_eq!(wire.reply().await.unwrap().status, 200);
    }
    let mut again = rig.wire().await;
    again.send(&text).await;
    until(|| gate.entered.load(Ordering::SeqCst) == 3).await;
    gate.open.notify_waiters();
    assert_eq!(again.reply().await.unwrap().status, 200);
}

#[tokio::test]
async fn stopping_answers_all_in_flight_and_lets_nobody_in() {
    let (rig, gate) = gated(settings()).await;
    let address = rig.address();
    let mut wires = Vec::new();
    for n in 0..200 {
        let mut wire = rig.wire().await;
        wire.send(match n % 2 {
            0 => request("GET", "/api/v1/me", &[&bearer(Who::Owner)], ""),
            _ => request(
                "POST",
                "/api/v1/clients",
                &[JSON, &bearer(Who::Owner)],
                "{}",
            ),
        })
        .await;
        wires.push(wire);
    }
    until(|| gate.entered.load(Ordering::SeqCst) == 200).await;
    let (gateway, _keep) = rig.split();
    let stopping = hoursmith_kit::spawn("stop", gateway.stop());
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    gate.open.notify_waiters();
    for wire in &mut wires {
        let reply = wire.reply().await.unwrap();
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("connection"), Some("close"));
        wire.closed().await;
    }
    assert_eq!(stopping.await.unwrap(), Stopped { cut: 0 });
}

#[tokio::test]
async fn stopping_cuts_what_does_not_finish() {
    let shutdown_timeout = Duration::from_millis(100);
    let (rig, gate) = gated(GatewaySettings {
        shutdown_timeout,
        ..settings()
    })
    .await;
    let mut idle = rig.wire().await;
    let mut busy = rig.wire().await;
    busy.send(request("GET", "/api/v1/me", &[&bearer(Who::Owner)], ""))
        .await;
    until(|| gate.entered.load(Ordering::SeqCst) == 1).await;
    let (gateway, _keep) = rig.split();
    assert_eq!(gateway.stop().await, Stopped { cut: 1 });
    assert!(busy.reply().await.is_none());
    idle.closed().await;
}
