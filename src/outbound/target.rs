//! A URL that a [`crate::Policy`] has judged; there is no other way to make one.

use http::HeaderValue;
use http::uri::PathAndQuery;
use url::{Host, Position, Url};

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    host: Host<String>,
    port: u16,
    is_tls: bool,
    path: PathAndQuery,
}

/// What a connection can be used for again: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    host: Host<String>,
    port: u16,
    is_tls: bool,
}

impl Target {
    pub(crate) fn new(
        url: Url,
        host: Host<String>,
        port: u16,
        is_tls: bool,
        path: PathAndQuery,
    ) -> Self {
        Self {
            url,
            host,
            port,
            is_tls,
            path,
        }
    }

    /// The URL in the parser's spelling, which is what to keep and to show.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    pub(crate) fn host(&self) -> &Host<String> {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    pub(crate) fn path(&self) -> &PathAndQuery {
        &self.path
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin {
            host: self.host.clone(),
            port: self.port,
            is_tls: self.is_tls,
        }
    }

    /// The `Host` header: without the scheme's own port, as every client writes it.
    pub(crate) fn authority(&self) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
        HeaderValue::from_str(&self.url[Position::BeforeHost..Position::AfterPort])
    }
}
