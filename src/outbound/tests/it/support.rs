//! Receivers on loopback that count who connects, and a resolver that says what a test wants.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use hoursmith_kit::{Task, spawn};
use hoursmith_outbound::{Answer, Client, Error, Limits, Policy, PoolKey, Post, Resolve};
use hoursmith_settings::OutboundSettings;
use http::{HeaderMap, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Who is calling.
pub(crate) const AGENT: HeaderValue = HeaderValue::from_static("Tester/1");

/// The longest that anything here may take; far beyond every limit that is tested.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An address that counts the connections to it, and treats each as the test says.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    _task: Task,
}

impl Receiver {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, serve)
    }

    pub(crate) fn on<F>(
        listener: TcpListener,
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let task = Task::start("receiver", async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                spawn("connection of a receiver", serve(stream));
            }
        });
        Self {
            address,
            accepted,
            _task: task,
        }
    }

    /// Answers every request with these bytes, and keeps the connection.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::start(answer_with(answer)).await
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }
}

/// Answers every request on a connection with these bytes.
pub(crate) fn answer_with(
    answer: impl Into<Vec<u8>>,
) -> impl Fn(TcpStream) -> BoxFuture<'static, ()> + Send + 'static {
    let answer: Arc<Vec<u8>> = Arc::new(answer.into());
    move |mut stream| {
        let answer = Arc::clone(&answer);
        Box::pin(async move {
            while read_request(&mut stream).await.is_some() {
                if tokio::io::AsyncWriteExt::write_all(&mut stream, &answer)
                    .await
                    .is_err()
                {
                    return;
                }
            }
        })
    }
}

/// One request as it came: head and body; nothing when the sender closed.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, Bytes)> {
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
    let length: usize = header(&head, "content-length").map_or(0, |text| text.parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, Bytes::copy_from_slice(&bytes[end..])))
}

/// The value of a header in a raw head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// Answers from a script: each question takes the next answer, and the last one stays.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    answers: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    pub(crate) asked: AtomicUsize,
}

impl Scripted {
    pub(crate) fn with(names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let addresses =
            |texts: &&[&str]| -> Vec<IpAddr> { texts.iter().map(|t| t.parse().unwrap()).collect() };
        let answers = names.iter().map(|(name, answers)| {
            let answers = answers.iter().map(addresses).collect();
            ((*name).to_owned(), answers)
        });
        Arc::new(Self {
            answers: Mutex::new(answers.collect()),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = answers.get_mut(name).map(|answers| {
            if answers.len() > 1 {
                answers.pop_front()
            } else {
                answers.front().cloned()
            }
            .unwrap_or_default()
        });
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// A resolver that never answers.
#[derive(Debug)]
pub(crate) struct Silent;

impl Resolve for Silent {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(std::future::pending())
    }
}

/// Settings that permit plain http and these networks.
pub(crate) fn permitting(networks: &[&str]) -> OutboundSettings {
    OutboundSettings {
        allow_http: true,
        allow_networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
        ca_file: None,
    }
}

/// Limits that hostile receivers exhaust at once. Connecting has time enough on a busy machine.
pub(crate) const SHORT: Limits = Limits {
    resolve: Duration::from_millis(300),
    connect: Duration::from_millis(600),
    total: Duration::from_millis(900),
    idle: Duration::from_secs(4),
};

/// A client and the policy that makes its targets.
pub(crate) struct Sender {
    pub(crate) policy: Policy,
    pub(crate) client: Client,
}

impl Sender {
    pub(crate) fn new(
        settings: &OutboundSettings,
        resolver: Arc<dyn Resolve>,
        limits: Limits,
    ) -> Self {
        Self {
            policy: Policy::new(settings),
            client: Client::new(settings, resolver, limits, AGENT).unwrap(),
        }
    }

    /// To loopback, in the product's own time.
    pub(crate) fn to_loopback() -> Self {
        Self::new(
            &permitting(&["127.0.0.0/8"]),
            Scripted::with(&[]),
            Limits::default(),
        )
    }

    pub(crate) async fn post(&self, url: &str, endpoint: u128) -> Result<Answer, Error> {
        self.send(url, endpoint, HeaderMap::new(), "{}").await
    }

    pub(crate) async fn send(
        &self,
        url: &str,
        endpoint: u128,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<Answer, Error> {
        let post = Post {
            target: self.policy.check(url)?,
            headers,
            body: body.into(),
            endpoint: PoolKey(endpoint),
        };
        tokio::time::timeout(PATIENCE, self.client.post(post))
            .await
            .expect("an answer or an error in bounded time")
    }
}
