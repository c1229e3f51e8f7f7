//! What keeps a listener from starting.

use std::io;
use std::net::SocketAddr;

use hoursmith_bus::SubjectError;

/// A gateway or an admin listener that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A route's actor makes no subject.
    #[error("the route {route} has no subject")]
    Subject {
        /// The route's id.
        route: &'static str,
        /// Why.
        #[source]
        source: SubjectError,
    },
    /// Two routes have one path, or a path cannot be matched.
    #[error("the path {path} cannot be routed")]
    Path {
        /// The path's template.
        path: String,
        /// Why.
        #[source]
        source: matchit::InsertError,
    },
    /// The bus does not take our subscription to the limiters' heartbeats.
    #[error("cannot listen to the rate limiters on the bus")]
    Bus(#[source] hoursmith_bus::Error),
}
