//! Claims what is due, sends it and records what came of it, until it is told to stop.

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use hoursmith_domain::{OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_kit::{Bell, Clock, spawn};
use hoursmith_store::{Db, Error, ErrorKind};
use hoursmith_telemetry::names;
use metrics::{counter, gauge};
use tokio::sync::watch;
use tracing::{Instrument as _, Span, field};

use super::body::{Bodies, Body, NotLoaded};
use super::claim::{self, Claim, Claimed, Receiver, Standing, Terms};
use super::fan_out::{AtOnce, Turn};
use super::lanes::{Lanes, Moved, PROMPT, Place};
use super::pace::Pace;
use super::recorder::{Next, Recorder};
use super::send::Sender;

/// Endpoints that are looked at side by side. On SQLite their transactions share a flush; on
/// PostgreSQL they leave connections to others.
const SIDE_BY_SIDE: usize = 8;

/// Time between two rounds for which the bell rings, at least. It rings with each delivery that was made and each
/// place that is free again.
const ROUNDS_APART: Duration = Duration::from_millis(2);

/// How far the process is with stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It works.
    Working,
    /// It claims nothing more; what is being sent may end.
    Stopping,
    /// What is being sent is given back.
    GivingBack,
}

/// Claims, sends and records.
pub(super) struct Worker {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) bodies: Bodies,
    pub(super) sender: Sender,
    pub(super) recorder: Recorder,
    pub(super) lanes: Arc<Lanes>,
    pub(super) at_a_time: NonZeroU32,
    pub(super) pace: Pace,
    pub(super) lease: Duration,
    /// What an attempt takes at most.
    pub(super) timeout: Duration,
    pub(super) look_every: Duration,
    /// Rung when something may be due, or a place is free.
    pub(super) bell: Arc<Bell>,
    pub(super) stage: watch::Sender<Stage>,
}

impl Worker {
    /// Works until it is told to stop.
    pub(super) async fn run(self: Arc<Self>) {
        let mut well = true;
        while *self.stage.borrow() == Stage::Working {
            let span = tracing::debug_span!(target: "hoursmith::trace", "webhook.claim");
            let claimed = self.round().instrument(span).await;
            if let (Err(error), true) = (&claimed, well) {
                tracing::warn!(
                    plugin.name = crate::actor::NAME,
                    error = error as &dyn std::error::Error,
                    "Webhooks that are due could not be claimed; they wait."
                );
            }
            well = claimed.is_ok();
            match claimed {
                Ok(None) => {}
                Ok(Some(looked_at)) => self.wait(looked_at).await,
                Err(_) => self.stopping_or(tokio::time::sleep(self.look_every)).await,
            }
        }
    }

    /// Waits until something may be due that was not when it was `looked_at`: when the bell rings, at
    /// the next instant that the database names, and every so often, since neither can be relied on.
    /// What was due by then and was not claimed waits for a place, and with it for the bell.
    async fn wait(&self, looked_at: Timestamp) {
        let due = match self.db.read().await {
            Ok(mut conn) => claim::next_due(&mut conn, looked_at)
                .await
                .unwrap_or_default(),
            Err(_) => None,
        };
        let now = self.clock.now();
        let wait = due.map_or(self.look_every, |due| now.until(due).min(self.look_every));
        let woken = async {
            tokio::select! {
                () = self.bell.rung_apart(ROUNDS_APART) => {}
                () = tokio::time::sleep(wait) => {}
            }
        };
        self.stopping_or(woken).await;
    }

    async fn stopping_or(&self, woken: impl Future<Output = ()>) {
        let mut stage = self.stage.subscribe();
        tokio::select! {
            () = woken => {}
            _ = stage.wait_for(|stage| *stage > Stage::Working) => {}
        }
    }

