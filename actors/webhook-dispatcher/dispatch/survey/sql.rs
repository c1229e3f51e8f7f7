//! Endpoints by what they wait for and by status, in the database.

use hoursmith_domain::Timestamp;
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_one, fetch_optional};
use uuid::Uuid;

hoursmith_store::statements! {
    /// How many endpoints there are of each status.
    COUNT_ENDPOINTS_BY_STATUS = "SELECT status, COUNT(*) FROM webhook_endpoints
        WHERE deleted_at IS NULL GROUP BY status";
    /// When the delivery was due that waits longest, whether or not its endpoint may be sent more.
    FIND_OLDEST_PENDING = "SELECT next_attempt_at FROM webhook_deliveries
        WHERE status = 'pending' ORDER BY next_attempt_at LIMIT 1";
    /// How many endpoints have something due that could be sent, the proven ones and the others.
    COUNT_DUE_ENDPOINTS = "SELECT COUNT(CASE WHEN proven THEN 1 END), COUNT(CASE WHEN NOT proven THEN 1 END)
        FROM webhook_endpoints WHERE due_at <= $1";
    /// An endpoint that a rate holds up until later than any can.
    FIND_HELD_UP = "SELECT id FROM webhook_endpoints WHERE due_at > $1 AND paced_until > $1 LIMIT 1";
    /// Has those endpoints looked at now, and forgets until when they were held up.
    HURRY_HELD_UP = "UPDATE webhook_endpoints SET due_at = $1, paced_until = $1
        WHERE due_at > $2 AND paced_until > $2";
}

pub(super) async fn endpoints(conn: &mut Conn) -> Result<Vec<(String, i64)>, Error> {
    fetch_all!(conn, COUNT_ENDPOINTS_BY_STATUS as (String, i64))
}

pub(super) async fn oldest_pending(conn: &mut Conn) -> Result<Option<Timestamp>, Error> {
    let oldest = fetch_optional!(conn, FIND_OLDEST_PENDING as (i64,))?;
    Ok(oldest.map(|(due,)| Timestamp::from_micros(due)))
}

/// Endpoints that wait for a place: the proven ones, and the others.
pub(super) async fn due(conn: &mut Conn, now: Timestamp) -> Result<(i64, i64), Error> {
    fetch_one!(conn, COUNT_DUE_ENDPOINTS as (i64, i64), now.as_micros())
}

/// Whether a rate holds an endpoint up until after an instant.
pub(super) async fn is_held_up(conn: &mut Conn, latest: Timestamp) -> Result<bool, Error> {
    let found = fetch_optional!(conn, FIND_HELD_UP as (Uuid,), latest.as_micros())?;
    Ok(found.is_some())
}

/// Has all of them looked at now.
pub(super) async fn hurry(conn: &mut Conn, now: Timestamp, latest: Timestamp) -> Result<(), Error> {
    execute!(conn, HURRY_HELD_UP, now.as_micros(), latest.as_micros()).map(drop)
}
