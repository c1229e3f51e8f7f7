//! A bell that wakes whoever looks for work by itself as well: it rings when somebody publishes on
//! its subject.
//!
//! Everybody hears every ring, each in a group of its own: the ring must not go to one that cannot
//! do the work instead of one that can. Rings that come while it works are one.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use hoursmith_bus::{Envelope, Error, Handler, Pattern, Service, Subject, Subscription};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Host;

/// Rings taken in at a time. Each takes a microsecond; one that finds no room is dropped, and those
/// that are there ring the same bell.
const RINGS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// A bell that holds one ring.
#[derive(Debug, Default)]
pub struct Bell {
    ring: Notify,
    /// When it was last heard by whoever leaves a while between two rings.
    heard: Mutex<Option<Instant>>,
}

impl Bell {
    /// Lets the bus ring it. `plugin` names the group.
    pub async fn hang(
        self: &Arc<Self>,
        host: &Host,
        plugin: &str,
        subject: &Subject,
    ) -> Result<Subscription, Error> {
        let (bell, keys) = (Arc::clone(self), host.keys.clone());
        let handler: Handler = Arc::new(move |subject, envelope| {
            let checked = envelope.verify(&subject, &keys);
            if checked.is_ok() {
                bell.ring();
            }
            let heard = checked.map(|()| Envelope::new(envelope.deadline, "", ""));
            Box::pin(std::future::ready(heard))
        });
        host.bus
            .serve(Service {
                pattern: Pattern::from(subject),
                group: format!("{plugin}-{}", host.instance.simple()),
                capacity: RINGS,
                handler,
            })
            .await
    }

    /// Rings it from within the process.
    pub fn ring(&self) {
        self.ring.notify_one();
    }

    /// Waits until it has rung since it was last waited for.
    pub async fn rung(&self) {
        self.ring.notified().await;
    }

    /// The same, at least `apart` after this was last done. The first ring after a pause is heard at once;
    /// of those that follow one another, as many are one as come in that time. So work that costs as much for
    /// many as for one is done for many when there are many.
    #[expect(
        clippy::disallowed_methods,
        reason = "the timer's own clock, by which it sleeps until an instant"
    )]
    pub async fn rung_apart(&self, apart: Duration) {
        self.ring.notified().await;
        let heard = *self.heard();
        if let Some(heard) = heard {
            tokio::time::sleep_until(heard + apart).await;
        }
        let now = Instant::now();
        *self.heard() = Some(now);
        // Rung meanwhile: it is heard with the first.
        self.ring.notified().now_or_never();
    }

    /// Nobody panics while holding it.
    fn heard(&self) -> MutexGuard<'_, Option<Instant>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rings_that_follow_one_another_are_one() {
        const APART: Duration = Duration::from_millis(20);
        let bell = Bell::default();
        bell.ring();
        bell.rung_apart(APART).await;
        let first = bell.heard().expect("it was heard");
        bell.ring();
        let (waits, rings) = (bell.rung_apart(APART), async {
            tokio::task::yield_now().await;
            bell.ring();
        });
        tokio::join!(waits, rings);
        assert!(first.elapsed() >= APART.checked_sub(Duration::from_millis(2)).unwrap());
        assert!(
            bell.rung_apart(APART).now_or_never().is_none(),
            "it was heard"
        );
        bell.ring();
        assert!(
            bell.rung().now_or_never().is_some(),
            "without a pause it is heard at once"
        );
    }
}
