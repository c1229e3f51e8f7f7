//! Public events that wait to be published, in the database.

use hoursmith_domain::OrganizationId;
use hoursmith_handler::event::{EventRow, event_columns};
use hoursmith_store::{Conn, Error, execute, fetch_all};

hoursmith_store::statements! {
    /// The first that are public and were not published. By their numbers: of an organization, none
    /// comes without those before it.
    EVENTS_TO_PUBLISH = concat!(
        "SELECT ",
        event_columns!("e"),
        ", e.trace_parent FROM events e WHERE e.sequence IS NOT NULL AND NOT e.published \
         ORDER BY e.sequence LIMIT $1"
    );
    /// Takes note that some of an organization's events were published.
    MARK_PUBLISHED = "UPDATE events SET published = TRUE
        WHERE organization_id = $1 AND sequence BETWEEN $2 AND $3 AND NOT published";
}

/// A public event that waits.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Waiting {
    #[sqlx(flatten)]
    pub(crate) event: EventRow,
    /// W3C trace context of the request that it came from.
    pub(crate) trace_parent: Option<String>,
}

/// At most `limit` of those that wait, each organization's by their sequences; fewer than `limit`
/// means that no more were waiting.
pub(crate) async fn to_publish(conn: &mut Conn, limit: u32) -> Result<Vec<Waiting>, Error> {
    fetch_all!(conn, EVENTS_TO_PUBLISH as Waiting, i64::from(limit))
}

/// Takes note that the organization's events with these sequences, both ends included, were
/// published. To say so twice changes nothing.
pub(crate) async fn mark_published(
    conn: &mut Conn,
    organization: OrganizationId,
    first: i64,
    last: i64,
) -> Result<(), Error> {
    execute!(conn, MARK_PUBLISHED, organization.0, first, last).map(drop)
}
