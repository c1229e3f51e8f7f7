//! How an endpoint fares, from attempt to attempt.
//!
//! `failing` says that somebody should look: a delivery was given up, or none succeeded for a day.
//! It changes nothing about what is sent, and the next success ends it. `disabled` does.

use std::time::Duration;

use hoursmith_domain::webhook::Next;
use hoursmith_domain::{EventType, Timestamp};

use crate::endpoint::{EndpointState, Status};

/// How long nothing may succeed.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What an attempt that ended at `at` means for its endpoint, given what follows from it for the
/// delivery; and the event that tells of a new status, if it is one.
pub(super) fn after(endpoint: &mut EndpointState, next: Next, at: Timestamp) -> Option<EventType> {
    if next == Next::Done {
        endpoint.consecutive_failures = 0;
        endpoint.failing_since = None;
        endpoint.last_success_at = Some(at);
        return (endpoint.status == Status::Failing).then(|| {
            endpoint.status = Status::Enabled;
            EventType::WebhookEndpointRecovered
        });
    }
    endpoint.consecutive_failures = endpoint.consecutive_failures.saturating_add(1);
    let failing_since = *endpoint.failing_since.get_or_insert(at);
    let is_hopeless = next == Next::GiveUp || failing_since.until(at) >= DAY;
    let (status, kind) = match endpoint.status {
        Status::Enabled | Status::Failing if next == Next::Disable => {
            (Status::Disabled, EventType::WebhookEndpointDisabled)
        }
        Status::Enabled if is_hopeless => (Status::Failing, EventType::WebhookEndpointFailing),
        _ => return None,
    };
    endpoint.status = status;
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoursmith_domain::WebhookEndpointId;
    use uuid::Uuid;

    const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    fn endpoint(status: Status) -> EndpointState {
        let mut endpoint = EndpointState::new(WebhookEndpointId(Uuid::nil()), START);
        endpoint.status = status;
        endpoint
    }

    fn attempt(endpoint: &mut EndpointState, next: Next, seconds: u64) -> Option<EventType> {
        after(endpoint, next, START.plus(Duration::from_secs(seconds)))
    }

    #[test]
    fn it_fails_with_the_first_delivery_that_is_given_up_and_recovers_with_a_success() {
        let mut one = endpoint(Status::Enabled);
        assert_eq!(attempt(&mut one, Next::RetryAt(START), 0), None);
        assert_eq!(one.status, Status::Enabled);
        let told = attempt(&mut one, Next::GiveUp, 10);
        assert_eq!(told, Some(EventType::WebhookEndpointFailing));
        assert_eq!(one.status, Status::Failing);
        assert_eq!(one.consecutive_failures, 2);
        assert_eq!(one.failing_since, Some(START));
        assert_eq!(attempt(&mut one, Next::GiveUp, 20), None, "told once");
        let told = attempt(&mut one, Next::Done, 30);
        assert_eq!(told, Some(EventType::WebhookEndpointRecovered));
        let fresh = EndpointState {
            last_success_at: Some(START.plus(Duration::from_secs(30))),
            ..endpoint(Status::Enabled)
        };
        assert_eq!(one, fresh);
        assert_eq!(attempt(&mut one, Next::Done, 40), None);
    }

    #[test]
    fn it_fails_after_a_day_without_a_success() {
        let mut one = endpoint(Status::Enabled);
        let again = Next::RetryAt(START);
        assert_eq!(attempt(&mut one, again, 0), None);
        assert_eq!(attempt(&mut one, again, 86_399), None);
        assert_eq!(one.status, Status::Enabled);
        let told = attempt(&mut one, again, 86_400);
        assert_eq!(told, Some(EventType::WebhookEndpointFailing));
        assert_eq!(one.status, Status::Failing);
    }

    #[test]
    fn what_is_disabled_stays_so() {
        for status in [Status::Enabled, Status::Failing] {
            let mut one = endpoint(status);
            let told = attempt(&mut one, Next::Disable, 0);
            assert_eq!(told, Some(EventType::WebhookEndpointDisabled));
            for next in [Next::Disable, Next::GiveUp, Next::Done] {
                assert_eq!(attempt(&mut one, next, 1), None);
                assert_eq!(one.status, Status::Disabled);
            }
        }
    }
}
