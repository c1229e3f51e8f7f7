//! The other end of a [`crate::Bell`]: tells those who look for work that there is some.
//!
//! Whoever has made work rings and goes on: the publishing is another task's. Rings that come while
//! it publishes are one, so that nothing queues, and a wake-up that is lost is none the worse, since
//! those who hear it look by themselves as well.

use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Bus, Envelope, Subject};
use hoursmith_domain::Keys;
use tokio::sync::Notify;

use crate::{Clock, Host};

/// How long a wake-up is worth anything: as long as its hearers take to look by themselves.
const WORTH: Duration = Duration::from_secs(1);

/// Rest after each wake-up. It is over before anybody would notice, and keeps a busy process from
/// waking others thousands of times a second.
const REST: Duration = Duration::from_millis(1);

/// Rings the bells on a subject.
#[derive(Debug)]
pub struct WakeUp {
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    keys: Keys,
    subject: Subject,
    rung: Notify,
}

impl WakeUp {
    /// For the bells on this subject.
    pub fn of(host: &Host, subject: Subject) -> Self {
        Self {
            bus: Arc::clone(&host.bus),
            clock: Arc::clone(&host.clock),
            keys: host.keys.clone(),
            subject,
            rung: Notify::new(),
        }
    }

    /// Wakes them, in a moment. Costs the caller nothing.
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
                    messaging.destination.name = %self.subject,
                    error = error as &dyn std::error::Error,
                    "A wake-up could not be published; its hearers look by themselves."
                );
            }
            heard = published.is_ok();
            tokio::time::sleep(REST).await;
        }
    }
}
