//! Which addresses are public: somebody's, reachable from anywhere, and not the operator's own.
//!
//! Every row of the IANA special-purpose registries (IPv4: iana-ipv4-special-registry, IPv6:
//! iana-ipv6-special-registry, RFC 6890), multicast, and what clouds hide in public space. Rows that
//! are globally reachable, such as AS112's sinks, are refused too: no receiver is there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// IPv4 that is not public.
const SPECIAL_V4: [Ipv4Net; 18] = [
    v4(0, 0, 0, 0, 8),        // This network (RFC 791).
    v4(10, 0, 0, 0, 8),       // Private (RFC 1918).
    v4(100, 64, 0, 0, 10),    // Shared address space (RFC 6598); Alibaba's metadata.
    v4(127, 0, 0, 0, 8),      // Loopback (RFC 1122).
    v4(168, 63, 129, 16, 32), // Azure's host, in public space.
    v4(169, 254, 0, 0, 16),   // Link-local (RFC 3927); the metadata of most clouds.
    v4(172, 16, 0, 0, 12),    // Private (RFC 1918).
    v4(192, 0, 0, 0, 24),     // IETF protocol assignments (RFC 6890); Oracle's metadata.
    v4(192, 0, 2, 0, 24),     // Documentation (RFC 5737).
    v4(192, 31, 196, 0, 24),  // AS112 (RFC 7535).
    v4(192, 52, 193, 0, 24),  // AMT (RFC 7450).
    v4(192, 88, 99, 0, 24),   // 6to4 relays, deprecated (RFC 7526).
    v4(192, 168, 0, 0, 16),   // Private (RFC 1918).
    v4(192, 175, 48, 0, 24),  // AS112 (RFC 7534).
    v4(198, 18, 0, 0, 15),    // Benchmarking (RFC 2544).
    v4(198, 51, 100, 0, 24),  // Documentation (RFC 5737).
    v4(203, 0, 113, 0, 24),   // Documentation (RFC 5737).
    v4(224, 0, 0, 0, 3),      // Multicast (RFC 5771), reserved (RFC 1112), broadcast (RFC 919).
];

/// All IPv6 that is given out as global unicast (RFC 4291, IANA). Outside are loopback, mapped and
/// compatible IPv4, NAT64, unique local, link-local, site-local, multicast, discard-only and SRv6.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// IPv6 inside of global unicast that is not public.
const SPECIAL_V6: [Ipv6Net; 5] = [
    v6(0x2001, 0, 0, 23), // IETF protocol assignments (RFC 2928): Teredo, ORCHID, AMT.
    v6(0x2001, 0x0db8, 0, 32), // Documentation (RFC 3849).
    v6(0x2002, 0, 0, 16), // 6to4 (RFC 3056): an IPv4 address in disguise.
    v6(0x2620, 0x004f, 0x8000, 48), // AS112 (RFC 7534).
    v6(0x3fff, 0, 0, 20), // Documentation (RFC 9637).
];

/// Whether an address is public. IPv4 that is mapped into IPv6 is judged as what it is.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address)
                && !SPECIAL_V6.iter().any(|network| network.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn the_edges_of_every_network_are_inside_and_their_neighbours_are_not() {
        // First and last address of each IPv4 network, and the neighbours that are public.
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("168.63.129.16", "168.63.129.16"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.31.196.0", "192.31.196.255"),
            ("192.52.193.0", "192.52.193.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("192.175.48.0", "192.175.48.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "255.255.255.255"),
        ] {
            let (first, last): (Ipv4Addr, Ipv4Addr) =
                (first.parse().unwrap(), last.parse().unwrap());
            for inside in [first, last] {
                assert!(!is_public(inside.into()), "{inside}");
                let mapped = IpAddr::V6(inside.to_ipv6_mapped());
                assert!(!is_public(mapped), "{mapped}");
            }
            for outside in [
                u32::from(first).checked_sub(1),
                u32::from(last).checked_add(1),
            ] {
                if let Some(outside) = outside.map(Ipv4Addr::from) {
                    assert!(is_public(outside.into()), "{outside}");
                    assert!(
                        is_public(outside.to_ipv6_mapped().into()),
                        "{outside} mapped"
                    );
                }
            }
        }
    }

    #[test]
    fn of_ipv6_only_global_unicast_is_public() {
        for special in [
            "::",
            "::1",
            "::7f00:1",
            "::ffff:0:7f00:1",
            "64:ff9b::1.1.1.1",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::1",
            "1fff:ffff::1",
            "2001::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:101:101::1",
            "2620:4f:8000::1",
            "3fff::1",
            "3fff:fff:ffff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!public(special), "{special}");
        }
        for global in [
            "2000::1",
            "2001:200::1",
            "2606:2800:220:1:248:1893:25c8:1946",
            "2a00:1450::1",
            "3ffe:ffff::1",
            "3fff:1000::1",
        ] {
            assert!(public(global), "{global}");
        }
    }
}
