//! The rings of many visitors, bounded in number, and the decision over both tiers.
//!
//! The rings stand in the order of their last admission. That makes both ends of a ring's life
//! cheap without a timer: each check drops up to two that have gone idle, so that they leave
//! faster than new ones come, and at the bound the idlest makes room.
//!
//! Tokens and addresses have rings apart, each kind half of the bound: addresses cost nothing to
//! come by (an IPv6 prefix holds millions of networks), so they may push out one another alone.

use std::num::NonZeroUsize;
use std::time::Duration;

use hashlink::LinkedHashMap;
use hashlink::linked_hash_map::Entry;
use hoursmith_domain::TokenId;
use hoursmith_telemetry::names;

use crate::ring::{Horizon, Instant, Ring, Standing, Tier};

/// Whose budget a request uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A token's.
    Token(TokenId),
    /// That of whoever sends from an address without a valid token.
    Address(String),
    /// That of whoever opens the app from an address.
    App(String),
}

/// Both tiers of a plan: burst, then sustained.
pub type Tiers = [Tier; 2];

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may pass. A refused one has cost nothing.
    pub admitted: bool,
    /// How the visitor stands in each tier, this request counted if it passed.
    pub standings: [Standing; 2],
}

/// The rings of one shard.
#[derive(Debug)]
pub struct Limiter {
    tokens: Rings,
    addresses: Rings,
    horizon: Horizon,
}

/// The rings of one kind of visitor.
#[derive(Debug)]
struct Rings {
    /// The idlest first.
    rings: LinkedHashMap<Owner, Ring>,
    max: usize,
}

/// Idle rings dropped at each check; two, because a check adds at most one.
const DROPPED_PER_CHECK: usize = 2;

impl Limiter {
    /// A limiter that has seen nobody. At half of `max_rings` visitors of a kind, a new one takes
    /// the place of the one that was idle for longest, whose next request finds a whole budget:
    /// under a flood of addresses, memory is kept and the quietest addresses' exactness given up.
    pub fn new(max_rings: NonZeroUsize, horizon: Horizon) -> Self {
        let half = || Rings {
            rings: LinkedHashMap::new(),
            max: max_rings.get().div_ceil(2),
        };
        Self {
            tokens: half(),
            addresses: half(),
            horizon,
        }
    }

    /// Decides about a request at `now` on the monotonic clock, and counts it if it passes.
    pub fn spend(&mut self, owner: Owner, tiers: &Tiers, now: Duration) -> Decision {
        let now = Instant::at(now);
        let (horizon, rings) = (self.horizon, self.of_mut(&owner));
        rings.drop_idle(now, &horizon);
        let before = rings.standings(&owner, tiers, now);
        if !before.iter().all(Standing::is_open) {
            return Decision {
                admitted: false,
                standings: before,
            };
        }
        let ring = rings.latest(owner);
        ring.admit(now, &horizon);
        Decision {
            admitted: true,
            standings: tiers.map(|tier| ring.standing(&tier, now)),
        }
    }

    /// How a visitor stands; counts nothing.
    pub fn standings(&self, owner: &Owner, tiers: &Tiers, now: Duration) -> [Standing; 2] {
        let rings = match owner {
            Owner::Token(_) => &self.tokens,
            Owner::Address(_) | Owner::App(_) => &self.addresses,
        };
        rings.standings(owner, tiers, Instant::at(now))
    }

    /// How many visitors are remembered.
    pub fn len(&self) -> usize {
        self.tokens.rings.len() + self.addresses.rings.len()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn of_mut(&mut self, owner: &Owner) -> &mut Rings {
        match owner {
            Owner::Token(_) => &mut self.tokens,
            Owner::Address(_) | Owner::App(_) => &mut self.addresses,
        }
    }
}

impl Rings {
    fn standings(&self, owner: &Owner, tiers: &Tiers, now: Instant) -> [Standing; 2] {
        let ring = self.rings.get(owner);
        tiers.map(|tier| {
            ring.map_or_else(
                || Standing::untouched(&tier),
                |ring| ring.standing(&tier, now),
            )
        })
    }

    /// A visitor's ring, moved behind all others; a new one where there is none, in the place of
    /// the idlest at the bound.
    fn latest(&mut self, owner: Owner) -> &mut Ring {
        if self.rings.len() >= self.max && !self.rings.contains_key(&owner) {
            self.rings.pop_front();
            metrics::counter!(names::RATE_LIMITER_EVICTIONS).increment(1);
        }
        // A new ring stands at the back already.
        match self.rings.entry(owner) {
            Entry::Vacant(entry) => entry.insert(Ring::default()),
            Entry::Occupied(mut entry) => {
                entry.to_back();
                entry.into_mut()
            }
        }
    }