    /// Looks at those that are due, as far as there are places, and starts what was claimed. If there
    /// were none, gives the instant by which they would have been due.
    async fn round(self: &Arc<Self>) -> Result<Option<Timestamp>, Error> {
        let began = self.clock.now();
        let mut looked_at = false;
        let mut failed = None;
        for standing in [Standing::Proven, Standing::OnProbation] {
            let free = self.lanes.free(standing);
            if free == 0 {
                continue;
            }
            let now = self.clock.now();
            let full = self.lanes.full(standing);
            // Those of which a record is next are passed over, and take nobody's turn.
            let busy = u32::try_from(self.recorder.waiting()).unwrap_or(u32::MAX);
            let mut due = {
                let (mut conn, limit) = (self.db.read().await?, free.saturating_add(busy));
                claim::due_endpoints(&mut conn, standing, now, full, limit).await?
            };
            due.retain(|(organization, endpoint)| {
                !self.recorder.is_busy_with(*organization, *endpoint)
            });
            due.truncate(usize::try_from(free).unwrap_or(usize::MAX));
            looked_at |= !due.is_empty();
            let share = free.checked_div(u32::try_from(due.len()).unwrap_or(u32::MAX));
            let looks = stream::iter(due)
                .map(|(organization, endpoint)| {
                    self.look(standing, organization, endpoint, share.unwrap_or(free))
                })
                .buffer_unordered(SIDE_BY_SIDE);
            // One that is held by somebody keeps no other from its turn.
            let results: Vec<Result<(), Error>> = looks.collect().await;
            failed = results.into_iter().find_map(Result::err).or(failed);
        }
        failed.map_or(Ok((!looked_at).then_some(began)), Err)
    }

    /// Looks at an endpoint and starts sending what was claimed.
    async fn look(
        self: &Arc<Self>,
        standing: Standing,
        organization: OrganizationId,
        endpoint: WebhookEndpointId,
        share: u32,
    ) -> Result<(), Error> {
        // The places first: what is claimed is sent at once.
        let terms = self.terms();
        let most = share.min(terms.at_a_time(standing));
        let mut places: Vec<Place> = (0..most)
            .map_while(|_| self.lanes.take(standing, organization))
            .collect();
        // Others of its organization have taken its share meanwhile.
        if places.is_empty() {
            return Ok(());
        }
        let terms = Terms {
            room: u32::try_from(places.len()).unwrap_or(u32::MAX),
            ..terms
        };
        let clock = Arc::clone(&self.clock);
        let claimed = self
            .db
            .write(move |conn| {
                Box::pin(async move {
                    // The lease counts from here: the job may have waited for its turn.
                    let now = clock.now();
                    let terms = Terms { now, ..terms };
                    claim::claim(conn, organization, endpoint, terms).await
                })
            })
            .await;
        let claimed = match claimed {
            Ok(claimed) => claimed,
            // Somebody holds it, and is done by the next look. Its places serve others meanwhile.
            Err(error) if error.is_contended() => return Ok(()),
            Err(error) => return Err(error),
        };
        match claimed {
            Claimed::Nothing => {}
            Claimed::Skipped(skipped) => {
                counter!(names::WEBHOOK_SKIPPED).increment(skipped);
            }
            Claimed::Some(receiver, claims) => {
                let receiver = Arc::new(*receiver);
                for claim in claims {
                    let Some(place) = places.pop() else { break };
                    let sending = Arc::clone(self).send(Arc::clone(&receiver), claim, place);
                    drop(spawn("webhook attempt", sending));
                }
            }
        }
        Ok(())
    }

    /// Takes on what came of fan-out.
    pub(super) fn take_on(self: &Arc<Self>, turn: Turn) {
        for one in turn.at_once {
            let AtOnce {
                receiver,
                claim,
                place,
            } = one;
            let sending = Arc::clone(self).send(receiver, claim, place);
            drop(spawn("webhook attempt", sending));
        }
        if turn.is_left {
            self.bell.ring();
        }
    }

    /// What may be claimed now, but for the room there is.
    pub(super) fn terms(&self) -> Terms {
        Terms {
            now: self.clock.now(),
            lease: self.lease,
            at_a_time: self.at_a_time.get(),
            pace: self.pace,
            room: 0,
        }
    }

    /// Sends a delivery, and from the same place whatever is claimed along with its record.
    async fn send(self: Arc<Self>, receiver: Arc<Receiver>, claim: Claim, mut place: Place) {
        gauge!(names::WEBHOOK_IN_FLIGHT).set(self.lanes.in_use());
        let mut next = Some(Next { receiver, claim });
        while let Some(Next { receiver, claim }) = next {
            // It was claimed while the process began to stop, which waits for no more than is being sent.
            if *self.stage.borrow() > Stage::Working {
                self.give_back(&claim).await;
                break;
            }
            next = self.send_one(&receiver, &claim, &mut place).await;
        }
        drop(place);
        gauge!(names::WEBHOOK_IN_FLIGHT).set(self.lanes.in_use());
        self.bell.ring();
    }

