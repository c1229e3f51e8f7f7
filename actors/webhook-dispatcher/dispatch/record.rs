//! Records attempts at an endpoint: one transaction for them, their deliveries, the endpoint and the
//! events that tell how it fares; and for what it is sent next, since its row is held.
//!
//! Whoever does not hold the delivery's present lease records nothing: another has taken it over
//! since, or this was recorded before. So recording is safe to repeat when it is not known whether
//! it was committed.

mod sql;

use std::collections::HashMap;
use std::sync::Arc;

use hoursmith_domain::webhook::{Next, Outcome, after_attempt};
use hoursmith_domain::{OrganizationId, Timestamp, WebhookDeliveryId};
use hoursmith_handler::base::Stored as _;
use hoursmith_handler::error::Error;
use hoursmith_handler::write::{Stamp, changed_fields};
use hoursmith_store::{Conn, Statement};

use super::claim::{self, Claim, Claimed, Served, Standing, Terms};
use super::lanes::PROMPT;
use super::send::Report;
use super::{health, pace};
use crate::endpoint::{self, EndpointState, Status};

/// Before every change.
const NEVER: Timestamp = Timestamp::from_micros(0);

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

/// What a delivery becomes that has not arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Pending(Timestamp),
    Failed,
    /// With the reason.
    Skipped(&'static str),
}

/// An attempt that is to be recorded.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) stamp: Stamp,
    pub(super) claim: Claim,
    pub(super) report: Arc<Report>,
    /// Decides the jitter of the next one.
    pub(super) jitter: u64,
    /// Whether its sender may send the endpoint's next delivery.
    pub(super) stays: bool,
}

/// Records attempts, all of one endpoint, and gives what became of each; and claims what the endpoint is
/// sent next, one delivery at most for each sender that stays.
pub(super) async fn record(
    conn: &mut Conn,
    attempts: &mut [Attempt],
    terms: Terms,
) -> Result<(Vec<Recorded>, Claimed), Error> {
    let Some((organization, id)) =
        (attempts.first()).map(|one| (one.claim.organization, one.claim.endpoint))
    else {
        return Ok((Vec::new(), Claimed::Nothing));
    };
    // Held first, as by all who write deliveries.
    let (mut endpoint, served) = sql::hold(conn, organization, id).await?.unzip();
    // The job may have waited for its turn, and then for the row.
    for attempt in attempts.iter_mut() {
        attempt.stamp.renew(NEVER);
    }
    let now = (attempts.last()).map_or(terms.now, |attempt| attempt.stamp.now.max(terms.now));
    let terms = Terms { now, ..terms };
    let delivered: Vec<&Attempt> = (attempts.iter())
        .filter(|one| one.report.outcome == Outcome::Delivered)
        .collect();
    let arrived = match delivered.is_empty() {
        true => HashMap::new(),
        false => sql::end_leases_of_delivered(conn, &delivered).await?,
    };
    let (mut proven, mut recorded, mut made) = (None, Vec::new(), Vec::new());
    for attempt in attempts.iter_mut() {
        match one(conn, attempt, &arrived, endpoint.as_mut(), &mut proven).await? {
            Some((number, told)) => {
                made.push((number, &*attempt));
                recorded.push(Recorded::Whole { told });
            }
            None => recorded.push(Recorded::Fenced),
        }
    }
    sql::insert_attempts(conn, &made).await?;
    let (false, Some(endpoint), Some(served)) = (made.is_empty(), endpoint, served) else {
        return Ok((recorded, Claimed::Nothing));
    };
    let claimed = go_on(
        conn,
        organization,
        &endpoint,
        served,
        proven,
        attempts,
        terms,
    )
    .await?;
    Ok((recorded, claimed))
}

