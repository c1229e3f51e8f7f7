//! Questions without a caller, which accounts alone may ask: each on a subject of its own, below none that
//! others may ask on, and answered by workers that do nothing else. Who may speak on the subject
//! (`nats/nats-server.conf`) is who may ask, whatever a question says of itself.

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::{Ask, Pattern, Response, Subject, Subscription, Verdict};
use hoursmith_kit::{Failure, Host, Pool, PoolSpec, RestartPolicy, Routing, StartError, Worker};

use crate::actor::NAME;
use crate::error::Error;
use crate::request::Context;

/// Questions that are answered at a time, for each subject: one transaction each, and few.
const WORKERS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// How many may wait: as many as passwords at one accounts process, at a few milliseconds each. One more is
/// answered 503.
const QUEUE: usize = 32;

/// What answers a question.
pub(crate) type Answer =
    for<'a> fn(&'a Arc<Context>, &'a Ask) -> BoxFuture<'a, Result<Response, Error>>;

struct Guarded {
    context: Arc<Context>,
    answer: Answer,
}

/// Starts the workers of a subject.
pub(crate) async fn start(
    host: &Host,
    context: Arc<Context>,
    subject: &Subject,
    answer: Answer,
) -> Result<(Pool, Subscription), StartError> {
    let spec = PoolSpec {
        plugin: NAME,
        workers: WORKERS,
        queue: QUEUE,
        routing: Routing::Any,
        restart: RestartPolicy::default(),
    };
    let make = move |_| Guarded {
        context: Arc::clone(&context),
        answer,
    };
    let pool = Pool::start(host, spec, make).await?;
    let subscription = pool
        .serve(host.bus.as_ref(), Pattern::from(subject))
        .await?;
    Ok((pool, subscription))
}

impl Worker for Guarded {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        match (self.answer)(&self.context, &ask).await {
            Ok(response) => Ok(Verdict::Respond(response)),
            Err(Error::Problem(problem)) => Ok(Verdict::Refuse(problem)),
            Err(Error::Failure(failure)) => Err(failure),
            Err(Error::Contended(error)) => Err(error.into()),
        }
    }
}
