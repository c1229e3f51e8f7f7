//! Which events of the feed an endpoint may be sent again, and their deliveries.

use hoursmith_domain::webhook::EventFilter;
use hoursmith_domain::{EventType, OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_store::{Conn, Error, execute_rows, fetch_all, fetch_optional};
use uuid::Uuid;

use super::super::state::EndpointState;
use super::input::{ReplayInput, Which};

/// Writes no row of what is in another state by then.
macro_rules! queue {
    ($states:literal) => {
        concat!(
            "INSERT INTO webhook_deliveries (organization_id, id, endpoint_id, event_id, status, \
             next_attempt_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (organization_id, event_id, endpoint_id) DO UPDATE SET status = 'pending', \
             skip_reason = NULL, step = 0, next_attempt_at = excluded.next_attempt_at, \
             version = webhook_deliveries.version + 1, updated_at = CASE \
             WHEN webhook_deliveries.updated_at < excluded.updated_at THEN excluded.updated_at \
             ELSE webhook_deliveries.updated_at + 1 END \
             WHERE webhook_deliveries.status IN (",
            $states,
            ")"
        )
    };
}

hoursmith_store::statements! {
    /// The number of the event that stands so far after another; nothing where the feed ends before it.
    FIND_SO_FAR = "SELECT sequence FROM events WHERE organization_id = $1 AND sequence > $2 \
        ORDER BY sequence LIMIT 1 OFFSET $3";
    /// Events of a part of the feed, in its order, of some types ($7, each between commas; all if null),
    /// whose deliveries are in one of some states ($8). What has not got its deliveries yet gets them by
    /// itself, and a ping is for once. Before $9 a delivery that is not there may have arrived and
    /// been deleted since: it is not missing.
    FIND_REPLAYED = "SELECT e.id, e.sequence FROM events e \
        LEFT JOIN webhook_deliveries d ON d.organization_id = e.organization_id AND d.event_id = e.id \
            AND d.endpoint_id = $2 \
        WHERE e.organization_id = $1 AND e.sequence > $3 AND e.sequence <= $4 AND e.created_at >= $5 \
        AND (CAST($6 AS BIGINT) IS NULL OR e.created_at < $6) AND e.fanned_out AND e.type <> 'ping' \
        AND (CAST($7 AS TEXT) IS NULL OR $7 LIKE '%,' || e.type || ',%') \
        AND $8 LIKE '%,' || COALESCE(d.status, CASE WHEN e.created_at >= $9 THEN 'missing' END, 'gone') \
            || ',%' ORDER BY e.sequence LIMIT $10";
    /// Deliveries that are due at once: new ones, or those that are not sent and were not.
    QUEUE_UNDELIVERED = queue!("'failed', 'skipped'");
    /// The same of those that were given up.
    QUEUE_FAILED = queue!("'failed'");
    /// The same of those that were not tried.
    QUEUE_SKIPPED = queue!("'skipped'");
    /// The same of those that arrived.
    QUEUE_DELIVERED = queue!("'delivered'");
}

/// An event to send again.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct Found {
    pub(super) id: Uuid,
    pub(super) sequence: i64,
}

/// A part of the feed, and how much of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Events with a larger number than this.
    pub(super) after: i64,
    /// And up to this one.
    pub(super) through: i64,
    /// Events, at most.
    pub(super) limit: i64,
    /// Deliveries of events since then are still there.
    pub(super) kept_since: Timestamp,
}

/// The number of the event that stands so far after another, 1 for the next one.
pub(super) async fn so_far(
    conn: &mut Conn,
    organization: OrganizationId,
    after: i64,
    far: i64,
) -> Result<Option<i64>, Error> {
    let between = far.saturating_sub(1);
    let found = fetch_optional!(conn, FIND_SO_FAR as (i64,), organization.0, after, between)?;
    Ok(found.map(|(sequence,)| sequence))
}

/// The first events of a part of the feed that are asked for.
pub(super) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: &EndpointState,
    input: &ReplayInput,
    part: Part,
) -> Result<Vec<Found>, Error> {
    fetch_all!(
        conn,
        FIND_REPLAYED as Found,
        organization.0,
        endpoint.id.0,
        part.after,
        part.through,
        input.since.as_micros(),
        input.until.map(Timestamp::as_micros),
        types(endpoint),
        input.which.statuses(),
        part.kept_since.as_micros(),
        part.limit,
    )
}

/// Queues deliveries of events, by new ids where they have none, and tells how many: not those that
/// are not, or no more, what was asked for.
pub(super) async fn queue(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    events: &[(Uuid, Found)],
    which: Which,
    now: Timestamp,
) -> Result<u64, Error> {
    macro_rules! queue {
        ($statement:path) => {
            execute_rows!(
                conn,
                $statement,
                events,
                |event| organization.0,
                event.0,
                endpoint.0,
                event.1.id,
                "pending",
                now.as_micros(),
                now.as_micros(),
                now.as_micros(),
            )
        };
    }
    match which {
        Which::Undelivered => queue!(QUEUE_UNDELIVERED),
        Which::Failed => queue!(QUEUE_FAILED),
        Which::Skipped => queue!(QUEUE_SKIPPED),
        Which::Delivered => queue!(QUEUE_DELIVERED),
    }
}

/// The types that an endpoint wants, each between commas; nothing when it wants all.
fn types(endpoint: &EndpointState) -> Option<String> {
    let filters = &endpoint.events;
    if filters.0.contains(&EventFilter::All) {
        return None;
    }
    let wanted = EventType::ALL.iter().filter(|kind| filters.matches(**kind));
    let words: Vec<&str> = wanted.map(|kind| kind.as_str()).collect();
    Some(format!(",{},", words.join(",")))
}
