//! An attempt is part of the trace that caused its event, and counts in the metrics.

use serde_json::json;

use super::{hasty_with, hook, on_both, until_settled};
use crate::metrics::{sample, until_sample};
use crate::otlp;
use crate::receivers::Receiver;
use crate::world::{Bus, Store, World};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4737";

on_both! {
    an_attempt_belongs_to_the_trace_of_its_event,
}

async fn an_attempt_belongs_to_the_trace_of_its_event(store: Store) {
    let collector = otlp::Receiver::start().await;
    let endpoint = collector.endpoint.clone();
    let mut world = World::start_with(Bus::Process, store, |settings| {
        hasty_with(settings, json!({}));
        settings.telemetry.otlp_endpoint = Some(endpoint);
        settings.request.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let org = world.org().await;
    let receiver = Receiver::answering(202).await;
    let hook = hook(&world, &org, &receiver.url(), &["client.created"]).await;
    let call = world.post("/api/v1/clients", &org.owner);
    let call = call.header("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"));
    call.json(&json!({"name": "Client"}))
        .send()
        .await
        .expect(201);
    until_settled(&world, &hook, 1).await;

    let metric =
        |outcome: &str| format!("hoursmith_webhook_attempts_total{{outcome=\"{outcome}\"}}");
    until_sample(world.admin_address, &metric("delivered"), 1.0).await;
    for (series, value) in [
        (metric("failed"), 0.0),
        ("hoursmith_webhook_oldest_due_seconds".to_owned(), 0.0),
    ] {
        assert_eq!(
            sample(world.admin_address, &series).await,
            Some(value),
            "{series}"
        );
    }
    for lane in ["prompt", "patient"] {
        let queue = format!("hoursmith_webhook_endpoints_due{{lane=\"{lane}\"}}");
        until_sample(world.admin_address, &queue, 0.0).await;
    }
    let proven = "hoursmith_webhook_endpoints{status=\"enabled\"}";
    until_sample(world.admin_address, proven, 1.0).await;

    assert_eq!(world.processes[0].terminate(), Some(0));
    let spans = collector.trace(TRACE);
    let attempts: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "webhook.attempt")
        .collect();
    let [attempt] = attempts[..] else {
        panic!("{attempts:#?}")
    };
    assert!(
        spans.iter().any(|span| span.id == attempt.parent),
        "it hangs below what wrote the event: {spans:#?}"
    );
    for (name, value) in [
        ("event.id", receiver.received()[0].event()),
        ("http.response.status_code", "202".to_owned()),
        ("webhook_endpoint.id", hook.id.to_string()),
    ] {
        assert_eq!(attempt.attribute(name), Some(value), "{name}");
    }
}
