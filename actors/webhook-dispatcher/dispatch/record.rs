//! Records attempts at the endpoints of an organization: one transaction for them, their deliveries, the
//! endpoints and the events that tell how they fare; and for what they are sent next, since their rows are
//! held. Attempts after which a delivery has arrived at an endpoint that works and for which nothing else is
//! due, as most are, take a few statements however many they are.
//!
//! Whoever does not hold the delivery's present lease records nothing: another has taken it over
//! since, or this was recorded before. So recording is safe to repeat when it is not known whether
//! it was committed.

mod sql;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hoursmith_domain::webhook::{Next, Outcome, after_attempt};
use hoursmith_domain::{OrganizationId, Timestamp, WebhookDeliveryId, WebhookEndpointId};
use hoursmith_handler::base::Stored as _;
use hoursmith_handler::error::Error;
use hoursmith_handler::write::{Stamp, changed_fields};
use hoursmith_store::{Conn, Statement};

use super::claim::{self, Claim, Receiver, Served, Standing, Terms};
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

/// What an endpoint is sent next.
#[derive(Debug)]
pub(super) struct Further {
    pub(super) receiver: Receiver,
    pub(super) claims: Vec<Claim>,
}

/// An endpoint that attempts were made at, whose row is held.
#[derive(Debug)]
struct Held {
    /// As it is by now.
    endpoint: EndpointState,
    /// As it was.
    served: Served,
    /// When it was next worth a look.
    due: Option<Timestamp>,
    /// Whether it is proven, as far as attempts say.
    proven: Option<bool>,
    /// Attempts that are recorded, and those of them after which a delivery has arrived.
    made: u32,
    arrived: u32,
    /// The end of the last of those.
    last: Timestamp,
}

impl Held {
    /// Whether nothing follows but that it works, unless as much was being sent as may be: it worked, all has
    /// arrived, and nothing else is due.
    fn is_only_well(&self, now: Timestamp) -> bool {
        self.arrived == self.made
            && self.proven == Some(true)
            && self.served.is_well()
            && self.endpoint.status == Status::Enabled
            && self.due.is_none_or(|due| due > now)
    }

    /// Whether as much was being sent as may be, so that something may have been left: so many are now.
    fn was_full(&self, leases: u32, terms: &Terms) -> bool {
        leases.saturating_add(self.arrived) >= terms.at_a_time(Standing::Proven)
    }
}

/// Records attempts, all of one organization, and gives what became of each; and claims what their endpoints
/// are sent next, one delivery at most for each sender that stays.
pub(super) async fn record(
    conn: &mut Conn,
    attempts: &mut [Attempt],
    terms: Terms,
) -> Result<(Vec<Recorded>, Vec<Further>), Error> {
    let Some(organization) = attempts.first().map(|one| one.claim.organization) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let mut ids: Vec<WebhookEndpointId> = attempts.iter().map(|one| one.claim.endpoint).collect();
    ids.sort_unstable();
    ids.dedup();
    // Held first, as by all who write deliveries.
    let mut held = sql::hold(conn, organization, &ids).await?;
    // The job may have waited for its turn, and then for the rows.
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
    let (mut recorded, mut made) = (Vec::new(), Vec::new());
    for attempt in attempts.iter_mut() {
        let endpoint = held.get_mut(&attempt.claim.endpoint);
        match one(conn, attempt, &arrived, endpoint).await? {
            Some((number, told)) => {
                made.push((number, &*attempt));
                recorded.push(Recorded::Whole { told });
            }
            None => recorded.push(Recorded::Fenced),
        }
    }
    sql::insert_attempts(conn, &made).await?;
    held.retain(|_, one| one.made > 0);
    let further = go_on(conn, organization, held, attempts, terms).await?;
    Ok((recorded, further))
}

