//! Receivers that mean harm, or fail in the ways that receivers fail: each costs bounded time and
//! memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hoursmith_outbound::{Answer, Error, MAX_BODY_BYTES, Phase};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::interval;

use crate::support::{Receiver, SHORT, Scripted, Sender, Silent, permitting, read_request};

/// What a sender with short limits makes of a receiver. How long it waits is bounded by `Sender`.
async fn meet<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Result<Answer, Error>
where
    F: Future<Output = ()> + Send + 'static,
{
    let receiver = Receiver::start(serve).await;
    sender().post(&receiver.url(), 1).await
}

fn sender() -> Sender {
    Sender::new(&permitting(&["127.0.0.0/8"]), Scripted::with(&[]), SHORT)
}

/// Writes the same over and over until the other side closes; says how much it got rid of.
async fn pour(stream: &mut TcpStream, bytes: &[u8], poured: &AtomicUsize) {
    while stream.write_all(bytes).await.is_ok() {
        poured.fetch_add(bytes.len(), Ordering::SeqCst);
    }
}

/// Writes a byte every few milliseconds until the other side closes.
async fn drip(stream: &mut TcpStream) {
    let mut ticks = interval(Duration::from_millis(5));
    while stream.write_all(b"x").await.is_ok() {
        ticks.tick().await;
    }
}

/// A receiver that writes a beginning and then the same over and over.
async fn endless(start: &'static [u8], more: &'static [u8]) -> (Result<Answer, Error>, usize) {
    let poured = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&poured);
    let result = meet(move |mut stream| {
        let poured = Arc::clone(&count);
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(start).await;
            pour(&mut stream, more, &poured).await;
        }
    })
    .await;
    (result, poured.load(Ordering::SeqCst))
}

/// What the kernel's buffers of both sides may hold of what nobody reads.
const BUFFERS: usize = 16 * 1024 * 1024;

#[tokio::test]
async fn a_receiver_that_never_accepts_or_never_answers_costs_its_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let error = sender().post(&url, 1).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Answer)), "{error:?}");

    let silent =
        meet(|mut stream| async move { while read_request(&mut stream).await.is_some() {} }).await;
    assert_eq!(silent.unwrap_err().word(), "timeout");
}

#[tokio::test]
async fn a_silent_handshake_costs_the_time_of_connecting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let error = sender().post(&url, 1).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Connect)), "{error:?}");
}

#[tokio::test]
async fn silent_and_empty_names_end() {
    let settings = permitting(&["127.0.0.0/8"]);
    let silent = Sender::new(&settings, Arc::new(Silent), SHORT);
    let error = silent.post("http://slow.example/", 1).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Resolve)), "{error:?}");

    let resolver = Scripted::with(&[("empty.example", &[&[]])]);
    let sender = Sender::new(&settings, resolver, SHORT);
    for name in ["empty.example", "unknown.example"] {
        let error = sender
            .post(&format!("http://{name}/"), 1)
            .await
            .unwrap_err();
        assert_eq!(error.word(), "dns");
    }
}

#[tokio::test]
async fn a_closed_port_is_a_failed_connection_and_the_next_address_is_tried() {
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let port = receiver.address.port();
    let error = sender()
        .post(&format!("http://127.0.0.3:{port}/"), 1)
        .await
        .unwrap_err();
    assert_eq!(error.word(), "connect");

    let resolver = Scripted::with(&[("two.example", &[&["127.0.0.3", "127.0.0.1"]])]);
    let sender = Sender::new(&permitting(&["127.0.0.0/8"]), resolver, SHORT);
    let answer = sender.post(&format!("http://two.example:{port}/"), 1).await;
    let answer = answer.unwrap();
    assert_eq!(
        (answer.status.as_u16(), answer.peer),
        (204, receiver.address)
    );
}

#[tokio::test]
async fn a_dripping_head_costs_its_time() {
    let error = meet(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
        drip(&mut stream).await;
    })
    .await
    .unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Answer)), "{error:?}");
}

