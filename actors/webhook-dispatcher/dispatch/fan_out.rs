//! Gives each public event its deliveries: one for each endpoint of its organization that wants it.
//!
//! What waits is found by its state, and loses it in the transaction that writes the deliveries: an
//! event has all of its deliveries or none. The endpoint's row is held while a delivery is written
//! for it, so that an endpoint that is deleted or disabled meanwhile has either not been asked or
//! finds the delivery and ends it.
//!
//! Organizations get their turn one after the other, each with a short transaction of its own: one
//! that imports thousands of rows, or whose endpoint somebody holds, keeps the others waiting for no
//! longer than that. One transaction at a time does this, whatever the process: what two would do at
//! once they would only do in each other's way.

mod at_once;
mod sql;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_domain::{OrganizationId, Plan, WebhookEndpointId};
use hoursmith_kit::{Clock, Random, spawn};
use hoursmith_store::{Conn, Db, Error, Statement, leases};
use tracing::Instrument as _;
use uuid::Uuid;

use super::claim::{self, Terms};
use super::lanes::Lanes;
use super::wanted::Wanted;
pub(super) use at_once::AtOnce;
use at_once::Share;

/// Name of the row whose holder fans out.
const LEASE: &str = "webhook-fan-out";

/// Deliveries written in one transaction, or those of one event if they are more: a second at most
/// where the database is far away, and other writes wait for no longer.
const DELIVERIES: usize = 500;

pub(super) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// Fans out, a batch at a time.
#[derive(Debug, Clone)]
pub(super) struct FanOut {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    /// Who holds the row meanwhile: this process.
    pub(super) holder: Uuid,
    /// Events in one transaction, at most.
    pub(super) batch: NonZeroU32,
    /// The places that new deliveries are sent from at once.
    pub(super) lanes: Arc<Lanes>,
    /// How much may be sent at once; their moment is the turn's.
    pub(super) terms: Terms,
}

/// What came of an organization's turn.
#[derive(Debug)]
pub(super) struct Turn {
    /// To be sent at once.
    pub(super) at_once: Vec<AtOnce>,
    /// Whether something else is worth a look: others, which are due, or places that are free again.
    pub(super) is_left: bool,
}

/// What came of a round.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Whether an organization's events got their deliveries.
    pub(super) passed: bool,
    /// The last failure. The organization that it came of was left for the next round.
    pub(super) failed: Option<Error>,
}

impl FanOut {
    /// Gives each organization that waits one turn, and calls `passed` after each with what came of it,
    /// whoever stops waiting for the round.
    pub(super) async fn round(
        &self,
        passed: impl Fn(Turn) + Clone + Send + Sync + 'static,
    ) -> Round {
        let mut round = Round::default();
        let mut after = OrganizationId(Uuid::nil());
        loop {
            match self.next(after).await {
                Ok(Some(organization)) => {
                    after = organization;
                    let (this, passed) = (self.clone(), passed.clone());
                    let turn = async move { this.turn(organization).await.map(passed) };
                    match spawn("webhook fan-out turn", turn.in_current_span()).await {
                        Ok(Ok(())) => round.passed = true,
                        Ok(Err(error)) => round.failed = Some(error),
                        // It panicked, which was logged.
                        Err(_) => return round,
                    }
                }
                Ok(None) => return round,
                Err(error) => {
                    round.failed = Some(error);
                    return round;
                }
            }
        }
    }

    async fn next(&self, after: OrganizationId) -> Result<Option<OrganizationId>, Error> {
        sql::next(&mut *self.db.read().await?, after).await
    }

