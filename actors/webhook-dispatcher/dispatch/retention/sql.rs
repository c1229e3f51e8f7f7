//! What is old enough to go, in the database.

use hoursmith_domain::Timestamp;
use hoursmith_store::{Conn, Error, execute};

hoursmith_store::statements! {
    /// Deletes the deliveries that were decided first, with their attempts. By their last change: one
    /// that waited for long, or was replayed late, is kept as long as any. What is queued again while
    /// this waits for its row stays, so the state is asked for outside as well.
    DELETE_OLD_DELIVERIES = "DELETE FROM webhook_deliveries WHERE (organization_id, id) IN (
        SELECT organization_id, id FROM webhook_deliveries
        WHERE updated_at < $1 AND status <> 'pending' ORDER BY updated_at, id LIMIT $2)
        AND COALESCE(updated_at, 0) < $1 AND COALESCE(status, '') <> 'pending'";
    /// Deletes the oldest events of which nobody waits for anything.
    DELETE_OLD_EVENTS = "DELETE FROM events WHERE position IN (
        SELECT e.position FROM events e
        WHERE e.created_at < $1 AND COALESCE(e.sequence, 0) > 0 AND e.published AND e.fanned_out
        AND NOT EXISTS (
            SELECT 1 FROM webhook_deliveries d
            WHERE d.organization_id = e.organization_id AND d.event_id = e.id)
        ORDER BY e.created_at, e.position LIMIT $2)";
}

pub(in crate::dispatch) async fn delete_deliveries(
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
