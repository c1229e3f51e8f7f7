//! A client that says exactly what it is told and reads what comes.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than anything takes; a test that gets here has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            read: Vec::new(),
        }
    }

    /// Sends. The other side may have closed already: then the reply tells.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// The next reply; `None` when the connection is closed instead.
    pub(crate) async fn reply(&mut self) -> Option<Reply> {
        self.reply_to(true).await
    }

    /// The next reply, which is to a HEAD unless `with_body`.
    pub(crate) async fn reply_to(&mut self, with_body: bool) -> Option<Reply> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if self.more().await == 0 {
                assert!(self.read.is_empty(), "half a head: {:?}", self.read);
                return None;
            }
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let mut reply = Reply {
            status,
            headers,
            body: Vec::new(),
        };
        let length = reply
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        if with_body {
            while self.read.len() < length {
                assert_ne!(self.more().await, 0, "half a body");
            }
            reply.body = self.read.drain(..length).collect();
        }
        Some(reply)
    }

    /// Waits for the end of the connection. Whatever comes before is dropped.
    pub(crate) async fn closed(&mut self) {
        while self.more().await != 0 {}
    }

    /// Whether the connection ends within a time.
    pub(crate) async fn closes_within(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.closed()).await.is_ok()
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    async fn more(&mut self) -> usize {
        let mut buffer = vec![0u8; 16 * 1024];
        match tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await {
            Ok(Ok(count)) => {
                self.read.extend_from_slice(&buffer[..count]);
                count
            }
            Ok(Err(_reset)) => 0,
            Err(_) => panic!("neither a reply nor the end"),
        }
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem's code; empty where the body is no problem.
    pub(crate) fn code(&self) -> String {
        if self.header("content-type") != Some("application/problem+json") {
            return String::new();
        }
        self.json()["code"].as_str().unwrap().to_owned()
    }
}
