//! Endpoints by what they wait for and by status, in the database.

use hoursmith_domain::Timestamp;
use hoursmith_store::{Conn, Error, fetch_all, fetch_one};

hoursmith_store::statements! {
    /// How many endpoints there are of each status.
    COUNT_ENDPOINTS_BY_STATUS = "SELECT status, COUNT(*) FROM webhook_endpoints GROUP BY status";
    /// How many have something due, of those whose last attempt succeeded and of the others.
    COUNT_DUE_ENDPOINTS = "SELECT
            COUNT(CASE WHEN consecutive_failures = 0 AND last_success_at IS NOT NULL THEN 1 END),
            COUNT(CASE WHEN consecutive_failures > 0 OR last_success_at IS NULL THEN 1 END)
        FROM webhook_endpoints WHERE due_at <= $1";
}

pub(super) async fn due(conn: &mut Conn, now: Timestamp) -> Result<(i64, i64), Error> {
    fetch_one!(conn, COUNT_DUE_ENDPOINTS as (i64, i64), now.as_micros())
}

pub(super) async fn endpoints(conn: &mut Conn) -> Result<Vec<(String, i64)>, Error> {
    fetch_all!(conn, COUNT_ENDPOINTS_BY_STATUS as (String, i64))
}
