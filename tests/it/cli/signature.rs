//! `verify-signature`, with the vectors that the libraries accept.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The vectors, and a folder for the secret.
struct Delivery {
    vectors: Value,
    folder: TempDir,
}

impl Delivery {
    fn new() -> Self {
        let text = include_str!("../../contract/signature-vectors.json");
        Self {
            vectors: serde_json::from_str(text).unwrap(),
            folder: TempDir::new().unwrap(),
        }
    }

    fn text(&self, name: &str) -> &str {
        self.vectors[name].as_str().unwrap()
    }

    /// Both families' headers during the rotation from A to B.
    fn headers(&self) -> Vec<String> {
        vec![
            format!(
                "Hoursmith-Signature: {}",
                self.text("hoursmith_signature_rotation_b_then_a")
            ),
            format!("webhook-id: {}", self.text("event_id")),
            "webhook-timestamp: 1767225600".to_owned(),
            format!(
                "webhook-signature: {}",
                self.text("webhook_signature_b_then_a")
            ),
        ]
    }

    /// Runs the program ten seconds after the delivery was signed, with the secret in a file.
    fn verify(&self, secret: &str, headers: &[String], body: &str) -> (Option<i32>, String) {
        let file = self.folder.path().join("secret");
        fs::write(&file, secret).unwrap();
        let mut command = program();
        command.arg("--secret-file").arg(&file);
        for header in headers {
            command.args(["--header", header]);
        }
        let output = with_input(command.args(["--at", "2026-01-01T00:00:10Z"]), body);
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(
            !out.contains("whsec_SG91"),
            "the secret is not shown: {out}"
        );
        (output.status.code(), out)
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoursmith"));
    command.env_clear().arg("verify-signature");
    command
}

fn with_input(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn a_good_delivery_is_good_with_either_secret() {
    let delivery = Delivery::new();
    for secret in ["secret_a", "secret_b"] {
        let secret = delivery.text(secret);
        assert_eq!(
            delivery.verify(secret, &delivery.headers(), delivery.text("body")),
            (
                Some(0),
                "ok     Hoursmith-Signature: signed 10 s before\n\
                 ok     webhook-signature: signed 10 s before\n"
                    .to_owned()
            )
        );
    }
}

#[test]
fn what_is_wrong_is_named() {
    let delivery = Delivery::new();
    let (secret, body) = (delivery.text("secret_a"), delivery.text("body"));
    let value: Value = serde_json::from_str(body).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let headers = delivery.headers();
    let spaced = vec![headers[0].replace(',', ", ")];
    let bare = secret.replace("whsec_", "");
    for (secret, headers, body, words) in [
        (
            secret,
            &headers,
            format!("{body}\n"),
            "the body has white space around it",
        ),
        (secret, &headers, pretty, "parsed and written again"),
        (
            secret,
            &headers,
            body.replace("1250.00", "9250.00"),
            "it does not fit",
        ),
        (
            &format!("{secret}\n"),
            &headers,
            body.to_owned(),
            "the secret has white space",
        ),
        (
            &bare,
            &headers,
            body.to_owned(),
            "the secret lacks `whsec_`",
        ),
        (
            secret,
            &spaced,
            body.to_owned(),
            "white space inside the header",
        ),
        (
            secret,
            &vec!["X: y".to_owned()],
            body.to_owned(),
            "none of the headers signs",
        ),
    ] {
        let (code, out) = delivery.verify(secret, headers, &body);
        assert_eq!(code, Some(1), "{out}");
        assert!(out.contains(words), "{words}: {out}");
    }
}

#[test]
fn without_a_moment_an_old_delivery_is_too_old() {
    let delivery = Delivery::new();
    let mut command = program();
    command
        .args(["--secret-env", "SECRET", "--header", &delivery.headers()[0]])
        .env("SECRET", delivery.text("secret_b"));
    let output = with_input(&mut command, delivery.text("body"));
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("s ago: too old"), "{out}");
    assert!(!out.contains("does not fit"), "{out}");

    let output = with_input(
        program().args(["--secret-env", "UNSET", "--header", "a: b"]),
        "",
    );
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        err,
        "error: variable UNSET: environment variable not found\n"
    );
}
