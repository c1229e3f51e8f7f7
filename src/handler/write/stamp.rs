//! What a change is given beside the connection: its moment, its ids, and the way to tell of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hoursmith_bus::TraceParent;
use hoursmith_domain::{EventId, EventType, OrganizationId, Timestamp};
use hoursmith_kit::{Clock, Random};
use hoursmith_store::Conn;
use hoursmith_store::events::{self, NewEvent};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::error::Error;

/// What an effect is given beside the connection.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The moment of the change: `created_at`, `updated_at` and the event's time. Taken when the
    /// job runs, not when it queues: whoever syncs by `updated_at` must not find an older moment
    /// behind a newer one.
    pub now: Timestamp,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    organization: OrganizationId,
    trace_parent: Option<TraceParent>,
    /// Events written with it, to be counted once they are committed.
    events: Arc<AtomicU64>,
}

/// What an event says of a change.
#[derive(Debug)]
pub struct Changed {
    /// The changed object's id.
    pub resource_id: Uuid,
    /// The object after the change, as an owner sees it.
    pub object: Value,
    /// What its changed fields were before; of what was made, nothing.
    pub previous: Option<Map<String, Value>>,
}

impl Stamp {
    /// The stamp of a change that happens now, in the current trace.
    pub fn new(
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
        organization: OrganizationId,
    ) -> Self {
        Self {
            now: clock.now(),
            clock: Arc::clone(clock),
            random: Arc::clone(random),
            organization,
            trace_parent: hoursmith_telemetry::current_trace_parent(),
            events: Arc::default(),
        }
    }

    /// Counts its events in a counter of the caller's.
    pub(super) fn counting(mut self, events: Arc<AtomicU64>) -> Self {
        self.events = events;
        self
    }

    /// Takes the moment anew, once a row that had to be waited for is held; always after the
    /// row's last change, whatever the clock says.
    pub fn renew(&mut self, last_change: Timestamp) {
        self.now = self
            .clock
            .now()
            .max(last_change.plus(Duration::from_micros(1)));
    }

    /// A new id, of this moment.
    pub fn new_id(&self) -> Uuid {
        self.random.uuid_v7(self.now)
    }

    /// Writes the event of the change: the object as an owner sees it after the change, and what
    /// its changed fields were before.
    pub async fn event(
        &self,
        conn: &mut Conn,
        kind: EventType,
        resource_id: Uuid,
        object: Value,
        previous: Option<Map<String, Value>>,
    ) -> Result<(), Error> {
        let id = EventId(self.new_id());
        self.event_as(conn, id, kind, resource_id, object, previous)
            .await
    }

    /// The same under an id of the caller's, made by [`Stamp::new_id`].
    pub async fn event_as(
        &self,
        conn: &mut Conn,
        id: EventId,
        kind: EventType,
        resource_id: Uuid,
        object: Value,
        previous: Option<Map<String, Value>>,
    ) -> Result<(), Error> {
        let event = self.new_event(id, kind, resource_id, object, previous);
        events::append(conn, event).await?;
        self.events.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Writes the events of many changes of one kind, in their order, with few statements.
    pub async fn events(
        &self,
        conn: &mut Conn,
        kind: EventType,
        changes: impl IntoIterator<Item = Changed, IntoIter: Send>,
    ) -> Result<(), Error> {
        let mut changes = changes.into_iter();
        let at_a_time = events::at_a_time();
        loop {
            // One batch is in memory at a time.
            let batch: Vec<NewEvent<'_>> = (changes.by_ref().take(at_a_time))
                .map(|one| {
                    let id = EventId(self.new_id());
                    self.new_event(id, kind, one.resource_id, one.object, one.previous)
                })
                .collect();
            if batch.is_empty() {
                return Ok(());
            }
            events::append_all(conn, &batch).await?;
            let written = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            self.events.fetch_add(written, Ordering::Relaxed);
        }
    }

    fn new_event(
        &self,
        id: EventId,
        kind: EventType,
        resource_id: Uuid,
        object: Value,
        previous: Option<Map<String, Value>>,
    ) -> NewEvent<'_> {
        let mut data = json!({ "object": object });
        if let (Some(previous), Some(data)) = (previous, data.as_object_mut()) {
            data.insert("previous_attributes".to_owned(), previous.into());
        }
        NewEvent {
            organization: self.organization,
            id,
            kind,
            resource_id,
            data: data.to_string(),
            trace_parent: self
                .trace_parent
                .as_ref()
                .map(hoursmith_bus::TraceParent::as_str),
            created_at: self.now,
        }
    }
}

/// The fields of `before` whose values `after` changed, but for `updated_at`, which always does.
pub fn changed_fields(before: &Value, after: &Value) -> Map<String, Value> {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return Map::new();
    };
    before
        .iter()
        .filter(|(name, value)| {
            name.as_str() != "updated_at" && after.get(name.as_str()) != Some(*value)
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
