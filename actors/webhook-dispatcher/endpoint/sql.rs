//! Endpoints in the database.

use std::collections::HashSet;

use hoursmith_domain::webhook::EventFilters;
use hoursmith_domain::{OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_handler::base::{BaseRow, base_columns, base_names};
use hoursmith_handler::error;
use hoursmith_handler::list::Page;
use hoursmith_handler::reference::metadata_text;
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_list, fetch_one, fetch_optional};
use uuid::Uuid;

use super::state::{EndpointState, Status};

/// The columns of an [`EndpointRow`], but for those that all objects have.
macro_rules! endpoint_names {
    () => {
        "id, url, description, events, status, consecutive_failures, failing_since, last_success_at"
    };
}
pub(crate) use endpoint_names;

macro_rules! select {
    () => {
        concat!(
            "SELECT w.id, w.url, w.description, w.events, w.status, w.consecutive_failures, \
             w.failing_since, w.last_success_at, ",
            base_columns!("w"),
            " FROM webhook_endpoints w WHERE w.organization_id = $1 AND w.deleted_at IS NULL"
        )
    };
}

macro_rules! filters {
    () => {
        " AND (CAST($2 AS TEXT) IS NULL OR w.status = $2)"
    };
}

/// Newest first, after a place.
macro_rules! by_creation {
    () => {
        " AND (w.created_at, w.id) < ($3, $4) ORDER BY w.created_at DESC, w.id DESC LIMIT $5"
    };
}

/// Oldest change first, after a place.
macro_rules! by_update {
    () => {
        " AND (w.updated_at, w.id) > ($3, $4) ORDER BY w.updated_at, w.id LIMIT $5"
    };
}

/// By the id in another system. A statement of its own, since an optional filter finds no index.
macro_rules! referenced {
    () => {
        " AND w.external_reference_id = $6"
    };
}

hoursmith_store::statements! {
    /// An endpoint.
    FIND_ENDPOINT = concat!(select!(), " AND w.id = $2");
    /// A page of endpoints, newest first.
    LIST_ENDPOINTS = concat!(select!(), filters!(), by_creation!());
    /// A page of endpoints, oldest change first.
    LIST_UPDATED_ENDPOINTS = concat!(select!(), filters!(), by_update!());
    /// A page of the endpoints with a counterpart, newest first.
    LIST_REFERENCED_ENDPOINTS = concat!(select!(), filters!(), referenced!(), by_creation!());
    /// A page of the endpoints with a counterpart, oldest change first.
    LIST_UPDATED_REFERENCED_ENDPOINTS = concat!(select!(), filters!(), referenced!(), by_update!());
    /// The row, held until the transaction ends: what is decided by it stays true.
    LOCK_ENDPOINT = concat!(
        "UPDATE webhook_endpoints AS w SET version = version WHERE w.organization_id = $1 AND w.id = $2 \
         AND w.deleted_at IS NULL RETURNING ",
        endpoint_names!(),
        ", ",
        base_names!()
    );
    /// The organization's row, held until the transaction ends: two that make an endpoint at once
    /// count one after the other.
    HOLD_ORGANIZATION = "UPDATE organizations SET version = version WHERE id = $1";
    /// How many endpoints there are.
    COUNT_ENDPOINTS = "SELECT COUNT(*) FROM webhook_endpoints \
        WHERE organization_id = $1 AND deleted_at IS NULL";
    /// A new endpoint.
    INSERT_ENDPOINT = "INSERT INTO webhook_endpoints (organization_id, id, url, description, events, status, \
        secret, external_reference_service, external_reference_id, external_reference_url, metadata, version, \
        created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    /// Every column that a change by the API can touch. Another address has yet to prove itself.
    UPDATE_ENDPOINT = "UPDATE webhook_endpoints SET proven = (proven AND url = $3), url = $3, description = $4, events = $5, status = $6, \
        consecutive_failures = $7, failing_since = $8, external_reference_service = $9, \
        external_reference_id = $10, external_reference_url = $11, metadata = $12, version = $13, \
        updated_at = $14 WHERE organization_id = $1 AND id = $2";
    /// Its secret, sealed.
    FIND_SECRET = "SELECT secret FROM webhook_endpoints WHERE organization_id = $1 AND id = $2";
    /// A new secret, and the one before for a while.
    ROTATE_SECRET = "UPDATE webhook_endpoints SET secret = $3, previous_secret = $4, previous_secret_until = $5, \
        version = $6, updated_at = $7 WHERE organization_id = $1 AND id = $2";
    /// Gone for all who look. The dispatcher ends what waits for it, a bounded number at a time, and
    /// then deletes the row. Its deliveries stay.
    DELETE_ENDPOINT = "UPDATE webhook_endpoints SET status = 'disabled', deleted_at = $3, due_at = $3 \
        WHERE organization_id = $1 AND id = $2";
    /// Has endpoints looked at by an instant, or when their rate permits a send; by none, only holds their rows.
    LOOK_AT_ENDPOINTS = "UPDATE webhook_endpoints SET due_at = CASE \
        WHEN CAST($2 AS BIGINT) IS NULL OR due_at < $2 OR due_at < paced_until THEN due_at \
        WHEN paced_until > $2 THEN paced_until ELSE $2 END \
        WHERE organization_id = $1 AND id IN ($3) RETURNING id, status";
}

