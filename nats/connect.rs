//! Settings, and the way to a connected bus.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};
use hoursmith_bus::{MAX_ENVELOPE_BYTES, Now, Subject};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};

use crate::NatsBus;
use crate::link::Link;

/// Where NATS is and who we are there.
#[derive(Clone)]
pub struct NatsSettings {
    /// `nats://` or `tls://` addresses of one cluster; any that answers will do. May hold a user
    /// and a password.
    pub urls: Vec<String>,
    /// The component's name, one token of a subject. Answers come to `_INBOX.<name>.>`, which
    /// nobody else may hear (`nats-server.conf`).
    pub name: String,
    /// How the component proves its identity.
    pub credentials: Credentials,
}

/// Proof of identity towards the server.
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    /// None, or what the URL holds.
    #[default]
    Url,
    /// A user and its password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// The seed of an NKey (`SU…`); the server knows only the public half.
    NkeySeed(SecretString),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name is no token.
    #[error("connect to NATS: the component's name `{name}` is not letters, digits, `-` and `_`")]
    Name {
        /// The name.
        name: String,
    },
    /// A URL cannot be read. It is not repeated here, since it may hold a password.
    #[error("connect to NATS: URL number {position} cannot be read")]
    Url {
        /// Counted from one.
        position: usize,
        /// Why.
        source: std::io::Error,
    },
    /// No URL was given.
    #[error("connect to NATS: no URL is set")]
    NoUrl,
    /// No server answered, or it does not let us in.
    #[error("connect to NATS at {servers} as `{name}`")]
    Unreachable {
        /// Hosts and ports.
        servers: String,
        /// The component's name.
        name: String,
        /// Why.
        source: async_nats::ConnectError,
    },
    /// The server asks nobody who they are, and others than this machine can reach it.
    #[error(
        "connect to NATS at {servers}: the server asks nobody who they are; run it with \
         `nats-server.conf`, or on a loopback address"
    )]
    Open {
        /// Hosts and ports.
        servers: String,
    },
    /// The server let us in, yet no answer reaches us.
    #[error(
        "connect to NATS at {servers}: no round trip; may this identity publish to \
         `_INBOX.{name}.probe` and subscribe to `_INBOX.{name}.>`?"
    )]
    Deaf {
        /// Hosts and ports.
        servers: String,
        /// The component's name.
        name: String,
        /// How the round trip failed.
        source: hoursmith_bus::Error,
    },
}

/// How long one attempt at one server may take. A server in reach answers within milliseconds.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// `async-nats` gives a connection up when a third ping goes out unanswered: after 15 s.
const PING_EVERY: Duration = Duration::from_secs(5);

/// Messages that wait to be written. While it is full, calls wait, each until its own deadline.
const CLIENT_QUEUE: usize = 2_048;

/// Messages of one subscription that wait to be looked at. What comes beyond is dropped by
/// `async-nats`, so this is far above what comes while the loop in `station.rs`, which never
/// blocks, is not scheduled.
const SUBSCRIPTION_QUEUE: usize = 65_536;

/// Headers beside the payload: deadline, trace, seal and their names, with room to spare.
const HEADERS_BYTES: usize = 4 * 1024;

/// The longest pause between two attempts to reconnect: service resumes within it.
const RECONNECT_WITHIN: Duration = Duration::from_millis(1_600);

impl NatsSettings {
    /// The settings of a component at a URL.
    pub fn new(url: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            urls: vec![url.into()],
            name: name.into(),
            credentials: Credentials::Url,
        }
    }

    fn servers(&self) -> Result<Vec<ServerAddr>, ConnectError> {
        let parse = |(at, url): (usize, &String)| {
            url.parse().map_err(|source| ConnectError::Url {
                position: at.saturating_add(1),
                source,
            })
        };
        let servers: Vec<ServerAddr> = self
            .urls
            .iter()
            .enumerate()
            .map(parse)
            .collect::<Result<_, _>>()?;
        if servers.is_empty() {
            Err(ConnectError::NoUrl)
        } else {
            Ok(servers)
        }
    }

    fn options(&self, servers: &[ServerAddr], link: Arc<Link>) -> ConnectOptions {
        let options = match &self.credentials {
            Credentials::Url => url_credentials(servers),
            Credentials::Password { user, password } => ConnectOptions::with_user_and_password(
                user.clone(),
                password.expose_secret().to_owned(),
            ),
            Credentials::NkeySeed(seed) => {
                ConnectOptions::with_nkey(seed.expose_secret().to_owned())
            }
        };
        options
            .name(&self.name)
            .custom_inbox_prefix(inbox(&self.name))
            .connection_timeout(CONNECT_WITHIN)
            .ping_interval(PING_EVERY)
            .client_capacity(CLIENT_QUEUE)
            .subscription_capacity(SUBSCRIPTION_QUEUE)
            // Every call has a deadline of its own, which also covers the wait for the queue.
            .request_timeout(None)
            .reconnect_delay_callback(|attempt| {
                let doublings = u32::try_from(attempt.min(5)).unwrap_or(5);
                Duration::from_millis(50)
                    .saturating_mul(1 << doublings)
                    .min(RECONNECT_WITHIN)
            })
            .event_callback(move |event| {
                link.note(&event);
                std::future::ready(())
            })
    }
}

