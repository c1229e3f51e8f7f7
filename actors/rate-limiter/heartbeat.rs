//! Tells who asks the limiters that this one is there.
//!
//! Each visitor's ring lives in one limiter, chosen among those that are heard of: so each says so
//! once a second, at once when somebody asks, and says goodbye when it stops, whereupon the others
//! take over without waiting for its silence to be noticed.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{
    Bus, Envelope, Error, Handler, Pattern, Service, Subject, Subscription, subjects,
};
use hoursmith_domain::Keys;
use hoursmith_kit::{Clock, Host};
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

const EVERY: Duration = Duration::from_secs(1);

/// How long a beat is worth anything. A few beats long, so that clocks may differ by a little.
const WORTH: Duration = Duration::from_secs(5);

/// Questions answered at a time. Each only rings a bell, and bells that ring together are one.
const QUESTIONS: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// This limiter's voice.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    keys: Keys,
    alive: Subject,
    instance: Uuid,
    asked: Notify,
}

impl Heartbeat {
    pub(crate) fn new(host: &Host) -> Self {
        Self {
            bus: Arc::clone(&host.bus),
            clock: Arc::clone(&host.clock),
            keys: host.keys.clone(),
            alive: subjects::limiter_alive(),
            instance: host.instance,
            asked: Notify::new(),
        }
    }

    /// Answers the question who is there. In a group of its own, because each limiter must hear it.
    pub(crate) async fn listen(self: &Arc<Self>) -> Result<Subscription, Error> {
        let heartbeat = Arc::clone(self);
        let handler: Handler = Arc::new(move |subject, envelope| {
            let checked = envelope.verify(&subject, &heartbeat.keys);
            if checked.is_ok() {
                heartbeat.asked.notify_one();
            }
            let answer = checked.map(|()| Envelope::new(envelope.deadline, "", ""));
            Box::pin(std::future::ready(answer))
        });
        let group = format!("rate-limiter-{}", self.instance.simple());
        self.bus
            .serve(Service {
                pattern: Pattern::from(&subjects::limiter_who()),
                group,
                capacity: QUESTIONS,
                handler,
            })
            .await
    }

    /// Beats for good.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = true;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.asked.notified() => {}
            }
            heard = self.say(self.instance.simple().to_string(), heard).await;
        }
    }

    /// Says goodbye.
    pub(crate) async fn leave(&self) {
        self.say(format!("-{}", self.instance.simple()), true).await;
    }

    /// Publishes, and gives whether that succeeded. A failure is logged when it is the first in a
    /// row; the bus says more about its own state.
    async fn say(&self, what: String, heard: bool) -> bool {
        let envelope =
            Envelope::new(self.clock.now().plus(WORTH), "", what).sealed(&self.alive, &self.keys);
        match self.bus.publish(self.alive.clone(), envelope).await {
            Ok(()) => true,
            Err(error) => {
                if heard {
                    tracing::warn!(
                        plugin.name = crate::NAME,
                        error = &error as &dyn std::error::Error,
                        "The heartbeat could not be published."
                    );
                }
                false
            }
        }
    }
}
