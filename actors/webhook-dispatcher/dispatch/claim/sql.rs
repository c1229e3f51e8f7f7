//! Endpoints that are served, and the leases on their deliveries, in the database.

use std::collections::HashMap;

use hoursmith_domain::{
    EventId, OrganizationId, Plan, Timestamp, WebhookDeliveryId, WebhookEndpointId,
};
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_list, fetch_one, fetch_optional};
use uuid::Uuid;

use super::{Claim, ENDED, Ending, Receiver, Standing, Terms};
use crate::endpoint::{self, EndpointState, Status};

/// The token of a delivery's first lease, if it is written with one.
pub(in crate::dispatch) const FIRST_TOKEN: i64 = 1;

/// The columns of a [`Served`] endpoint of an organization ($1), but for those that stand in others' rows as
/// well: `url`, `status` and `version`.
macro_rules! served_columns {
    () => {
        "secret, previous_secret, previous_secret_until, proven, deleted_at, paced_until,
            (SELECT plan FROM organizations WHERE id = $1) AS plan"
    };
}
pub(in crate::dispatch) use served_columns;

/// Sets that a secret which signs no more at an instant is gone.
macro_rules! forget_old_secret {
    ($at:literal) => {
        concat!(
            "previous_secret = CASE WHEN previous_secret_until <= ",
            $at,
            " THEN NULL ELSE previous_secret END,
            previous_secret_until = CASE WHEN previous_secret_until <= ",
            $at,
            " THEN NULL
                ELSE previous_secret_until END"
        )
    };
}
pub(in crate::dispatch) use forget_old_secret;

/// How many deliveries of an endpoint ($1, $2) are being sent at a moment ($3), when the first of their leases
/// is over (`frees`), and when the first lease of all is (`ends`): one that is over, or ends later than any can
/// ($4), is over now.
macro_rules! leases {
    () => {
        "SELECT COUNT(CASE WHEN lease_until > $3 AND lease_until <= $4 THEN 1 END) AS count,
            MIN(CASE WHEN lease_until > $3 AND lease_until <= $4 THEN lease_until END) AS frees,
            MIN(CASE WHEN lease_until > $3 AND lease_until <= $4 THEN lease_until
                ELSE CAST($3 AS BIGINT) END) AS ends
        FROM webhook_deliveries
        WHERE organization_id = $1 AND endpoint_id = $2 AND status = 'pending' AND lease_until IS NOT NULL"
    };
}

/// Sets when an endpoint ($1, $2) is next worth a look, as its deliveries are at a moment ($3): when the first
/// that nobody sends is due or the first lease is over, unless as many as may be ($5) are being sent, of which
/// one has to end first; but not before its rate permits a send ($6).
macro_rules! settled {
    () => {
        concat!("paced_until = $6, due_at = (
            SELECT CASE WHEN look.at < CAST($6 AS BIGINT) THEN CAST($6 AS BIGINT) ELSE look.at END FROM (
                SELECT CASE WHEN sent.count >= $5 THEN sent.frees
                    WHEN sent.ends IS NULL OR free.at < sent.ends THEN free.at ELSE sent.ends END AS at
                FROM (", leases!(), ") sent,
                (SELECT (SELECT next_attempt_at FROM webhook_deliveries
                    WHERE organization_id = $1 AND endpoint_id = $2 AND status = 'pending'
                    AND lease_until IS NULL
                    ORDER BY next_attempt_at LIMIT 1) AS at) free) look)")
    };
}
pub(in crate::dispatch) use {leases, settled};

