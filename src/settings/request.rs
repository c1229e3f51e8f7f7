//! The bounds of one HTTP request and of all of them together.

use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds of the HTTP server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequestSettings {
    /// Time for a whole request, from its head to its answer, in milliseconds. Past it: 504, and
    /// nothing works on it any more. With `nats_url`, at most 25000.
    #[schemars(range(min = 100, max = 300_000))]
    pub deadline_ms: u64,
    /// Time to receive a request's head, in milliseconds. Past it the connection is closed.
    #[schemars(range(min = 100, max = 60_000))]
    pub header_timeout_ms: u64,
    /// Time to receive a request's body, in milliseconds. Past it: 400.
    #[schemars(range(min = 100, max = 300_000))]
    pub body_timeout_ms: u64,
    /// Time that a connection may wait for its next request, in milliseconds.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub idle_timeout_ms: u64,
    /// Size of a request's head, in bytes. Beyond, the request is refused.
    #[schemars(range(min = 8_192, max = 1_048_576))]
    pub max_header_bytes: usize,
    /// Number of a request's headers. Beyond, the request is refused.
    #[schemars(range(min = 16, max = 1_024))]
    pub max_headers: usize,
    /// Length of a request's path and query, in bytes. Beyond, the request is refused.
    #[schemars(range(min = 256, max = 65_534))]
    pub max_uri_bytes: usize,
    /// Size of a request's body, in bytes. Beyond: 413. The bus carries no more than 1 MiB.
    #[schemars(range(min = 1_024, max = 1_048_576))]
    pub max_body_bytes: usize,
    /// Open connections. Beyond, a new one is answered 503 and closed.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: usize,
    /// Open connections of one address, IPv6 by its /64. Beyond, a new one is answered 503 and closed.
    /// Trusted proxies are exempt.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections_per_address: usize,
    /// Requests in work at one time. Beyond: 503 with `Retry-After`.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_concurrent_requests: usize,
    /// Networks, in CIDR form, of proxies whose `X-Forwarded-For` and `traceparent` are believed.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// Time for requests in work to finish when the process is told to stop, in milliseconds.
    #[schemars(range(min = 0, max = 600_000))]
    pub shutdown_timeout_ms: u64,
}

impl RequestSettings {
    /// Time for a whole request.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// Time to receive a head.
    pub fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    /// Time to receive a body.
    pub fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    /// Time between two requests on one connection.
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    /// Time to finish at the end.
    pub fn shutdown_timeout(&self) -> Duration {
        Duration::from_millis(self.shutdown_timeout_ms)
    }
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            deadline_ms: 15_000,
            header_timeout_ms: 5_000,
            body_timeout_ms: 15_000,
            idle_timeout_ms: 30_000,
            max_header_bytes: 16_384,
            max_headers: 64,
            max_uri_bytes: 8_192,
            max_body_bytes: 1_048_576,
            max_connections: 4_096,
            max_connections_per_address: 512,
            max_concurrent_requests: 1_024,
            trusted_proxies: Vec::new(),
            // Under the 30 s after which container runtimes kill what does not stop.
            shutdown_timeout_ms: 25_000,
        }
    }
}