    /// Sends a delivery and records what came of it, as part of the trace that caused its event.
    async fn send_one(
        &self,
        receiver: &Receiver,
        claim: &Claim,
        place: &mut Place,
    ) -> Option<Next> {
        let span = tracing::debug_span!(
            target: "hoursmith::trace",
            parent: None,
            "webhook.attempt",
            webhook_endpoint.id = %claim.endpoint,
            webhook_delivery.id = %claim.delivery,
            event.id = %claim.event,
            http.response.status_code = field::Empty,
            error.r#type = field::Empty,
        );
        match self.bodies.load(claim.organization, claim.event).await {
            // It took so long that others may claim it while it is sent.
            Ok(_) if self.clock.now().plus(self.timeout) > claim.until => {
                self.give_back(claim).await;
                None
            }
            Ok(Body { bytes, trace }) => {
                hoursmith_telemetry::set_parent(&span, trace.as_ref());
                let attempt = self.attempt(receiver, claim, bytes, place);
                attempt.instrument(span).await
            }
            Err(NotLoaded::Nothing(nothing)) => {
                let report = self.sender.nothing_to_send(receiver, &nothing);
                let keeping = self.recorder.keep(claim, report, false, self.terms());
                keeping.instrument(span).await
            }
            // All connections were taken for a while: nothing says that the next one finds none.
            Err(NotLoaded::Store(error)) if error.kind() == ErrorKind::Busy => {
                self.give_back(claim).await;
                None
            }
            Err(NotLoaded::Store(error)) => {
                tracing::warn!(
                    plugin.name = crate::actor::NAME,
                    webhook_delivery.id = %claim.delivery,
                    error = &error as &dyn std::error::Error,
                    "An event to be sent could not be read; it waits for the end of its lease."
                );
                None
            }
        }
    }

    async fn attempt(
        &self,
        receiver: &Receiver,
        claim: &Claim,
        body: Bytes,
        place: &mut Place,
    ) -> Option<Next> {
        let out = self.until_out(place, claim.is_last());
        let sending = self.sender.send(receiver, claim.event, body, out);
        let mut stage = self.stage.subscribe();
        let report = tokio::select! {
            report = sending => Some(report),
            _ = stage.wait_for(|stage| *stage == Stage::GivingBack) => None,
        };
        let Some(report) = report else {
            self.give_back(claim).await;
            return None;
        };
        let span = Span::current();
        span.record("http.response.status_code", report.status_code);
        span.record("error.type", report.error);
        let stays = *self.stage.borrow() == Stage::Working && self.lanes.may_stay(place);
        (self.recorder)
            .keep(claim, report, stays, self.terms())
            .await
    }

    /// Ends when an exchange has to, for the sake of others, before its time is up. The last attempt of
    /// a delivery has its time: cut short, the delivery would be given up.
    async fn until_out(&self, place: &mut Place, is_last: bool) {
        loop {
            tokio::time::sleep(PROMPT).await;
            match self.lanes.move_over(place) {
                Moved::Over => {
                    self.bell.ring();
                    return std::future::pending().await;
                }
                Moved::Out if !is_last => return,
                Moved::Not | Moved::Out => {}
            }
        }
    }

    async fn give_back(&self, claim: &Claim) {
        let (claim, now) = (*claim, self.clock.now());
        let given = self
            .db
            .write(move |conn| Box::pin(async move { claim::give_back(conn, &claim, now).await }))
            .await;
        if let Err(error) = given {
            tracing::warn!(
                plugin.name = crate::actor::NAME,
                webhook_delivery.id = %claim.delivery,
                error = &error as &dyn std::error::Error,
                "A webhook could not be given back; the next process waits for the end of its lease."
            );
        }
    }

    /// Claims nothing more, lets what is being sent end within a time, and gives the rest back.
    pub(super) async fn stop(&self, within: Duration) {
        self.stage.send_replace(Stage::Stopping);
        if tokio::time::timeout(within, self.lanes.clear())
            .await
            .is_err()
        {
            self.stage.send_replace(Stage::GivingBack);
            self.lanes.clear().await;
        }
    }
}
