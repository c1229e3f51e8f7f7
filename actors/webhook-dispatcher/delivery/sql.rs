//! Deliveries and their attempts in the database.

use std::collections::HashMap;

use hoursmith_domain::{EventId, OrganizationId, Timestamp, WebhookDeliveryId, WebhookEndpointId};
use hoursmith_handler::list::{MAX_PAGE_BYTES, Page};
use hoursmith_routes::webhook_delivery::{MAX_ATTEMPTS_SHOWN, WebhookAttempt, WebhookDelivery};
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_optional};
use uuid::Uuid;

use super::state::DeliveryState;

/// Deliveries whose attempts are read by one statement: a page of 200 takes twenty.
const TOGETHER: usize = 10;

macro_rules! select {
    () => {
        "SELECT d.id, d.event_id, d.endpoint_id, d.status, d.skip_reason, d.attempts, d.next_attempt_at, \
         d.version, d.created_at, d.updated_at FROM webhook_deliveries d WHERE d.organization_id = $1"
    };
}

macro_rules! filters {
    () => {
        " AND (CAST($2 AS UUID) IS NULL OR d.endpoint_id = $2) \
          AND (CAST($3 AS UUID) IS NULL OR d.event_id = $3) \
          AND (CAST($4 AS TEXT) IS NULL OR d.status = $4) \
          AND (CAST($5 AS BIGINT) IS NULL OR d.created_at >= $5) \
          AND (CAST($6 AS BIGINT) IS NULL OR d.created_at < $6)"
    };
}

/// A page after a place, newest first.
macro_rules! newest {
    ($($further:literal)?) => {
        concat!(
            select!(), filters!(), $($further,)?
            " AND (d.created_at, d.id) < ($7, $8) ORDER BY d.created_at DESC, d.id DESC LIMIT $9"
        )
    };
}

// An optional filter finds no index: what narrows most has a statement of its own.
hoursmith_store::statements! {
    /// A delivery.
    FIND_DELIVERY = concat!(select!(), " AND d.id = $2");
    /// A page of deliveries, newest first.
    LIST_DELIVERIES = newest!();
    /// A page of the deliveries of an event, newest first. They are as few as there are endpoints, and
    /// sorted: the plus keeps the planners from reading all deliveries in the order of the list.
    FIND_DELIVERIES_OF_EVENT = concat!(
        select!(), filters!(),
        " AND d.event_id = $3 AND (+d.created_at, d.id) < ($7, $8) \
         ORDER BY +d.created_at DESC, d.id DESC LIMIT $9"
    );
    /// A page of the deliveries to an endpoint, newest first.
    LIST_DELIVERIES_TO_ENDPOINT = newest!(" AND d.endpoint_id = $2");
    /// A page of the deliveries in a state, newest first.
    LIST_DELIVERIES_IN_STATE = newest!(" AND d.status = $4");
    /// A page of deliveries, oldest change first.
    LIST_UPDATED_DELIVERIES = concat!(
        select!(), filters!(),
        " AND (d.updated_at, d.id) > ($7, $8) ORDER BY d.updated_at, d.id LIMIT $9"
    );
    /// The last attempts of some deliveries.
    LIST_ATTEMPTS = "SELECT a.delivery_id, a.number, a.at, a.url, a.status_code, a.duration_ms, a.error, \
        a.response_excerpt FROM webhook_attempts a JOIN webhook_deliveries d \
        ON d.organization_id = a.organization_id AND d.id = a.delivery_id \
        WHERE a.organization_id = $1 AND a.number > d.attempts - $2 \
        AND a.delivery_id IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ORDER BY a.delivery_id, a.number";
    /// Due at once, from the first step of the ladder; writes no row if it waits already.
    QUEUE_AGAIN = "UPDATE webhook_deliveries SET status = 'pending', skip_reason = NULL, step = 0, \
        next_attempt_at = $3, version = version + 1, \
        updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at + 1 END \
        WHERE organization_id = $1 AND id = $2 AND status <> 'pending'";
}

/// What a list is narrowed by.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) organization: OrganizationId,
    pub(crate) endpoint: Option<WebhookEndpointId>,
    pub(crate) event: Option<EventId>,
    pub(crate) status: Option<String>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    event_id: Uuid,
    endpoint_id: Uuid,
    status: String,
    skip_reason: Option<String>,
    attempts: i64,
    next_attempt_at: Option<i64>,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    delivery_id: Uuid,
    number: i64,
    at: i64,
    url: String,
    status_code: Option<i64>,
    duration_ms: i64,
    error: Option<String>,
    response_excerpt: Option<String>,
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    id: WebhookDeliveryId,
) -> Result<Option<DeliveryState>, Error> {
    let row = fetch_optional!(conn, FIND_DELIVERY as Row, organization.0, id.0)?;
    let found = with_attempts(conn, organization, row.into_iter().collect()).await?;
    Ok(found.into_iter().next())
}

