//! Which URLs and addresses are permitted.
//!
//! The same judgement is made when an endpoint is saved and at every attempt; a URL that was kept is
//! text again and is judged anew.

use std::net::IpAddr;

use hoursmith_settings::{IpNet, OutboundSettings};
use http::uri::PathAndQuery;
use url::{Host, Position, Url};

use crate::error::Refused;
use crate::networks::is_public;
use crate::target::Target;

/// Bytes of a URL; longer ones are for nobody to type, and receivers refuse them.
pub const MAX_URL_BYTES: usize = 2_048;

/// Bytes of a name and of a label in it (RFC 1035).
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

/// The first port that ordinary programs may listen on. Below are the machine's own services: mail,
/// SSH, DNS, LDAP, SMB.
const FIRST_USER_PORT: u16 = 1024;

/// Ports above [`FIRST_USER_PORT`] of services that act on a few lines of text or are never for the
/// public: NFS, MySQL, NATS, PostgreSQL, Redis, Elasticsearch, Memcached, MongoDB.
const INNER_PORTS: [u16; 10] = [
    2049, 3306, 4222, 5432, 6222, 6379, 8222, 9200, 11_211, 27_017,
];

/// Last labels of names that no public DNS gives out (RFC 6761, RFC 6762, RFC 7686, RFC 9476 and
/// custom), and that mean something inside.
const INNER_NAMES: [&str; 12] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "home.arpa",
    "onion",
    "svc",
    "cluster.local",
];

/// What the operator permits.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    allow_http: bool,
    allow_networks: Vec<IpNet>,
}

impl Policy {
    /// The policy that the settings ask for.
    pub fn new(settings: &OutboundSettings) -> Self {
        Self {
            allow_http: settings.allow_http,
            allow_networks: settings.allow_networks.clone(),
        }
    }

    /// Judges a URL as a person typed it. A name in it is not resolved: that is done, and judged, at
    /// every attempt.
    pub fn check(&self, text: &str) -> Result<Target, Refused> {
        // The parser takes white space off and drops tabs and line ends inside; what a person does
        // not see is not permitted.
        let is_plain = |c: char| !c.is_control() && !c.is_whitespace();
        if text.len() > MAX_URL_BYTES || !text.chars().all(is_plain) {
            return Err(Refused("the text is too long or has invisible characters"));
        }
        let url = Url::parse(text).map_err(|_| Refused("not a URL"))?;
        let is_tls = match url.scheme() {
            "https" => true,
            "http" if self.allow_http => false,
            _ => return Err(Refused("the scheme")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused("a user or password in the URL"));
        }
        if url.fragment().is_some() {
            return Err(Refused("a fragment in the URL"));
        }
        let port = url
            .port_or_known_default()
            .filter(|port| self.permits_port(*port))
            .ok_or(Refused("the port"))?;
        let host = url.host().ok_or(Refused("no host"))?.to_owned();
        match &host {
            Host::Ipv4(address) => self.check_address((*address).into())?,
            Host::Ipv6(address) => self.check_address((*address).into())?,
            Host::Domain(name) => self.check_name(name)?,
        }
        let path = PathAndQuery::try_from(&url[Position::BeforePath..])
            .map_err(|_| Refused("the path"))?;
        Ok(Target::new(url, host, port, is_tls, path))
    }

    /// Judges an address, which the caller is about to connect to, or is connected to.
    pub(crate) fn check_address(&self, address: IpAddr) -> Result<(), Refused> {
        let address = address.to_canonical();
        let is_permitted = is_public(address)
            || self
                .allow_networks
                .iter()
                .any(|network| network.contains(&address));
        is_permitted
            .then_some(())
            .ok_or(Refused("an address that is not public"))
    }

    fn permits_port(&self, port: u16) -> bool {
        match port {
            443 => true,
            80 => self.allow_http,
            _ => port >= FIRST_USER_PORT && !INNER_PORTS.contains(&port),
        }
    }

    /// Judges a name by its form: in lower case and ASCII, as the parser left it.
    fn check_name(&self, name: &str) -> Result<(), Refused> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_well_formed = name.len() <= MAX_NAME_BYTES
            && name
                .split('.')
                .all(|label| (1..=MAX_LABEL_BYTES).contains(&label.len()));
        if !is_well_formed {
            return Err(Refused("the form of the name"));
        }
        // Where inner networks are permitted their names are: the addresses decide.
        if !self.allow_networks.is_empty() {
            return Ok(());
        }
        let is_inner = INNER_NAMES.iter().any(|inner| {
            name.strip_suffix(inner)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        if is_inner || !name.contains('.') {
            return Err(Refused("a name of the inner network"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow_http: bool, networks: &[&str]) -> Policy {
        Policy::new(&OutboundSettings {
            allow_http,
            allow_networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
            ca_file: None,
        })
    }

    #[test]
    fn what_the_operator_permits_is_permitted_and_no_more() {
        let open = policy(true, &["127.0.0.0/8", "fd00::/8"]);
        for url in [
            "http://127.0.0.1:8080/hook",
            "https://[::ffff:127.0.0.1]/",
            "https://[fd12::1]:8443/",
            "http://n8n:5678/webhook",
            "http://localhost/",
            "https://example.com/",
        ] {
            assert!(open.check(url).is_ok(), "{url}");
        }
        for url in [
            "http://10.0.0.1/",
            "https://[::1]/",
            "https://[fe80::1]/",
            "http://127.0.0.1:6379/",
            "http://127.0.0.1:22/",
            "ftp://127.0.0.1/",
        ] {
            assert!(open.check(url).is_err(), "{url}");
        }
        assert!(policy(true, &[]).check("http://example.com/").is_ok());
        assert!(policy(false, &[]).check("https://example.com:80/").is_err());
    }

    #[test]
    fn names_are_judged_by_their_last_labels() {
        let closed = policy(false, &[]);
        for url in [
            "https://notlocalhost.com/",
            "https://local.example.com/",
            "https://internal.example/",
            "https://_dmarc.example.com/",
            "https://münchen.example/",
        ] {
            assert!(closed.check(url).is_ok(), "{url}");
        }
        let long_label = format!("https://{}.example/", "a".repeat(64));
        let long_name = format!("https://{}example/", "a23456789.".repeat(25));
        for url in [
            "https://a.home.arpa/",
            "https://a.home.arpa./",
            "https://example.com../",
            "https://.example.com/",
            "https://secret.onion/",
            "https://wiki.corp/",
            &long_label,
            &long_name,
        ] {
            assert!(closed.check(url).is_err(), "{url}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_url_gets_past_with_an_address_that_is_not_public(text in "https?:[/\\\\]{0,3}\\PC{0,40}") {
            if let Ok(target) = policy(false, &[]).check(&text) {
                match target.host() {
                    Host::Ipv4(address) => assert!(is_public((*address).into())),
                    Host::Ipv6(address) => assert!(is_public((*address).into())),
                    Host::Domain(name) => assert!(name.contains('.')),
                }
            }
        }

        #[test]
        fn every_spelling_of_an_ipv4_address_is_judged_alike(bits: u32) {
            let address = std::net::Ipv4Addr::from(bits);
            let public = is_public(address.into());
            for url in [
                format!("https://{address}/"),
                format!("https://{bits}/"),
                format!("https://0x{bits:x}/"),
                format!("https://0{bits:o}/"),
                format!("https://[::ffff:{address}]/"),
            ] {
                assert_eq!(policy(false, &[]).check(&url).is_ok(), public, "{url}");
            }
        }
    }
}
