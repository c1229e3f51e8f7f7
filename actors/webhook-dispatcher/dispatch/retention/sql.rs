//! What is old enough to go, in the database.

use hoursmith_domain::Timestamp;
use hoursmith_store::{Conn, Error, execute};

hoursmith_store::statements! {
    /// Deletes the oldest deliveries that are not pending, with their attempts.
    DELETE_OLD_DELIVERIES = "DELETE FROM webhook_deliveries WHERE (organization_id, id) IN (
        SELECT organization_id, id FROM webhook_deliveries
        WHERE created_at < $1 AND status <> 'pending' ORDER BY created_at, id LIMIT $2)";
    /// Deletes the oldest events of which nobody waits for anything.
    DELETE_OLD_EVENTS = "DELETE FROM events WHERE position IN (
        SELECT e.position FROM events e
        WHERE e.created_at < $1 AND e.sequence IS NOT NULL AND e.published AND e.fanned_out
        AND NOT EXISTS (
            SELECT 1 FROM webhook_deliveries d
            WHERE d.organization_id = e.organization_id AND d.event_id = e.id)
        ORDER BY e.created_at, e.position LIMIT $2)";
}

pub(super) async fn delete_deliveries(
    conn: &mut Conn,
    before: Timestamp,
    limit: u32,
) -> Result<u64, Error> {
    execute!(
        conn,
        DELETE_OLD_DELIVERIES,
        before.as_micros(),
        i64::from(limit)
    )
}

pub(super) async fn delete_events(
    conn: &mut Conn,
    before: Timestamp,
    limit: u32,
) -> Result<u64, Error> {
    execute!(
        conn,
        DELETE_OLD_EVENTS,
        before.as_micros(),
        i64::from(limit)
    )
}
