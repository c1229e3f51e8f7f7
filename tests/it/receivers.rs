//! Receivers of webhooks on loopback: real sockets that keep what comes and answer as a test says.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hoursmith_domain::Timestamp;
use hoursmith_kit::{Clock as _, SystemClock};
use hyper::body::Bytes;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Far more than anything takes; what never comes must end the test.
pub const LONGEST: Duration = Duration::from_secs(60);

/// How many deliveries any receiver has taken: the pace of those that drip.
static TAKEN: LazyLock<watch::Sender<u64>> = LazyLock::new(watch::Sender::default);

/// A delivery as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// When it was whole.
    pub at: Timestamp,
}

/// How a receiver answers its nth delivery, from 0.
type Answers = Arc<dyn Fn(usize) -> String + Send + Sync>;

/// An address that takes deliveries. Gone when dropped.
#[derive(Debug)]
pub struct Receiver {
    pub address: SocketAddr,
    received: watch::Sender<Vec<Received>>,
    task: JoinHandle<()>,
}

/// What a receiver does that nobody should have to wait for.
#[derive(Debug, Clone, Copy)]
pub enum Hostile {
    /// Takes the connection and says nothing.
    Hangs,
    /// Answers byte by byte: one whenever somebody has taken a delivery.
    Drips,
    /// Answers with a body without an end.
    Endless,
    /// Speaks no TLS where TLS is asked for, and never will.
    BadTls,
    /// Sends elsewhere.
    Redirects,
    /// Answers with a mebibyte of headers.
    Headers,
}

pub const HOSTILE: [Hostile; 6] = [
    Hostile::Hangs,
    Hostile::Drips,
    Hostile::Endless,
    Hostile::BadTls,
    Hostile::Redirects,
    Hostile::Headers,
];

impl Received {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no {name} in {self:?}")).1
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The id of the event, which is the delivery's as well.
    pub fn event(&self) -> String {
        self.header("webhook-id").to_owned()
    }
}

impl Receiver {
    /// Answers everything with a status.
    pub async fn answering(status: u16) -> Self {
        Self::start(move |_| answer(status, "")).await
    }

    /// Answers the nth delivery, from 0, with these bytes; nothing ends the connection.
    pub async fn start(answers: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        let answers: Answers = Arc::new(answers);
        Self::serve(move |mut stream, received| {
            let answers = Arc::clone(&answers);
            async move {
                while let Some(delivery) = read(&mut stream).await {
                    let answer = answers(keep(&received, delivery));
                    if answer.is_empty() || stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await
    }

    /// Does what no receiver should.
    pub async fn hostile(what: Hostile) -> Self {
        Self::serve(move |mut stream, received| async move {
            if !matches!(what, Hostile::BadTls) {
                let Some(delivery) = read(&mut stream).await else {
                    return;
                };
                keep(&received, delivery);
            }
            match what {
                Hostile::Hangs => {
                    // Until the other side gives up.
                    let mut rest = [0; 64];
                    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                }
                Hostile::Drips => {
                    let mut taken = TAKEN.subscribe();
                    for byte in answer(200, &"x".repeat(10_000)).into_bytes() {
                        if stream.write_all(&[byte]).await.is_err() {
                            return;
                        }
                        taken.changed().await.unwrap();
                    }
                }
                Hostile::Endless => {
                    let head = "HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n";
                    let mut more = stream.write_all(head.as_bytes()).await;
                    while more.is_ok() {
                        more = stream.write_all(b"4\r\nmore\r\n").await;
                    }
                }
                Hostile::BadTls => {
                    let _ = stream.write_all(b"220 mail.example ESMTP\r\n").await;
                    let mut rest = [0; 512];
                    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                }
                Hostile::Redirects => {
                    let elsewhere = "HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:1/\r\n\
                                     content-length: 0\r\n\r\n";
                    let _ = stream.write_all(elsewhere.as_bytes()).await;
                }
                Hostile::Headers => {
                    let line = format!("x-more: {}\r\n", "y".repeat(1_000));
                    let head = format!("HTTP/1.1 200 OK\r\n{}", line.repeat(1_040));
                    let _ = stream.write_all(head.as_bytes()).await;
                }
            }
        })
        .await
    }

    async fn serve<F>(
        take: impl Fn(TcpStream, watch::Sender<Vec<Received>>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = watch::Sender::new(Vec::new());
        let kept = received.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(take(stream, kept.clone()));
            }
        });
        Self {
            address,
            received,
            task,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// All that has come so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.borrow().clone()
    }

    /// Waits until so many have come, and gives all.
    pub async fn until(&self, count: usize) -> Vec<Received> {
        let mut received = self.received.subscribe();
        let enough = received.wait_for(|all| all.len() >= count);
        let waited = tokio::time::timeout(LONGEST, enough).await;
        if waited.is_err() {
            panic!(
                "{} of {count} deliveries came",
                self.received.borrow().len()
            );
        }
        self.received()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with a text.
pub fn answer(status: u16, text: &str) -> String {
    with_header(status, "x-by: receiver", text)
}

/// An answer with a header of the test's own.
pub fn with_header(status: u16, header: &str, text: &str) -> String {
    let length = text.len();
    format!("HTTP/1.1 {status} X\r\n{header}\r\ncontent-length: {length}\r\n\r\n{text}")
}

/// Keeps a delivery and gives its number, from 0.
fn keep(received: &watch::Sender<Vec<Received>>, delivery: Received) -> usize {
    let mut number = 0;
    received.send_modify(|all| {
        number = all.len();
        all.push(delivery);
    });
    TAKEN.send_modify(|taken| *taken += 1);
    number
}

/// One request; nothing when the sender closed.
async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /hook HTTP/1.1"));
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, text)| text.parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received {
        headers,
        body: Bytes::copy_from_slice(&bytes[end..end + length]),
        at: SystemClock::new().now(),
    })
}
