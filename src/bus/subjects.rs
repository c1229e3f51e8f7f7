//! Every subject that two rooms must agree on, once: who asks and who answers both take it here.
//!
//! Functions that cannot fail rather than text to be parsed in each place; a test holds them to the
//! grammar. Who may speak on which of them stands in `nats/nats-server.conf`.

use uuid::Uuid;

use crate::{Pattern, Subject};

/// What every subject begins with. Of what travels below it, a release that its predecessor cannot
/// understand speaks under `v2` beside it.
pub const PREFIX: &str = "hoursmith.v1";

/// Whose token is this?
pub fn token_auth_check() -> Subject {
    below("token-auth.check")
}

/// Has this key been used?
pub fn idempotency_check() -> Subject {
    below("idempotency.check")
}

/// Is there budget left? Asked of the limiter that owns the visitor.
pub fn limiter_check(instance: Uuid) -> Subject {
    below(&format!("rate-limiter.{}.check", instance.simple()))
}

/// Where limiters announce themselves: their instance id in 32 hex digits, each second, at start
/// and when asked; with a minus in front when they leave.
pub fn limiter_alive() -> Subject {
    below("rate-limiter.alive")
}

/// Where gateways ask which limiters there are.
pub fn limiter_who() -> Subject {
    below("rate-limiter.who")
}

/// Where those who have written events wake the relays: there is something to number. An envelope
/// without content.
pub fn relay_wake() -> Subject {
    below("relay.wake")
}

/// Everything that the resource actor answers: one subject a route, `<resource>.<action>`.
pub fn resources() -> Pattern {
    Pattern::known(format!("{PREFIX}.resource.*.*"))
}

/// Where a relay wakes the webhook dispatchers, since events have become public, and they one
/// another, since deliveries were queued again. An envelope without content.
pub fn webhook_wake() -> Subject {
    below("webhook-dispatcher.wake")
}

/// Everything that the webhook dispatcher answers: one subject a route, `<resource>.<action>`.
pub fn webhooks() -> Pattern {
    Pattern::known(format!("{PREFIX}.webhook-dispatcher.*.*"))
}

fn below(rest: &str) -> Subject {
    Subject::known(format!("{PREFIX}.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_in_the_grammar() {
        for subject in [
            token_auth_check(),
            idempotency_check(),
            limiter_check(Uuid::nil()),
            limiter_alive(),
            limiter_who(),
            relay_wake(),
            webhook_wake(),
        ] {
            assert_eq!(Subject::new(subject.as_str()).unwrap(), subject);
        }
        for pattern in [resources(), webhooks()] {
            assert_eq!(Pattern::new(pattern.as_str()).unwrap(), pattern);
        }
    }
}
