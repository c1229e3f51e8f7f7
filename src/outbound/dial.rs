//! From a target to a connection: the one place that opens sockets.
//!
//! A literal address goes the same way as a resolved one, through [`Dialer::addresses`]. Between the
//! judgement and the connection there is no second look-up that could be answered differently.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hoursmith_kit::Task;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Host;

use crate::answer::MAX_HEAD_BYTES;
use crate::client::Limits;
use crate::error::{Error, Phase};
use crate::policy::Policy;
use crate::pool::Connection;
use crate::resolve::Resolve;
use crate::target::Target;

/// Addresses of a host that are tried. All are judged; a receiver with more is no more reachable.
const MAX_TRIED: u32 = 4;

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Dialer {
    pub(crate) policy: Policy,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) tls: TlsConnector,
    pub(crate) limits: Limits,
}

impl Dialer {
    /// A new connection to a target.
    pub(crate) async fn dial(&self, target: &Target) -> Result<Connection, Error> {
        let addresses = timeout(self.limits.resolve, self.addresses(target))
            .await
            .map_err(|_| Error::Timeout(Phase::Resolve))??;
        timeout(self.limits.connect, self.open(target, &addresses))
            .await
            .map_err(|_| Error::Timeout(Phase::Connect))?
    }

    /// The addresses to try, after all of the host's were judged. IPv4 comes first: every public
    /// receiver has it, and half-configured IPv6 is the more frequent fault.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Error> {
        let found = match target.host() {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(name) => {
                let failed = |source| Error::Dns {
                    name: name.clone(),
                    source,
                };
                let found = self.resolver.resolve(name).await;
                let found = found.map_err(|source| failed(Some(source)))?;
                if found.is_empty() {
                    return Err(failed(None));
                }
                found
            }
        };
        for address in &found {
            self.policy.check_address(*address)?;
        }
        let mut addresses: Vec<_> = found
            .into_iter()
            .map(|address| SocketAddr::new(address.to_canonical(), target.port()))
            .collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.truncate(MAX_TRIED as usize);
        Ok(addresses)
    }

    async fn open(&self, target: &Target, addresses: &[SocketAddr]) -> Result<Connection, Error> {
        let (peer, tcp) = self.connect(addresses).await?;
        if !target.is_tls() {
            return self.speak(peer, tcp).await;
        }
        let name = server_name(target.host());
        let failed = |source| Error::Tls {
            name: target.host().to_string(),
            source,
        };
        let name = name.map_err(|error| failed(std::io::Error::other(error)))?;
        let tls = self.tls.connect(name, tcp).await.map_err(failed)?;
        self.speak(peer, tls).await
    }

    /// Tries one address after the other, each for its share of the time.
    async fn connect(&self, addresses: &[SocketAddr]) -> Result<(SocketAddr, TcpStream), Error> {
        let count = u32::try_from(addresses.len()).unwrap_or(MAX_TRIED).max(1);
        let share: Duration = self.limits.connect.div_f64(count.into());
        let mut last = Error::Timeout(Phase::Connect);
        for address in addresses {
            let failed = |source| Error::Connect {
                address: *address,
                source,
            };
            last = match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    let peer = tcp.peer_addr().map_err(failed)?;
                    // What the kernel connected to is what counts.
                    self.policy.check_address(peer.ip())?;
                    tcp.set_nodelay(true).map_err(failed)?;
                    return Ok((peer, tcp));
                }
                Ok(Err(source)) => failed(source),
                Err(_) => Error::Timeout(Phase::Connect),
            };
        }
        Err(last)
    }

    /// Makes an HTTP connection of a stream, and drives it in a task that ends with it.
    async fn speak<S>(&self, peer: SocketAddr, stream: S) -> Result<Connection, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .max_header_size(MAX_HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Error::Protocol)?;
        let driver = Task::start("outbound connection", async move {
            // Whoever waits for the answer is told why it ended.
            let _ = connection.await;
        });
        Ok(Connection {
            sender,
            peer,
            driver,
        })
    }
}

/// The name that the receiver must prove, in the form of certificates: without a dot at the end.
fn server_name(
    host: &Host<String>,
) -> Result<ServerName<'static>, rustls::pki_types::InvalidDnsNameError> {
    match host {
        Host::Ipv4(address) => Ok(IpAddr::V4(*address).into()),
        Host::Ipv6(address) => Ok(IpAddr::V6(*address).into()),
        Host::Domain(name) => {
            ServerName::try_from(name.strip_suffix('.').unwrap_or(name).to_owned())
        }
    }
}
