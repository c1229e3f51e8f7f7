//! Events to send, in the database.

use hoursmith_domain::{EventId, OrganizationId};
use hoursmith_handler::event::{EventRow, event_columns};
use hoursmith_store::{Conn, Error, fetch_optional};

hoursmith_store::statements! {
    /// An event with the trace that it was written in. By its id alone, which is why its number stands in
    /// a form that no index has: where statistics say that hardly any event has one, PostgreSQL would
    /// look through all that have.
    FIND_EVENT_TO_SEND = concat!(
        "SELECT ", event_columns!("e"), ", e.trace_parent FROM events e
        WHERE e.organization_id = $1 AND e.id = $2 AND COALESCE(e.sequence, 0) > 0");
}

/// An event as it is kept.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Row {
    #[sqlx(flatten)]
    pub(super) event: EventRow,
    pub(super) trace_parent: Option<String>,
}

pub(super) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    event: EventId,
) -> Result<Option<Row>, Error> {
    fetch_optional!(conn, FIND_EVENT_TO_SEND as Row, organization.0, event.0)
}
