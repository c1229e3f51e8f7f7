//! Which events of the feed an endpoint may be sent again, and their deliveries.

use std::time::Duration;

use hoursmith_domain::webhook::EventFilter;
use hoursmith_domain::{EventType, OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_optional};
use uuid::Uuid;

use super::super::state::EndpointState;
use super::input::ReplayInput;

/// How far the order of the feed and the moments of its events may disagree: longer than a
/// transaction lasts and than the clocks of two processes differ.
const DISORDER: Duration = Duration::from_secs(300);

hoursmith_store::statements! {
    /// The last event that is older than an instant: from the end of the feed back, so that it costs
    /// as much as there is to replay.
    LAST_BEFORE = "SELECT sequence FROM events WHERE organization_id = $1 AND sequence IS NOT NULL \
        AND created_at < $2 ORDER BY sequence DESC LIMIT 1";
    /// Events in the order of the feed, of some types ($6, each between commas; all if null), whose
    /// deliveries are in one of some states ($7). What has not got its deliveries yet gets them by
    /// itself, and a ping is for once.
    FIND_REPLAYED = "SELECT e.id, e.created_at FROM events e \
        LEFT JOIN webhook_deliveries d ON d.organization_id = e.organization_id AND d.event_id = e.id \
            AND d.endpoint_id = $2 \
        WHERE e.organization_id = $1 AND e.sequence > $3 AND e.created_at >= $4 \
        AND (CAST($5 AS BIGINT) IS NULL OR e.created_at < $5) AND e.fanned_out AND e.type <> 'ping' \
        AND (CAST($6 AS TEXT) IS NULL OR $6 LIKE '%,' || e.type || ',%') \
        AND $7 LIKE '%,' || COALESCE(d.status, 'missing') || ',%' ORDER BY e.sequence LIMIT $8";
    /// A delivery that is due at once: a new one, or one that is in one of some states ($6). Writes
    /// no row otherwise.
    QUEUE_DELIVERY = "INSERT INTO webhook_deliveries (organization_id, id, endpoint_id, event_id, status, \
        next_attempt_at, created_at, updated_at) VALUES ($1, $2, $3, $4, 'pending', $5, $5, $5) \
        ON CONFLICT (organization_id, event_id, endpoint_id) DO UPDATE SET status = 'pending', \
        skip_reason = NULL, step = 0, next_attempt_at = excluded.next_attempt_at, \
        version = webhook_deliveries.version + 1, updated_at = excluded.updated_at \
        WHERE $6 LIKE '%,' || webhook_deliveries.status || ',%'";
}

/// An event to send again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) id: Uuid,
    pub(super) created_at: Timestamp,
}

/// The first `max` events that are asked for, and one more if there is one.
pub(super) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: &EndpointState,
    input: &ReplayInput,
    max: u32,
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
        i64::from(max).saturating_add(1),
    )?;
    let found = rows.into_iter().map(|(id, created_at)| Found {
        id,
        created_at: Timestamp::from_micros(created_at),
    });
    Ok(found.collect())
}

/// Queues the delivery of an event, by a new id if it has none. False when that is not, or no more,
/// what was asked for.
pub(super) async fn queue(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    event: Uuid,
    fresh: Uuid,
    input: &ReplayInput,
    now: Timestamp,
) -> Result<bool, Error> {
    let written = execute!(
        conn,
        QUEUE_DELIVERY,
        organization.0,
        fresh,
        endpoint.0,
        event,
        now.as_micros(),
        input.which.statuses(),
    )?;
    Ok(written == 1)
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
