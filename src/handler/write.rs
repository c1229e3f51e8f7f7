//! The one way in which anything is changed.
//!
//! Effect, idempotency record and event commit in one transaction, or none of them does. Order
//! inside it: the key is claimed first, so that a second request with the key waits for this one
//! (or finds it done) before it can do anything; then the effect, which writes its event; then the
//! answer is recorded. There is no reservation, no lease and nothing to clean up after a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use hoursmith_bus::{IdempotencyTicket, Response, TraceParent};
use hoursmith_domain::{Code, EventId, EventType, OrganizationId, Problem, Timestamp};
use hoursmith_kit::{Clock, Failure, Random};
use hoursmith_routes::problem;
use hoursmith_store::events::{self, NewEvent};
use hoursmith_store::idempotency::{self, Claim, Key};
use hoursmith_store::{Conn, ErrorKind};
use hoursmith_telemetry::names;
use metrics::counter;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::error::Error;
use crate::request::Request;

/// How long before the deadline an effect must be ready to commit: a flush to disk takes a while,
/// and after the deadline nobody hears of it.
const COMMIT_MARGIN: Duration = Duration::from_millis(250);

/// What an effect is given beside the connection.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The moment of the change: `created_at`, `updated_at` and the event's time. Taken when the
    /// job runs, not when it queues: whoever syncs by `updated_at` must not find an older moment
    /// behind a newer one.
    pub now: Timestamp,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    organization: OrganizationId,
    trace_parent: Option<TraceParent>,
    /// Events written with it, to be counted once they are committed.
    events: Arc<AtomicU64>,
}

/// What an event says of a change.
#[derive(Debug)]
pub struct Changed {
    /// The changed object's id.
    pub resource_id: Uuid,
    /// The object after the change, as an owner sees it.
    pub object: Value,
    /// What its changed fields were before.
    pub previous: Map<String, Value>,
}

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