pub(crate) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<DeliveryState>, Error> {
    macro_rules! rows {
        ($statement:path) => {
            fetch_all!(
                conn,
                $statement as Row,
                filter.organization.0,
                filter.endpoint.map(|endpoint| endpoint.0),
                filter.event.map(|event| event.0),
                filter.status.as_deref(),
                filter.from.map(Timestamp::as_micros),
                filter.to.map(Timestamp::as_micros),
                page.after.sort,
                page.after.id,
                page.fetch(),
            )?
        };
    }
    let rows = match page.updated_since {
        Some(_) => rows!(LIST_UPDATED_DELIVERIES),
        None if filter.event.is_some() => rows!(FIND_DELIVERIES_OF_EVENT),
        None if filter.endpoint.is_some() => rows!(LIST_DELIVERIES_TO_ENDPOINT),
        None if filter.status.is_some() => rows!(LIST_DELIVERIES_IN_STATE),
        None => rows!(LIST_DELIVERIES),
    };
    with_attempts(conn, filter.organization, rows).await
}

/// Queues a delivery again. False when it waits already.
pub(crate) async fn queue(
    conn: &mut Conn,
    organization: OrganizationId,
    id: WebhookDeliveryId,
    now: Timestamp,
) -> Result<bool, Error> {
    let written = execute!(conn, QUEUE_AGAIN, organization.0, id.0, now.as_micros())?;
    Ok(written == 1)
}

/// Adds to each delivery its attempts, as far as a page takes them: where their texts alone are more,
/// what follows is left out. It would not be shown, since JSON is no shorter than the texts in it.
async fn with_attempts(
    conn: &mut Conn,
    organization: OrganizationId,
    mut rows: Vec<Row>,
) -> Result<Vec<DeliveryState>, Error> {
    let (mut whole, mut bytes) = (Vec::with_capacity(rows.len()), 0_usize);
    while !rows.is_empty() && bytes <= MAX_PAGE_BYTES {
        let rest = rows.split_off(rows.len().min(TOGETHER));
        let mut attempts = attempts(conn, organization, &rows).await?;
        for attempt in attempts.values().flatten() {
            let excerpt = attempt.response_excerpt.as_ref().map_or(0, String::len);
            bytes = bytes
                .saturating_add(attempt.url.len())
                .saturating_add(excerpt);
        }
        whole.extend(rows.into_iter().map(|row| {
            let attempts = attempts.remove(&row.id).unwrap_or_default();
            row.into_state(attempts)
        }));
        rows = rest;
    }
    Ok(whole)
}

/// The attempts of at most as many deliveries as are read together.
async fn attempts(
    conn: &mut Conn,
    organization: OrganizationId,
    rows: &[Row],
) -> Result<HashMap<Uuid, Vec<WebhookAttempt>>, Error> {
    let mut attempts: HashMap<Uuid, Vec<WebhookAttempt>> = HashMap::new();
    if rows.iter().all(|row| row.attempts == 0) {
        return Ok(attempts);
    }
    // An id that is wanting is the nil one, which no delivery has.
    let id = |at: usize| rows.get(at).map(|row| row.id).unwrap_or_default();
    let found = fetch_all!(
        conn,
        LIST_ATTEMPTS as AttemptRow,
        organization.0,
        MAX_ATTEMPTS_SHOWN,
        id(0),
        id(1),
        id(2),
        id(3),
        id(4),
        id(5),
        id(6),
        id(7),
        id(8),
        id(9),
    )?;
    for row in found {
        let of = attempts.entry(row.delivery_id).or_default();
        of.push(row.into_wire());
    }
    Ok(attempts)
}

impl Row {
    fn into_state(self, attempts: Vec<WebhookAttempt>) -> DeliveryState {
        let wire = WebhookDelivery {
            id: WebhookDeliveryId(self.id),
            event_id: EventId(self.event_id),
            endpoint_id: self.endpoint_id,
            status: self.status,
            skip_reason: self.skip_reason,
            attempts,
            next_attempt_at: self.next_attempt_at.map(Timestamp::from_micros),
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        };
        DeliveryState {
            wire,
            version: self.version,
        }
    }
}

impl AttemptRow {
    fn into_wire(self) -> WebhookAttempt {
        WebhookAttempt {
            number: self.number,
            at: Timestamp::from_micros(self.at),
            url: self.url,
            status_code: self.status_code,
            duration_ms: self.duration_ms,
            error: self.error,
            response_excerpt: self.response_excerpt,
        }
    }
}
