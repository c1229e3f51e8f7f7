//! What goes over the wire, and when a connection is used again.

use std::sync::Arc;
use std::time::Duration;

use hoursmith_outbound::Limits;
use http::{HeaderMap, HeaderValue};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use crate::support::{AGENT, Receiver, Scripted, Sender, header, permitting, read_request};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn the_request_is_what_was_asked_for_to_the_byte() {
    let (got, mut requests) = mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut stream| {
        let got = got.clone();
        async move {
            while let Some(request) = read_request(&mut stream).await {
                got.send(request).unwrap();
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    let port = receiver.address.port();
    let resolver = Scripted::with(&[("hooks.example.com", &[&["127.0.0.1"]])]);
    let sender = Sender::new(&permitting(&["127.0.0.1/32"]), resolver, Limits::default());
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", HeaderValue::from_static("evt_1"));
    headers.insert("host", HeaderValue::from_static("other.example"));
    let body = "{\"name\": \"Zoë\" }\r\n\0";
    let url = format!("http://hooks.example.com:{port}/a/b?x=1&y=%20ü");
    let answer = sender.send(&url, 1, headers, body).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!((answer.body.as_ref(), answer.is_whole), (&b"ok"[..], true));

    let (head, sent) = requests.recv().await.unwrap();
    assert_eq!(sent, body.as_bytes());
    assert!(
        head.starts_with("POST /a/b?x=1&y=%20%C3%BC HTTP/1.1\r\n"),
        "{head}"
    );
    assert_eq!(
        header(&head, "host"),
        Some(format!("hooks.example.com:{port}").as_str())
    );
    assert_eq!(header(&head, "webhook-id"), Some("evt_1"));
    assert_eq!(header(&head, "user-agent"), AGENT.to_str().ok());
    assert_eq!(
        header(&head, "content-length"),
        Some(body.len().to_string().as_str())
    );
    for absent in [
        "accept-encoding",
        "transfer-encoding",
        "connection",
        "cookie",
    ] {
        assert_eq!(header(&head, absent), None, "{absent}");
    }
}

#[tokio::test]
async fn a_connection_serves_its_endpoint_and_no_other() {
    let receiver = Receiver::answering(OK).await;
    let sender = Sender::to_loopback();
    for _ in 0..3 {
        sender.post(&receiver.url(), 1).await.unwrap();
    }
    assert_eq!(receiver.accepted(), 1);
    sender.post(&receiver.url(), 2).await.unwrap();
    assert_eq!(receiver.accepted(), 2);
}

#[tokio::test]
async fn connections_in_parallel_are_kept_up_to_a_bound() {
    let receiver = Receiver::answering(OK).await;
    let sender = Sender::to_loopback();
    let parallel = || async {
        let url = receiver.url();
        let posts = (0..8).map(|_| sender.post(&url, 1));
        for answer in futures::future::join_all(posts).await {
            assert_eq!(answer.unwrap().status, 200);
        }
    };
    parallel().await;
    let first = receiver.accepted();
    parallel().await;
    // Two of each endpoint are kept.
    assert!(receiver.accepted() >= first + 6, "{}", receiver.accepted());
}

#[tokio::test]
async fn a_connection_that_the_receiver_closes_is_replaced() {
    for last in [
        // It says so, is too old to keep it, or ends its body by it.
        &b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"[..],
        b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    ] {
        let receiver = Receiver::start(move |mut stream| async move {
            read_request(&mut stream).await;
            stream.write_all(last).await.unwrap();
        })
        .await;
        let sender = Sender::to_loopback();
        for sent in 1..=3 {
            let answer = sender.post(&receiver.url(), 1).await.unwrap();
            assert!(answer.is_whole);
            assert_eq!(receiver.accepted(), sent);
        }
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time() {
    let (closed, mut ends) = mpsc::unbounded_channel();
    let closed = Arc::new(closed);
    let receiver = Receiver::start(move |mut stream| {
        let closed = Arc::clone(&closed);
        async move {
            while read_request(&mut stream).await.is_some() {
                stream.write_all(OK).await.unwrap();
            }
            closed.send(()).unwrap();
        }
    })
    .await;
    let limits = Limits {
        idle: Duration::from_millis(40),
        ..Limits::default()
    };
    let sender = Sender::new(&permitting(&["127.0.0.0/8"]), Scripted::with(&[]), limits);
    sender.post(&receiver.url(), 1).await.unwrap();
    let end = tokio::time::timeout(crate::support::PATIENCE, ends.recv()).await;
    assert_eq!(end.unwrap(), Some(()));
}
