//! The outbox: events written in the transaction of the change that they tell of.
//!
//! A row is not public yet: the relay gives it its `sequence` after the commit. So writers hold
//! no lock for the order of events.

use hoursmith_domain::{EventId, EventType, OrganizationId, Timestamp};
use uuid::Uuid;

use crate::conn::Conn;
use crate::error::Error;

/// The version of the API whose JSON the event carries.
const API_VERSION: &str = "v1";

crate::statements! {
    /// Writes an event, after the change itself.
    APPEND_EVENT = "INSERT INTO events
        (organization_id, id, type, resource_id, api_version, data, trace_parent, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
}

/// An event to write.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// Whose change it is.
    pub organization: OrganizationId,
    /// The event's own id.
    pub id: EventId,
    /// What happened.
    pub kind: EventType,
    /// The changed object.
    pub resource_id: Uuid,
    /// The JSON of `data`, as the API prints the object. Opaque here.
    pub data: String,
    /// W3C trace context of the request, so that deliveries continue its trace.
    pub trace_parent: Option<&'a str>,
    /// When it happened.
    pub created_at: Timestamp,
}

/// Writes an event. Call it after the change itself, in the same job: then the events of one
/// object stand in the order of its changes.
pub async fn append(conn: &mut Conn, event: NewEvent<'_>) -> Result<(), Error> {
    crate::execute!(
        conn,
        APPEND_EVENT,
        event.organization.0,
        event.id.0,
        event.kind.as_str(),
        event.resource_id,
        API_VERSION,
        &event.data,
        event.trace_parent,
        event.created_at.as_micros(),
    )
    .map(drop)
}
