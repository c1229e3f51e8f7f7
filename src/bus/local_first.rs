//! Two buses as one: what this process serves is called here, all else goes out.
//!
//! A request in the process costs a thousandth of one over the network, and a gate that runs
//! beside the gateway keeps working while the network is away. Operators may still force a stage
//! out, to measure it or to spare this process ([`Placement`]).

use std::sync::Arc;

use futures::future::{BoxFuture, join};
use tokio::sync::Semaphore;

use crate::{
    Bus, End, Envelope, Error, ErrorKind, Handler, MemoryBus, Pattern, Service, Subject,
    Subscription,
};

/// A local bus in front of a remote one.
#[derive(Debug)]
pub struct LocalFirst {
    local: Arc<MemoryBus>,
    remote: Arc<dyn Bus>,
    placement: Placement,
}

/// Which subjects go out even if this process serves them.
#[derive(Debug, Clone, Default)]
pub struct Placement {
    remote: Vec<Pattern>,
}

impl Placement {
    /// Everything local first.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends requests on these subjects out.
    #[must_use]
    pub fn force_remote(mut self, pattern: Pattern) -> Self {
        self.remote.push(pattern);
        self
    }

    fn allows_local(&self, subject: &Subject) -> bool {
        !self.remote.iter().any(|pattern| pattern.matches(subject))
    }
}

impl LocalFirst {
    /// Puts `local` in front of `remote`.
    pub fn new(local: Arc<MemoryBus>, remote: Arc<dyn Bus>, placement: Placement) -> Arc<Self> {
        Arc::new(Self {
            local,
            remote,
            placement,
        })
    }
}

impl Bus for LocalFirst {
    fn request(
        &self,
        subject: Subject,
        envelope: Envelope,
    ) -> BoxFuture<'_, Result<Envelope, Error>> {
        if self.placement.allows_local(&subject) && self.local.serves(&subject) {
            self.local.request(subject, envelope)
        } else {
            self.remote.request(subject, envelope)
        }
    }

    /// Goes out alone and comes back to our own subscriptions: told on both buses, a group with
    /// members here and elsewhere would hear it twice.
    fn publish(&self, subject: Subject, envelope: Envelope) -> BoxFuture<'_, Result<(), Error>> {
        self.remote.publish(subject, envelope)
    }

    fn serve(&self, mut service: Service) -> BoxFuture<'_, Result<Subscription, Error>> {
        service.handler = sharing_places(&service);
        Box::pin(async move {
            let remote = self.remote.serve(service.clone()).await?;
            let local = self.local.serve(service).await?;
            Ok(Subscription::new(move |end| match end {
                // Dropped here and now, as `End::Drop` asks.
                End::Drop => {
                    drop((local, remote));
                    Box::pin(std::future::ready(()))
                }
                End::Drain => Box::pin(async move {
                    join(local.drain(), remote.drain()).await;
                }),
            }))
        })
    }

    fn serves(&self, subject: &Subject) -> bool {
        self.local.serves(subject)
    }

    fn health(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.local.health().await?;
            self.remote.health().await
        })
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            join(self.local.drain(), self.remote.drain()).await;
        })
    }
}

/// The handler behind one count of places: each bus admits up to the capacity, and the two
/// together must not admit twice as much.
fn sharing_places(service: &Service) -> Handler {
    let places = Arc::new(Semaphore::new(
        service.capacity.get().min(Semaphore::MAX_PERMITS),
    ));
    let handler = Arc::clone(&service.handler);
    Arc::new(
        move |subject, envelope| match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let answer = handler(subject, envelope);
                Box::pin(async move {
                    let answer = answer.await;
                    drop(place);
                    answer
                })
            }
            Err(_) => Box::pin(std::future::ready(Err(Error::new(
                ErrorKind::Overloaded,
                "answer",
                subject,
            )))),
        },
    )
}
