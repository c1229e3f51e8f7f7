//! Public events and their deliveries, in the database.

use std::collections::BTreeMap;

use hoursmith_domain::{OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_store::{
    Conn, Error, execute, execute_list, fetch_all, fetch_optional, fetch_rows, hold_list,
};
use uuid::Uuid;

use super::at_once::{Held, Share};
use crate::dispatch::claim::{FIRST_TOKEN, Served, served_columns};
use crate::endpoint;

hoursmith_store::statements! {
    /// The next organization of which a public event has no deliveries yet. By the index of what waits, here and
    /// below, which alone has the number in this form: statistics do not know that hardly anything waits.
    NEXT_ORGANIZATION_TO_FAN_OUT = "SELECT organization_id FROM events
        WHERE COALESCE(sequence, 0) > 0 AND NOT fanned_out AND organization_id > $1
        ORDER BY organization_id LIMIT 1";
    /// The first events of an organization that wait.
    FIND_EVENTS_TO_FAN_OUT = "SELECT sequence, id, type AS kind, resource_id FROM events
        WHERE organization_id = $1 AND COALESCE(sequence, 0) > 0 AND NOT fanned_out
        ORDER BY sequence LIMIT $2";
    /// Notes that they have their deliveries. Numbers are given in order and taken in order, so what waits has no
    /// gap. By number, like those who note what was published: then both come to the rows in one order.
    MARK_FANNED_OUT = "UPDATE events SET fanned_out = TRUE
        WHERE organization_id = $1 AND sequence BETWEEN $2 AND $3 AND NOT fanned_out";
    /// Whom to ask, in one order, so that two that hold them do not wait for each other; and the plan.
    FIND_ENDPOINTS_TO_ASK = "SELECT e.id, e.events, o.plan
        FROM webhook_endpoints e JOIN organizations o ON o.id = e.organization_id
        WHERE e.organization_id = $1 AND e.status <> 'disabled' ORDER BY e.id";
    /// Holds those that want some, as far as they are there and not disabled.
    HOLD_ENDPOINTS_THAT_WANT = concat!("SELECT id, due_at, url, status, version, ", served_columns!(), "
        FROM webhook_endpoints WHERE organization_id = $1 AND status <> 'disabled'
        AND id IN ($2) ORDER BY id");
    /// Writes a delivery: pending, perhaps with a lease, or skipped for want of the plan. One that is there
    /// already, by a replay that was faster, stays.
    INSERT_DELIVERY = "INSERT INTO webhook_deliveries
        (organization_id, id, endpoint_id, event_id, status, skip_reason, next_attempt_at, lease_token, lease_until,
            created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (organization_id, event_id, endpoint_id) DO NOTHING RETURNING id";
    /// Notes of endpoints that they are sent something: when they are next worth a look, unless that is sooner
    /// for something else, and from when on their rate permits the next send.
    SEND_AT_ONCE = "UPDATE webhook_endpoints SET served_at = $2, paced_until = $3,
            due_at = CASE WHEN due_at < $4 THEN due_at ELSE $4 END
        WHERE organization_id = $1 AND id IN ($5)";
}

/// An event that waits.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct PublicEvent {
    sequence: i64,
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) resource_id: Uuid,
}

/// A delivery to be written.
#[derive(Debug)]
pub(super) struct NewDelivery {
    pub(super) id: Uuid,
    pub(super) endpoint: WebhookEndpointId,
    pub(super) event: Uuid,
    /// Without one it is skipped for want of the plan.
    pub(super) due: Option<Timestamp>,
    /// Until when it is left to this process, which sends it at once.
    pub(super) lease_until: Option<Timestamp>,
}

/// An endpoint that wants some.
#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: Uuid,
    due_at: Option<i64>,
    #[sqlx(flatten)]
    served: Served,
}

/// The organization after one that waits; `None` after the last.
pub(super) async fn next(
    conn: &mut Conn,
    after: OrganizationId,
) -> Result<Option<OrganizationId>, Error> {
    let next = fetch_optional!(conn, NEXT_ORGANIZATION_TO_FAN_OUT as (Uuid,), after.0)?;
    Ok(next.map(|(organization,)| OrganizationId(organization)))
}

