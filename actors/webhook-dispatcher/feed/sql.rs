//! The feed in the database, by its numbers.

use hoursmith_domain::{OrganizationId, Timestamp};
use hoursmith_store::{Conn, Error, fetch_optional};

hoursmith_store::statements! {
    /// The number of the last event.
    LAST_OF_FEED = "SELECT sequence FROM events WHERE organization_id = $1 AND sequence IS NOT NULL
        ORDER BY sequence DESC LIMIT 1";
    /// The first event from a number on: old ones are deleted, so the very one may be gone.
    FIRST_OF_FEED_FROM = "SELECT sequence, created_at FROM events
        WHERE organization_id = $1 AND sequence >= $2 ORDER BY sequence LIMIT 1";
}

/// 0 where there is none.
pub(super) async fn last(conn: &mut Conn, organization: OrganizationId) -> Result<i64, Error> {
    let last = fetch_optional!(conn, LAST_OF_FEED as (i64,), organization.0)?;
    Ok(last.map_or(0, |(sequence,)| sequence))
}

/// The number and the moment of the first event from a number on.
pub(super) async fn first_from(
    conn: &mut Conn,
    organization: OrganizationId,
    sequence: i64,
) -> Result<Option<(i64, Timestamp)>, Error> {
    let first = fetch_optional!(
        conn,
        FIRST_OF_FEED_FROM as (i64, i64),
        organization.0,
        sequence
    )?;
    Ok(first.map(|(sequence, at)| (sequence, Timestamp::from_micros(at))))
}
