//! Public events that wait to be published, in the database.

use hoursmith_domain::{OrganizationId, Timestamp};
use hoursmith_handler::event::{EventRow, event_columns};
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_optional};
use uuid::Uuid;

hoursmith_store::statements! {
    /// The next organization of which a public event was not published, and when its first was written. By the
    /// index of what waits, here and below, which alone has the number in this form: statistics do not know
    /// that hardly anything waits.
    NEXT_ORGANIZATION_TO_PUBLISH = "SELECT organization_id, created_at FROM events
        WHERE COALESCE(sequence, 0) > 0 AND NOT published AND organization_id > $1
        ORDER BY organization_id, sequence LIMIT 1";
    /// The first events of an organization that wait. By their numbers: none comes without those before
    /// it.
    EVENTS_TO_PUBLISH = concat!(
        "SELECT ",
        event_columns!("e"),
        ", e.trace_parent FROM events e \
         WHERE e.organization_id = $1 AND COALESCE(e.sequence, 0) > 0 AND NOT e.published \
         ORDER BY e.sequence LIMIT $2"
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

/// The organization after one of which something waits, and since when; `None` after the last.
pub(crate) async fn next(
    conn: &mut Conn,
    after: OrganizationId,
) -> Result<Option<(OrganizationId, Timestamp)>, Error> {
    let next = fetch_optional!(conn, NEXT_ORGANIZATION_TO_PUBLISH as (Uuid, i64), after.0)?;
    Ok(next
        .map(|(organization, since)| (OrganizationId(organization), Timestamp::from_micros(since))))
}

/// At most `limit` of an organization's that wait, by their sequences; fewer than `limit` means that no
/// more were waiting.
pub(crate) async fn to_publish(
    conn: &mut Conn,
    organization: OrganizationId,
    limit: u32,
) -> Result<Vec<Waiting>, Error> {
    fetch_all!(
        conn,
        EVENTS_TO_PUBLISH as Waiting,
        organization.0,
        i64::from(limit)
    )
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
