//! The one way in which anything is changed.
//!
//! Effect, idempotency record and event commit in one transaction, or none of them does. Order
//! inside it: the key is claimed first, so that a second request with the key waits for this one
//! (or finds it done) before it can do anything; then the effect, which writes its event; then the
//! answer is recorded. There is no reservation, no lease and nothing to clean up after a crash.

mod stamp;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use hoursmith_bus::{IdempotencyTicket, Response};
use hoursmith_domain::{Code, OrganizationId, Problem, SEAL_NONCE_BYTES, Timestamp};
use hoursmith_kit::Failure;
use hoursmith_routes::problem;
use hoursmith_store::idempotency::{self, Claim, Keep, Key};
use hoursmith_store::{Conn, ErrorKind};
use hoursmith_telemetry::names;
use metrics::counter;

use crate::error::Error;
use crate::request::{Context, Request};
pub use stamp::{Changed, Stamp, changed_fields};

/// How long before the deadline an effect must be ready to commit: a flush to disk takes a while,
/// and after the deadline nobody hears of it.
const COMMIT_MARGIN: Duration = Duration::from_millis(250);

/// Why a transaction was rolled back.
enum Stop {
    /// The key belongs to a request that came first.
    Taken,
    /// The effect did not succeed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<hoursmith_store::Error> for Stop {
    fn from(error: hoursmith_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            // Whoever has the ticket replays instead.
            Stop::Taken => Problem::idempotency_key_reused().into(),
            Stop::Failed(error) => error,
        }
    }
}

/// Runs an effect. What it returns is committed with it; what it refuses leaves nothing behind
/// but, under a key, the refusal's record.
///
/// Run again, while there is time, when others held what it needs ([`Error::Contended`]). Rows are
/// held in one order, but PostgreSQL takes locks of its own for references and unique names, and so
/// may still find transactions that wait for one another.
pub async fn write<F>(request: &Request, effect: F) -> Result<Response, Error>
where
    F: for<'t> FnOnce(&'t mut Conn, Stamp) -> BoxFuture<'t, Result<Response, Error>>
        + Clone
        + Send
        + 'static,
{
    run(request, false, effect).await
}

/// The same for an effect whose answer holds a secret: under a key, its record is sealed.
pub async fn write_secret<F>(request: &Request, effect: F) -> Result<Response, Error>
where
    F: for<'t> FnOnce(&'t mut Conn, Stamp) -> BoxFuture<'t, Result<Response, Error>>
        + Clone
        + Send
        + 'static,
{
    run(request, true, effect).await
}

/// The same for a change that no member asks for, in an organization that the caller names: somebody signs
/// up. There is no key and so no record; `deadline` is the question's.
pub async fn write_for<T, F>(
    context: &Arc<Context>,
    organization: OrganizationId,
    deadline: Timestamp,
    effect: F,
) -> Result<T, Error>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Conn, Stamp) -> BoxFuture<'t, Result<T, Error>>
        + Clone
        + Send
        + 'static,
{
    let done = commit(context, organization, deadline, move |conn, stamp| {
        Box::pin(async move { Ok(effect(conn, stamp).await?) })
    })
    .await?;
    Ok(done)
}

async fn run<F>(request: &Request, is_secret: bool, effect: F) -> Result<Response, Error>
where
    F: for<'t> FnOnce(&'t mut Conn, Stamp) -> BoxFuture<'t, Result<Response, Error>>
        + Clone
        + Send
        + 'static,
{
    let context = Arc::clone(&request.context);
    let ticket = request.ask.head.ticket.clone();
    let keyed = ticket.clone();
    let outcome = commit_request(request, move |conn, stamp| {
        Box::pin(async move {
            if let Some(keyed) = &keyed {
                claim(conn, keyed, stamp.now).await?;
            }
            let response = effect(conn, stamp).await?;
            if let Some(keyed) = &keyed {
                let keep = if is_secret {
                    let mut nonce = [0; SEAL_NONCE_BYTES];
                    context.random.fill(&mut nonce);
                    let keys = &context.keys;
                    Keep::Sealed { keys, nonce }
                } else {
                    Keep::Plain
                };
                record(conn, keyed, &response, keep).await?;
            }
            Ok(response)
        })
    })
    .await;
    match (outcome, ticket) {
        (Err(Stop::Taken), Some(ticket)) => replay(request, &ticket).await,
        (Err(Stop::Failed(Error::Problem(refusal))), Some(ticket)) if is_recorded(refusal.code) => {
            refuse(request, ticket, &refusal).await
        }
        (outcome, _) => Ok(outcome?),
    }
}

/// Whether a refusal under a key is this key's answer from now on. What merely came at a bad
/// moment is not, and neither are invalid fields: the client may correct them and use the key.
fn is_recorded(code: Code) -> bool {
    problem::status(code) < 500
        && !matches!(code, Code::IdempotencyInProgress | Code::ValidationFailed)
}

