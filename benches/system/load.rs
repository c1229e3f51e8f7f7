//! Load: `wrk` where requests are all alike, and a generator of our own where each has its body or
//! where the times of single requests count.

use std::net::SocketAddr;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use hoursmith_kit::{Clock as _, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// What `wrk` saw.
pub(crate) struct Wrk {
    pub(crate) per_second: f64,
    pub(crate) requests: u64,
}

/// Lets `wrk` ask for one thing, on 16 connections from one thread. Every answer must be 2xx.
pub(crate) async fn wrk(address: SocketAddr, path: &str, token: &str, time: Duration) -> Wrk {
    let mut command = Command::new("wrk");
    command
        .args(["-t1", "-c16", &format!("-d{}s", time.as_secs())])
        .args(["-H", &format!("Authorization: Bearer {token}")])
        .arg(format!("http://{address}{path}"));
    let output = tokio::task::spawn_blocking(move || command.output().expect("wrk is installed"));
    let output = output.await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for trouble in ["Non-2xx", "Socket errors"] {
        assert!(!text.contains(trouble), "{text}");
    }
    let after = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name));
    let requests = text
        .lines()
        .find(|line| line.contains(" requests in "))
        .unwrap();
    Wrk {
        per_second: after("Requests/sec:").unwrap().trim().parse().unwrap(),
        requests: requests.split_whitespace().next().unwrap().parse().unwrap(),
    }
}

/// When a run ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// After a time.
    Passed(Duration),
    /// After so many requests in all.
    Sent(u64),
}

/// What a run of our own generator saw.
pub(crate) struct Run {
    /// Of single requests, in ascending order.
    pub(crate) times: Vec<Duration>,
    pub(crate) took: Duration,
}

impl Run {
    /// Answers a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }

    /// The time within which half of the requests were answered.
    pub(crate) fn p50(&self) -> Duration {
        self.times[self.times.len() / 2]
    }

    /// The time within which 95 of 100 requests were answered.
    pub(crate) fn p95(&self) -> Duration {
        self.times[self.times.len() * 95 / 100]
    }
}

/// Sends requests, each connection the next one once it has its answer. `request` gets a number
/// of its own for each. Every answer must have the status.
pub(crate) async fn run(
    address: SocketAddr,
    connections: u64,
    until: Until,
    status: u16,
    request: impl Fn(u64) -> String + 'static,
) -> Run {
    let clock = Rc::new(SystemClock::new());
    let request = Rc::new(request);
    let local = LocalSet::new();
    let tasks: Vec<_> = (0..connections)
        .map(|number| {
            let (clock, request) = (Rc::clone(&clock), Rc::clone(&request));
            local.spawn_local(async move {
                let mut connection = Connection::open(address).await;
                let mut times = Vec::new();
                for turn in 0.. {
                    let done = match until {
                        Until::Passed(time) => clock.monotonic() >= time,
                        Until::Sent(all) => turn >= all / connections,
                    };
                    if done {
                        break;
                    }
                    let text = request(turn * connections + number);
                    let started = clock.monotonic();
                    let answer = connection.ask(&text).await;
                    times.push(clock.monotonic() - started);
                    assert_eq!(answer.status, status, "{text}\n{}", answer.body);
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    local
        .run_until(async {
            for task in tasks {
                times.append(&mut task.await.unwrap());
            }
        })
        .await;
    times.sort();
    Run {
        times,
        took: clock.monotonic(),
    }
}

/// Asks two servers in turn, request by request, so that what else the machine does meets both alike;
/// gives the time of each within which half of the requests were answered, which all must be with 200.
pub(crate) async fn in_turn(sides: [(SocketAddr, &str); 2], requests: usize) -> [Duration; 2] {
    let clock = SystemClock::new();
    let mut connections = [
        Connection::open(sides[0].0).await,
        Connection::open(sides[1].0).await,
    ];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..requests {
        for (number, (_, text)) in sides.iter().enumerate() {
            let started = clock.monotonic();
            let answer = connections[number].ask(text).await;
            times[number].push(clock.monotonic() - started);
            assert_eq!(answer.status, 200, "{text}\n{}", answer.body);
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}

/// Creates clients, one after each interval whatever becomes of the others, so that how long they take
/// changes nothing about how many come.
pub(crate) async fn steady_clients(
    address: SocketAddr,
    token: &str,
    name: &str,
    count: u64,
    every: Duration,
) {
    /// Each asks again long after it has its answer.
    const CONNECTIONS: u128 = 32;
    /// And before the server closes what is idle.
    const IDLE: Duration = Duration::from_secs(2);

    let clock = &SystemClock::new();
    let many = (IDLE.as_micros() / every.as_micros()).clamp(1, CONNECTIONS) as u64;
    let connections = (0..many).map(|first| async move {
        let mut connection = Connection::open(address).await;
        for number in (first..count).step_by(many as usize) {
            let at = every * u32::try_from(number).unwrap();
            tokio::time::sleep(at.saturating_sub(clock.monotonic())).await;
            let name = format!("{name} {number}");
            let (key, body) = (name.replace(' ', "-"), crate::writes::body(&name));
            let answer = connection
                .ask(&keyed_post("/api/v1/clients", token, &key, &body))
                .await;
            assert_eq!(answer.status, 201, "{}", answer.body);
        }
    });
    futures::future::join_all(connections).await;
}

/// The text of a GET.
pub(crate) fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// The text of a POST with a key.
pub(crate) fn keyed_post(path: &str, token: &str, key: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nidempotency-key: {key}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The status of a GET without a token.
pub(crate) async fn status(address: SocketAddr, path: &str) -> u16 {
    let text = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
    Connection::open(address).await.ask(&text).await.status
}

/// The text of a GET's answer, without a token.
pub(crate) async fn text(address: SocketAddr, path: &str) -> String {
    let text = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
    Connection::open(address).await.ask(&text).await.body
}

/// The body of an answer to one request.
pub(crate) async fn body(address: SocketAddr, text: &str) -> serde_json::Value {
    let answer = Connection::open(address).await.ask(text).await;
    serde_json::from_str(&answer.body).unwrap()
}

/// The bytes of an answer's body.
pub(crate) async fn size(address: SocketAddr, text: &str) -> usize {
    let answer = Connection::open(address).await.ask(text).await;
    assert_eq!(answer.status, 200, "{text}\n{}", answer.body);
    answer.body.len()
}

/// The cookie that an answer sets, as `name=value`.
pub(crate) async fn cookie(address: SocketAddr, text: &str) -> String {
    let answer = Connection::open(address).await.ask(text).await;
    let mut lines = answer.head.lines();
    let set = lines.find_map(|line| line.strip_prefix("set-cookie: "));
    let set = set.unwrap_or_else(|| panic!("no cookie: {}\n{}", answer.head, answer.body));
    set.split(';').next().unwrap().to_owned()
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// A connection that stays open.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::with_capacity(4096),
        }
    }

    /// Sends a request and reads its answer, which has a length.
    async fn ask(&mut self, text: &str) -> Answer {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.buffer.clear();
        let head_end = loop {
            assert_ne!(
                self.stream.read_buf(&mut self.buffer).await.unwrap(),
                0,
                "closed: {text}"
            );
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = String::from_utf8(self.buffer[..head_end].to_vec()).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let whole = head_end + length.map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < whole {
            assert_ne!(
                self.stream.read_buf(&mut self.buffer).await.unwrap(),
                0,
                "closed: {text}"
            );
        }
        Answer {
            status: head[9..12].parse().unwrap(),
            head,
            body: String::from_utf8(self.buffer[head_end..].to_vec()).unwrap(),
        }
    }
}
