//! Attempts and what follows from them, in the database.

use hoursmith_domain::{OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_handler::base::{Base, BaseRow, base_names};
use hoursmith_handler::error::Error;
use hoursmith_store::{Conn, execute, fetch_optional};
use serde_json::{Value, json};
use uuid::Uuid;

use super::After;
use crate::dispatch::claim::Claim;
use crate::dispatch::health::{Health, Status};
use crate::dispatch::send::Report;

hoursmith_store::statements! {
    /// Holds an endpoint.
    HOLD_ENDPOINT_OF_ATTEMPT = concat!(
        "UPDATE webhook_endpoints SET due_at = due_at WHERE organization_id = $1 AND id = $2
        RETURNING id, url, description, events, status, consecutive_failures, failing_since, last_success_at, ",
        base_names!());
    /// The fence: ends the lease that an attempt was made under, if it is the delivery's present one,
    /// and counts the attempt.
    HOLD_DELIVERY_OF_ATTEMPT = "UPDATE webhook_deliveries SET lease_until = NULL, attempts = attempts + 1
        WHERE organization_id = $1 AND id = $2 AND lease_token = $3 AND lease_until IS NOT NULL
        RETURNING attempts, step, skip_reason";
    /// Keeps an attempt.
    INSERT_ATTEMPT = "INSERT INTO webhook_attempts
        (organization_id, delivery_id, number, at, url, status_code, duration_ms, error, response_excerpt)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    /// Keeps what became of a delivery.
    SAVE_DELIVERY = "UPDATE webhook_deliveries
        SET status = $3, skip_reason = $4, next_attempt_at = $5, step = step + $6, version = version + 1,
            updated_at = $7
        WHERE organization_id = $1 AND id = $2";
    /// Keeps how an endpoint fares.
    SAVE_ENDPOINT_HEALTH = "UPDATE webhook_endpoints
        SET status = $3, consecutive_failures = $4, failing_since = $5, last_success_at = $6, version = $7,
            updated_at = $8
        WHERE organization_id = $1 AND id = $2";
}

/// An endpoint that is held.
#[derive(Debug)]
pub(super) struct Held {
    id: Uuid,
    url: String,
    description: Option<String>,
    events: String,
    pub(super) health: Health,
    pub(super) base: Base,
}

/// A delivery whose lease was the attempt's.
#[derive(Debug)]
pub(super) struct HeldDelivery {
    /// Attempts with this one.
    pub(super) attempts: i64,
    /// Attempts before this one, since it began or was last replayed.
    pub(super) step: i64,
    /// Why it was skipped meanwhile.
    pub(super) skipped: Option<&'static str>,
}

#[derive(sqlx::FromRow)]
struct EndpointRow {
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

impl Held {
    /// The endpoint as an owner sees it.
    pub(super) fn to_event(&self) -> Result<Value, Error> {
        let events: Value = serde_json::from_str(&self.events).unwrap_or_default();
        Ok(json!({
            "id": self.id,
            "url": self.url,
            "description": self.description,
            "events": events,
            "enabled": self.health.status != Status::Disabled,
            "status": self.health.status.as_str(),
            "consecutive_failures": self.health.consecutive_failures,
            "last_success_at": self.health.last_success_at,
            "external_reference": self.base.external_reference,
            "metadata": self.base.metadata,
            "created_at": self.base.created_at,
            "updated_at": self.base.updated_at,
        }))
    }
}

/// Nothing when it was deleted.
pub(super) async fn hold_endpoint(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
) -> Result<Option<Held>, Error> {
    let row = fetch_optional!(
        conn,
        HOLD_ENDPOINT_OF_ATTEMPT as EndpointRow,
        organization.0,
        endpoint.0,
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Held {
        id: row.id,
        url: row.url,
        description: row.description,
        events: row.events,
        health: Health {
            status: Status::of_word(&row.status),
            consecutive_failures: row.consecutive_failures,
            failing_since: row.failing_since.map(Timestamp::from_micros),
            last_success_at: row.last_success_at.map(Timestamp::from_micros),
        },
        base: row.base.into_base()?,
    }))
}

/// Nothing when the lease is another's by now, or was ended.
pub(super) async fn hold_delivery(
    conn: &mut Conn,
    claim: &Claim,
) -> Result<Option<HeldDelivery>, Error> {
    let row = fetch_optional!(
        conn,
        HOLD_DELIVERY_OF_ATTEMPT as (i64, i64, Option<String>),
        claim.organization.0,
        claim.delivery.0,
        claim.token,
    )?;
    Ok(row.map(|(attempts, step, skipped)| HeldDelivery {
        attempts,
        step,
        skipped: skipped.map(|reason| match reason.as_str() {
            "plan" => "plan",
            "deleted" => "deleted",
            _ => "disabled",
        }),
    }))
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

pub(super) async fn save_endpoint(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    held: &Held,
) -> Result<(), Error> {
    let health = held.health;
    execute!(
        conn,
        SAVE_ENDPOINT_HEALTH,
        organization.0,
        endpoint.0,
        health.status.as_str(),
        health.consecutive_failures,
        health.failing_since.map(Timestamp::as_micros),
        health.last_success_at.map(Timestamp::as_micros),
        held.base.version,
        held.base.updated_at.as_micros(),
    )?;
    Ok(())
}
