//! How often a password may be tried: for each account and for each address, within a minute.
//!
//! Nobody is locked out for good by a stranger's guesses: a minute later the account may be tried
//! again, and a session that is there goes on. Kept in memory, by process: with `n` processes it is
//! `n` times as much, still nothing for a guesser.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hashlink::LruCache;

/// Within this time tries are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Tries of one account: a person mistypes a few times.
const ACCOUNT_MAX: usize = 10;

/// Tries from one address: an office behind one address logs in of a morning.
const ADDRESS_MAX: usize = 30;

/// Accounts and addresses that are remembered; the one that was tried longest ago is forgotten
/// first. An account is an e-mail address of at most 255 characters: some 15 MiB at most.
const KEPT: usize = 10_000;

/// What was tried lately.
#[derive(Debug)]
pub(crate) struct Guesses(Mutex<LruCache<String, VecDeque<Duration>>>);

impl Default for Guesses {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

impl Guesses {
    /// Counts a try, unless there were too many: then after how long there may be another.
    pub(crate) fn admit(
        &self,
        account: &str,
        address: &str,
        now: Duration,
    ) -> Result<(), Duration> {
        let mut tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let budgets = [
            (format!("account {account}"), ACCOUNT_MAX),
            (format!("address {address}"), ADDRESS_MAX),
        ];
        for (key, max) in &budgets {
            if let Some(times) = tried.get_mut(key) {
                times.retain(|time| now.saturating_sub(*time) < WINDOW);
                if let Some(first) = times.front().filter(|_| times.len() >= *max) {
                    return Err(WINDOW.saturating_sub(now.saturating_sub(*first)));
                }
            }
        }
        for (key, _) in budgets {
            match tried.get_mut(&key) {
                Some(times) => times.push_back(now),
                None => {
                    tried.insert(key, VecDeque::from([now]));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_may_be_tried_again_a_minute_later() {
        let guesses = Guesses::default();
        let at = Duration::from_secs;
        for second in 0..10 {
            let address = format!("192.0.2.{second}");
            assert_eq!(guesses.admit("a", &address, at(second)), Ok(()));
        }
        assert_eq!(guesses.admit("a", "192.0.2.99", at(30)), Err(at(30)));
        assert_eq!(guesses.admit("b", "192.0.2.99", at(30)), Ok(()));
        assert_eq!(guesses.admit("a", "192.0.2.99", at(60)), Ok(()));
    }

    #[test]
    fn an_address_may_not_try_one_account_after_another() {
        let guesses = Guesses::default();
        let admitted = (0..100)
            .filter(|number| {
                guesses
                    .admit(&number.to_string(), "a", Duration::ZERO)
                    .is_ok()
            })
            .count();
        assert_eq!(admitted, 30);
    }
}
