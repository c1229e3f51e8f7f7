//! Which events of the feed an endpoint may be sent again, and their deliveries.

use std::time::Duration;

use hoursmith_domain::webhook::EventFilter;
use hoursmith_domain::{EventType, OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_store::{Conn, Error, execute_rows, fetch_all, fetch_optional};
use uuid::Uuid;

use super::super::state::EndpointState;
use super::input::{ReplayInput, Which};

/// How far the order of the feed and the moments of its events may disagree: longer than a
/// transaction lasts and than the clocks of two processes differ.
const DISORDER: Duration = Duration::from_secs(300);

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
    /// The last event that is older than an instant: from the end of the feed back, so that it costs
    /// as much as there is to replay.
    LAST_BEFORE = "SELECT sequence FROM events WHERE organization_id = $1 AND sequence IS NOT NULL \
        AND created_at < $2 ORDER BY sequence DESC LIMIT 1";
    /// Events in the order of the feed, of some types ($6, each between commas; all if null), whose
    /// deliveries are in one of some states ($7). What has not got its deliveries yet gets them by
    /// itself, and a ping is for once. Before $9 a delivery that is not there may have arrived and
    /// been deleted since: it is not missing.
    FIND_REPLAYED = "SELECT e.id, e.created_at FROM events e \
        LEFT JOIN webhook_deliveries d ON d.organization_id = e.organization_id AND d.event_id = e.id \
            AND d.endpoint_id = $2 \
        WHERE e.organization_id = $1 AND e.sequence > $3 AND e.created_at >= $4 \
        AND (CAST($5 AS BIGINT) IS NULL OR e.created_at < $5) AND e.fanned_out AND e.type <> 'ping' \
        AND (CAST($6 AS TEXT) IS NULL OR $6 LIKE '%,' || e.type || ',%') \
        AND $7 LIKE '%,' || COALESCE(d.status, CASE WHEN e.created_at >= $9 THEN 'missing' END, 'gone') \
            || ',%' ORDER BY e.sequence LIMIT $8";
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
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) id: Uuid,
    pub(super) created_at: Timestamp,
}

/// What bounds a replay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Events, at most.
    pub(super) most: u32,
    /// Deliveries of events since then are still there.
    pub(super) kept_since: Timestamp,
}

/// The first events that are asked for, at most as many as may be and one more.
pub(super) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: &EndpointState,
    input: &ReplayInput,
    limits: Limits,
) -> Result<Vec<Found>, Error> {
    let before = input.since.minus(DISORDER).as_micros();
    let after = fetch_optional!(conn, LAST_BEFORE as (i64,), organization.0, before)?;
    let rows = fetch_all!(
        conn,
        FIND_REPLAYED as (Uuid, i64),
        organization.0,
        endpoint.id.0,
        after.map_or(0, |(sequence,)| sequence),
        input.since.as_micros(),
        input.until.map(Timestamp::as_micros),
        types(endpoint),
        input.which.statuses(),
        i64::from(limits.most).saturating_add(1),
        limits.kept_since.as_micros(),
    )?;
    let found = rows.into_iter().map(|(id, created_at)| Found {
        id,
        created_at: Timestamp::from_micros(created_at),
    });
    Ok(found.collect())
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