/// Keeps how endpoints fare, and claims what they are sent next.
async fn go_on(
    conn: &mut Conn,
    organization: OrganizationId,
    held: BTreeMap<WebhookEndpointId, Held>,
    attempts: &[Attempt],
    terms: Terms,
) -> Result<Vec<Further>, Error> {
    let well = held.iter().filter(|(_, one)| one.is_only_well(terms.now));
    let well: Vec<WebhookEndpointId> = well.map(|(id, _)| *id).collect();
    let leases = claim::count_leases(conn, organization, &well).await?;
    let (well, others): (Vec<_>, Vec<_>) = held.into_iter().partition(|(id, one)| {
        let leases = leases.get(id).copied().unwrap_or(0);
        well.contains(id) && !one.was_full(leases, &terms)
    });
    // The first of their instants for all, in one statement: milliseconds early for some, and never late.
    if let Some(last) = well.iter().map(|(_, one)| one.last).min() {
        let ids: Vec<WebhookEndpointId> = well.iter().map(|(id, _)| *id).collect();
        sql::save_well(conn, organization, &ids, last).await?;
    }
    let mut further = Vec::new();
    for (id, one) in others {
        let stay = attempts
            .iter()
            .filter(|attempt| attempt.stays && attempt.claim.endpoint == id);
        let stay = u32::try_from(stay.count()).unwrap_or(u32::MAX);
        further.extend(go_on_with(conn, organization, one, stay, terms).await?);
    }
    Ok(further)
}

/// Keeps how an endpoint fares, and claims what it is sent next, of which so many senders `stay`.
async fn go_on_with(
    conn: &mut Conn,
    organization: OrganizationId,
    held: Held,
    stay: u32,
    terms: Terms,
) -> Result<Option<Further>, Error> {
    let Held {
        endpoint,
        served,
        proven,
        ..
    } = held;
    let id = endpoint.id;
    let served = served.after(&endpoint, proven);
    let is_sent_to = endpoint.status != Status::Disabled && served.has_plan();
    let room = match Standing::of(served.proven) {
        Standing::Proven if is_sent_to => stay,
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
    sql::save(conn, organization, &endpoint, proven, &served, terms, when).await?;
    if endpoint.status == Status::Disabled {
        // Whoever looks ends what waits for it, however far off that is due.
        endpoint::look_at(conn, organization, id, Some(terms.now)).await?;
    }
    Ok((!claims.is_empty()).then(|| Further {
        receiver: served.into_receiver(organization, id),
        claims,
    }))
}

/// Records an attempt, but for itself and for how its endpoint fares, if it is there, which are kept once
/// after all of them. What has `arrived` is kept already.
/// Gives the attempt's number, and whether an event told of the endpoint's status; nothing if another
/// process has the delivery by now, or this was recorded before.
async fn one(
    conn: &mut Conn,
    attempt: &mut Attempt,
    arrived: &HashMap<(WebhookDeliveryId, i64), i64>,
    mut held: Option<&mut Held>,
) -> Result<Option<(i64, bool)>, Error> {
    let Attempt {
        stamp,
        claim,
        report,
        jitter,
        ..
    } = attempt;
    let endpoint = held.as_ref().map(|held| &held.endpoint);
    // What another address said counts for the delivery alone: it is tried again where it goes now.
    let has_moved = endpoint.is_some_and(|endpoint| endpoint.url != report.url);
    // Who changed the endpoint since, or enabled it again, wants it asked once more before it ends.
    let has_changed =
        endpoint.is_some_and(|endpoint| endpoint.base.version != claim.endpoint_version);
    let outcome = match report.outcome {
        Outcome::Gone if has_moved || has_changed => Outcome::Failed,
        outcome => outcome,
    };
    let ended = report.ended_at;
    let next = after_attempt(outcome, claim.made(), ended, report.retry_after, *jitter);
    let number = match after(next, endpoint.map(|endpoint| endpoint.status)) {
        None => arrived.get(&(claim.delivery, claim.token)).copied(),
        Some(after) => sql::end_lease(conn, claim, after, stamp.now).await?,
    };
    let Some(number) = number else {
        return Ok(None);
    };
    if let Some(held) = held.as_mut() {
        held.made = held.made.saturating_add(1);
    }
    let Some(held) = held.filter(|_| outcome.is_answerable() && !has_moved) else {
        return Ok(Some((number, false)));
    };
    if next == Next::Done {
        held.arrived = held.arrived.saturating_add(1);
        held.last = held.last.max(ended);
    }
    held.proven = Some(next == Next::Done && report.duration <= PROMPT);
    let before = held.endpoint.clone();
    let Some(kind) = health::after(&mut held.endpoint, next, ended) else {
        return Ok(Some((number, false)));
    };
    stamp.renew(before.base.updated_at);
    held.endpoint.base.touch(stamp.now);
    let object = held.endpoint.to_event();
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
