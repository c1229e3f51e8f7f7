//! What can go wrong on the way out.
//!
//! Two texts: [`Error::word`] is for whoever owns the endpoint and says nothing of the network;
//! `Display` and its sources are for the operator's log.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A refusal by policy. It prints one fixed sentence, whatever was behind it: more would be a map of
/// the inner network, one question at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(pub(crate) &'static str);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The policy does not permit it. Nothing was connected to.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name has no address.
    #[error("resolve `{name}`")]
    Dns {
        /// What was asked for.
        name: String,
        /// Why; nothing where the answer was empty.
        source: Option<io::Error>,
    },
    /// No address of the host took the connection.
    #[error("connect to {address}")]
    Connect {
        /// The last that was tried.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The receiver did not prove who it is.
    #[error("agree on TLS with `{name}`")]
    Tls {
        /// Who it should be.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The time was up.
    #[error("time was up during {0}")]
    Timeout(Phase),
    /// The head of the answer is over its bound.
    #[error(
        "the head of the answer is longer than {} bytes",
        crate::MAX_HEAD_BYTES
    )]
    TooLarge,
    /// The answer is no HTTP, or the connection broke before its head was whole.
    #[error("exchange HTTP with the receiver")]
    Protocol(#[source] hyper::Error),
    /// The request cannot be written: a target that no `Host` header can name.
    #[error("write the request")]
    Request(#[source] http::Error),
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Resolving the name.
    Resolve,
    /// Connecting, TLS included.
    Connect,
    /// Everything together: sending, and waiting for the head of the answer.
    Answer,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The system's configuration of DNS cannot be read.
    #[error("read the system's configuration of DNS")]
    Resolver(#[source] io::Error),
    /// The file of certificates cannot be read, or has none.
    #[error("read certificates from {path}")]
    CaFile {
        /// The file, from the settings.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The TLS provider has no protocol version in common with us.
    #[error("set TLS up")]
    Tls(#[source] rustls::Error),
}

impl Error {
    /// A short stable word, for the `error` of an attempt.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Dns { .. } => "dns",
            Self::Connect { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Timeout(_) => "timeout",
            Self::TooLarge => "too_large",
            Self::Protocol(_) | Self::Request(_) => "protocol",
        }
    }
}

impl Refused {
    /// What the policy objected to, for the operator's log alone.
    pub fn reason(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "must be an https URL of a public host, without user or fragment, at port 443 or an \
             ordinary one from 1024 on",
        )
    }
}

impl std::error::Error for Refused {}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolving the name",
            Self::Connect => "connecting",
            Self::Answer => "waiting for the answer",
        })
    }
}