/// What a list is narrowed by.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) organization: OrganizationId,
    pub(crate) status: Option<String>,
    pub(crate) external_reference_id: Option<String>,
}

/// An endpoint as it is kept, but for what is needed to send.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct EndpointRow {
    id: Uuid,
    url: String,
    description: Option<String>,
    events: String,
    status: String,
    consecutive_failures: i64,
    failing_since: Option<i64>,
    last_success_at: Option<i64>,
    #[sqlx(flatten)]
    base: BaseRow,
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    id: WebhookEndpointId,
) -> Result<Option<EndpointState>, error::Error> {
    let row = fetch_optional!(conn, FIND_ENDPOINT as EndpointRow, organization.0, id.0)?;
    row.map(EndpointRow::into_state).transpose()
}

pub(crate) async fn lock(
    conn: &mut Conn,
    organization: OrganizationId,
    id: WebhookEndpointId,
) -> Result<Option<EndpointState>, error::Error> {
    let row = fetch_optional!(conn, LOCK_ENDPOINT as EndpointRow, organization.0, id.0)?;
    row.map(EndpointRow::into_state).transpose()
}

pub(crate) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<EndpointState>, error::Error> {
    macro_rules! rows {
        ($statement:path $(, $further:expr)?) => {
            fetch_all!(
                conn,
                $statement as EndpointRow,
                filter.organization.0,
                filter.status.as_deref(),
                page.after.sort,
                page.after.id,
                page.fetch(),
                $($further)?
            )?
        };
    }
    let rows = match (page.updated_since, filter.external_reference_id.as_deref()) {
        (None, None) => rows!(LIST_ENDPOINTS),
        (Some(_), None) => rows!(LIST_UPDATED_ENDPOINTS),
        (None, Some(id)) => rows!(LIST_REFERENCED_ENDPOINTS, id),
        (Some(_), Some(id)) => rows!(LIST_UPDATED_REFERENCED_ENDPOINTS, id),
    };
    rows.into_iter().map(EndpointRow::into_state).collect()
}