/// What the first URL that names a user says; `async-nats` 0.51 looks at none. A user without a
/// password is a token, as with every NATS client.
fn url_credentials(servers: &[ServerAddr]) -> ConnectOptions {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    servers
        .iter()
        .find_map(|server| {
            let user = decode(server.username()?);
            Some(match server.password() {
                Some(password) => ConnectOptions::with_user_and_password(user, decode(password)),
                None => ConnectOptions::with_token(user),
            })
        })
        .unwrap_or_default()
}

/// Whether a host is this machine, as far as its name says; others would have to be resolved, and
/// may resolve to another address the next time.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

fn inbox(name: &str) -> String {
    format!("_INBOX.{name}")
}

impl NatsBus {
    /// Connects, once and without patience: a component that cannot reach its bus says so at its
    /// start. Later losses are mended in the background, without end.
    pub async fn connect(settings: NatsSettings, now: Now) -> Result<Arc<Self>, ConnectError> {
        let name = settings.name.clone();
        let probe = match Subject::new(&format!("{}.probe", inbox(&name))) {
            Ok(probe) if !name.contains('.') => probe,
            _ => return Err(ConnectError::Name { name }),
        };
        let addresses = settings.servers()?;
        let servers = addresses
            .iter()
            .map(|server| format!("{}:{}", server.host(), server.port()))
            .collect::<Vec<_>>()
            .join(", ");
        let on_loopback = addresses.iter().all(|server| is_loopback(server.host()));
        let link = Arc::new(Link::default());
        let client = match settings
            .options(&addresses, Arc::clone(&link))
            .connect(addresses)
            .await
        {
            Ok(client) => client,
            Err(source) => {
                return Err(ConnectError::Unreachable {
                    servers,
                    name,
                    source,
                });
            }
        };
        let server = client.server_info();
        let needed = MAX_ENVELOPE_BYTES.saturating_add(HEADERS_BYTES);
        if server.max_payload < needed {
            tracing::warn!(
                nats.max_payload = server.max_payload,
                needed,
                "NATS carries less than the largest request; raise `max_payload`."
            );
        }
        if !server.auth_required && !on_loopback {
            return Err(ConnectError::Open { servers });
        }
        if !server.auth_required {
            tracing::warn!(
                "NATS asks nobody who they are; use `nats-server.conf` where others can reach it."
            );
        }
        let bus = Arc::new(Self::new(client, now, link, probe));
        match bus.round_trip().await {
            Ok(()) => Ok(bus),
            Err(source) => Err(ConnectError::Deaf {
                servers,
                name,
                source,
            }),
        }
    }
}

impl fmt::Debug for NatsSettings {
    /// Without the URLs, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSettings")
            .field("name", &self.name)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        let is = |url: &str| is_loopback(url.parse::<ServerAddr>().unwrap().host());
        for here in [
            "nats://127.0.0.1:4222",
            "127.8.8.8",
            "nats://[::1]:4222",
            "nats://[::ffff:127.0.0.1]:4222",
            "nats://user:password@LocalHost",
        ] {
            assert!(is(here), "{here}");
        }
        for elsewhere in [
            "nats://nats:4222",
            "nats://0.0.0.0",
            "nats://192.0.2.1:4222",
            "nats://[2001:db8::1]:4222",
            "tls://127.0.0.1.example.com",
            "nats://localhost.example.com",
        ] {
            assert!(!is(elsewhere), "{elsewhere}");
        }
    }
}
