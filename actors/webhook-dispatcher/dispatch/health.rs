//! How an endpoint fares, from attempt to attempt.
//!
//! `failing` says that somebody should look: a delivery was given up, or none succeeded for a day.
//! It changes nothing about what is sent, and the next success ends it. `disabled` does.

use std::time::Duration;

use hoursmith_domain::webhook::Next;
use hoursmith_domain::{EventType, Timestamp};

/// How long nothing may succeed.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How an endpoint fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Health {
    /// Its status.
    pub(crate) status: Status,
    /// Attempts that failed since the last success.
    pub(crate) consecutive_failures: i64,
    /// When the first of them was made.
    pub(crate) failing_since: Option<Timestamp>,
    /// When an attempt last succeeded.
    pub(crate) last_success_at: Option<Timestamp>,
}

/// Status of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// It gets events.
    Enabled,
    /// It gets events, and takes none.
    Failing,
    /// It gets nothing.
    Disabled,
}

impl Status {
    /// The word in JSON and in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Failing => "failing",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the word; the database keeps no other than these.
    pub(crate) fn of_word(word: &str) -> Self {
        match word {
            "enabled" => Self::Enabled,
            "failing" => Self::Failing,
            _ => Self::Disabled,
        }
    }
}

impl Health {
    /// After an attempt that ended at `at`, with what follows from it for the delivery; and the event
    /// that tells of a new status, if it is one.
    pub(crate) fn after(self, next: Next, at: Timestamp) -> (Self, Option<EventType>) {
        if next == Next::Done {
            let recovers = self.status == Status::Failing;
            let after = Self {
                status: if recovers {
                    Status::Enabled
                } else {
                    self.status
                },
                consecutive_failures: 0,
                failing_since: None,
                last_success_at: Some(at),
            };
            return (
                after,
                recovers.then_some(EventType::WebhookEndpointRecovered),
            );
        }
        let failing_since = self.failing_since.unwrap_or(at);
        let is_hopeless = next == Next::GiveUp || failing_since.until(at) >= DAY;
        let status = match self.status {
            Status::Enabled | Status::Failing if next == Next::Disable => Status::Disabled,
            Status::Enabled if is_hopeless => Status::Failing,
            status => status,
        };
        let told = match status {
            _ if status == self.status => None,
            Status::Disabled => Some(EventType::WebhookEndpointDisabled),
            _ => Some(EventType::WebhookEndpointFailing),
        };
        let after = Self {
            status,
            consecutive_failures: self.consecutive_failures.saturating_add(1),
            failing_since: Some(failing_since),
            ..self
        };
        (after, told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    fn health(status: Status) -> Health {
        Health {
            status,
            consecutive_failures: 0,
            failing_since: None,
            last_success_at: None,
        }
    }

    fn after(health: Health, next: Next, seconds: u64) -> (Health, Option<EventType>) {
        health.after(next, START.plus(Duration::from_secs(seconds)))
    }

    #[test]
    fn it_fails_with_the_first_delivery_that_is_given_up_and_recovers_with_a_success() {
        let again = Next::RetryAt(START);
        let (failed, told) = after(health(Status::Enabled), again, 0);
        assert_eq!((failed.status, told), (Status::Enabled, None));
        let (failed, told) = after(failed, Next::GiveUp, 10);
        assert_eq!(failed.status, Status::Failing);
        assert_eq!(told, Some(EventType::WebhookEndpointFailing));
        assert_eq!(failed.consecutive_failures, 2);
        assert_eq!(failed.failing_since, Some(START));
        let (failed, told) = after(failed, Next::GiveUp, 20);
        assert_eq!((failed.status, told), (Status::Failing, None), "told once");
        let (well, told) = after(failed, Next::Done, 30);
        assert_eq!(told, Some(EventType::WebhookEndpointRecovered));
        let fresh = Health {
            last_success_at: Some(START.plus(Duration::from_secs(30))),
            ..health(Status::Enabled)
        };
        assert_eq!(well, fresh);
        assert_eq!(after(well, Next::Done, 40).1, None);
    }

    #[test]
    fn it_fails_after_a_day_without_a_success() {
        let again = Next::RetryAt(START);
        let (failed, _) = after(health(Status::Enabled), again, 0);
        let (failed, told) = after(failed, again, 86_399);
        assert_eq!((failed.status, told), (Status::Enabled, None));
        let (failed, told) = after(failed, again, 86_400);
        assert_eq!(failed.status, Status::Failing);
        assert_eq!(told, Some(EventType::WebhookEndpointFailing));
    }

    #[test]
    fn what_is_disabled_stays_so() {
        for status in [Status::Enabled, Status::Failing] {
            let (gone, told) = after(health(status), Next::Disable, 0);
            assert_eq!(gone.status, Status::Disabled);
            assert_eq!(told, Some(EventType::WebhookEndpointDisabled));
            for next in [Next::Disable, Next::GiveUp, Next::Done] {
                let (still, told) = after(gone, next, 1);
                assert_eq!((still.status, told), (Status::Disabled, None));
            }
        }
    }
}
