//! Events that have their sequence, in the database.

use hoursmith_domain::{EventId, OrganizationId};
use hoursmith_handler::event::{EventRow, event_by_id, event_columns};
use hoursmith_routes::event::Event;
use hoursmith_store::{Conn, fetch_all, fetch_one, fetch_optional};
use uuid::Uuid;

use crate::error::Error;
use crate::list::Page;

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            event_columns!("e"),
            " FROM events e WHERE e.organization_id = $1 AND ",
            $condition
        )
    };
}

hoursmith_store::statements! {
    /// An event that is public.
    FIND_EVENT = concat!("SELECT ", event_columns!("e"), " FROM events e WHERE ", event_by_id!());
    /// A page of the feed.
    LIST_EVENTS = select!("e.sequence > $2 ORDER BY e.sequence LIMIT $3");
    /// The last ones, the newest first.
    LATEST_EVENTS = select!("e.sequence > 0 ORDER BY e.sequence DESC LIMIT $2");
    /// A page of what happened to one object, perhaps of some types alone: a text of all of them,
    /// each between commas. An object has few events, and its index, which has the number in this form, gives them
    /// in order.
    LIST_EVENTS_OF_RESOURCE = select!(
        "e.sequence > $2 AND COALESCE(e.sequence, 0) > 0 AND e.resource_id = $4 \
         AND (CAST($5 AS TEXT) IS NULL OR $5 LIKE '%,' || e.type || ',%') \
         ORDER BY e.sequence LIMIT $3"
    );
    /// A page of one type, up to a number.
    LIST_EVENTS_OF_TYPE = select!(
        "e.sequence > $2 AND COALESCE(e.sequence, 0) > 0 AND e.type = $4 AND e.sequence <= $5 \
         ORDER BY e.sequence LIMIT $3"
    );
    /// The last number that was given; 0 before the first.
    LAST_SEQUENCE = "SELECT COALESCE(MAX(sequence), 0) FROM events \
        WHERE organization_id = $1 AND sequence IS NOT NULL";
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    id: EventId,
) -> Result<Option<Event>, Error> {
    let row = fetch_optional!(conn, FIND_EVENT as EventRow, organization.0, id.0)?;
    Ok(row.map(EventRow::into_wire).transpose()?)
}

pub(crate) async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    page: &Page,
) -> Result<Vec<Event>, Error> {
    let rows = fetch_all!(
        conn,
        LIST_EVENTS as EventRow,
        organization.0,
        page.after.sort,
        page.fetch(),
    )?;
    into_wire(rows)
}

pub(crate) async fn latest(
    conn: &mut Conn,
    organization: OrganizationId,
    most: i64,
) -> Result<Vec<Event>, Error> {
    let rows = fetch_all!(conn, LATEST_EVENTS as EventRow, organization.0, most)?;
    into_wire(rows)
}

pub(crate) async fn list_of_resource(
    conn: &mut Conn,
    organization: OrganizationId,
    resource: Uuid,
    types: &[&str],
    page: &Page,
) -> Result<Vec<Event>, Error> {
    let types = (!types.is_empty()).then(|| format!(",{},", types.join(",")));
    let rows = fetch_all!(
        conn,
        LIST_EVENTS_OF_RESOURCE as EventRow,
        organization.0,
        page.after.sort,
        page.fetch(),
        resource,
        types,
    )?;
    into_wire(rows)
}

/// Of each type the first that come, merged: a rare type is found by its index, where one statement
/// over all types would read the whole feed for it.
///
/// The statements see different moments. None is asked for more than had been numbered before the
/// first, so that the page leaves nothing out.
pub(crate) async fn list_of_types(
    conn: &mut Conn,
    organization: OrganizationId,
    types: &[&str],
    page: &Page,
) -> Result<Vec<Event>, Error> {
    let most = usize::try_from(page.fetch()).unwrap_or(usize::MAX);
    let (mut up_to,) = fetch_one!(conn, LAST_SEQUENCE as (i64,), organization.0)?;
    let mut rows: Vec<EventRow> = Vec::new();
    for of_type in types {
        rows.extend(fetch_all!(
            conn,
            LIST_EVENTS_OF_TYPE as EventRow,
            organization.0,
            page.after.sort,
            page.fetch(),
            *of_type,
            up_to,
        )?);
        rows.sort_unstable_by_key(|row| row.sequence);
        rows.truncate(most);
        // What comes after a page that is full already need not be read.
        if let (true, Some(last)) = (rows.len() == most, rows.last()) {
            up_to = last.sequence;
        }
    }
    into_wire(rows)
}

fn into_wire(rows: Vec<EventRow>) -> Result<Vec<Event>, Error> {
    let events = rows.into_iter().map(EventRow::into_wire);
    events.map(|event| Ok(event?)).collect()
}
