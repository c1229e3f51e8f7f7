//! The snippets that the app shows for verifying deliveries, run as they are shown on the vectors that
//! all libraries agree on.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a fault in a test's helper ends the test"
)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const VECTORS: &str = include_str!("../../../tests/contract/signature-vectors.json");
const VERIFIED: &str = "verified";
const WRONG: &str = "the signature is wrong";
const OLD: &str = "the delivery is too old";

/// What came, with what it was verified, and what must be said of it.
fn cases() -> Vec<(Value, &'static str)> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let text = |name: &str| vectors[name].as_str().unwrap();
    let signed_at = vectors["timestamp"].as_i64().unwrap();
    let altered = text("body").replace("1250.00", "9250.00");
    let case = |signatures: &str, secret: &str, body: &str, age: i64| {
        json!({
            "headers": {
                "webhook-id": text("event_id"),
                "webhook-timestamp": signed_at.to_string(),
                "webhook-signature": signatures,
            },
            "body": body,
            "secret": secret,
            "now": signed_at + age,
        })
    };
    let (a, b) = (text("secret_a"), text("secret_b"));
    let (one, both) = (
        text("webhook_signature_a"),
        text("webhook_signature_b_then_a"),
    );
    let body = text("body");
    let without = |header: &str| {
        let mut case = case(one, a, body, 10);
        case["headers"].as_object_mut().unwrap().remove(header);
        case
    };
    vec![
        (case(one, a, body, 10), VERIFIED),
        (case(both, a, body, 10), VERIFIED),
        (case(both, b, body, 10), VERIFIED),
        (case(one, a, body, 300), VERIFIED),
        (case(one, a, body, -300), VERIFIED),
        (case(one, b, body, 10), WRONG),
        (case(one, a, &altered, 10), WRONG),
        (case("", a, body, 10), WRONG),
        (case("v1,", a, body, 10), WRONG),
        (case(&one.replace("v1,", "v2,"), a, body, 10), WRONG),
        (without("webhook-id"), WRONG),
        (without("webhook-timestamp"), WRONG),
        (without("webhook-signature"), WRONG),
        (case(one, a, body, 301), OLD),
        (case(one, a, body, -301), OLD),
    ]
}

/// Runs a snippet on all cases.
fn run(program: &str, harness: &str) {
    let mut child = Command::new(program)
        .arg(format!("{ROOT}/tests/tools/receivers/{harness}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let cases = cases();
    let mut lines = child.stdin.take().unwrap();
    for (case, _) in &cases {
        writeln!(lines, "{case}").unwrap();
    }
    drop(lines);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{harness}: {output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Vec<&str> = said.lines().collect();
    let expected: Vec<&str> = cases.iter().map(|(_, expected)| *expected).collect();
    assert_eq!(said, expected, "{harness}");
}

#[test]
fn for_node() {
    run("node", "snippet.mjs");
}

#[test]
fn for_python() {
    run("python3", "snippet.py");
}
