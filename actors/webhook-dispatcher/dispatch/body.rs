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

/// Why there is nothing to send.
#[derive(Debug)]
pub(super) enum Nothing {
    /// The event was deleted.
    Gone,
    /// It cannot be written, now.
    Unreadable(Failure),
}

/// An event's bytes, and the trace that it was written in.
pub(super) async fn load(
    conn: &mut Conn,
    organization: OrganizationId,
    event: EventId,
) -> Result<Result<(Bytes, Option<TraceParent>), Nothing>, Error> {
    let found = sql::find(conn, organization, event).await?;
    Ok(write(found))
}

fn write(found: Option<sql::Row>) -> Result<(Bytes, Option<TraceParent>), Nothing> {
    // Events are kept as long as their deliveries; a replay may have come a moment too late.
    let row = found.ok_or(Nothing::Gone)?;
    let trace = row.trace_parent.as_deref().and_then(TraceParent::parse);
    let event = row.event.into_wire().map_err(Nothing::Unreadable)?;
    let body = serde_json::to_vec(&event).map_err(|source| {
        Nothing::Unreadable(Failure::internal("write an event to send", source))
    })?;
    Ok((body.into(), trace))
}
