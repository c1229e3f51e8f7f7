//! Takes deliveries that are due, each under a lease of its own.
//!
//! An endpoint's row says when it is next worth a look (`due_at`), however many deliveries wait
//! behind it, and every transaction that changes what waits holds the row and sets that anew. So a
//! look costs one short index range, an endpoint that is sent as much as it may be is not found
//! again until that changes, and the bound of each endpoint holds over all processes.
//!
//! Those that were served least recently come first: an endpoint with a thousand deliveries gets
//! its turn as often as one with two. A lease's token grows with each claim; who claims is who may
//! record, until the next one claims.

pub(super) mod due;
mod sql;

use std::time::Duration;

use hoursmith_domain::webhook::MAX_ATTEMPTS;
use hoursmith_domain::{EventId, OrganizationId, Timestamp, WebhookDeliveryId, WebhookEndpointId};
use hoursmith_store::{Conn, Error, Statement};

use super::pace::Pace;
use crate::endpoint::Status;
pub(super) use due::{due_endpoints, next_due};
pub(super) use sql::{
    FIRST_TOKEN, Served, count_leases, forget_old_secret, give_back, leases, served_columns,
    settled,
};

/// Deliveries that are skipped or given up in one transaction, since other writes wait for it.
const ENDED: i64 = 500;

/// How long a delivery may have been due while its endpoint is failing: twice what all attempts take.
/// A receiver that answers none in time would else have more that waits with every day.
const PATIENCE: Duration = Duration::from_secs(3 * 24 * 60 * 60);

pub(super) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// Which endpoints: see [`super::lanes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Standing {
    /// Its last attempt succeeded, and promptly.
    Proven,
    /// Its last attempt failed or was slow, or there was none.
    OnProbation,
}

impl Standing {
    /// By the endpoint's column `proven`.
    pub(super) fn of(proven: bool) -> Self {
        if proven {
            Self::Proven
        } else {
            Self::OnProbation
        }
    }
}

/// How much may be claimed, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// The present moment.
    pub(super) now: Timestamp,
    /// How long a lease lasts.
    pub(super) lease: Duration,
    /// Sends to a proven endpoint at a time, over all processes; others get one.
    pub(super) at_a_time: u32,
    /// Sends to an endpoint in a second, over all processes.
    pub(super) pace: Pace,
    /// Sends that this process has room for now.
    pub(super) room: u32,
}

impl Terms {
    /// Sends to an endpoint of a standing at a time, over all processes.
    pub(super) fn at_a_time(&self, standing: Standing) -> u32 {
        match standing {
            Standing::Proven => self.at_a_time,
            Standing::OnProbation => 1,
        }
    }

    /// When a lease that is taken now ends.
    pub(super) fn until(&self) -> Timestamp {
        self.now.plus(self.lease)
    }

    /// A lease that ends later than this was taken by a clock that has been set back since; it
    /// counts as over.
    pub(super) fn latest(&self) -> Timestamp {
        self.until().plus(self.lease)
    }
}

/// An endpoint as it is at the moment of sending.
#[derive(Debug, Clone)]
pub(super) struct Receiver {
    pub(super) organization: OrganizationId,
    pub(super) id: WebhookEndpointId,
    pub(super) url: String,
    pub(super) secret: Vec<u8>,
    pub(super) previous_secret: Option<Vec<u8>>,
    pub(super) previous_secret_until: Option<Timestamp>,
}

/// A delivery that is this process's to send, while nobody claims it anew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) organization: OrganizationId,
    pub(super) endpoint: WebhookEndpointId,
    pub(super) delivery: WebhookDeliveryId,
    pub(super) event: EventId,
    /// The fencing token.
    pub(super) token: i64,
    /// When it may be claimed by others.
    pub(super) until: Timestamp,
    /// Attempts before this one, since it began or was last replayed: what nobody changes while the
    /// lease holds.
    pub(super) step: u32,
    /// The endpoint's version when it was claimed: what it is sent by.
    pub(super) endpoint_version: i64,
}

impl Claim {
    /// Attempts with this one, since it began or was last replayed.
    pub(super) fn made(&self) -> u32 {
        self.step.saturating_add(1)
    }

    /// Whether no attempt follows this one.
    pub(super) fn is_last(&self) -> bool {
        self.made() >= MAX_ATTEMPTS
    }
}

/// What becomes of pending deliveries that nobody sends, without an attempt.
#[derive(Debug, Clone, Copy)]
struct Ending {
    status: &'static str,
    skip_reason: Option<&'static str>,
    /// Of those that were due by then.
    due_by: Timestamp,
}

