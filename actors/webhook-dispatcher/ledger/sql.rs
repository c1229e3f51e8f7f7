//! Events, endpoints and deliveries as they are stored.

use hoursmith_domain::{OrganizationId, Timestamp};
use hoursmith_store::{Conn, Error, fetch_all};
use uuid::Uuid;

hoursmith_store::statements! {
    /// Every organization.
    LEDGER_ORGANIZATIONS = "SELECT id FROM organizations ORDER BY id";
    /// The endpoints that events are owed to.
    LEDGER_ENDPOINTS = "SELECT id, events, updated_at FROM webhook_endpoints
        WHERE organization_id = $1 AND status <> 'disabled' ORDER BY id";
    /// Public events, in their order.
    LEDGER_EVENTS = "SELECT sequence, id, type AS kind, resource_id, created_at, fanned_out FROM events
        WHERE organization_id = $1 AND sequence > $2 AND created_at < $3 ORDER BY sequence LIMIT $4";
    /// The deliveries of such a run of events.
    LEDGER_DELIVERIES = "SELECT d.event_id, d.endpoint_id, d.status
        FROM events e JOIN webhook_deliveries d ON d.organization_id = e.organization_id AND d.event_id = e.id
        WHERE e.organization_id = $1 AND e.sequence > $2 AND e.sequence <= $3
        AND e.created_at >= $4 AND e.created_at < $5";
}

/// An event.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Event {
    pub(super) sequence: i64,
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) resource_id: Uuid,
    pub(super) created_at: i64,
    pub(super) fanned_out: bool,
}

/// A delivery.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Made {
    pub(super) event_id: Uuid,
    pub(super) endpoint_id: Uuid,
    pub(super) status: String,
}

pub(super) async fn organizations(conn: &mut Conn) -> Result<Vec<Uuid>, Error> {
    let rows = fetch_all!(conn, LEDGER_ORGANIZATIONS as (Uuid,))?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn endpoints(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<Vec<(Uuid, String, i64)>, Error> {
    fetch_all!(
        conn,
        LEDGER_ENDPOINTS as (Uuid, String, i64),
        organization.0
    )
}

pub(super) async fn events(
    conn: &mut Conn,
    organization: OrganizationId,
    after: i64,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Event>, Error> {
    fetch_all!(
        conn,
        LEDGER_EVENTS as Event,
        organization.0,
        after,
        until.as_micros(),
        limit,
    )
}

pub(super) async fn deliveries(
    conn: &mut Conn,
    organization: OrganizationId,
    after: i64,
    last: i64,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Made>, Error> {
    fetch_all!(
        conn,
        LEDGER_DELIVERIES as Made,
        organization.0,
        after,
        last,
        from.as_micros(),
        until.as_micros(),
    )
}
