//! Endpoints by status, in the database.

use hoursmith_store::{Conn, Error, fetch_all};

hoursmith_store::statements! {
    /// How many endpoints there are of each status.
    COUNT_ENDPOINTS_BY_STATUS = "SELECT status, COUNT(*) FROM webhook_endpoints
        WHERE deleted_at IS NULL GROUP BY status";
}

pub(super) async fn endpoints(conn: &mut Conn) -> Result<Vec<(String, i64)>, Error> {
    fetch_all!(conn, COUNT_ENDPOINTS_BY_STATUS as (String, i64))
}
