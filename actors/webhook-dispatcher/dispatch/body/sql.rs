//! Events to send, in the database.

use hoursmith_domain::{EventId, OrganizationId};
use hoursmith_handler::event::{EventRow, event_by_id, event_columns};
use hoursmith_store::{Conn, Error, fetch_optional};

hoursmith_store::statements! {
    /// An event with the trace that it was written in.
    FIND_EVENT_TO_SEND = concat!(
        "SELECT ", event_columns!("e"), ", e.trace_parent FROM events e WHERE ", event_by_id!());
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
