//! Events: the change feed, as far as it is public.
//!
//! An event never changes, and the feed shows an organization's events without a gap: whoever sees
//! number 7 has been able to see 1 to 6. So a reader that remembers the last number it has taken in
//! misses nothing.

mod sql;

use hoursmith_bus::Response;
use hoursmith_domain::{Cursor, EventId, Problem};
use hoursmith_routes::event::{Event, LatestEvents};
use hoursmith_store::Statement;
use uuid::Uuid;

use crate::condition;
use crate::error::Error;
use crate::list::{Page, json};
use crate::request::Request;

/// The version of each event: there is no other.
const VERSION: i64 = 1;

/// How many events somebody who glances at what happened is told of.
const LATEST: i64 = 10;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// `GET /api/v1/events`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let after = request.param("after_sequence")?.unwrap_or_default();
    let page = Page::of_feed(request, after)?;
    let mut types: Vec<&str> = request.ask.head.query_params("type").collect();
    types.sort_unstable();
    types.dedup();
    let organization = request.caller.organization();
    let resource: Option<Uuid> = request.param("resource_id")?;
    let mut conn = request.context.db.read().await?;
    let events = match (resource, types.as_slice()) {
        (Some(id), types) => sql::list_of_resource(&mut conn, organization, id, types, &page).await,
        (None, []) => sql::list(&mut conn, organization, &page).await,
        (None, types) => sql::list_of_types(&mut conn, organization, types, &page).await,
    }?;
    drop(conn);
    let place = |event: &Event| Cursor {
        sort: event.sequence,
        id: event.id.0,
    };
    page.respond(request, events, place, |event| event)
}

/// `event.latest`
pub(crate) async fn latest(request: &Request) -> Result<Response, Error> {
    let mut conn = request.context.db.read().await?;
    let data = sql::latest(&mut conn, request.caller.organization(), LATEST).await?;
    json(200, &LatestEvents { data })
}

/// `GET /api/v1/events/{event_id}`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let id: EventId = request.id("event_id")?;
    let mut conn = request.context.db.read().await?;
    let event = sql::find(&mut conn, request.caller.organization(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(json(200, &event)?, VERSION, conditions))
}