/// Records what the handler refused, in a transaction of its own since the effect's was rolled
/// back. A request that came between has its answer replayed: one key, one answer.
async fn refuse(
    request: &Request,
    ticket: IdempotencyTicket,
    refusal: &Problem,
) -> Result<Response, Error> {
    let response = problem::render(refusal, &request.problem_context());
    let keyed = ticket.clone();
    let recorded = commit_request(request, move |conn, stamp| {
        Box::pin(async move {
            claim(conn, &keyed, stamp.now).await?;
            record(conn, &keyed, &response, Keep::Plain).await?;
            Ok(response)
        })
    })
    .await;
    match recorded {
        Err(Stop::Taken) => replay(request, &ticket).await,
        recorded => Ok(recorded?),
    }
}

/// Commits what a request does in its caller's organization.
async fn commit_request<F>(request: &Request, job: F) -> Result<Response, Stop>
where
    F: for<'t> FnOnce(&'t mut Conn, Stamp) -> BoxFuture<'t, Result<Response, Stop>>
        + Clone
        + Send
        + 'static,
{
    let organization = request.caller.organization();
    commit(&request.context, organization, request.ask.deadline, job).await
}

/// Runs a job in a transaction, and again when others held what it needs; counts its events and wakes
/// the relays once they are committed. The deadline bounds it: every try that is refused so has waited
/// a second or two for a lock.
async fn commit<T, F>(
    context: &Arc<Context>,
    organization: OrganizationId,
    deadline: Timestamp,
    job: F,
) -> Result<T, Stop>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Conn, Stamp) -> BoxFuture<'t, Result<T, Stop>>
        + Clone
        + Send
        + 'static,
{
    loop {
        // Of this try: what an earlier one wrote is undone.
        let written = Arc::new(AtomicU64::new(0));
        let events = Arc::clone(&written);
        let job = job.clone();
        let stamped = Arc::clone(context);
        let done = try_to_commit(context, deadline, move |conn| {
            let (clock, random) = (&stamped.clock, &stamped.random);
            job(
                conn,
                Stamp::new(clock, random, organization).counting(events),
            )
        })
        .await;
        match done {
            Err(Stop::Failed(Error::Contended(_))) => {
                counter!(names::DB_WRITES_CONTENDED).increment(1);
            }
            Err(stop) => return Err(stop),
            Ok(done) => {
                let events = written.load(Ordering::Relaxed);
                if events > 0 {
                    counter!(names::EVENTS_APPENDED).increment(events);
                    context.wake_up.ring();
                }
                return Ok(done);
            }
        }
    }
}

/// Runs a job in a transaction that is not committed once the deadline is near.
async fn try_to_commit<T, F>(context: &Context, deadline: Timestamp, job: F) -> Result<T, Stop>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<T, Stop>> + Send + 'static,
{
    let clock = Arc::clone(&context.clock);
    let latest = deadline.minus(COMMIT_MARGIN);
    let in_time = move || {
        if clock.now() < latest {
            Ok(())
        } else {
            Err(Error::from(Problem::deadline_exceeded()))
        }
    };
    context
        .db
        .write(move |conn: &mut Conn| {
            Box::pin(async move {
                in_time()?;
                let done = job(conn).await?;
                in_time()?;
                Ok(done)
            })
        })
        .await
}

/// Claims the key for this transaction.
async fn claim(conn: &mut Conn, ticket: &IdempotencyTicket, now: Timestamp) -> Result<(), Stop> {
    match idempotency::claim(
        conn,
        &key(ticket),
        &ticket.request.fingerprint,
        now,
        ticket.retention(),
    )
    .await
    {
        Ok(Claim::Claimed) => Ok(()),
        Ok(Claim::Taken) => Err(Stop::Taken),
        Err(error) if error.kind() == ErrorKind::LockTimeout => Err(Error::from(
            Problem::new(
                Code::IdempotencyInProgress,
                "The first request with this idempotency key is still running.",
            )
            .with_header("retry-after", "1"),
        )
        .into()),
        Err(error) => Err(error.into()),
    }
}

async fn record(
    conn: &mut Conn,
    ticket: &IdempotencyTicket,
    response: &Response,
    keep: Keep<'_>,
) -> Result<(), Error> {
    idempotency::complete(
        conn,
        &key(ticket),
        response.status,
        &response.headers,
        &response.body,
        keep,
    )
    .await?;
    Ok(())
}

/// The answer of the request that took the key first.
async fn replay(request: &Request, ticket: &IdempotencyTicket) -> Result<Response, Error> {
    let mut conn = request.context.db.read().await?;
    let now = request.context.clock.now();
    let keys = &request.context.keys;
    match idempotency::find(&mut conn, keys, &key(ticket), now, ticket.retention()).await? {
        Some(first) if first.fingerprint == ticket.request.fingerprint => {
            counter!(names::IDEMPOTENCY_REPLAYS).increment(1);
            let response = Response {
                status: first.status,
                headers: first.headers,
                body: first.body.into(),
            };
            Ok(response.with_header("idempotent-replayed", "true"))
        }
        Some(_) => {
            counter!(names::IDEMPOTENCY_CONFLICTS).increment(1);
            Err(Problem::idempotency_key_reused().into())
        }
        None => {
            Err(Failure::unavailable("replay an answer", "the record expired meanwhile").into())
        }
    }
}

fn key(ticket: &IdempotencyTicket) -> Key<'_> {
    Key {
        organization: ticket.organization,
        member: ticket.member,
        key: &ticket.request.key,
    }
}
