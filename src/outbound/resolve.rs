//! Names to addresses.
//!
//! The system's own resolver (`getaddrinfo`) cannot be told to stop: a name whose servers are silent
//! holds a thread for as long as the system likes, and strangers choose the names. This one is
//! asynchronous: whoever stops waiting stops the question. It reads `/etc/resolv.conf` and
//! `/etc/hosts` once, at start. Names are asked for as they are, never below a search domain: a
//! stranger's `example.com` must not become `example.com.cluster.local`.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::proto::rr::Name;

use crate::error::SetupError;

/// How long one server may take for one question; two tries fit into the time that
/// [`crate::Limits`] gives to a name.
const QUESTION: Duration = Duration::from_secs(2);

/// Questions on one connection to a server. The library's 32 would let a few silent names make
/// everybody else wait.
const MAX_QUESTIONS: usize = 1_024;

/// Names that are remembered, and for how long at most: an address that has changed hands must not
/// get deliveries for a day.
const CACHED_NAMES: u64 = 1_024;
const CACHED_FOR: Duration = Duration::from_secs(60);

/// Something that knows addresses. Every address counts: a name is refused for any one of them.
pub trait Resolve: Send + Sync + fmt::Debug + 'static {
    /// All addresses of a name in ASCII, IPv4 and IPv6. Dropping the future must stop the work.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// DNS and the hosts file, as the system is configured.
pub struct SystemResolver(TokioResolver);

impl SystemResolver {
    /// Reads the system's configuration.
    pub fn new() -> Result<Self, SetupError> {
        let failed = |error| SetupError::Resolver(io::Error::other(error));
        let mut builder = TokioResolver::builder_tokio().map_err(failed)?;
        let options = builder.options_mut();
        options.timeout = QUESTION;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.max_active_requests = MAX_QUESTIONS;
        options.cache_size = CACHED_NAMES;
        options.positive_max_ttl = Some(CACHED_FOR);
        options.negative_max_ttl = Some(CACHED_FOR);
        Ok(Self(builder.build().map_err(failed)?))
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let mut name = Name::from_ascii(name).map_err(io::Error::other)?;
            name.set_fqdn(true);
            let found = self.0.lookup_ip(name).await.map_err(io::Error::other)?;
            Ok(found.iter().collect())
        })
    }
}

impl fmt::Debug for SystemResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemResolver")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_hosts_file_is_read_with_and_without_a_dot() {
        let resolver = SystemResolver::new().unwrap();
        for name in ["localhost", "localhost."] {
            let addresses = resolver.resolve(name).await.unwrap();
            assert!(!addresses.is_empty());
            assert!(addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
        }
    }
}