    /// An organization's turn: the first of its events that wait get their deliveries.
    pub(super) async fn turn(&self, organization: OrganizationId) -> Result<Turn, Error> {
        let this = self.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let now = this.clock.now();
                    // Taken for no time at all: it is held by the transaction and by nothing else.
                    leases::take(conn, LEASE, this.holder, now, now).await?;
                    let asked = sql::endpoints(conn, organization).await?;
                    let each = DELIVERIES.checked_div(asked.len()).unwrap_or(DELIVERIES);
                    let most = u32::try_from(each.max(1)).unwrap_or(u32::MAX);
                    let most = most.min(this.batch.get());
                    let events = sql::find(conn, organization, most).await?;
                    let turn = this.deliver(conn, organization, asked, &events).await?;
                    // Last, since whoever notes what was published wants these rows too, and must not wait for
                    // an endpoint.
                    sql::mark(conn, organization, &events).await?;
                    Ok(turn)
                })
            })
            .await
    }

    /// Writes the deliveries of some events of an organization.
    async fn deliver(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
        asked: Vec<(WebhookEndpointId, String, String)>,
        events: &[sql::PublicEvent],
    ) -> Result<Turn, Error> {
        let fires = (asked.first()).is_some_and(|(_, _, plan)| plan == Plan::Agency.as_str());
        let asked: Vec<Wanted> = (asked.into_iter())
            .filter_map(|(id, filters, _)| read_filters(id, &filters))
            .collect();
        let wants = |wanted: &Wanted, event: &sql::PublicEvent| {
            wanted.wants(&event.kind, event.resource_id)
        };
        let wanting = asked
            .iter()
            .filter(|wanted| events.iter().any(|event| wants(wanted, event)));
        let wanting: Vec<WebhookEndpointId> = wanting.map(|wanted| wanted.endpoint).collect();
        // From here on their rows are held. Some may be gone by now, or disabled.
        let held = sql::hold(conn, organization, &wanting).await?;
        // After whatever was waited for: leases and paces count from here.
        let now = self.clock.now();
        let due = fires.then_some(now);
        let ready = held.iter().filter(|held| fires && held.is_ready(now));
        let ready: Vec<WebhookEndpointId> = ready.map(|held| held.id).collect();
        let sent = claim::count_leases(conn, organization, &ready).await?;
        let asked: HashMap<WebhookEndpointId, Wanted> = (asked.into_iter())
            .map(|wanted| (wanted.endpoint, wanted))
            .collect();
        let terms = Terms { now, ..self.terms };
        let (mut new, mut shares) = (Vec::new(), Vec::new());
        for held in held {
            let Some(wanted) = asked.get(&held.id) else {
                continue;
            };
            let events = events.iter().filter(|event| wants(wanted, event));
            let mut own: Vec<sql::NewDelivery> = events
                .zip(0..)
                .map(|(event, after)| sql::NewDelivery {
                    id: self.random.uuid_v7(now),
                    endpoint: held.id,
                    event: event.id,
                    // A microsecond apart, so that they are first tried in the order of the feed.
                    due: due.map(|due| due.plus(Duration::from_micros(after))),
                    lease_until: None,
                })
                .collect();
            if fires {
                let sent = sent.get(&held.id).copied().unwrap_or(0);
                let share = Share::claim(held, organization, &mut own, sent, &terms, &self.lanes);
                shares.push(share);
            }
            new.append(&mut own);
        }
        let written = sql::insert(conn, organization, &new, now).await?;
        let written: HashSet<Uuid> = written.into_iter().collect();
        sql::settle(conn, organization, &shares, now).await?;
        // Whoever was not written leaves the place that was kept for it to others, who may be due.
        let is_left =
            |new: &sql::NewDelivery| new.lease_until.is_none() || !written.contains(&new.id);
        Ok(Turn {
            is_left: fires && new.iter().any(is_left),
            at_once: (shares.into_iter())
                .flat_map(|share| share.into_at_once(&written))
                .collect(),
        })
    }
}

/// What an endpoint wants. One of which it cannot be read gets nothing, and takes nothing from the others of
/// its organization.
fn read_filters(id: WebhookEndpointId, filters: &str) -> Option<Wanted> {
    let wanted = Wanted::stored(id, filters);
    if let Err(error) = &wanted {
        tracing::error!(
            plugin.name = crate::actor::NAME,
            webhook_endpoint.id = %id,
            error = error as &dyn std::error::Error,
            "What a webhook endpoint wants cannot be read; it gets no events."
        );
    }
    wanted.ok()
}
