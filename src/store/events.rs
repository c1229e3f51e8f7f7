//! The outbox: events written in the transaction of the change that they tell of, and numbered
//! once that is committed.
//!
//! A row is not public until it has its `sequence`, which [`sequence`] gives it. So writers hold no
//! lock for the order of events.
//!
//! **What waits is found by its state, never by "a position greater than the last one seen".** The
//! database numbers positions when rows are written and shows them when they are committed, which on
//! PostgreSQL may be in another order: a reader that remembers a position skips rows for ever. The
//! changes of one object keep their order all the same. Each holds the object's row, so it writes its
//! event, and with it takes its position, after the change before it was committed.

use hoursmith_domain::{EventId, EventType, OrganizationId, Timestamp};
use uuid::Uuid;

use crate::conn::Conn;
use crate::error::Error;
use crate::{execute, execute_rows, fetch_all, fetch_optional};

/// The version of the API whose JSON the event carries.
const API_VERSION: &str = "v1";

crate::statements! {
    /// Writes an event, after the change itself.
    APPEND_EVENT = "INSERT INTO events
        (organization_id, id, type, resource_id, api_version, data, trace_parent, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    /// When the first of those that wait was written.
    OLDEST_WAITING = "SELECT created_at FROM events WHERE sequence IS NULL ORDER BY position LIMIT 1";
    /// Numbers the first that wait, each organization's from its counter on.
    SEQUENCE_EVENTS = "UPDATE events SET sequence = numbered.sequence
        FROM (
            SELECT waiting.position, COALESCE(counter.value, 0) + ROW_NUMBER() OVER (
                PARTITION BY waiting.organization_id ORDER BY waiting.position) AS sequence
            FROM (
                SELECT organization_id, position FROM events
                WHERE sequence IS NULL ORDER BY position LIMIT $1) AS waiting
            LEFT JOIN counters AS counter
            ON counter.organization_id = waiting.organization_id AND counter.name = 'event') AS numbered
        WHERE events.position = numbered.position AND COALESCE(events.sequence, 0) = 0
        RETURNING events.position";
    /// Brings the counters of those organizations that have events in a range up to them. In the
    /// range may be events that were numbered earlier, but for each organization that was just
    /// numbered its last one is there. By position, in a form that no index of numbers answers: where
    /// statistics say that hardly any event has one, PostgreSQL would look through all that have.
    RAISE_EVENT_COUNTERS = "INSERT INTO counters (organization_id, name, value)
        SELECT organization_id, 'event', MAX(sequence) FROM events
        WHERE position BETWEEN $1 AND $2 AND COALESCE(sequence, 0) > 0
        GROUP BY organization_id
        ON CONFLICT (organization_id, name) DO UPDATE SET value = excluded.value
        WHERE counters.value < excluded.value";
}

/// An event to write.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// Whose change it is.
    pub organization: OrganizationId,
    /// The event's own id.
    pub id: EventId,
    /// What happened.
    pub kind: EventType,
    /// The changed object.
    pub resource_id: Uuid,
    /// The JSON of `data`, as the API prints the object. Opaque here.
    pub data: String,
    /// W3C trace context of the request, so that deliveries continue its trace.
    pub trace_parent: Option<&'a str>,
    /// When it happened.
    pub created_at: Timestamp,
}

/// Writes an event. Call it after the change itself, in the same job: then the events of one
/// object stand in the order of its changes.
pub async fn append(conn: &mut Conn, event: NewEvent<'_>) -> Result<(), Error> {
    append_all(conn, &[event]).await
}

/// Events that are made and written at a time where there are many: as many as one statement takes, and
/// few enough to be in memory.
pub fn at_a_time() -> usize {
    APPEND_EVENT.rows_at_once()
}

/// Writes events in the order given, with few statements. Call it as [`append`].
pub async fn append_all(conn: &mut Conn, events: &[NewEvent<'_>]) -> Result<(), Error> {
    execute_rows!(
        conn,
        APPEND_EVENT,
        events,
        |event| event.organization.0,
        event.id.0,
        event.kind.as_str(),
        event.resource_id,
        API_VERSION,
        &event.data,
        event.trace_parent,
        event.created_at.as_micros(),
    )
    .map(drop)
}

/// When the first of those events was written that wait for their sequence, in the order of their
/// positions; `None` when none waits.
pub async fn oldest_waiting(conn: &mut Conn) -> Result<Option<Timestamp>, Error> {
    let oldest = fetch_optional!(conn, OLDEST_WAITING as (i64,))?;
    Ok(oldest.map(|(created_at,)| Timestamp::from_micros(created_at)))
}

/// Gives at most `limit` events that wait their sequence, those first that were written first, and
/// tells how many; fewer than `limit` means that no more were waiting.
///
/// Each organization's sequences begin with 1 and have no gap. **One transaction at a time may do
/// this**: it must have passed the fence of a [lease](crate::leases), whose row it holds.
pub async fn sequence(conn: &mut Conn, limit: u32) -> Result<u64, Error> {
    let numbered = fetch_all!(conn, SEQUENCE_EVENTS as (i64,), i64::from(limit))?;
    let positions = || numbered.iter().map(|(position,)| *position);
    let (Some(first), Some(last)) = (positions().min(), positions().max()) else {
        return Ok(0);
    };
    execute!(conn, RAISE_EVENT_COUNTERS, first, last)?;
    Ok(u64::try_from(numbered.len()).unwrap_or(u64::MAX))
}
