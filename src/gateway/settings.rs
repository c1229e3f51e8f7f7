//! What the gateway takes from the settings, in one place.

use std::net::SocketAddr;
use std::time::Duration;

use hoursmith_settings::{IpNet, Settings};

/// The gateway's settings. Each bound's meaning and default stand in the settings reference.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// Address to listen on; port 0 takes any.
    pub listen: SocketAddr,
    /// Where clients reach the product, without a slash at the end.
    pub public_url: String,
    /// Time for a whole request.
    pub deadline: Duration,
    /// Time to receive a head, from its first byte; also for the first byte of a connection.
    pub header_timeout: Duration,
    /// Time to receive a body.
    pub body_timeout: Duration,
    /// Time between two requests, and for a client to take more of an answer.
    pub idle_timeout: Duration,
    /// Size of a head.
    pub max_header_bytes: usize,
    /// Number of headers.
    pub max_headers: usize,
    /// Length of path and query.
    pub max_uri_bytes: usize,
    /// Size of a body.
    pub max_body_bytes: usize,
    /// Open connections.
    pub max_connections: usize,
    /// Open connections of one address that is no trusted proxy's.
    pub max_connections_per_address: usize,
    /// Requests in work.
    pub max_concurrent_requests: usize,
    /// Proxies whose `X-Forwarded-For` and `traceparent` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Time for requests in work to finish at the end.
    pub shutdown_timeout: Duration,
}

impl GatewaySettings {
    /// From the settings.
    pub fn of(settings: &Settings) -> Self {
        let request = &settings.request;
        Self {
            listen: settings.listen,
            public_url: settings.public_url.trim_end_matches('/').to_owned(),
            deadline: request.deadline(),
            header_timeout: request.header_timeout(),
            body_timeout: request.body_timeout(),
            idle_timeout: request.idle_timeout(),
            max_header_bytes: request.max_header_bytes,
            max_headers: request.max_headers,
            max_uri_bytes: request.max_uri_bytes,
            max_body_bytes: request.max_body_bytes,
            max_connections: request.max_connections,
            max_connections_per_address: request.max_connections_per_address,
            max_concurrent_requests: request.max_concurrent_requests,
            trusted_proxies: request.trusted_proxies.clone(),
            shutdown_timeout: request.shutdown_timeout(),
        }
    }
}
