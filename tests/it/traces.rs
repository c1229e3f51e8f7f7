//! One request is one trace, from the gateway to each statement, however many processes it takes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::otlp::{Receiver, Span};
use crate::world::{Bus, Store, World, generous};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Whether whoever calls is trusted to say which trace it is in.
#[derive(Clone, Copy, PartialEq)]
enum From {
    Proxy,
    Stranger,
}

/// Sends a keyed POST as part of that trace and one that begins a trace of its own, then ends the
/// deployment, so that every span is sent.
async fn record(bus: Bus, store: Store, from: From) -> Receiver {
    let receiver = Receiver::start().await;
    let endpoint = receiver.endpoint.clone();
    let mut world = World::start_with(bus, store, |settings| {
        generous(settings);
        settings.telemetry.otlp_endpoint = Some(endpoint);
        if from == From::Proxy {
            settings.request.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        }
    })
    .await;
    let org = world.org().await;
    let post = |name: &str| {
        let call = world.post("/api/v1/clients", &org.owner).key(name);
        call.json(&json!({ "name": name }))
    };
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    post("first")
        .header("traceparent", &traceparent)
        .send()
        .await
        .expect(201);
    post("second").send().await.expect(201);
    // Whoever calls has said that this one is not recorded.
    let unrecorded = traceparent
        .replace(TRACE, &TRACE.replace('4', "5"))
        .replace("-01", "-00");
    post("third")
        .header("traceparent", &unrecorded)
        .send()
        .await
        .expect(201);
    // The gateway first, then those that it asks.
    for process in world.processes.iter_mut().rev() {
        assert_eq!(process.terminate(), Some(0));
    }
    receiver
}

/// Checks that the spans are one tree and gives its root.
fn root_of<'a>(spans: &'a [Span], parent: &str) -> &'a Span {
    let ids: BTreeSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids.len(), spans.len(), "every span is sent once");
    let roots: Vec<&Span> = spans
        .iter()
        .filter(|span| !ids.contains(span.parent.as_str()))
        .collect();
    let [root] = roots[..] else {
        panic!("{} roots: {roots:#?}", roots.len())
    };
    assert_eq!(root.parent, parent);
    assert_eq!(
        (root.name.as_str(), root.component.as_str()),
        ("http.request", root.component.as_str())
    );
    root
}

/// The names from the root to a span, both included.
fn way_to<'a>(spans: &'a [Span], span: &'a Span) -> Vec<&'a str> {
    let by_id: BTreeMap<&str, &Span> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    let mut way = Vec::new();
    let mut next = Some(span);
    while let Some(span) = next {
        way.push(span.name.as_str());
        next = by_id.get(span.parent.as_str()).copied();
    }
    way.reverse();
    way
}

/// Each stage below the gateway's question to it, and each statement below its stage.
fn check_request(spans: &[Span], parent: &str, component_of: impl Fn(&str) -> String) {
    let root = root_of(spans, parent);
    assert_eq!(root.component, component_of("gateway"));
    assert_eq!(
        root.attribute("http.request.method").as_deref(),
        Some("POST")
    );
    assert_eq!(
        root.attribute("http.route").as_deref(),
        Some("/api/v1/clients")
    );
    assert_eq!(
        root.attribute("http.response.status_code").as_deref(),
        Some("201")
    );
    let request = root.attribute("request.id").unwrap();
    for (stage, asked) in [
        ("token-auth", "token-auth"),
        ("rate-limiter", "rate-limiter"),
        ("idempotency", "idempotency"),
        ("resource", "actor"),
    ] {
        let of_stage: Vec<&Span> = spans
            .iter()
            .filter(|span| span.name == stage && span.attribute("request.id").is_some())
            .collect();
        let [span] = of_stage[..] else {
            panic!("{stage}: {of_stage:#?}")
        };
        assert_eq!(way_to(spans, span), ["http.request", asked, stage]);
        assert_eq!(span.component, component_of(stage));
        assert_eq!(span.attribute("request.id"), Some(request.clone()));
        let subject = span.attribute("messaging.destination.name").unwrap();
        assert!(
            subject.starts_with(&format!("hoursmith.v1.{stage}.")),
            "{subject}"
        );
    }
    let mut statements: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for span in spans.iter().filter(|span| span.name == "db.statement") {
        let way = way_to(spans, span);
        assert_eq!(way.len(), 4, "{way:?}");
        assert_eq!(span.component, component_of(way[2]));
        let name = span.attribute("db.operation.name").unwrap();
        statements.entry(way[2].to_owned()).or_default().push(name);
    }
    let stages: Vec<&str> = statements.keys().map(String::as_str).collect();
    assert_eq!(
        stages,
        ["idempotency", "resource", "token-auth"],
        "{statements:?}"
    );
    assert_eq!(statements["token-auth"], ["FIND_TOKEN"]);
    assert_eq!(statements["idempotency"], ["FIND_IDEMPOTENCY"]);
    for name in [
        "CLAIM_IDEMPOTENCY",
        "INSERT_CLIENT",
        "APPEND_EVENT",
        "COMPLETE_IDEMPOTENCY",
    ] {
        let count = statements["resource"]
            .iter()
            .filter(|found| *found == name)
            .count();
        assert_eq!(count, 1, "{name} in {statements:?}");
    }
}

fn check(receiver: &Receiver, component_of: impl Fn(&str) -> String) {
    check_request(&receiver.trace(TRACE), PARENT, &component_of);
    let all = receiver.all();
    let requests: Vec<&Span> = all
        .iter()
        .filter(|span| span.name == "http.request")
        .collect();
    let own: Vec<&&Span> = requests.iter().filter(|span| span.trace != TRACE).collect();
    let [own] = own[..] else {
        panic!("the second request alone has a trace of its own: {own:#?}")
    };
    check_request(&receiver.trace(&own.trace), "", &component_of);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_trace_in_one_process() {
    let receiver = record(Bus::Process, Store::Sqlite, From::Proxy).await;
    check(&receiver, |_| "hoursmith".to_owned());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_trace_through_five_processes() {
    let receiver = record(Bus::Split, Store::Postgres, From::Proxy).await;
    check(&receiver, str::to_owned);
    let components: BTreeSet<String> = receiver
        .trace(TRACE)
        .into_iter()
        .map(|span| span.component)
        .collect();
    assert_eq!(components.len(), 5, "{components:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_decides_about_no_trace() {
    let receiver = record(Bus::Process, Store::Sqlite, From::Stranger).await;
    assert!(
        receiver.trace(TRACE).is_empty(),
        "it is no part of the stranger's trace"
    );
    let all = receiver.all();
    let requests: Vec<&Span> = all
        .iter()
        .filter(|span| span.name == "http.request")
        .collect();
    assert_eq!(
        requests.len(),
        3,
        "and is recorded whatever the stranger says: {requests:#?}"
    );
    for request in requests {
        check_request(&receiver.trace(&request.trace), "", |_| {
            "hoursmith".to_owned()
        });
    }
}
