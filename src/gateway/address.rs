//! Whose address a request comes from: the rate limit of whoever has no token hangs on it.

use std::net::{IpAddr, Ipv6Addr};

use hoursmith_settings::IpNet;
use http::HeaderMap;

/// The client's address: the peer's, or what a trusted proxy says of it.
///
/// `X-Forwarded-For` is read from the right, since each proxy appends the peer it saw and anything
/// further left is the client's own claim. The first address that is no trusted proxy is the
/// client; an entry that is no address ends the walk, and the last proxy stands for it.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    if !is_trusted(client, trusted) {
        return client;
    }
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|line| line.to_str().unwrap_or_default())
        .collect();
    for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Ok(address) = entry.trim().parse::<IpAddr>() else {
            break;
        };
        client = address.to_canonical();
        if !is_trusted(client, trusted) {
            break;
        }
    }
    client
}

/// Whether an address is a trusted proxy's.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|network| network.contains(&address))
}

/// The name of an address's budget: IPv4 whole, IPv6 by its /64 network, all of which one
/// subscriber commands.
pub(crate) fn budget(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            format!("{}/64", Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;
    use http::HeaderValue;

    fn client_of(peer: &str, forwarded: &[&'static str]) -> String {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"]
            .iter()
            .map(|network| network.parse().unwrap())
            .collect();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        budget(client(peer.parse().unwrap(), &headers, &trusted))
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(client_of("203.0.113.9", &["1.1.1.1"]), "203.0.113.9");
        assert_eq!(client_of("10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(client_of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(
            client_of("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.2.2.2"]),
            "1.1.1.1"
        );
        assert_eq!(
            client_of("10.0.0.1", &["6.6.6.6", "1.1.1.1,10.2.2.2"]),
            "1.1.1.1"
        );
        assert_eq!(client_of("10.0.0.1", &["6.6.6.6, nonsense"]), "10.0.0.1");
        assert_eq!(client_of("::ffff:10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
    }

    #[test]
    fn a_subscriber_has_one_budget() {
        assert_eq!(client_of("2001:db8:1:2:3::4", &[]), "2001:db8:1:2::/64");
        assert_eq!(client_of("2001:db8:1:2:ffff::1", &[]), "2001:db8:1:2::/64");
        assert_eq!(client_of("::ffff:203.0.113.9", &[]), "203.0.113.9");
    }
}
