//! How many connections each client address holds.
//!
//! Without a bound of its own one address could hold every connection there is and keep all others
//! out. Addresses are counted as the anonymous rate limit counts them, so IPv6 by its /64. Trusted
//! proxies are exempt: behind their address stands everybody.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hoursmith_settings::IpNet;

use crate::address;

/// The connections of each address. At most as many entries as there are connections.
#[derive(Debug)]
pub(crate) struct Guests {
    most: usize,
    exempt: Vec<IpNet>,
    held: Mutex<HashMap<String, usize>>,
}

/// A connection that counts; dropping it gives its place back.
#[derive(Debug)]
pub(crate) struct Guest {
    guests: Arc<Guests>,
    /// `None` for the exempt.
    address: Option<String>,
}

impl Guests {
    pub(crate) fn new(most: usize, exempt: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self {
            most,
            exempt,
            held: Mutex::default(),
        })
    }

    /// A place for a connection, unless its address holds as many as it may.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Guest> {
        let peer = peer.to_canonical();
        let address = (!address::is_trusted(peer, &self.exempt)).then(|| address::budget(peer));
        if let Some(address) = &address {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            match held.get_mut(address) {
                Some(count) if *count >= self.most => return None,
                Some(count) => *count += 1,
                None => {
                    held.insert(address.clone(), 1);
                }
            }
        }
        Some(Guest {
            guests: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some(address) = &self.address else {
            return;
        };
        let held = &self.guests.held;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                held.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn each_address_has_its_share_and_proxies_have_no_bound() {
        let guests = Guests::new(2, vec!["10.0.0.0/8".parse().unwrap()]);
        let admit = |peer: &str| guests.admit(peer.parse().unwrap());
        // Of one subscriber.
        let first = admit("2001:db8:1:2::1").unwrap();
        let second = admit("2001:db8:1:2::2").unwrap();
        assert!(admit("2001:db8:1:2::3").is_none());
        let other = admit("2001:db8:1:3::1").unwrap();
        drop(first);
        let third = admit("2001:db8:1:2::3").unwrap();
        let proxied: Vec<_> = (0..10).map(|_| admit("::ffff:10.1.2.3").unwrap()).collect();
        drop((second, third, other, proxied));
        assert!(guests.held.lock().unwrap().is_empty());
    }
}
