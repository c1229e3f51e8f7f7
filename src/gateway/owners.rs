//! Which of the live rate limiters owns a visitor's budget.
//!
//! A budget must be counted in one place. Every gateway hears the limiters' heartbeats and picks
//! the owner by rendezvous hashing (Thaler and Ravishankar, 1998): each limiter gets a score for
//! each visitor, the highest owns it. Gateways that see the same limiters agree without talking,
//! and a limiter that comes or goes moves the visitors of its own share alone.
//!
//! A heartbeat is sealed: whoever could forge one would count everybody's requests.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use hoursmith_bus::{Bus, Envelope, Handler, Pattern, Service, Subject, Subscription, subjects};
use hoursmith_domain::Keys;
use hoursmith_kit::Clock;
use uuid::Uuid;

/// How long a heartbeat is good for: three of them, and the way.
const FRESH: Duration = Duration::from_millis(3500);

/// How long a question or a heartbeat travels at most.
const TRAVEL: Duration = Duration::from_secs(2);

/// Heartbeats at a time. One more would be lost, and the next comes a second later.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// The limiters that a gateway knows.
pub(crate) struct Owners {
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    keys: Keys,
    known: RwLock<Vec<Owner>>,
}

/// A limiter.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) instance: Uuid,
    /// Where it is asked.
    pub(crate) subject: Subject,
    seen: Duration,
}

impl Owners {
    pub(crate) fn new(bus: Arc<dyn Bus>, clock: Arc<dyn Clock>, keys: Keys) -> Arc<Self> {
        Arc::new(Self {
            bus,
            clock,
            keys,
            known: RwLock::default(),
        })
    }

    /// Listens to heartbeats, in a queue group of its own so that every gateway hears each, and
    /// asks who is there.
    pub(crate) async fn listen(
        self: &Arc<Self>,
        gateway: Uuid,
    ) -> Result<Subscription, hoursmith_bus::Error> {
        let owners = Arc::clone(self);
        let handler: Handler = Arc::new(move |subject, envelope| {
            owners.hear(&subject, &envelope);
            Box::pin(std::future::ready(Ok(envelope)))
        });
        let subscription = self
            .bus
            .serve(Service {
                pattern: Pattern::from(&subjects::limiter_alive()),
                group: format!("gateway-{}", gateway.simple()),
                capacity: CAPACITY,
                handler,
            })
            .await?;
        let who = subjects::limiter_who();
        let question = Envelope::new(self.clock.now().plus(TRAVEL), Bytes::new(), Bytes::new())
            .sealed(&who, &self.keys);
        self.bus.publish(who, question).await?;
        Ok(subscription)
    }

    fn hear(&self, subject: &Subject, heartbeat: &Envelope) {
        if heartbeat.verify(subject, &self.keys).is_err() {
            tracing::error!(
                bus.subject = %subject,
                security.event = "forged_envelope",
                "A heartbeat with a wrong seal was refused."
            );
            return;
        }
        let text = std::str::from_utf8(&heartbeat.body).unwrap_or_default();
        let (leaves, hex) = match text.strip_prefix('-') {
            Some(hex) => (true, hex),
            None => (false, text),
        };
        let Ok(instance) = Uuid::try_parse(hex) else {
            return;
        };
        if leaves {
            self.forget(instance);
        } else {
            self.see(instance);
        }
    }

    fn see(&self, instance: Uuid) {
        let seen = self.clock.monotonic();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|owner| self.is_live(owner, seen) || owner.instance == instance);
        match known.iter_mut().find(|owner| owner.instance == instance) {
            Some(owner) => owner.seen = seen,
            None => known.push(Owner {
                instance,
                subject: subjects::limiter_check(instance),
                seen,
            }),
        }
    }

    /// Drops a limiter that left or does not answer; its next heartbeat brings it back.
    pub(crate) fn forget(&self, instance: Uuid) {
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|owner| owner.instance != instance);
    }

    /// The owner of a visitor's budget.
    ///
    /// Where no heartbeat is fresh, the last ones known are asked all the same: a limiter whose
    /// heartbeats are late may still answer, and one that is gone says so at once.
    pub(crate) fn pick(&self, visitor: &[u8]) -> Option<Owner> {
        let now = self.clock.monotonic();
        let hash = fnv1a(visitor);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .max_by_key(|owner| (self.is_live(owner, now), score(hash, owner.instance)))
            .cloned()
    }

    /// The owner among the limiters of this process alone.
    pub(crate) fn pick_here(&self, visitor: &[u8]) -> Option<Owner> {
        let hash = fnv1a(visitor);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .filter(|owner| self.bus.serves(&owner.subject))
            .max_by_key(|owner| score(hash, owner.instance))
            .cloned()
    }

    /// How many limiters are known to live.
    pub(crate) fn count(&self) -> usize {
        let now = self.clock.monotonic();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .filter(|owner| self.is_live(owner, now))
            .count()
    }

    /// Whether a limiter has been heard of lately, or is in this process: its heartbeats travel
    /// over the bus between processes, and need not arrive for it to be asked here.
    fn is_live(&self, owner: &Owner, now: Duration) -> bool {
        now.saturating_sub(owner.seen) <= FRESH || self.bus.serves(&owner.subject)
    }
}

