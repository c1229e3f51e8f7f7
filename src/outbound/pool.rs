//! Connections between two deliveries of an endpoint.
//!
//! A connection serves the endpoint that it was made for and no other, so that no organization
//! learns from timing whom another one delivers to, and a receiver that corrupts a connection spoils
//! its own.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hoursmith_kit::Task;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;

use crate::target::Origin;

/// Idle connections in all: file descriptors that a busy server can spare. Beyond, connections are
/// closed after use.
const MAX_IDLE: usize = 512;

/// Idle connections of one endpoint, whose deliveries rarely come in parallel.
const MAX_IDLE_PER_ENDPOINT: usize = 2;

/// Sweeps that a connection lives through. It is closed at the second, so that it has been idle for
/// one to two intervals.
pub(crate) const SWEEPS: u8 = 2;

/// Whose connections these are: the endpoint's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PoolKey(pub u128);

/// A connection that can take a request. Dropping it closes the socket.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    pub(crate) peer: SocketAddr,
    pub(crate) driver: Task,
}

/// The idle connections.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Idle>);

#[derive(Debug, Default)]
struct Idle {
    by_endpoint: HashMap<(PoolKey, Origin), Vec<(u8, Connection)>>,
    total: usize,
}

impl Pool {
    /// Takes an idle connection, the one that was used last.
    pub(crate) fn take(&self, key: PoolKey, origin: &Origin) -> Option<Connection> {
        let mut idle = self.idle();
        let key = (key, origin.clone());
        let kept = idle.by_endpoint.get_mut(&key)?;
        let taken = kept.pop();
        if kept.is_empty() {
            idle.by_endpoint.remove(&key);
        }
        idle.total = idle.total.saturating_sub(taken.iter().len());
        taken.map(|(_, connection)| connection)
    }

    /// Keeps a connection whose last answer was read to its end. At the bound it is closed.
    pub(crate) fn keep(&self, key: PoolKey, origin: Origin, connection: Connection) {
        let mut idle = self.idle();
        if idle.total >= MAX_IDLE {
            return;
        }
        let kept = idle.by_endpoint.entry((key, origin)).or_default();
        if kept.len() < MAX_IDLE_PER_ENDPOINT {
            kept.push((0, connection));
            idle.total = idle.total.saturating_add(1);
        }
    }

    /// Closes what was idle at the last sweep already, and what its receiver has closed.
    pub(crate) fn sweep(&self) {
        let mut idle = self.idle();
        for kept in idle.by_endpoint.values_mut() {
            kept.retain_mut(|(sweeps, connection)| {
                *sweeps = sweeps.saturating_add(1);
                *sweeps < SWEEPS && !connection.sender.is_closed()
            });
        }
        idle.by_endpoint.retain(|_, kept| !kept.is_empty());
        idle.total = idle.by_endpoint.values().map(Vec::len).sum();
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .field("driver", &self.driver)
            .finish_non_exhaustive()
    }
}
