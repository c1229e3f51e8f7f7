//! Records an attempt: one transaction for the attempt, the delivery, the endpoint and the event
//! that tells how it fares.
//!
//! Whoever does not hold the delivery's present lease records nothing: another has taken it over
//! since, or this was recorded before. So recording is safe to repeat when it is not known whether
//! it was committed.

mod sql;

use hoursmith_domain::Timestamp;
use hoursmith_domain::webhook::{Next, Outcome, after_attempt};
use hoursmith_handler::base::Stored as _;
use hoursmith_handler::error::Error;
use hoursmith_handler::write::{Stamp, changed_fields};
use hoursmith_store::{Conn, Statement};

use super::claim::{self, Claim, Terms};
use super::health;
use super::lanes::PROMPT;
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
    // What another address said counts for the delivery alone: it is tried again where it goes now.
    let has_moved = held.as_ref().is_some_and(|held| held.url != report.url);
    // Who changed the endpoint since, or enabled it again, wants it asked once more before it ends.
    let has_changed =
        (held.as_ref()).is_some_and(|held| held.base.version != claim.endpoint_version);
    let outcome = match report.outcome {
        Outcome::Gone if has_moved || has_changed => Outcome::Failed,
        outcome => outcome,
    };
    let ended = report.ended_at;
    let next = after_attempt(outcome, made, ended, report.retry_after, random);
    let after = after(next, held.as_ref().map(|held| held.status));
    sql::insert_attempt(conn, claim, delivery.attempts, report).await?;
    sql::save_delivery(conn, claim, after, stamp.now).await?;
    let Some(mut endpoint) = held else {
        return Ok(Recorded::Whole { told: false });
    };
    let before = endpoint.clone();
    let counts = outcome.is_answerable() && !has_moved;
    let told = counts
        .then(|| health::after(&mut endpoint, next, ended))
        .flatten();
    let proven = counts.then(|| next == Next::Done && report.duration <= PROMPT);
    if let Some(kind) = told {
        stamp.renew(before.base.updated_at);
        endpoint.base.touch(stamp.now);
        let object = endpoint.to_event();
        let previous = changed_fields(&before.to_event(), &object);
        stamp
            .event(conn, kind, id.0, object, Some(previous))
            .await?;
    }
    let (standing, paced_until) = sql::save_endpoint(conn, organization, &endpoint, proven).await?;
    match endpoint.status {
        // What is left of it is skipped, now.
        Status::Disabled => {
            endpoint::look_at(conn, organization, id, Some(terms.now)).await?;
        }
        Status::Enabled | Status::Failing => {
            let at_a_time = terms.at_a_time(standing);
            claim::settle(conn, organization, id, terms, at_a_time, paced_until).await?;
        }
    }
    Ok(Recorded::Whole {
        told: told.is_some(),
    })
}

/// What a delivery becomes, if its endpoint was disabled or deleted while it was being sent as well:
/// a receiver that has it has it; else there is no other attempt.
fn after(next: Next, endpoint: Option<Status>) -> After {
    match (next, endpoint) {
        (Next::Done, _) => After::Delivered,
        (_, None) => After::Skipped("deleted"),
        (_, Some(Status::Disabled)) => After::Skipped("disabled"),
        (Next::RetryAt(at), Some(_)) => After::Pending(at),
        (Next::GiveUp | Next::Disable, Some(_)) => After::Failed,
    }
}
