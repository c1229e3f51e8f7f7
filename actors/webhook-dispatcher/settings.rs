//! Settings of the webhook dispatcher.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Time between the end of a request to a receiver and the end of its lease: the attempt is
/// recorded in it.
const RECORDING: Duration = Duration::from_secs(1);

/// How much work is taken on at a time, and for how long it is kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WebhookSettings {
    /// Requests about endpoints and deliveries worked on at a time.
    pub(crate) workers: NonZeroUsize,
    /// Requests that may wait beside those; one more is answered 503.
    pub(crate) queue: usize,
    /// Deliveries that one replay of an endpoint queues at most. Whatever else is done for the
    /// endpoint waits while it queues them, and on SQLite every write does: a fifth of a second for
    /// the default.
    pub(crate) replay_max: u32,
    /// Time between two looks for public events and for deliveries that are due, in milliseconds.
    /// Both are told at once; this is how late they may be where that goes unheard.
    pub(crate) look_every_ms: NonZeroU32,
    /// Events given their deliveries in one transaction. On SQLite, other writes wait for it.
    pub(crate) fan_out_batch: NonZeroU32,
    /// Deliveries sent at a time to endpoints whose last attempt succeeded in a second; to those of
    /// one organization, a quarter of them.
    pub(crate) concurrency: NonZeroU32,
    /// Deliveries sent at a time to all other endpoints, and those that take longer than a second:
    /// however many receivers are dead, they keep no delivery from those that work. Of one
    /// organization, a quarter. Each holds a socket and up to 100 KB.
    pub(crate) patient_concurrency: NonZeroU32,
    /// Deliveries sent to one endpoint at a time; one whose last attempt failed gets one.
    pub(crate) endpoint_concurrency: NonZeroU32,
    /// Deliveries that one endpoint is sent in a second, over all processes, after as many at once: an
    /// import or a replay reaches it no faster. Above what one endpoint gets in daily work, so that it
    /// catches up.
    pub(crate) endpoint_rate_per_second: NonZeroU32,
    /// Time that a receiver has for the whole exchange, in milliseconds.
    pub(crate) timeout_ms: NonZeroU32,
    /// How long a delivery that is being sent is left to whoever sends it, in milliseconds: after a
    /// crash it is sent again this late. Must be longer than `timeout_ms` by at least a second.
    pub(crate) lease_ms: NonZeroU32,
    /// Time that deliveries being sent are given to end when the process stops, in milliseconds.
    /// The rest is given back and sent again.
    pub(crate) stop_ms: u32,
    /// Days that deliveries which are not pending are kept.
    pub(crate) delivery_retention_days: NonZeroU32,
    /// Days that events are kept. One that has deliveries is kept as long as they are.
    pub(crate) event_retention_days: NonZeroU32,
    /// Time between two looks for what is too old, in seconds.
    pub(crate) retention_every_s: NonZeroU64,
    /// Rows deleted in one transaction. Other writes wait for it.
    pub(crate) retention_batch: NonZeroU32,
}

/// Settings that contradict each other.
#[derive(Debug, thiserror::Error)]
#[error("lease_ms = {lease_ms} must be at least timeout_ms = {timeout_ms} and a second")]
pub(crate) struct LeaseTooShort {
    lease_ms: NonZeroU32,
    timeout_ms: NonZeroU32,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            workers: const { NonZeroUsize::new(16).unwrap() },
            queue: 256,
            replay_max: 2_000,
            look_every_ms: const { NonZeroU32::new(1_000).unwrap() },
            fan_out_batch: const { NonZeroU32::new(100).unwrap() },
            concurrency: const { NonZeroU32::new(256).unwrap() },
            patient_concurrency: const { NonZeroU32::new(256).unwrap() },
            endpoint_concurrency: const { NonZeroU32::new(16).unwrap() },
            endpoint_rate_per_second: const { NonZeroU32::new(300).unwrap() },
            timeout_ms: const { NonZeroU32::new(15_000).unwrap() },
            lease_ms: const { NonZeroU32::new(30_000).unwrap() },
            stop_ms: 10_000,
            delivery_retention_days: const { NonZeroU32::new(30).unwrap() },
            event_retention_days: const { NonZeroU32::new(90).unwrap() },
            retention_every_s: const { NonZeroU64::new(600).unwrap() },
            retention_batch: const { NonZeroU32::new(200).unwrap() },
        }
    }
}

impl WebhookSettings {
    /// Refuses a lease that a request could outlast: its delivery would be sent twice.
    pub(crate) fn check(&self) -> Result<(), LeaseTooShort> {
        if self.lease() >= self.timeout().saturating_add(RECORDING) {
            return Ok(());
        }
        Err(LeaseTooShort {
            lease_ms: self.lease_ms,
            timeout_ms: self.timeout_ms,
        })
    }

    pub(crate) fn look_every(&self) -> Duration {
        Duration::from_millis(self.look_every_ms.get().into())
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.get().into())
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms.get().into())
    }

    pub(crate) fn stop(&self) -> Duration {
        Duration::from_millis(self.stop_ms.into())
    }

    pub(crate) fn delivery_retention(&self) -> Duration {
        days(self.delivery_retention_days)
    }

    pub(crate) fn event_retention(&self) -> Duration {
        days(self.event_retention_days)
    }

    pub(crate) fn retention_every(&self) -> Duration {
        Duration::from_secs(self.retention_every_s.get())
    }
}

fn days(days: NonZeroU32) -> Duration {
    Duration::from_secs(u64::from(days.get()).saturating_mul(24 * 60 * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_outlasts_a_request() {
        let settings = |timeout: u32, lease: u32| WebhookSettings {
            timeout_ms: timeout.try_into().unwrap(),
            lease_ms: lease.try_into().unwrap(),
            ..WebhookSettings::default()
        };
        assert!(WebhookSettings::default().check().is_ok());
        assert!(settings(15_000, 16_000).check().is_ok());
        let refused = settings(15_000, 15_999).check().unwrap_err();
        assert!(
            refused.to_string().contains("timeout_ms = 15000"),
            "{refused}"
        );
    }
}