    fn drop_idle(&mut self, now: Instant, horizon: &Horizon) {
        for _ in 0..DROPPED_PER_CHECK {
            if !self
                .rings
                .front()
                .is_some_and(|(_, ring)| ring.is_idle(now, horizon))
            {
                return;
            }
            self.rings.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const fn tier(limit: u32, window_ms: u64) -> Tier {
        Tier {
            limit: NonZeroU32::new(limit).unwrap(),
            window: Duration::from_millis(window_ms),
        }
    }

    /// Three plans; the third has its wider tier first and its longer window in the burst.
    const PLANS: [Tiers; 3] = [
        [tier(3, 10), tier(7, 40)],
        [tier(5, 10), tier(14, 40)],
        [tier(9, 60), tier(4, 20)],
    ];
    const HORIZON: Horizon = Horizon {
        window: Duration::from_millis(60),
        admissions: NonZeroU32::new(14).unwrap(),
    };

    /// With room for so many of each kind.
    fn limiter(of_each: usize) -> Limiter {
        Limiter::new(NonZeroUsize::new(2 * of_each).unwrap(), HORIZON)
    }

    fn owner(n: u8) -> Owner {
        Owner::Token(TokenId(Uuid::from_u128(n.into())))
    }

    /// Every admission ever, and nothing clever.
    #[derive(Default)]
    struct Model(Vec<(u8, Duration)>);

    impl Model {
        fn standing(&self, who: u8, tier: &Tier, now: Duration) -> Standing {
            let ends: Vec<Duration> = self
                .0
                .iter()
                .filter(|(w, _)| *w == who)
                .map(|(_, at)| *at + tier.window)
                .collect();
            let remaining = |at: Duration| {
                let counted = ends.iter().filter(|end| **end > at).count() as u32;
                tier.limit.get().saturating_sub(counted)
            };
            // Of all moments at which one leaves, the first with more room than now.
            let more = ends
                .iter()
                .filter(|end| **end > now && remaining(**end) > remaining(now));
            let wait = more.min().map_or(Duration::ZERO, |end| *end - now);
            Standing {
                remaining: remaining(now),
                wait,
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_brute_force(
            steps in prop::collection::vec((0u64..8, 0u8..3, 0usize..3, prop::bool::weighted(0.9)), 1..400)
        ) {
            let mut limiter = limiter(100);
            let mut model = Model::default();
            let mut now = Duration::from_secs(1);
            for (pause, who, plan, spend) in steps {
                now += Duration::from_micros(500 * pause);
                let tiers = &PLANS[plan];
                let stand = |model: &Model| tiers.map(|tier| model.standing(who, &tier, now));
                let expected = stand(&model);
                if !spend {
                    prop_assert_eq!(limiter.standings(&owner(who), tiers, now), expected);
                    continue;
                }
                let admitted = expected.iter().all(|standing| standing.remaining > 0);
                if admitted {
                    model.0.push((who, now));
                }
                let decision = limiter.spend(owner(who), tiers, now);
                prop_assert_eq!(decision, Decision { admitted, standings: stand(&model) });
                if !admitted {
                    // Exact: at the end of the longest wait the request passes, not before.
                    let wait = expected.iter().filter(|s| !s.is_open()).map(|s| s.wait).max().unwrap();
                    let open = |at| limiter.standings(&owner(who), tiers, at).iter().all(Standing::is_open);
                    prop_assert!(open(now + wait) && !open(now + wait - Duration::from_micros(1)));
                }
            }
        }

        #[test]
        fn no_window_holds_more_than_its_limit(pauses in prop::collection::vec(0u64..5, 1..600)) {
            let mut limiter = limiter(1);
            let mut now = Duration::ZERO;
            let mut admitted = Vec::new();
            for pause in pauses {
                now += Duration::from_millis(pause);
                if limiter.spend(owner(0), &PLANS[0], now).admitted {
                    admitted.push(now);
                }
            }
            for tier in PLANS[0] {
                let limit = tier.limit.get() as usize;
                for window in admitted.windows(limit + 1) {
                    prop_assert!(window[limit] - window[0] >= tier.window);
                }
            }
        }
    }

    #[test]
    fn the_idle_leave_and_the_idlest_makes_room() {
        let ms = Duration::from_millis;
        let mut limiter = limiter(3);
        for n in 0..3 {
            limiter.spend(owner(n), &PLANS[0], ms(n.into()));
        }
        limiter.spend(owner(0), &PLANS[0], ms(3));
        limiter.spend(owner(3), &PLANS[0], ms(4));
        assert_eq!(limiter.len(), 3);
        let used =
            |limiter: &Limiter, n| 7 - limiter.standings(&owner(n), &PLANS[0], ms(5))[1].remaining;
        assert_eq!([0, 1, 2, 3].map(|n| used(&limiter, n)), [2, 0, 1, 1]);
        // Each check drops up to two of those that have gone idle, and adds at most one.
        limiter.spend(owner(4), &PLANS[0], ms(4) + HORIZON.window);
        assert_eq!(limiter.len(), 2);
        limiter.spend(owner(4), &PLANS[0], ms(5) + HORIZON.window);
        assert_eq!(limiter.len(), 1);
    }

    #[test]
    fn a_flood_of_addresses_costs_no_token_its_count() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let now = Duration::from_secs(1);
        let mut limiter = limiter(2);
        metrics::with_local_recorder(&recorder, || {
            limiter.spend(owner(0), &PLANS[0], now);
            for n in 0..100 {
                limiter.spend(Owner::Address(n.to_string()), &PLANS[0], now);
            }
        });
        assert_eq!(limiter.standings(&owner(0), &PLANS[0], now)[0].remaining, 2);
        assert_eq!(limiter.len(), 3);
        let text = recorder.handle().render();
        assert!(
            text.contains("hoursmith_rate_limiter_evictions_total 98"),
            "{text}"
        );
    }

    #[test]
    fn a_refusal_leaves_no_ring_and_costs_nothing() {
        let mut limiter = limiter(2);
        let now = Duration::from_secs(1);
        assert_eq!(limiter.standings(&owner(0), &PLANS[0], now)[0].remaining, 3);
        assert!(limiter.is_empty());
        let passed = (0..100)
            .filter(|_| limiter.spend(owner(0), &PLANS[0], now).admitted)
            .count();
        assert_eq!(passed, 3);
        let later = now + Duration::from_millis(10);
        assert!(limiter.spend(owner(0), &PLANS[0], later).admitted);
    }
}
