//! The bell that wakes a relay: whoever has written events publishes on the relays' subject.
//!
//! Every relay hears every ring, each in a group of its own: only one of them is at work, and the
//! ring must not go to another instead. Rings that come while it works are one.

use std::num::NonZeroUsize;
use std::sync::Arc;

use hoursmith_bus::{Envelope, Error, Handler, Pattern, Service, Subscription, subjects};
use hoursmith_kit::Host;
use tokio::sync::Notify;

/// Rings taken in at a time. Each takes a microsecond; one that finds no room is dropped, and those
/// that are there ring the same bell.
const RINGS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

#[derive(Debug, Default)]
pub(crate) struct Bell(Notify);

impl Bell {
    /// Lets the bus ring it.
    pub(crate) async fn hang(self: &Arc<Self>, host: &Host) -> Result<Subscription, Error> {
        let (bell, keys) = (Arc::clone(self), host.keys.clone());
        let handler: Handler = Arc::new(move |subject, envelope| {
            let checked = envelope.verify(&subject, &keys);
            if checked.is_ok() {
                bell.ring();
            }
            let heard = checked.map(|()| Envelope::new(envelope.deadline, "", ""));
            Box::pin(std::future::ready(heard))
        });
        let group = format!("{}-{}", crate::NAME, host.instance.simple());
        host.bus
            .serve(Service {
                pattern: Pattern::from(&subjects::relay_wake()),
                group,
                capacity: RINGS,
                handler,
            })
            .await
    }

    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits until it has rung since it was last waited for.
    pub(crate) async fn rung(&self) {
        self.0.notified().await;
    }
}
