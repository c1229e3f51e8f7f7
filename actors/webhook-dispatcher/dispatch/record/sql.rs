//! Attempts and what follows from them, in the database.

use hoursmith_domain::{OrganizationId, Timestamp};
use hoursmith_handler::error::Error;
use hoursmith_store::{Conn, execute_rows, fetch_one, fetch_optional};

use super::{After, Attempt};
use crate::dispatch::claim::{Claim, Served, forget_old_secret, served_columns};
use crate::endpoint::EndpointState;

hoursmith_store::statements! {
    /// Keeps what became of a delivery and counts the attempt. The fence: it ends the lease that the
    /// attempt was made under, if that is the delivery's present one. By its key, as no index has what
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
    /// Keeps how an endpoint fares, whether it is proven as far as the attempt says, and that it has its
    /// turn, if more is to be claimed for it. A secret that signs no more goes then.
    SAVE_ENDPOINT_HEALTH = concat!("UPDATE webhook_endpoints
        SET status = $3, consecutive_failures = $4, failing_since = $5, last_success_at = $6, version = $7,
            updated_at = $8, proven = COALESCE(CAST($9 AS BOOLEAN), proven),
            served_at = COALESCE(CAST($10 AS BIGINT), served_at), ", forget_old_secret!("CAST($10 AS BIGINT)"), "
        WHERE organization_id = $1 AND id = $2
        RETURNING ", served_columns!());
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
        After::Delivered => ("delivered", None, None, 0),
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

/// Without `proven` that stays as it is, and so does its turn without `served_at`. Gives the endpoint
/// as it is from now on.
pub(super) async fn save_endpoint(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: &EndpointState,
    proven: Option<bool>,
    served_at: Option<Timestamp>,
) -> Result<Served, Error> {
    let served = fetch_one!(
        conn,
        SAVE_ENDPOINT_HEALTH as Served,
        organization.0,
        endpoint.id.0,
        endpoint.status.as_str(),
        endpoint.consecutive_failures,
        endpoint.failing_since.map(Timestamp::as_micros),
        endpoint.last_success_at.map(Timestamp::as_micros),
        endpoint.base.version,
        endpoint.base.updated_at.as_micros(),
        proven,
        served_at.map(Timestamp::as_micros),
    )?;
    Ok(served)
}
