//! What is sent of an event: what `GET` shows of it, to the byte.
//!
//! An event goes to many endpoints at once, and what is public of it never changes; so what was read for one
//! serves the others.

mod sql;

use bytes::Bytes;
use hoursmith_bus::TraceParent;
use hoursmith_domain::{EventId, OrganizationId};
use hoursmith_kit::Failure;
use hoursmith_store::{Db, Error, Statement};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Bytes of events that are kept for others, about; and how many events that mostly are.
const KEPT: (u64, usize) = (4 << 20, 2_000);

/// What an event takes beside its bytes.
const OVERHEAD: usize = 300;

pub(super) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// What is sent of an event.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    /// The trace that it was written in.
    pub(super) trace: Option<TraceParent>,
}

/// Why there is nothing to send.
#[derive(Debug)]
pub(super) enum Nothing {
    /// The event was deleted.
    Gone,
    /// It cannot be written, now.
    Unreadable(Failure),
}

/// Why an event was not loaded.
#[derive(Debug)]
pub(super) enum NotLoaded {
    /// There is nothing to send of it.
    Nothing(Nothing),
    /// The database could not be asked.
    Store(Error),
}

/// Events that were read, the most used of the last ones.
pub(super) struct Bodies {
    db: Db,
    kept: Cache<(OrganizationId, EventId), Body, Weight>,
}

/// Counts bytes.
#[derive(Debug, Clone)]
struct Weight;

impl Weighter<(OrganizationId, EventId), Body> for Weight {
    fn weight(&self, _: &(OrganizationId, EventId), body: &Body) -> u64 {
        u64::try_from(body.bytes.len().saturating_add(OVERHEAD)).unwrap_or(u64::MAX)
    }
}

impl Bodies {
    pub(super) fn new(db: Db) -> Self {
        let (bytes, events) = KEPT;
        Self {
            db,
            kept: Cache::with_weighter(events, bytes, Weight),
        }
    }

    /// What is sent of an event. It is read once, however many ask for it at a time.
    pub(super) async fn load(
        &self,
        organization: OrganizationId,
        event: EventId,
    ) -> Result<Body, NotLoaded> {
        let read = async {
            let mut conn = self.db.read().await.map_err(NotLoaded::Store)?;
            let found = sql::find(&mut conn, organization, event).await;
            write(found.map_err(NotLoaded::Store)?).map_err(NotLoaded::Nothing)
        };
        self.kept
            .get_or_insert_async(&(organization, event), read)
            .await
    }
}

fn write(found: Option<sql::Row>) -> Result<Body, Nothing> {
    // Events are kept as long as their deliveries; a replay may have come a moment too late.
    let row = found.ok_or(Nothing::Gone)?;
    let trace = row.trace_parent.as_deref().and_then(TraceParent::parse);
    let event = row.event.into_wire().map_err(Nothing::Unreadable)?;
    let body = serde_json::to_vec(&event).map_err(|source| {
        Nothing::Unreadable(Failure::internal("write an event to send", source))
    })?;
    let bytes = body.into();
    Ok(Body { bytes, trace })
}
