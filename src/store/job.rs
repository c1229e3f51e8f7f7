//! A write job: what runs inside a transaction, and how its caller hears of it.
//!
//! Jobs run on a task of the store, never in the caller's future: a caller that goes away half-way
//! leaves the effect whole or absent, and never a connection in the middle of `BEGIN` (which
//! sqlx 0.9 would give back to its pool as if it were clean).

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::conn::Conn;
use crate::error::{Error, ErrorKind};
use crate::meter::Waiting;

/// What errors of the store itself are named after.
pub(crate) const WRITE: &str = "write";

/// A job whose types were forgotten, so that many kinds wait in one queue.
pub(crate) trait Job: Send {
    /// How long it may run, when other than the usual.
    fn limit(&self) -> Option<Duration>;

    /// Since when it waits.
    fn waiting(&self) -> Waiting;

    /// Runs it, in its caller's span. Whether its effect is to be kept.
    fn run<'t>(&'t mut self, conn: &'t mut Conn) -> BoxFuture<'t, bool>;

    /// Tells the caller, once it is decided: the job's own result, or why there is none.
    fn finish(self: Box<Self>, outcome: Result<(), Error>);
}

struct TypedJob<F, T, E> {
    limit: Option<Duration>,
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    span: Span,
    waiting: Waiting,
}

/// Wraps a caller's closure; the receiver gets what [`Job::finish`] decides.
pub(crate) fn job<F, T, E>(
    limit: Option<Duration>,
    work: F,
) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    F: for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = TypedJob {
        limit,
        work: Some(work),
        result: None,
        reply,
        span: Span::current(),
        waiting: Waiting::start(),
    };
    (Box::new(job), answer)
}

impl<F, T, E> Job for TypedJob<F, T, E>
where
    F: for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<T, E>> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn limit(&self) -> Option<Duration> {
        self.limit
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }

    fn run<'t>(&'t mut self, conn: &'t mut Conn) -> BoxFuture<'t, bool> {
        let span = self.span.clone();
        let run = async move {
            let Some(work) = self.work.take() else {
                return false;
            };
            let result = work(conn).await;
            let keep = result.is_ok();
            self.result = Some(result);
            keep
        };
        Box::pin(run.instrument(span))
    }

    fn finish(self: Box<Self>, outcome: Result<(), Error>) {
        let result = match (outcome, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(E::from(Error::new(
                WRITE,
                ErrorKind::Internal,
                "it never ran",
            ))),
            (Err(error), _) => Err(E::from(error)),
        };
        // A caller that went away is no concern: the effect stands as decided.
        let _ = self.reply.send(result);
    }
}

/// How a job's run ended.
pub(crate) enum Attempt {
    /// Keep the effect.
    Kept,
    /// The job refused: undo, and give its own error.
    Refused,
    /// Undo, and give this error; the connection may still be busy with the job's last statement.
    Lost(Error),
}

/// Runs a job for at most its limit or the usual one. Panics end here.
pub(crate) async fn attempt(job: &mut dyn Job, conn: &mut Conn, usual: Duration) -> Attempt {
    job.waiting().end();
    let limit = job.limit().unwrap_or(usual);
    let run = async { job.run(conn).await };
    let lost = |because| Attempt::Lost(Error::new(WRITE, ErrorKind::Internal, because));
    match tokio::time::timeout(limit, AssertUnwindSafe(run).catch_unwind()).await {
        Ok(Ok(true)) if conn.has_failed() => lost("the job went on after a failed statement"),
        Ok(Ok(true)) => Attempt::Kept,
        Ok(Ok(false)) => Attempt::Refused,
        Ok(Err(_panic)) => lost("the job panicked"),
        Err(_elapsed) => Attempt::Lost(Error::new(WRITE, ErrorKind::Busy, "the job took too long")),
    }
}
