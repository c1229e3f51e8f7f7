//! The gate: one shard's worker, which owns the rings of its visitors.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock};

use hoursmith_bus::{Additions, Ask, Verdict, Visitor};
use hoursmith_kit::{Clock, Failure, Worker};

use crate::limiter::{Limiter, Owner};
use crate::policy::{Policies, Policy};

pub(crate) struct Gate {
    pub(crate) limiter: Limiter,
    pub(crate) policies: Arc<Policies>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Gate {
    fn decide(&mut self, owner: Owner, policy: &Policy, peek: bool) -> Verdict {
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        let standings = if peek {
            self.limiter.standings(&owner, &policy.tiers, monotonic)
        } else {
            let decision = self.limiter.spend(owner, &policy.tiers, monotonic);
            if !decision.admitted {
                return Verdict::Refuse(policy.refusal(&decision, now));
            }
            decision.standings
        };
        Verdict::Continue(Additions {
            headers: policy.headers(standings, now),
            ..Additions::default()
        })
    }
}

impl Worker for Gate {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        let policies = Arc::clone(&self.policies);
        let policy = match (&ask.head.visitor, &ask.caller) {
            (Some(Visitor::Caller), Some(caller)) => policies.of(caller.plan()),
            (Some(Visitor::App(_)), _) => &policies.app,
            _ => &policies.anonymous,
        };
        let owner = owner(&ask).ok_or_else(|| {
            Failure::internal(
                "tell whose rate limit applies",
                "the head names no visitor that it proves",
            )
        })?;
        Ok(self.decide(owner, policy, ask.head.peek))
    }
}

/// Whose budget the request uses. `None` where the head says a caller and brings none.
fn owner(ask: &Ask) -> Option<Owner> {
    match (&ask.head.visitor, &ask.caller) {
        (Some(Visitor::Caller), Some(caller)) => Some(Owner::Token(caller.token())),
        (Some(Visitor::Address(address)), _) => Some(Owner::Address(address.clone())),
        (Some(Visitor::App(address)), _) => Some(Owner::App(address.clone())),
        (Some(Visitor::Caller), None) | (None, _) => None,
    }
}

/// The shard of a request. Seeded in each process, so that nobody can choose addresses that all
/// fall to one shard.
pub(crate) fn shard(ask: &Ask) -> u64 {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    SEED.hash_one(owner(ask))
}
