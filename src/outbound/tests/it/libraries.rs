//! The libraries that receivers use, unmodified, take what is sent over a real socket: `stripe` of
//! PyPI and npm, `standardwebhooks` of PyPI, npm and crates.io.

use std::process::Stdio;

use hoursmith_domain::Timestamp;
use hoursmith_domain::webhook::{SigningSecrets, WebhookSecret};
use hoursmith_kit::{Clock as _, SystemClock};
use http::{HeaderMap, HeaderName, HeaderValue};
use standardwebhooks::Webhook;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::support::{Receiver, Sender, read_request};

const EVENT: &str = "evt_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b";
const BODY: &str = r#"{"id":"evt_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b","type":"invoice.sent","created_at":"2026-11-24T09:30:00Z","data":{"object":{"client":"Zoë – 日本","total":"1250.00"}}}"#;
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tools");

/// A receiver in another process; it ends with this value.
struct Process {
    _child: Child,
    url: String,
}

impl Process {
    async fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap();
        let port = port.expect("a receiver prints its port: were the tools installed?");
        Self {
            _child: child,
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    async fn python() -> Self {
        let mut command = Command::new("python3");
        let libraries = std::env::var_os("RECEIVER_PYTHONPATH")
            .expect("RECEIVER_PYTHONPATH: run `make tools` and source .tools/env");
        command
            .arg(format!("{TOOLS}/receivers/receiver.py"))
            .env("PYTHONPATH", libraries);
        Self::start(command).await
    }

    async fn node() -> Self {
        let mut command = Command::new("node");
        command.arg(format!("{TOOLS}/receivers/receiver.mjs"));
        Self::start(command).await
    }
}

/// The crate, in a receiver of this process.
async fn of_crates_io() -> Receiver {
    Receiver::start(|mut stream| async move {
        while let Some((head, body)) = read_request(&mut stream).await {
            let mut lines = head.lines();
            let target = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
            let mut headers = HeaderMap::new();
            for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
                let name: HeaderName = name.parse().unwrap();
                headers.append(name, HeaderValue::from_str(value).unwrap());
            }
            let url = Url::parse("http://receiver")
                .unwrap()
                .join(&target)
                .unwrap();
            let secret = url.query_pairs().next().unwrap().1.into_owned();
            let verified = Webhook::new(&secret).unwrap().verify(&body, &headers);
            let answer: &[u8] = match verified {
                Ok(()) => b"HTTP/1.1 204 No Content\r\n\r\n",
                Err(_) => b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
            };
            stream.write_all(answer).await.unwrap();
        }
    })
    .await
}

fn now_minus(seconds: i64) -> Timestamp {
    Timestamp::from_micros(SystemClock::new().now().as_micros() - seconds * 1_000_000)
}

fn secret(byte: u8) -> WebhookSecret {
    // Bytes whose base64 has every special character.
    WebhookSecret::generate(std::array::from_fn(|at| [byte, 0xff, 0xfb][at % 3]))
}

/// Sends a delivery that is signed by `secrets` at `at` to a receiver that holds `held`, and says
/// the status and words of the answer.
async fn deliver(
    url: &str,
    held: &WebhookSecret,
    secrets: &SigningSecrets,
    at: Timestamp,
    sent: &str,
) -> (u16, String) {
    let mut headers = HeaderMap::new();
    for (name, value) in secrets.sign(EVENT, at, BODY.as_bytes()).headers() {
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    let query = Serializer::new(String::new())
        .append_pair("secret", held.expose())
        .finish();
    let sender = Sender::to_loopback();
    let answer = sender
        .send(&format!("{url}?{query}"), 1, headers, sent.to_owned())
        .await
        .unwrap();
    let words = String::from_utf8(answer.body.to_vec()).unwrap();
    (answer.status.as_u16(), words)
}

/// What every library must do.
async fn verifies(url: &str) {
    let [old, new, other] = [1, 2, 3].map(secret);
    let one = SigningSecrets {
        current: old.clone(),
        previous: None,
    };
    let rotating = SigningSecrets {
        current: new.clone(),
        previous: Some(old.clone()),
    };
    let altered = BODY.replace("1250.00", "9250.00");
    let rewritten = BODY.replace(':', ": ");
    for (held, secrets, age, sent, status) in [
        (&old, &one, 0, BODY, 204),
        (&old, &rotating, 0, BODY, 204),
        (&new, &rotating, 0, BODY, 204),
        (&old, &one, 290, BODY, 204),
        (&other, &rotating, 0, BODY, 400),
        (&new, &one, 0, BODY, 400),
        (&old, &one, 0, &altered, 400),
        (&new, &rotating, 0, &rewritten, 400),
        (&old, &one, 400, BODY, 400),
    ] {
        let answer = deliver(url, held, secrets, now_minus(age), sent).await;
        assert_eq!(answer.0, status, "{url}, {age} s old: {}", answer.1);
    }
}

#[tokio::test]
async fn of_pypi() {
    let receiver = Process::python().await;
    verifies(&format!("{}/stripe", receiver.url)).await;
    verifies(&format!("{}/standardwebhooks", receiver.url)).await;
}

#[tokio::test]
async fn of_npm() {
    let receiver = Process::node().await;
    verifies(&format!("{}/stripe", receiver.url)).await;
    verifies(&format!("{}/standardwebhooks", receiver.url)).await;
}

#[tokio::test]
async fn the_crate() {
    let receiver = of_crates_io().await;
    verifies(&receiver.url()).await;
}
