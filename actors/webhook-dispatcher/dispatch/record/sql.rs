//! Attempts and what follows from them, in the database.

use hoursmith_domain::{OrganizationId, Timestamp};
use hoursmith_handler::error::Error;
use hoursmith_store::{Conn, execute, fetch_one, fetch_optional};

use super::After;
use crate::dispatch::claim::{Claim, Standing};
use crate::dispatch::send::Report;
use crate::endpoint::EndpointState;

hoursmith_store::statements! {
    /// The fence: ends the lease that an attempt was made under, if it is the delivery's present one,
    /// and counts the attempt.
    HOLD_DELIVERY_OF_ATTEMPT = "UPDATE webhook_deliveries SET lease_until = NULL, attempts = attempts + 1
        WHERE organization_id = $1 AND id = $2 AND lease_token = $3 AND lease_until IS NOT NULL
        RETURNING attempts, step";
    /// Keeps an attempt.
    INSERT_ATTEMPT = "INSERT INTO webhook_attempts
        (organization_id, delivery_id, number, at, url, status_code, duration_ms, error, response_excerpt)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    /// Keeps what became of a delivery.
    SAVE_DELIVERY = "UPDATE webhook_deliveries
        SET status = $3, skip_reason = $4, next_attempt_at = $5, step = step + $6, version = version + 1,
            updated_at = CASE WHEN updated_at < $7 THEN $7 ELSE updated_at + 1 END
        WHERE organization_id = $1 AND id = $2";
    /// Keeps how an endpoint fares, and whether it is proven as far as the attempt says.
    SAVE_ENDPOINT_HEALTH = "UPDATE webhook_endpoints
        SET status = $3, consecutive_failures = $4, failing_since = $5, last_success_at = $6, version = $7,
            updated_at = $8, proven = COALESCE(CAST($9 AS BOOLEAN), proven)
        WHERE organization_id = $1 AND id = $2
        RETURNING proven, paced_until";
}

/// A delivery whose lease was the attempt's.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct HeldDelivery {
    /// Attempts with this one.
    pub(super) attempts: i64,
    /// Attempts before this one, since it began or was last replayed.
    pub(super) step: i64,
}

/// Nothing when the lease is another's by now, or was ended.
pub(super) async fn hold_delivery(
    conn: &mut Conn,
    claim: &Claim,
) -> Result<Option<HeldDelivery>, Error> {
    let held = fetch_optional!(
        conn,
        HOLD_DELIVERY_OF_ATTEMPT as HeldDelivery,
        claim.organization.0,
        claim.delivery.0,
        claim.token,
    )?;
    Ok(held)
}

pub(super) async fn insert_attempt(
    conn: &mut Conn,
    claim: &Claim,
    number: i64,
    report: &Report,
) -> Result<(), Error> {
    execute!(
        conn,
        INSERT_ATTEMPT,
        claim.organization.0,
        claim.delivery.0,
        number,
        report.at.as_micros(),
        &report.url,
        report.status_code.map(i64::from),
        i64::try_from(report.duration.as_millis()).unwrap_or(i64::MAX),
        report.error,
        report.response_excerpt.as_deref(),
    )?;
    Ok(())
}

pub(super) async fn save_delivery(
    conn: &mut Conn,
    claim: &Claim,
    after: After,
    now: Timestamp,
) -> Result<(), Error> {
    let (status, reason, next, steps) = match after {
        After::Delivered => ("delivered", None, None, 0),
        After::Pending(at) => ("pending", None, Some(at.as_micros()), 1),
        After::Failed => ("failed", None, None, 0),
        After::Skipped(reason) => ("skipped", Some(reason), None, 0),
    };
    execute!(
        conn,
        SAVE_DELIVERY,
        claim.organization.0,
        claim.delivery.0,
        status,
        reason,
        next,
        steps,
        now.as_micros(),
    )?;
    Ok(())
}

/// Without `proven` that stays as it is. Gives the endpoint's standing from now on, and from when on its
/// rate permits the next send.
pub(super) async fn save_endpoint(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: &EndpointState,
    proven: Option<bool>,
) -> Result<(Standing, Timestamp), Error> {
    let (proven, paced_until) = fetch_one!(
        conn,
        SAVE_ENDPOINT_HEALTH as (bool, i64),
        organization.0,
        endpoint.id.0,
        endpoint.status.as_str(),
        endpoint.consecutive_failures,
        endpoint.failing_since.map(Timestamp::as_micros),
        endpoint.last_success_at.map(Timestamp::as_micros),
        endpoint.base.version,
        endpoint.base.updated_at.as_micros(),
        proven,
    )?;
    Ok((Standing::of(proven), Timestamp::from_micros(paced_until)))
}