hoursmith_store::statements! {
    /// Holds an endpoint that is still due, and puts it behind all others. A secret that signs no more
    /// goes.
    SERVE_ENDPOINT = concat!("UPDATE webhook_endpoints SET served_at = $3, ", forget_old_secret!("$3"), "
        WHERE organization_id = $1 AND id = $2 AND due_at <= $3
        RETURNING url, status, version, ", served_columns!());
    /// How many deliveries of endpoints are being sent, or were by a process that is gone.
    COUNT_LEASES = "SELECT endpoint_id, COUNT(*) FROM webhook_deliveries
        WHERE organization_id = $1 AND lease_until IS NOT NULL AND endpoint_id IN ($2) GROUP BY endpoint_id";
    /// When the first lease is over.
    FIND_FIRST_LEASE = concat!("SELECT ends FROM (", leases!(), ") sent");
    /// Claims the first that are due and that nobody sends, as many as there is room for ($7) beside those
    /// that are being sent, of so many at a time ($6). By the whole key, and with a guard that no index
    /// answers, here and below: else the few are looked for among everything that is pending, by SQLite in
    /// the organization and by PostgreSQL, where it takes that for little, in all.
    CLAIM_DELIVERIES = concat!("UPDATE webhook_deliveries SET lease_token = lease_token + 1, lease_until = $5
        WHERE (organization_id, id) IN (
            SELECT organization_id, id FROM webhook_deliveries
            WHERE organization_id = $1 AND endpoint_id = $2 AND status = 'pending' AND next_attempt_at <= $3
            AND (lease_until IS NULL OR lease_until <= $3 OR lease_until > $4)
            ORDER BY next_attempt_at, id
            LIMIT (SELECT CASE WHEN sent.count + $7 <= $6 THEN CAST($7 AS BIGINT) WHEN sent.count < $6
                THEN $6 - sent.count ELSE 0 END FROM (", leases!(), ") sent))
        AND COALESCE(status, '') = 'pending'
        RETURNING next_attempt_at, id, event_id, lease_token, step");
    /// Ends the first deliveries that were due by an instant and that nobody sends.
    END_DELIVERIES = "UPDATE webhook_deliveries
        SET status = $5, skip_reason = $6, next_attempt_at = NULL, lease_until = NULL,
            version = version + 1,
            updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at + 1 END
        WHERE (organization_id, id) IN (
            SELECT organization_id, id FROM webhook_deliveries
            WHERE organization_id = $1 AND endpoint_id = $2 AND status = 'pending' AND next_attempt_at <= $7
            AND (lease_until IS NULL OR lease_until <= $3 OR lease_until > $4)
            ORDER BY next_attempt_at, id LIMIT $8)
        AND COALESCE(status, '') = 'pending'";
    /// Deletes an endpoint for which nothing waits any more.
    FORGET_ENDPOINT = "DELETE FROM webhook_endpoints
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NOT NULL";
    /// Sets when an endpoint is next worth a look, and when its rate permits the next send.
    SET_ENDPOINT_DUE = "UPDATE webhook_endpoints SET due_at = $3, paced_until = $4
        WHERE organization_id = $1 AND id = $2";
    /// Sets when an endpoint is next worth a look.
    SETTLE_ENDPOINT = concat!("UPDATE webhook_endpoints SET ", settled!(), "
        WHERE organization_id = $1 AND id = $2");
    /// Gives a lease back that is still the holder's.
    GIVE_LEASE_BACK = "UPDATE webhook_deliveries SET lease_until = NULL
        WHERE organization_id = $1 AND id = $2 AND lease_token = $3 AND COALESCE(lease_until, 0) > 0";
}

/// An endpoint that is held.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::dispatch) struct Served {
    url: String,
    pub(super) status: String,
    secret: Vec<u8>,
    previous_secret: Option<Vec<u8>>,
    previous_secret_until: Option<i64>,
    pub(in crate::dispatch) proven: bool,
    deleted_at: Option<i64>,
    paced_until: i64,
    version: i64,
    plan: String,
}

impl Served {
    /// Whether the organization's plan has webhooks.
    pub(in crate::dispatch) fn has_plan(&self) -> bool {
        self.plan == Plan::Agency.as_str()
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// The endpoint as it is after attempts at it, which say whether it is `proven`, or nothing of it.
    pub(in crate::dispatch) fn after(self, endpoint: &EndpointState, proven: Option<bool>) -> Self {
        Self {
            status: endpoint.status.as_str().to_owned(),
            version: endpoint.base.version,
            proven: proven.unwrap_or(self.proven),
            ..self
        }
    }

    /// Whether it works, as far as is known: it is to be sent what comes, and promptly took the last.
    pub(in crate::dispatch) fn is_well(&self) -> bool {
        self.proven && self.status == Status::Enabled.as_str() && self.has_plan()
    }

    /// The first claim on a delivery that is written with a lease.
    pub(in crate::dispatch) fn first_claim(
        &self,
        (organization, endpoint): (OrganizationId, WebhookEndpointId),
        delivery: WebhookDeliveryId,
        event: EventId,
        until: Timestamp,
    ) -> Claim {
        Claim {
            organization,
            endpoint,
            delivery,
            event,
            token: FIRST_TOKEN,
            until,
            step: 0,
            endpoint_version: self.version,
        }
    }

    /// From when on its rate permits the next send.
    pub(in crate::dispatch) fn paced_until(&self) -> Timestamp {
        Timestamp::from_micros(self.paced_until)
    }

    pub(in crate::dispatch) fn into_receiver(
        self,
        organization: OrganizationId,
        id: WebhookEndpointId,
    ) -> Receiver {
        Receiver {
            organization,
            id,
            url: self.url,
            secret: self.secret,
            previous_secret: self.previous_secret,
            previous_secret_until: self.previous_secret_until.map(Timestamp::from_micros),
        }
    }
}

/// Gives a claim back, so that the next one need not wait for its end.
pub(in crate::dispatch) async fn give_back(
    conn: &mut Conn,
    claim: &Claim,
    now: Timestamp,
) -> Result<(), Error> {
    endpoint::look_at(conn, claim.organization, claim.endpoint, Some(now)).await?;
    let (organization, delivery) = (claim.organization.0, claim.delivery.0);
    execute!(conn, GIVE_LEASE_BACK, organization, delivery, claim.token).map(drop)
}

pub(super) async fn serve(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    now: Timestamp,
) -> Result<Option<Served>, Error> {
    fetch_optional!(
        conn,
        SERVE_ENDPOINT as Served,
        organization.0,
        endpoint.0,
        now.as_micros(),
    )
}

/// When the first lease of what is being sent to an endpoint is over, by whatever process.
pub(super) async fn first_lease(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    terms: Terms,
) -> Result<Option<Timestamp>, Error> {
    let (ends,) = fetch_one!(
        conn,
        FIND_FIRST_LEASE as (Option<i64>,),
        organization.0,
        endpoint.0,
        terms.now.as_micros(),
        terms.latest().as_micros(),
    )?;
    Ok(ends.map(Timestamp::from_micros))
}

/// How many deliveries of endpoints have a lease, of those that have any.
pub(in crate::dispatch) async fn count_leases(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoints: &[WebhookEndpointId],
) -> Result<HashMap<WebhookEndpointId, u32>, Error> {
    if endpoints.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = endpoints.iter().map(|id| id.0).collect();
    let counts = fetch_list!(conn, COUNT_LEASES as (Uuid, i64), ids, organization.0)?;
    let counts = counts.into_iter();
    Ok(counts
        .map(|(id, count)| {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            (WebhookEndpointId(id), count)
        })
        .collect())
}

/// Claims what is due, as far as there is room beside what is being sent.
pub(super) async fn take(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    served: &Served,
    terms: Terms,
    room: u32,
) -> Result<Vec<Claim>, Error> {
    let at_a_time = terms.at_a_time(Standing::of(served.proven));
    let until = terms.until();
    let mut rows = fetch_all!(
        conn,
        CLAIM_DELIVERIES as (i64, Uuid, Uuid, i64, i64),
        organization.0,
        endpoint.0,
        terms.now.as_micros(),
        terms.latest().as_micros(),
        until.as_micros(),
        i64::from(at_a_time),
        i64::from(room),
    )?;
    // The database gives them in any order.
    rows.sort_unstable();
    let claims = rows.into_iter().map(|(_, id, event, token, step)| Claim {
        organization,
        endpoint,
        delivery: WebhookDeliveryId(id),
        event: EventId(event),
        token,
        until,
        step: u32::try_from(step).unwrap_or(u32::MAX),
        endpoint_version: served.version,
    });
    Ok(claims.collect())
}

/// Ends pending deliveries that nobody sends, a bounded number at a time, and tells how many.
pub(super) async fn end(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    ending: Ending,
    terms: Terms,
) -> Result<u64, Error> {
    execute!(
        conn,
        END_DELIVERIES,
        organization.0,
        endpoint.0,
        terms.now.as_micros(),
        terms.latest().as_micros(),
        ending.status,
        ending.skip_reason,
        ending.due_by.as_micros(),
        ENDED,
    )
}

/// Sets when an endpoint is next worth a look, of which so many deliveries may be sent at a time.
pub(super) async fn settle(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    terms: Terms,
    at_a_time: u32,
    paced_until: Timestamp,
) -> Result<(), Error> {
    execute!(
        conn,
        SETTLE_ENDPOINT,
        organization.0,
        endpoint.0,
        terms.now.as_micros(),
        terms.latest().as_micros(),
        i64::from(at_a_time),
        paced_until.as_micros(),
    )
    .map(drop)
}

/// Deletes the row of a deleted endpoint.
pub(super) async fn forget(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
) -> Result<(), Error> {
    execute!(conn, FORGET_ENDPOINT, organization.0, endpoint.0).map(drop)
}

pub(super) async fn set_due(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    due: Option<Timestamp>,
    paced_until: Timestamp,
) -> Result<(), Error> {
    let due = due.map(Timestamp::as_micros);
    let paced_until = paced_until.as_micros();
    execute!(
        conn,
        SET_ENDPOINT_DUE,
        organization.0,
        endpoint.0,
        due,
        paced_until
    )
    .map(drop)
}
