//! A public event as everybody sees it: over the API, on the stream, in a delivery.
//!
//! Built here alone, so that the three are the same to the byte.

use hoursmith_domain::{EventId, Timestamp};
use hoursmith_kit::Failure;
use hoursmith_routes::event::Event;
use hoursmith_store::events::PublicEvent;
use serde_json::value::RawValue;

/// The event in its public form, `data` as it was written, to the byte.
pub fn wire(event: PublicEvent) -> Result<Event, Failure> {
    let data = RawValue::from_string(event.data)
        .map_err(|source| Failure::internal("read an event's data", source))?;
    Ok(Event {
        id: EventId(event.id),
        r#type: event.r#type,
        created_at: Timestamp::from_micros(event.created_at),
        organization_id: event.organization_id,
        sequence: event.sequence,
        api_version: event.api_version,
        data,
    })
}

/// Its JSON: the body of `GET /api/v1/events/{event_id}`.
pub fn body(event: PublicEvent) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(&wire(event)?).map_err(|source| Failure::internal("write an event", source))
}
