//! What is sent of an event: what `GET` shows of it, to the byte.

mod sql;

use bytes::Bytes;
use hoursmith_bus::TraceParent;
use hoursmith_domain::{EventId, OrganizationId};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, Statement};

pub(super) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// An event's bytes, and the trace that it was written in; the inner failure when there is nothing
/// that could be sent, now or later.
pub(super) async fn load(
    conn: &mut Conn,
    organization: OrganizationId,
    event: EventId,
) -> Result<Result<(Bytes, Option<TraceParent>), Failure>, Error> {
    let found = sql::find(conn, organization, event).await?;
    Ok(write(found))
}

fn write(found: Option<sql::Row>) -> Result<(Bytes, Option<TraceParent>), Failure> {
    // Events are kept as long as their deliveries.
    let row = found.ok_or_else(|| Failure::internal("read an event to send", "it is gone"))?;
    let trace = row.trace_parent.as_deref().and_then(TraceParent::parse);
    let body = serde_json::to_vec(&row.event.into_wire()?)
        .map_err(|source| Failure::internal("write an event to send", source))?;
    Ok((body.into(), trace))
}