/// Keeps how an endpoint fares, and claims what it is sent next.
async fn go_on(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: &EndpointState,
    served: Served,
    proven: Option<bool>,
    attempts: &[Attempt],
    terms: Terms,
) -> Result<Claimed, Error> {
    let id = endpoint.id;
    let served = served.after(endpoint, proven);
    let is_sent_to = endpoint.status != Status::Disabled && served.has_plan();
    let stay = attempts.iter().filter(|one| one.stays).count();
    let room = match Standing::of(served.proven) {
        Standing::Proven if is_sent_to => u32::try_from(stay).unwrap_or(u32::MAX),
        Standing::Proven | Standing::OnProbation => 0,
    };
    let (claims, paced_until) =
        claim::claim_held(conn, organization, id, &served, Terms { room, ..terms }).await?;
    let rested = terms.now.plus(pace::rest(endpoint.consecutive_failures));
    let paced_until = if proven == Some(false) {
        paced_until.max(rested)
    } else {
        paced_until
    };
    let when = ((room > 0).then_some(terms.now), paced_until);
    sql::save(conn, organization, endpoint, proven, &served, terms, when).await?;
    if endpoint.status == Status::Disabled {
        // Whoever looks ends what waits for it, however far off that is due.
        endpoint::look_at(conn, organization, id, Some(terms.now)).await?;
    }
    if claims.is_empty() {
        return Ok(Claimed::Nothing);
    }
    Ok(Claimed::Some(
        Box::new(served.into_receiver(organization, id)),
        claims,
    ))
}

/// Records an attempt, but for itself and for how its endpoint fares, which are kept once after all of
/// them: `endpoint` as it is by now, if it is there, and whether it is `proven`, as far as attempts say.
/// What has `arrived` is kept already.
/// Gives the attempt's number, and whether an event told of the endpoint's status; nothing if another
/// process has the delivery by now, or this was recorded before.
async fn one(
    conn: &mut Conn,
    attempt: &mut Attempt,
    arrived: &HashMap<(WebhookDeliveryId, i64), i64>,
    endpoint: Option<&mut EndpointState>,
    proven: &mut Option<bool>,
) -> Result<Option<(i64, bool)>, Error> {
    let Attempt {
        stamp,
        claim,
        report,
        jitter,
        ..
    } = attempt;
    // What another address said counts for the delivery alone: it is tried again where it goes now.
    let has_moved = (endpoint.as_ref()).is_some_and(|held| held.url != report.url);
    // Who changed the endpoint since, or enabled it again, wants it asked once more before it ends.
    let has_changed =
        (endpoint.as_ref()).is_some_and(|held| held.base.version != claim.endpoint_version);
    let outcome = match report.outcome {
        Outcome::Gone if has_moved || has_changed => Outcome::Failed,
        outcome => outcome,
    };
    let ended = report.ended_at;
    let next = after_attempt(outcome, claim.made(), ended, report.retry_after, *jitter);
    let number = match after(next, endpoint.as_ref().map(|held| held.status)) {
        None => arrived.get(&(claim.delivery, claim.token)).copied(),
        Some(after) => sql::end_lease(conn, claim, after, stamp.now).await?,
    };
    let Some(number) = number else {
        return Ok(None);
    };
    let Some(endpoint) = endpoint.filter(|_| outcome.is_answerable() && !has_moved) else {
        return Ok(Some((number, false)));
    };
    *proven = Some(next == Next::Done && report.duration <= PROMPT);
    let before = endpoint.clone();
    let Some(kind) = health::after(endpoint, next, ended) else {
        return Ok(Some((number, false)));
    };
    stamp.renew(before.base.updated_at);
    endpoint.base.touch(stamp.now);
    let object = endpoint.to_event();
    let previous = changed_fields(&before.to_event(), &object);
    stamp
        .event(conn, kind, claim.endpoint.0, object, Some(previous))
        .await?;
    Ok(Some((number, true)))
}

/// What a delivery becomes, if its endpoint was disabled or deleted while it was being sent as well:
/// a receiver that has it has it; else there is no other attempt. Nothing more where it has arrived.
fn after(next: Next, endpoint: Option<Status>) -> Option<After> {
    Some(match (next, endpoint) {
        (Next::Done, _) => return None,
        (_, None) => After::Skipped("deleted"),
        (_, Some(Status::Disabled)) => After::Skipped("disabled"),
        (Next::RetryAt(at), Some(_)) => After::Pending(at),
        (Next::GiveUp | Next::Disable, Some(_)) => After::Failed,
    })
}
