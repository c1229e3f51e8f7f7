//! Records an attempt: one transaction for the attempt, the delivery, the endpoint and the event
//! that tells how it fares.
//!
//! Whoever does not hold the delivery's present lease records nothing: another has taken it over
//! since, or this was recorded before. So recording is safe to repeat when it is not known whether
//! it was committed.

mod sql;

use hoursmith_domain::Timestamp;
use hoursmith_domain::webhook::{Next, after_attempt};
use hoursmith_handler::base::Stored as _;
use hoursmith_handler::error::Error;
use hoursmith_handler::write::{Stamp, changed_fields};
use hoursmith_store::{Conn, Statement};

use super::claim::{self, Claim, Terms};
use super::health;
use super::send::Report;
use crate::endpoint::{self, Status};

pub(super) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    /// It was made.
    Whole {
        /// Whether it told of the endpoint's status in an event.
        told: bool,
    },
    /// Another process has the delivery by now, or this was recorded before.
    Fenced,
}

/// What a delivery becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Delivered,
    Pending(Timestamp),
    Failed,
    /// With the reason.
    Skipped(&'static str),
}

/// Records an attempt. `random` decides the jitter of the next one.
pub(super) async fn record(
    conn: &mut Conn,
    mut stamp: Stamp,
    claim: &Claim,
    report: &Report,
    terms: Terms,
    random: u64,
) -> Result<Recorded, Error> {
    let (organization, id) = (claim.organization, claim.endpoint);
    // Held first, as by all who write deliveries.
    let held = endpoint::lock(conn, organization, id).await?;
    let Some(delivery) = sql::hold_delivery(conn, claim).await? else {
        return Ok(Recorded::Fenced);
    };
    let made = u32::try_from(delivery.step.saturating_add(1)).unwrap_or(u32::MAX);
    let (outcome, ended) = (report.outcome, report.ended_at);
    let next = after_attempt(outcome, made, ended, report.retry_after, random);
    let after = after(
        next,
        delivery.skipped,
        held.as_ref().map(|held| held.status),
    );
    sql::insert_attempt(conn, claim, delivery.attempts, report).await?;
    sql::save_delivery(conn, claim, after, stamp.now).await?;
    let Some(mut endpoint) = held else {
        return Ok(Recorded::Whole { told: false });
    };
    let before = endpoint.clone();
    let told = health::after(&mut endpoint, next, ended);
    if let Some(kind) = told {
        stamp.renew(before.base.updated_at);
        endpoint.base.touch(stamp.now);
        let object = endpoint.to_event();
        let previous = changed_fields(&before.to_event(), &object);
        stamp
            .event(conn, kind, id.0, object, Some(previous))
            .await?;
    }
    sql::save_endpoint(conn, organization, &endpoint).await?;
    match (endpoint.status, endpoint.consecutive_failures) {
        // What is left of it is skipped, now.
        (Status::Disabled, _) => claim::look_at(conn, organization, id, terms.now).await?,
        (_, 0) => claim::settle(conn, organization, id, terms, terms.at_a_time).await?,
        _ => claim::settle(conn, organization, id, terms, 1).await?,
    }
    Ok(Recorded::Whole {
        told: told.is_some(),
    })
}

/// What a delivery becomes, if it was skipped while it was being sent as well: a receiver that has
/// it has it; else there is no other attempt.
fn after(next: Next, skipped: Option<&'static str>, endpoint: Option<Status>) -> After {
    let ended = skipped.or(match endpoint {
        None => Some("deleted"),
        Some(Status::Disabled) => Some("disabled"),
        Some(_) => None,
    });
    match (next, ended) {
        (Next::Done, _) => After::Delivered,
        (_, Some(reason)) => After::Skipped(reason),
        (Next::RetryAt(at), None) => After::Pending(at),
        (Next::GiveUp | Next::Disable, None) => After::Failed,
    }
}
