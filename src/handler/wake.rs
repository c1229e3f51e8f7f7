//! Tells the relays that events have been written.
//!
//! A request rings and goes on: the publishing is another task's. Rings that come while it publishes
//! are one, so that nothing queues, and a wake-up that is lost is none the worse, since the relays
//! look by themselves as well.

use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Bus, Envelope, Subject, subjects};
use hoursmith_domain::Keys;
use hoursmith_kit::{Clock, Host};
use tokio::sync::Notify;

/// How long a wake-up is worth anything: as long as a relay takes to look by itself.
const WORTH: Duration = Duration::from_secs(1);

/// Rest after each wake-up. It is over before anybody would notice, and keeps a busy process from
/// waking the relays thousands of times a second.
const REST: Duration = Duration::from_millis(1);

/// A bell that holds one ring.
#[derive(Debug)]
pub struct WakeUp {
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    keys: Keys,
    subject: Subject,
    rung: Notify,
}

impl WakeUp {
    /// The bell of a process.
    pub fn of(host: &Host) -> Self {
        Self {
            bus: Arc::clone(&host.bus),
            clock: Arc::clone(&host.clock),
            keys: host.keys.clone(),
            subject: subjects::relay_wake(),
            rung: Notify::new(),
        }
    }

    /// Wakes the relays, in a moment. Costs the caller nothing.
    pub fn ring(&self) {
        self.rung.notify_one();
    }

    /// Publishes for good. A failure is logged when it is the first in a row; the bus says more
    /// about its own state.
    pub async fn run(self: Arc<Self>) {
        let mut heard = true;
        loop {
            self.rung.notified().await;
            let envelope = Envelope::new(self.clock.now().plus(WORTH), "", "")
                .sealed(&self.subject, &self.keys);
            let published = self.bus.publish(self.subject.clone(), envelope).await;
            if let (Err(error), true) = (&published, heard) {
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    "The relays could not be woken; they look by themselves."
                );
            }
            heard = published.is_ok();
            tokio::time::sleep(REST).await;
        }
    }
}
