//! A bell that wakes whoever looks for work by itself as well: it rings when somebody publishes on
//! its subject.
//!
//! Everybody hears every ring, each in a group of its own: the ring must not go to one that cannot
//! do the work instead of one that can. Rings that come while it works are one.

use std::num::NonZeroUsize;
use std::sync::Arc;

use hoursmith_bus::{Envelope, Error, Handler, Pattern, Service, Subject, Subscription};
use tokio::sync::Notify;

use crate::Host;

/// Rings taken in at a time. Each takes a microsecond; one that finds no room is dropped, and those
/// that are there ring the same bell.
const RINGS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// A bell that holds one ring.
#[derive(Debug, Default)]
pub struct Bell(Notify);

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
        self.0.notify_one();
    }

    /// Waits until it has rung since it was last waited for.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}