#[tokio::test]
async fn a_dripping_body_is_cut_off_and_its_status_counts() {
    let answer = meet(|mut stream| async move {
        read_request(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
        let _ = stream.write_all(head).await;
        drip(&mut stream).await;
    })
    .await
    .unwrap();
    assert_eq!(answer.status, 200);
    assert!(!answer.is_whole && answer.body.iter().all(|byte| *byte == b'x'));
}

#[tokio::test]
async fn an_endless_body_is_read_up_to_its_bound() {
    let zeros: &[u8] = &[b'0'; 65_536];
    let chunk = b"10000\r\n";
    let mut chunked = Vec::from(chunk);
    chunked.extend_from_slice(zeros);
    chunked.extend_from_slice(b"\r\n");
    let chunked: &'static [u8] = chunked.leak();
    for (head, more) in [
        (&b"HTTP/1.1 200 OK\r\n\r\n"[..], zeros),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            zeros,
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            chunked,
        ),
    ] {
        let (answer, poured) = endless(head, more).await;
        let answer = answer.unwrap();
        assert_eq!(
            (answer.body.len(), answer.is_whole),
            (MAX_BODY_BYTES, false)
        );
        assert!(poured < BUFFERS, "{poured}");
    }
}

#[tokio::test]
async fn a_head_over_its_bound_is_refused_whole_or_in_pieces() {
    let one_long = format!(
        "HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n",
        "y".repeat(1_048_576)
    );
    let just_over = format!(
        "HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n",
        "y".repeat(hoursmith_outbound::MAX_HEAD_BYTES)
    );
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(1_000));
    for head in [one_long, just_over, many] {
        let receiver = Receiver::answering(head).await;
        let error = sender().post(&receiver.url(), 1).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge), "{error:?}");
    }
    let (error, poured) =
        endless(b"HTTP/1.1 200 OK\r\n", b"x: yyyyyyyyyyyyyyyyyyyyyyyyyy\r\n").await;
    assert_eq!(error.unwrap_err().word(), "too_large");
    assert!(poured < BUFFERS, "{poured}");

    let under = format!(
        "HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n",
        "y".repeat(15_000)
    );
    let receiver = Receiver::answering(under).await;
    assert_eq!(sender().post(&receiver.url(), 1).await.unwrap().status, 200);
}

#[tokio::test]
async fn endless_preliminaries_and_trailers_end() {
    let (early, _) = endless(b"", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n").await;
    assert_eq!(early.unwrap_err().word(), "timeout");

    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (late, poured) = endless(chunked, b"0\r\ntrailer: x\r\n").await;
    assert!(!late.unwrap().is_whole);
    assert!(poured < BUFFERS, "{poured}");

    let extension = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;";
    let (extended, poured) = endless(extension, b"extension=extension;").await;
    assert!(!extended.unwrap().is_whole);
    assert!(poured < BUFFERS, "{poured}");
}

#[tokio::test]
async fn what_is_no_http_or_breaks_off_is_a_protocol_error() {
    for answer in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"\0\0\0\0\0\0\0\0",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        b"HTTP/1.1 200",
        b"",
    ] {
        let error = meet(move |mut stream| async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(answer).await;
        })
        .await
        .unwrap_err();
        assert_eq!(error.word(), "protocol", "{:?}", answer.escape_ascii());
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_status() {
    let answer = meet(|mut stream| async move {
        read_request(&mut stream).await;
        let head = b"HTTP/1.1 500 Oops\r\ncontent-length: 100\r\n\r\nhalf";
        let _ = stream.write_all(head).await;
    })
    .await
    .unwrap();
    assert_eq!(answer.status, 500);
    assert_eq!(
        (answer.body.as_ref(), answer.is_whole),
        (&b"half"[..], false)
    );
}

#[tokio::test]
async fn nothing_is_decompressed() {
    // The head of a gzip stream that would be larger by a thousand times.
    let body = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xec, 0xc1];
    let mut answer =
        Vec::from(&b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 12\r\n\r\n"[..]);
    answer.extend_from_slice(&body);
    let receiver = Receiver::answering(answer).await;
    let answer = sender().post(&receiver.url(), 1).await.unwrap();
    assert_eq!((answer.body.as_ref(), answer.is_whole), (&body[..], true));
}

#[tokio::test]
async fn a_receiver_that_reads_nothing_costs_its_time() {
    let receiver = Receiver::start(|stream| async move {
        // Holds the connection, and reads nothing, until the sender has gone.
        let mut ticks = interval(Duration::from_millis(5));
        while stream.writable().await.is_ok() && stream.try_write(b"").is_ok() {
            ticks.tick().await;
            if stream.peek(&mut [0]).await.is_err() {
                return;
            }
        }
    })
    .await;
    let large = vec![b'x'; 32 * 1024 * 1024];
    let headers = http::HeaderMap::new();
    let error = sender()
        .send(&receiver.url(), 1, headers, large)
        .await
        .unwrap_err();
    assert_eq!(error.word(), "timeout");
}