/// Runs an effect. What it returns is committed with it; what it refuses leaves nothing behind
/// but, under a key, the refusal's record.
pub async fn write<F>(request: &Request, effect: F) -> Result<Response, Error>
where
    F: for<'t> FnOnce(&'t mut Conn, Stamp) -> BoxFuture<'t, Result<Response, Error>>
        + Send
        + 'static,
{
    let context = Arc::clone(&request.context);
    let organization = request.caller.organization();
    let written = Arc::new(AtomicU64::new(0));
    let events = Arc::clone(&written);
    let ticket = request.ask.head.ticket.clone();
    let keyed = ticket.clone();
    let outcome = commit(request, move |conn| {
        Box::pin(async move {
            let stamp = Stamp {
                events,
                ..Stamp::new(&context.clock, &context.random, organization)
            };
            if let Some(keyed) = &keyed {
                claim(conn, keyed, stamp.now).await?;
            }
            let response = effect(conn, stamp).await?;
            if let Some(keyed) = &keyed {
                record(conn, keyed, &response).await?;
            }
            Ok(response)
        })
    })
    .await;
    match (outcome, ticket) {
        (Ok(response), _) => {
            let events = written.load(Ordering::Relaxed);
            if events > 0 {
                counter!(names::EVENTS_APPENDED).increment(events);
                request.context.wake_up.ring();
            }
            Ok(response)
        }
        (Err(Stop::Taken), Some(ticket)) => replay(request, &ticket).await,
        (Err(Stop::Failed(Error::Problem(refusal))), Some(ticket)) if is_recorded(refusal.code) => {
            refuse(request, ticket, &refusal).await
        }
        (Err(Stop::Failed(error)), _) => Err(error),
        (Err(Stop::Taken), None) => Err(Problem::idempotency_key_reused().into()),
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
    let now = request.context.clock.now();
    let keyed = ticket.clone();
    let recorded = commit(request, move |conn| {
        Box::pin(async move {
            claim(conn, &keyed, now).await?;
            record(conn, &keyed, &response).await?;
            Ok(response)
        })
    })
    .await;
    match recorded {
        Ok(response) => Ok(response),
        Err(Stop::Taken) => replay(request, &ticket).await,
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Runs a job in a transaction that is not committed once the deadline is near.
async fn commit<F>(request: &Request, job: F) -> Result<Response, Stop>
where
    F: for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<Response, Stop>> + Send + 'static,
{
    let clock = Arc::clone(&request.context.clock);
    let latest = request.ask.deadline.minus(COMMIT_MARGIN);
    let in_time = move || {
        if clock.now() < latest {
            Ok(())
        } else {
            Err(Error::from(Problem::deadline_exceeded()))
        }
    };
    request
        .context
        .db
        .write(move |conn: &mut Conn| {
            Box::pin(async move {
                in_time()?;
                let response = job(conn).await?;
                in_time()?;
                Ok(response)
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
) -> Result<(), Error> {
    idempotency::complete(
        conn,
        &key(ticket),
        response.status,
        &response.headers,
        &response.body,
    )
    .await?;
    Ok(())
}

/// The answer of the request that took the key first.
async fn replay(request: &Request, ticket: &IdempotencyTicket) -> Result<Response, Error> {
    let mut conn = request.context.db.read().await?;
    let now = request.context.clock.now();
    match idempotency::find(&mut conn, &key(ticket), now, ticket.retention()).await? {
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

impl Stamp {
    /// The stamp of a change that happens now, in the current trace.
    pub fn new(
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
        organization: OrganizationId,
    ) -> Self {
        Self {
            now: clock.now(),
            clock: Arc::clone(clock),
            random: Arc::clone(random),
            organization,
            trace_parent: hoursmith_telemetry::current_trace_parent(),
            events: Arc::default(),
        }
    }

    /// Takes the moment anew, once a row that had to be waited for is held; always after the
    /// row's last change, whatever the clock says.
    pub fn renew(&mut self, last_change: Timestamp) {
        self.now = self
            .clock
            .now()
            .max(last_change.plus(Duration::from_micros(1)));
    }

    /// A new id, of this moment.
    pub fn new_id(&self) -> Uuid {
        self.random.uuid_v7(self.now)
    }

    /// Writes the event of the change: the object as an owner sees it after the change, and what
    /// its changed fields were before.
    pub async fn event(
        &self,
        conn: &mut Conn,
        kind: EventType,
        resource_id: Uuid,
        object: Value,
        previous: Option<Map<String, Value>>,
    ) -> Result<(), Error> {
        let event = self.new_event(kind, resource_id, object, previous);
        events::append(conn, event).await?;
        self.events.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Writes the events of many changes of one kind, in their order, with few statements.
    pub async fn events(
        &self,
        conn: &mut Conn,
        kind: EventType,
        changes: impl IntoIterator<Item = Changed, IntoIter: Send>,
    ) -> Result<(), Error> {
        let mut changes = changes.into_iter();
        loop {
            // One batch is in memory at a time.
            let batch: Vec<NewEvent<'_>> = (changes.by_ref().take(events::BATCH))
                .map(|one| self.new_event(kind, one.resource_id, one.object, Some(one.previous)))
                .collect();
            if batch.is_empty() {
                return Ok(());
            }
            events::append_all(conn, &batch).await?;
            let written = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            self.events.fetch_add(written, Ordering::Relaxed);
        }
    }

    fn new_event(
        &self,
        kind: EventType,
        resource_id: Uuid,
        object: Value,
        previous: Option<Map<String, Value>>,
    ) -> NewEvent<'_> {
        let mut data = json!({ "object": object });
        if let (Some(previous), Some(data)) = (previous, data.as_object_mut()) {
            data.insert("previous_attributes".to_owned(), previous.into());
        }
        NewEvent {
            organization: self.organization,
            id: EventId(self.new_id()),
            kind,
            resource_id,
            data: data.to_string(),
            trace_parent: self
                .trace_parent
                .as_ref()
                .map(hoursmith_bus::TraceParent::as_str),
            created_at: self.now,
        }
    }
}

/// The fields of `before` whose values `after` changed, but for `updated_at`, which always does.
pub fn changed_fields(before: &Value, after: &Value) -> Map<String, Value> {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return Map::new();
    };
    before
        .iter()
        .filter(|(name, value)| {
            name.as_str() != "updated_at" && after.get(name.as_str()) != Some(*value)
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