/// FNV-1a, 64 bits. All gateways of a deployment, of whatever build, must come to the same score,
/// which the standard library's hashers do not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The finalizer of SplitMix64 over both: every bit of either decides every bit of the score.
fn score(visitor: u64, instance: Uuid) -> u64 {
    let (high, low) = instance.as_u64_pair();
    let mut mixed = visitor ^ high.rotate_left(32) ^ low;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl fmt::Debug for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owners")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod unit {
    use super::*;
    use hoursmith_bus::MemoryBus;
    use hoursmith_domain::SecretKey;
    use hoursmith_kit::{ManualClock, Random as _, SystemRandom};

    fn owners() -> (Arc<Owners>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new());
        let keys = Keys::derive(&SecretKey::from_bytes([1; 32]));
        let now = Arc::clone(&clock);
        let bus = MemoryBus::new(Arc::new(move || now.now()));
        let owners = Owners::new(bus, Arc::clone(&clock) as Arc<dyn Clock>, keys);
        (owners, clock)
    }

    fn instances(count: usize, clock: &ManualClock) -> Vec<Uuid> {
        (0..count)
            .map(|_| SystemRandom.uuid_v7(clock.now()))
            .collect()
    }

    fn shares(owners: &Owners) -> Vec<(Vec<u8>, Uuid)> {
        (0..1000u32)
            .map(|n| n.to_le_bytes().to_vec())
            .map(|visitor| {
                let owner = owners.pick(&visitor).unwrap();
                (visitor, owner.instance)
            })
            .collect()
    }

    #[test]
    fn shares_are_even_and_only_a_leavers_share_moves() {
        let (owners, clock) = owners();
        let instances = instances(4, &clock);
        instances.iter().for_each(|instance| owners.see(*instance));
        let before = shares(&owners);
        for instance in &instances {
            let share = before.iter().filter(|(_, owner)| owner == instance).count();
            assert!((150..=350).contains(&share), "{share} of 1000");
        }
        owners.forget(instances[0]);
        for ((_, was), (_, is)) in before.iter().zip(shares(&owners)) {
            assert!(*was == instances[0] || *was == is);
        }
    }

    #[test]
    fn a_silent_limiter_is_the_last_resort() {
        let (owners, clock) = owners();
        let instances = instances(2, &clock);
        owners.see(instances[0]);
        clock.advance(FRESH + Duration::from_millis(1));
        assert_eq!(owners.count(), 0);
        assert_eq!(owners.pick(b"v").unwrap().instance, instances[0]);
        owners.see(instances[1]);
        assert!(
            shares(&owners)
                .iter()
                .all(|(_, owner)| *owner == instances[1])
        );
    }

    #[test]
    fn only_sealed_heartbeats_are_heard() {
        let (owners, clock) = owners();
        let instance = instances(1, &clock)[0];
        let subject = subjects::limiter_alive();
        let beat = |body: String| Envelope::new(clock.now().plus(TRAVEL), Bytes::new(), body);
        let alive = beat(instance.simple().to_string());
        owners.hear(&subject, &alive);
        assert_eq!(owners.count(), 0);
        owners.hear(&subject, &alive.sealed(&subject, &owners.keys));
        assert_eq!(owners.count(), 1);
        let leaving = beat(format!("-{}", instance.simple())).sealed(&subject, &owners.keys);
        owners.hear(&subject, &leaving);
        assert_eq!(owners.count(), 0);
    }
}