/// The first events of an organization that wait, in the order of its feed.
pub(super) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    limit: u32,
) -> Result<Vec<PublicEvent>, Error> {
    fetch_all!(
        conn,
        FIND_EVENTS_TO_FAN_OUT as PublicEvent,
        organization.0,
        i64::from(limit),
    )
}

/// Notes that events which were found have their deliveries. One transaction at a time may do this.
pub(super) async fn mark(
    conn: &mut Conn,
    organization: OrganizationId,
    events: &[PublicEvent],
) -> Result<(), Error> {
    if let (Some(first), Some(last)) = (events.first(), events.last()) {
        let (first, last) = (first.sequence, last.sequence);
        execute!(conn, MARK_FANNED_OUT, organization.0, first, last)?;
    }
    Ok(())
}

/// Endpoints that are not disabled, the text of their filters, and their organization's plan.
pub(super) async fn endpoints(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<Vec<(WebhookEndpointId, String, String)>, Error> {
    let rows = fetch_all!(
        conn,
        FIND_ENDPOINTS_TO_ASK as (Uuid, String, String),
        organization.0
    )?;
    let typed = rows
        .into_iter()
        .map(|(id, filters, plan)| (WebhookEndpointId(id), filters, plan));
    Ok(typed.collect())
}

/// Holds endpoints, given in order, as far as they are there and not disabled.
pub(super) async fn hold(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoints: &[WebhookEndpointId],
) -> Result<Vec<Held>, Error> {
    let ids: Vec<Uuid> = endpoints.iter().map(|id| id.0).collect();
    let rows = hold_list!(conn, HOLD_ENDPOINTS_THAT_WANT as Row, ids, organization.0)?;
    let held = rows.into_iter().map(|row| Held {
        id: WebhookEndpointId(row.id),
        due: row.due_at.map(Timestamp::from_micros),
        served: row.served,
    });
    Ok(held.collect())
}

/// Deliveries, with few statements. Gives the ids of those that were not there.
pub(super) async fn insert(
    conn: &mut Conn,
    organization: OrganizationId,
    deliveries: &[NewDelivery],
    now: Timestamp,
) -> Result<Vec<Uuid>, Error> {
    let written = fetch_rows!(
        conn,
        INSERT_DELIVERY as (Uuid,),
        deliveries,
        |new| organization.0,
        new.id,
        new.endpoint.0,
        new.event,
        new.due.map_or("skipped", |_| "pending"),
        new.due.map_or(Some("plan"), |_| None),
        new.due.map(Timestamp::as_micros),
        new.lease_until.map_or(0, |_| FIRST_TOKEN),
        new.lease_until.map(Timestamp::as_micros),
        now.as_micros(),
        now.as_micros(),
    )?;
    Ok(written.into_iter().map(|(id,)| id).collect())
}

/// Notes when endpoints are next worth a look, with few statements: most are alike. Their rows must be held.
pub(super) async fn settle(
    conn: &mut Conn,
    organization: OrganizationId,
    shares: &[Share],
    now: Timestamp,
) -> Result<(), Error> {
    let due = shares.iter().filter(|share| !share.sends());
    let due: Vec<WebhookEndpointId> = due.map(|share| share.endpoint).collect();
    if !due.is_empty() {
        endpoint::look_at_all(conn, organization, &due, Some(now)).await?;
    }
    let mut alike: BTreeMap<(Timestamp, Timestamp), Vec<Uuid>> = BTreeMap::new();
    for share in shares.iter().filter(|share| share.sends()) {
        let others = alike.entry((share.due, share.paced_until)).or_default();
        others.push(share.endpoint.0);
    }
    for ((due, paced_until), endpoints) in alike {
        execute_list!(
            conn,
            SEND_AT_ONCE,
            endpoints,
            organization.0,
            now.as_micros(),
            paced_until.as_micros(),
            due.as_micros(),
        )?;
    }
    Ok(())
}
