//! An event's columns.

use hoursmith_domain::{EventId, Timestamp};
use hoursmith_kit::Failure;
use hoursmith_routes::event::Event;
use serde_json::value::RawValue;
use uuid::Uuid;

/// The columns of the table with an alias, to select.
#[macro_export]
macro_rules! event_columns {
    ($alias:literal) => {
        concat!(
            $alias,
            ".id, ",
            $alias,
            ".type, ",
            $alias,
            ".created_at, ",
            $alias,
            ".organization_id, ",
            $alias,
            ".sequence, ",
            $alias,
            ".api_version, ",
            $alias,
            ".data"
        )
    };
}

pub use event_columns;

/// That an event, as `e`, is public, has an id ($2) and is of an organization ($1). By the index of ids alone, in whose
/// form the number stands; the organization stands in one that no index has.
#[macro_export]
macro_rules! event_by_id {
    () => {
        "e.id = $2 AND COALESCE(e.sequence, 0) > 0 AND COALESCE(e.organization_id, e.id) = $1"
    };
}

pub use event_by_id;

/// An event that has its sequence, as stored.
#[derive(Debug, sqlx::FromRow)]
pub struct EventRow {
    id: Uuid,
    r#type: String,
    created_at: i64,
    organization_id: Uuid,
    /// Its place in the feed.
    pub sequence: i64,
    api_version: String,
    data: String,
}

impl EventRow {
    /// The event as it is shown. Its `data` stays as it was written, to the byte.
    pub fn into_wire(self) -> Result<Event, Failure> {
        let data = RawValue::from_string(self.data)
            .map_err(|source| Failure::internal("read an event's data", source))?;
        Ok(Event {
            id: EventId(self.id),
            r#type: self.r#type,
            created_at: Timestamp::from_micros(self.created_at),
            organization_id: self.organization_id,
            sequence: self.sequence,
            api_version: self.api_version,
            data,
        })
    }
}