/// What came of looking at an endpoint.
#[derive(Debug)]
pub(super) enum Claimed {
    /// Another process has looked first, or the endpoint is gone.
    Nothing,
    /// It gets nothing now, and this many of its deliveries were skipped.
    Skipped(u64),
    /// These are to be sent, perhaps none.
    Some(Box<Receiver>, Vec<Claim>),
}

/// Looks at an endpoint that is due and claims as much as the terms allow.
pub(super) async fn claim(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    terms: Terms,
) -> Result<Claimed, Error> {
    let Some(served) = sql::serve(conn, organization, endpoint, terms.now).await? else {
        return Ok(Claimed::Nothing);
    };
    let Some(status) = Status::parse(&served.status) else {
        // Of a later version, whose dispatchers know what it means.
        let due = Some(terms.until());
        sql::set_due(conn, organization, endpoint, due, served.paced_until()).await?;
        return Ok(Claimed::Nothing);
    };
    if status == Status::Disabled {
        return end(conn, organization, endpoint, &served, terms).await;
    }
    if !served.has_plan() {
        // Only what is due: the plan may come back before the others are.
        let skip = Ending {
            status: "skipped",
            skip_reason: Some("plan"),
            due_by: terms.now,
        };
        let skipped = sql::end(conn, organization, endpoint, skip, terms).await?;
        let paced_until = served.paced_until();
        settle(conn, organization, endpoint, terms, u32::MAX, paced_until).await?;
        return Ok(Claimed::Skipped(skipped));
    }
    let (claims, paced_until) = claim_held(conn, organization, endpoint, &served, terms).await?;
    if status == Status::Failing {
        let give_up = Ending {
            status: "failed",
            skip_reason: None,
            due_by: terms.now.minus(PATIENCE),
        };
        sql::end(conn, organization, endpoint, give_up, terms).await?;
    }
    let at_a_time = terms.at_a_time(Standing::of(served.proven));
    settle(conn, organization, endpoint, terms, at_a_time, paced_until).await?;
    let receiver = Box::new(served.into_receiver(organization, endpoint));
    Ok(Claimed::Some(receiver, claims))
}

/// Claims as much as the terms allow of what is due for an endpoint that is to be sent something and whose
/// row is held. Gives also from when on its rate permits the next send, which is then to be settled.
pub(super) async fn claim_held(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    served: &Served,
    terms: Terms,
) -> Result<(Vec<Claim>, Timestamp), Error> {
    let (pace, now, paced_until) = (terms.pace, terms.now, served.paced_until());
    let claims = match (terms.room).min(pace.room(paced_until, now)) {
        0 => Vec::new(),
        room => sql::take(conn, organization, endpoint, served, terms, room).await?,
    };
    let sends = u32::try_from(claims.len()).unwrap_or(u32::MAX);
    Ok((claims, pace.after(paced_until, now, sends)))
}

/// Ends what waits for an endpoint that is disabled or deleted. Those that are being sent are left to
/// whoever records them.
async fn end(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    served: &Served,
    terms: Terms,
) -> Result<Claimed, Error> {
    let is_deleted = served.is_deleted();
    let skip = Ending {
        status: "skipped",
        skip_reason: Some(if is_deleted { "deleted" } else { "disabled" }),
        due_by: Timestamp::from_micros(i64::MAX),
    };
    let skipped = sql::end(conn, organization, endpoint, skip, terms).await?;
    let due = if skipped < ENDED.unsigned_abs() {
        sql::first_lease(conn, organization, endpoint, terms).await?
    } else {
        Some(terms.now)
    };
    match due {
        None if is_deleted => sql::forget(conn, organization, endpoint).await?,
        due => sql::set_due(conn, organization, endpoint, due, served.paced_until()).await?,
    }
    Ok(Claimed::Skipped(skipped))
}

/// Sets when an endpoint is next worth a look: when the first delivery that nobody sends is due,
/// unless as much is being sent as may be; and whatever comes of those that are being sent, when the
/// first of their leases ends. Not before its rate permits a send. Its row must be held.
pub(super) async fn settle(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    terms: Terms,
    at_a_time: u32,
    paced_until: Timestamp,
) -> Result<(), Error> {
    // None sent is no send, but an instant that no longer counts is replaced.
    let paced_until = terms.pace.after(paced_until, terms.now, 0);
    sql::settle(conn, organization, endpoint, terms, at_a_time, paced_until).await
}