/// How many endpoints the organization has. Nobody makes another until the transaction ends.
pub(crate) async fn hold_count(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<i64, Error> {
    execute!(conn, HOLD_ORGANIZATION, organization.0)?;
    let (count,) = fetch_one!(conn, COUNT_ENDPOINTS as (i64,), organization.0)?;
    Ok(count)
}

pub(crate) async fn insert(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: &EndpointState,
    sealed: &[u8],
) -> Result<(), Error> {
    let reference = endpoint.base.external_reference.as_ref();
    execute!(
        conn,
        INSERT_ENDPOINT,
        organization.0,
        endpoint.id.0,
        endpoint.url.as_str(),
        endpoint.description.as_deref(),
        events_text(&endpoint.events),
        endpoint.status.as_str(),
        sealed,
        reference.map(|reference| reference.service.as_str()),
        reference.map(|reference| reference.id.as_str()),
        reference.and_then(|reference| reference.url.as_deref()),
        metadata_text(&endpoint.base.metadata),
        endpoint.base.version,
        endpoint.base.created_at.as_micros(),
        endpoint.base.updated_at.as_micros(),
    )?;
    Ok(())
}

pub(crate) async fn update(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: &EndpointState,
) -> Result<(), Error> {
    let reference = endpoint.base.external_reference.as_ref();
    execute!(
        conn,
        UPDATE_ENDPOINT,
        organization.0,
        endpoint.id.0,
        endpoint.url.as_str(),
        endpoint.description.as_deref(),
        events_text(&endpoint.events),
        endpoint.status.as_str(),
        endpoint.consecutive_failures,
        endpoint.failing_since.map(Timestamp::as_micros),
        reference.map(|reference| reference.service.as_str()),
        reference.map(|reference| reference.id.as_str()),
        reference.and_then(|reference| reference.url.as_deref()),
        metadata_text(&endpoint.base.metadata),
        endpoint.base.version,
        endpoint.base.updated_at.as_micros(),
    )?;
    Ok(())
}

/// The sealed secret.
pub(crate) async fn secret(
    conn: &mut Conn,
    organization: OrganizationId,
    id: WebhookEndpointId,
) -> Result<Vec<u8>, Error> {
    let (sealed,) = fetch_one!(conn, FIND_SECRET as (Vec<u8>,), organization.0, id.0)?;
    Ok(sealed)
}

/// Puts sealed secrets in place.
pub(crate) async fn rotate(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: &EndpointState,
    secret: &[u8],
    previous: Option<(&[u8], Timestamp)>,
) -> Result<(), Error> {
    execute!(
        conn,
        ROTATE_SECRET,
        organization.0,
        endpoint.id.0,
        secret,
        previous.map(|(sealed, _)| sealed),
        previous.map(|(_, until)| until.as_micros()),
        endpoint.base.version,
        endpoint.base.updated_at.as_micros(),
    )?;
    Ok(())
}

pub(crate) async fn delete(
    conn: &mut Conn,
    organization: OrganizationId,
    id: WebhookEndpointId,
    now: Timestamp,
) -> Result<(), Error> {
    execute!(conn, DELETE_ENDPOINT, organization.0, id.0, now.as_micros()).map(drop)
}

/// Has the dispatcher look at an endpoint by an instant, or only holds it; its row is held from then
/// on. Whether it is there, deleted ones included, and is not disabled.
pub(crate) async fn look_at(
    conn: &mut Conn,
    organization: OrganizationId,
    id: WebhookEndpointId,
    by: Option<Timestamp>,
) -> Result<bool, Error> {
    let able = look_at_all(conn, organization, &[id], by).await?;
    Ok(!able.is_empty())
}

/// The same of several; gives those that are there and not disabled.
pub(crate) async fn look_at_all(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[WebhookEndpointId],
    by: Option<Timestamp>,
) -> Result<HashSet<WebhookEndpointId>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let found = fetch_list!(
        conn,
        LOOK_AT_ENDPOINTS as (Uuid, String),
        ids,
        organization.0,
        by.map(Timestamp::as_micros),
    )?;
    let able = found
        .into_iter()
        .filter(|(_, status)| status != Status::Disabled.as_str());
    Ok(able.map(|(id, _)| WebhookEndpointId(id)).collect())
}

impl EndpointRow {
    pub(crate) fn into_state(self) -> Result<EndpointState, error::Error> {
        let status = Status::parse(&self.status).ok_or_else(|| {
            Failure::internal("read a stored endpoint's status", self.status.clone())
        })?;
        Ok(EndpointState {
            id: WebhookEndpointId(self.id),
            url: self.url,
            description: self.description,
            events: EventFilters::stored(&self.events)
                .map_err(|source| Failure::internal("read stored event filters", source))?,
            status,
            consecutive_failures: self.consecutive_failures,
            failing_since: self.failing_since.map(Timestamp::from_micros),
            last_success_at: self.last_success_at.map(Timestamp::from_micros),
            base: self.base.into_base()?,
        })
    }
}

fn events_text(events: &EventFilters) -> String {
    let words: Vec<String> = events.0.iter().map(ToString::to_string).collect();
    // A list of strings, whose serialization cannot fail.
    serde_json::to_string(&words).unwrap_or_default()
}
