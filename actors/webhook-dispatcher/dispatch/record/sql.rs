//! Attempts and what follows from them, in the database.

use std::collections::{BTreeMap, HashMap};

use hoursmith_domain::{OrganizationId, Timestamp, WebhookDeliveryId, WebhookEndpointId};
use hoursmith_handler::base::base_names;
use hoursmith_handler::error::Error;
use hoursmith_store::{
    Conn, execute, execute_list, execute_rows, fetch_optional, fetch_rows, hold_list,
};
use uuid::Uuid;

use super::{After, Attempt, Held, NEVER, Terms};
use crate::dispatch::claim::{
    Claim, Served, Standing, forget_old_secret, leases, served_columns, settled,
};
use crate::endpoint::{EndpointRow, EndpointState, endpoint_names};

hoursmith_store::statements! {
    /// Endpoints that attempts were made at.
    HOLD_ENDPOINTS_OF_ATTEMPTS = concat!("SELECT due_at, ", endpoint_names!(), ", ", base_names!(), ",
            ", served_columns!(), "
        FROM webhook_endpoints WHERE organization_id = $1 AND deleted_at IS NULL AND id IN ($2) ORDER BY id");
    /// Keeps that deliveries have arrived and counts the attempts. The fence: it ends the lease that each
    /// attempt was made under, if that is the delivery's present one. They are there, so that nothing is
    /// inserted: as rows to insert they are many in one statement.
    END_LEASES_OF_DELIVERED = "INSERT INTO webhook_deliveries
        (organization_id, id, endpoint_id, event_id, status, lease_token, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (organization_id, id) DO UPDATE SET status = excluded.status,
            lease_until = NULL, next_attempt_at = NULL, attempts = webhook_deliveries.attempts + 1,
            version = webhook_deliveries.version + 1,
            updated_at = CASE WHEN webhook_deliveries.updated_at < excluded.updated_at
                THEN excluded.updated_at ELSE webhook_deliveries.updated_at + 1 END
        WHERE webhook_deliveries.lease_token = excluded.lease_token
        AND COALESCE(webhook_deliveries.lease_until, 0) > 0
        RETURNING id, lease_token, attempts";
    /// Keeps what became of a delivery that has not arrived, in the same way. By its key, as no index has what
    /// is asked of the lease.
    END_LEASE_WITH_ATTEMPT = "UPDATE webhook_deliveries
        SET lease_until = NULL, attempts = attempts + 1,
            status = $4, skip_reason = $5, next_attempt_at = $6, step = step + $7, version = version + 1,
            updated_at = CASE WHEN updated_at < $8 THEN $8 ELSE updated_at + 1 END
        WHERE organization_id = $1 AND id = $2 AND lease_token = $3 AND COALESCE(lease_until, 0) > 0
        RETURNING attempts";
    /// Keeps attempts.
    INSERT_ATTEMPT = "INSERT INTO webhook_attempts
        (organization_id, delivery_id, number, at, url, status_code, duration_ms, error, response_excerpt) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    /// Keeps that endpoints which worked work, which changes nothing about when they are next worth a look: it
    /// may be sooner than needed, once, and never later.
    SAVE_ENDPOINTS_THAT_WORK = "UPDATE webhook_endpoints SET consecutive_failures = 0, failing_since = NULL,
            last_success_at = CASE WHEN last_success_at > $2 THEN last_success_at ELSE $2 END
        WHERE organization_id = $1 AND id IN ($3)";
    /// Keeps how an endpoint fares, whether it is proven as far as the attempts say, when it is next worth a
    /// look, and that it has its turn, if more was claimed for it. A secret that signs no more goes then.
    SAVE_ENDPOINT = concat!("UPDATE webhook_endpoints
        SET status = $7, consecutive_failures = $8, failing_since = $9, last_success_at = $10, version = $11,
            updated_at = $12, proven = COALESCE(CAST($13 AS BOOLEAN), proven),
            served_at = COALESCE(CAST($14 AS BIGINT), served_at), ", forget_old_secret!("CAST($14 AS BIGINT)"), ", ",
            settled!(), "
        WHERE organization_id = $1 AND id = $2");
}

/// An endpoint that is held: how it fares, and what is needed to send.
#[derive(Debug, sqlx::FromRow)]
struct Row {
    due_at: Option<i64>,
    #[sqlx(flatten)]
    endpoint: EndpointRow,
    #[sqlx(flatten)]
    served: Served,
}

/// Holds endpoints, given in order, but for those that were deleted.
pub(super) async fn hold(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoints: &[WebhookEndpointId],
) -> Result<BTreeMap<WebhookEndpointId, Held>, Error> {
    let ids: Vec<Uuid> = endpoints.iter().map(|id| id.0).collect();
    let rows = hold_list!(conn, HOLD_ENDPOINTS_OF_ATTEMPTS as Row, ids, organization.0)?;
    let held = rows.into_iter().map(|row| {
        let held = Held {
            endpoint: row.endpoint.into_state()?,
            served: row.served,
            due: row.due_at.map(Timestamp::from_micros),
            proven: None,
            made: 0,
            arrived: 0,
            last: NEVER,
        };
        Ok((held.endpoint.id, held))
    });
    held.collect()
}

/// Keeps that endpoints which worked before have had successes, the last at an instant.
pub(super) async fn save_well(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoints: &[WebhookEndpointId],
    last: Timestamp,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = endpoints.iter().map(|id| id.0).collect();
    let last = last.as_micros();
    execute_list!(conn, SAVE_ENDPOINTS_THAT_WORK, ids, organization.0, last)?;
    Ok(())
}

/// Ends the leases of attempts after which their deliveries have arrived, and gives the attempts' numbers by
/// delivery and lease. None of a delivery whose lease is another's by now, or was ended.
pub(super) async fn end_leases_of_delivered(
    conn: &mut Conn,
    attempts: &[&Attempt],
) -> Result<HashMap<(WebhookDeliveryId, i64), i64>, Error> {
    let ended = fetch_rows!(
        conn,
        END_LEASES_OF_DELIVERED as (Uuid, i64, i64),
        attempts,
        |one| one.claim.organization.0,
        one.claim.delivery.0,
        one.claim.endpoint.0,
        one.claim.event.0,
        "delivered",
        one.claim.token,
        one.stamp.now.as_micros(),
        one.stamp.now.as_micros(),
    )?;
    let numbers = ended.into_iter();
    Ok(numbers
        .map(|(id, token, number)| ((WebhookDeliveryId(id), token), number))
        .collect())
}

/// Ends the lease of an attempt, and gives the attempt's number. Nothing when the lease is another's
/// by now, or was ended.
pub(super) async fn end_lease(
    conn: &mut Conn,
    claim: &Claim,
    after: After,
    now: Timestamp,
) -> Result<Option<i64>, Error> {
    let (status, reason, next, steps) = match after {
        After::Pending(at) => ("pending", None, Some(at.as_micros()), 1),
        After::Failed => ("failed", None, None, 0),
        After::Skipped(reason) => ("skipped", Some(reason), None, 0),
    };
    let ended = fetch_optional!(
        conn,
        END_LEASE_WITH_ATTEMPT as (i64,),
        claim.organization.0,
        claim.delivery.0,
        claim.token,
        status,
        reason,
        next,
        steps,
        now.as_micros(),
    )?;
    Ok(ended.map(|(attempts,)| attempts))
}

/// Keeps attempts with their numbers.
pub(super) async fn insert_attempts(
    conn: &mut Conn,
    attempts: &[(i64, &Attempt)],
) -> Result<(), Error> {
    execute_rows!(
        conn,
        INSERT_ATTEMPT,
        attempts,
        |one| one.1.claim.organization.0,
        one.1.claim.delivery.0,
        one.0,
        one.1.report.at.as_micros(),
        &one.1.report.url,
        one.1.report.status_code.map(i64::from),
        i64::try_from(one.1.report.duration.as_millis()).unwrap_or(i64::MAX),
        one.1.report.error,
        one.1.report.response_excerpt.as_deref(),
    )?;
    Ok(())
}

/// Without `proven` that stays as it is, and so does its turn without `served_at`. Its rate permits nothing
/// until `paced_until`.
pub(super) async fn save(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: &EndpointState,
    proven: Option<bool>,
    served: &Served,
    terms: Terms,
    (served_at, paced_until): (Option<Timestamp>, Timestamp),
) -> Result<(), Error> {
    let at_a_time = terms.at_a_time(Standing::of(served.proven));
    execute!(
        conn,
        SAVE_ENDPOINT,
        organization.0,
        endpoint.id.0,
        terms.now.as_micros(),
        terms.latest().as_micros(),
        i64::from(at_a_time),
        paced_until.as_micros(),
        endpoint.status.as_str(),
        endpoint.consecutive_failures,
        endpoint.failing_since.map(Timestamp::as_micros),
        endpoint.last_success_at.map(Timestamp::as_micros),
        endpoint.base.version,
        endpoint.base.updated_at.as_micros(),
        proven,
        served_at.map(Timestamp::as_micros),
    )?;
    Ok(())
}
