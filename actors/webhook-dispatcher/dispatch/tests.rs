//! The dispatcher's transactions on both databases, one at a time and without a receiver.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::future::poll_immediate;
use hoursmith_bus::subjects;
use hoursmith_domain::webhook::{MAX_ATTEMPTS, Outcome};
use hoursmith_domain::{OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_handler::error::Error as HandlerError;
use hoursmith_handler::write::Stamp;
use hoursmith_kit::testing::Rig;
use hoursmith_kit::{Clock, Random, SystemClock, SystemRandom, WakeUp};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Error, execute, execute_rows, fetch_all, fetch_one};
use uuid::Uuid;

use super::claim::{self, Claim, Claimed, Terms};
use super::fan_out::{FanOut, Turn};
use super::lanes::{Lanes, PROMPT};
use super::pace::Pace;
use super::record::{Attempt, Recorded, record};
use super::recorder::Recorder;
use super::retention;
use super::send::Report;
use super::survey;
use crate::ledger::ledger;

hoursmith_store::statements! {
    NEW_ORGANIZATION = "INSERT INTO organizations (id, name, slug, plan, currency, timezone, created_at, updated_at)
        VALUES ($1, 'Acme', $2, 'agency', 'EUR', 'Europe/Berlin', 0, 0)";
    NEW_ENDPOINT = "INSERT INTO webhook_endpoints
        (organization_id, id, url, events, status, secret, due_at, created_at, updated_at)
        VALUES ($1, $2, 'https://example.com/', $3, 'enabled', $4, 0, 0, 0)";
    NEW_EVENT = "INSERT INTO events
        (organization_id, id, sequence, type, resource_id, api_version, data, created_at)
        VALUES ($1, $2, $3, $4, $2, 'v1', '{}', $5)";
    NEW_PUBLIC_EVENTS = "INSERT INTO events
        (organization_id, id, sequence, type, resource_id, api_version, data, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    NEW_DELIVERY = "INSERT INTO webhook_deliveries
        (organization_id, id, endpoint_id, event_id, status, next_attempt_at, created_at, updated_at)
        VALUES ($1, $2, $3, $2, $4, $5, $6, $6)";
    DELIVERIES = "SELECT status, attempts, skip_reason FROM webhook_deliveries ORDER BY created_at, id";
    ENDPOINTS = "SELECT status, consecutive_failures, events FROM webhook_endpoints ORDER BY id";
    COUNT_BY_ORGANIZATION = "SELECT organization_id, COUNT(*) FROM webhook_deliveries
        GROUP BY organization_id ORDER BY organization_id";
    SET_URL = "UPDATE webhook_endpoints SET url = $1";
    SET_PREVIOUS_SECRET = "UPDATE webhook_endpoints SET previous_secret = secret, previous_secret_until = $1";
    COUNT_PREVIOUS_SECRETS = "SELECT COUNT(previous_secret) FROM webhook_endpoints";
    UPDATED_AT = "SELECT updated_at FROM webhook_deliveries";
    SET_UPDATED_AT = "UPDATE webhook_deliveries SET updated_at = $1";
    SET_DUE = "UPDATE webhook_endpoints SET due_at = 0";
    SET_STATUS = "UPDATE webhook_endpoints SET status = $1, consecutive_failures = 1";
    DELETE_ENDPOINT = "UPDATE webhook_endpoints SET status = 'disabled', deleted_at = 0, due_at = 0";
    CHANGE_ENDPOINT = "UPDATE webhook_endpoints SET version = version + 2";
    SET_EVENTS = "UPDATE webhook_endpoints SET events = $1";
    DUE_AT = "SELECT due_at FROM webhook_endpoints WHERE id = $1";
    SET_PLAN = "UPDATE organizations SET plan = $1";
    LAST_SUCCESS = "SELECT last_success_at FROM webhook_endpoints WHERE id = $1";
    SET_PROVEN = "UPDATE webhook_endpoints SET proven = TRUE, due_at = NULL";
    HOLD_UP = "UPDATE webhook_endpoints SET due_at = $1, paced_until = $1";
    TAKE_ANY_STATUS_ON_SQLITE = "PRAGMA ignore_check_constraints = ON";
    TAKE_ANY_STATUS_ON_POSTGRES = "ALTER TABLE webhook_endpoints DROP CONSTRAINT webhook_endpoints_status_check";
    DECIDE_LATE = "UPDATE webhook_deliveries SET updated_at = $1 WHERE status = 'failed'";
}

macro_rules! run {
    ($scene:expr, $statement:path $(, $bind:expr)* $(,)?) => {{
        let written = $scene.db.write(move |conn| {
            Box::pin(async move { execute!(conn, $statement $(, $bind)*) })
        });
        written.await.map_err(|error: Error| error).unwrap()
    }};
}

/// Runs a case on both databases.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(super::Scene::new(hoursmith_store::testing::TestDb::sqlite().await).await).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(super::Scene::new(hoursmith_store::testing::TestDb::postgres().await).await).await;
                }
            )+
        }
    };
}

mod fanning_out;
mod recording;

on_both! {
    what_is_decided_is_kept_from_then_on,
    what_is_deleted_goes_once_nothing_waits,
    an_hour_ahead_is_forgotten,
    a_rate_bounds_what_is_sent,
    what_was_due_for_days_is_given_up_while_its_endpoint_fails,
}

#[tokio::test]
async fn a_status_of_a_later_version_is_left_to_it_on_sqlite() {
    let scene = Scene::new(TestDb::sqlite().await).await;
    run!(scene, TAKE_ANY_STATUS_ON_SQLITE);
    a_status_of_a_later_version_is_left_to_it(scene).await;
}

#[tokio::test]
async fn a_status_of_a_later_version_is_left_to_it_on_postgres() {
    let scene = Scene::new(TestDb::postgres().await).await;
    run!(scene, TAKE_ANY_STATUS_ON_POSTGRES);
    a_status_of_a_later_version_is_left_to_it(scene).await;
}

const LEASE: Duration = Duration::from_secs(30);

/// Places of each lane, of which an organization has a quarter.
const PLACES: NonZeroU32 = NonZeroU32::new(12).unwrap();

/// A clock that stands still.
#[derive(Debug)]
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// An organization with an endpoint, and a moment that passes when told.
struct Scene {
    db: TestDb,
    now: Timestamp,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    /// Sends in a second.
    rate: NonZeroU32,
}

impl Scene {
    async fn new(db: TestDb) -> Self {
        let scene = Self {
            db,
            now: SystemClock::new().now(),
            organization: OrganizationId(Uuid::from_u128(1)),
            endpoint: WebhookEndpointId(Uuid::from_u128(2)),
            rate: NonZeroU32::MAX,
        };
        let (organization, endpoint) = (scene.organization.0, scene.endpoint.0);
        run!(scene, NEW_ORGANIZATION, organization, "acme");
        run!(
            scene,
            NEW_ENDPOINT,
            organization,
            endpoint,
            r#"["*"]"#,
            vec![0_u8]
        );
        scene
    }

    fn terms(&self) -> Terms {
        Terms {
            now: self.now,
            lease: LEASE,
            at_a_time: 4,
            pace: Pace::new(self.rate),
            room: 4,
        }
    }

    /// A clock that stands still at the moment.
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(Still(self.now))
    }

    /// A delivery in a state, of an event of its own.
    async fn delivery(&self, number: u128, status: &'static str, at: Timestamp) -> Uuid {
        let id = Uuid::from_u128(1_000 + number);
        let (organization, endpoint) = (self.organization.0, self.endpoint.0);
        let due = (status == "pending").then_some(at.as_micros());
        let at = at.as_micros();
        let sequence = i64::try_from(number).unwrap();
        run!(
            self,
            NEW_EVENT,
            organization,
            id,
            sequence,
            "client.created",
            at
        );
        run!(
            self,
            NEW_DELIVERY,
            organization,
            id,
            endpoint,
            status,
            due,
            at
        );
        run!(self, SET_DUE);
        id
    }

    fn fan_out(&self) -> FanOut {
        FanOut {
            db: self.db.db().clone(),
            clock: self.clock(),
            random: Arc::new(SystemRandom),
            holder: Uuid::nil(),
            batch: NonZeroU32::new(100).unwrap(),
            lanes: Arc::new(Lanes::new(PLACES, PLACES)),
            terms: self.terms(),
        }
    }

    /// An event that waits for its deliveries, with its number in the feed.
    async fn event(&self, number: u128) {
        let id = Uuid::from_u128(1_000 + number);
        let sequence = i64::try_from(number).unwrap();
        let (organization, at) = (self.organization.0, self.now.as_micros());
        run!(
            self,
            NEW_EVENT,
            organization,
            id,
            sequence,
            "client.created",
            at
        );
    }

    /// Another endpoint, which works and for which nothing is due.
    async fn endpoint(&self, number: u128) -> WebhookEndpointId {
        let (organization, id) = (self.organization.0, Uuid::from_u128(number));
        run!(self, NEW_ENDPOINT, organization, id, r#"["*"]"#, vec![0_u8]);
        run!(self, SET_PROVEN);
        WebhookEndpointId(id)
    }

    /// The organization's turn to have its events fanned out.
    async fn turn(&self, fan_out: &FanOut) -> Turn {
        fan_out.turn(self.organization).await.unwrap()
    }

    /// Status, attempts and reason of each delivery, the oldest first.
    async fn deliveries(&self) -> Vec<(String, i64, Option<String>)> {
        let mut conn = self.db.read().await.unwrap();
        fetch_all!(&mut conn, DELIVERIES as (String, i64, Option<String>)).unwrap()
    }

    /// Status, failures and filters of each endpoint.
    async fn endpoints(&self) -> Vec<(String, i64, String)> {
        let mut conn = self.db.read().await.unwrap();
        fetch_all!(&mut conn, ENDPOINTS as (String, i64, String)).unwrap()
    }

    /// When the endpoint is next worth a look.
    async fn due(&self) -> Option<Timestamp> {
        let mut conn = self.db.read().await.unwrap();
        let (due,) = fetch_one!(&mut conn, DUE_AT as (Option<i64>,), self.endpoint.0).unwrap();
        due.map(Timestamp::from_micros)
    }

    async fn claim(&self) -> Claimed {
        let (organization, endpoint, terms) = (self.organization, self.endpoint, self.terms());
        let claimed = self.db.write(move |conn| {
            Box::pin(async move { claim::claim(conn, organization, endpoint, terms).await })
        });
        claimed.await.unwrap()
    }

    /// What is due, claimed.
    async fn claims(&self) -> Vec<Claim> {
        match self.claim().await {
            Claimed::Some(_, claims) => claims,
            other => panic!("nothing was claimed: {other:?}"),
        }
    }

    async fn record(&self, claim: Claim, outcome: Outcome) -> Recorded {
        self.record_after(claim, outcome, Duration::ZERO).await
    }

    async fn record_after(&self, claim: Claim, outcome: Outcome, duration: Duration) -> Recorded {
        let report = self.report(outcome, duration);
        self.record_all(vec![(claim, report)]).await.remove(0)
    }

    fn report(&self, outcome: Outcome, duration: Duration) -> Report {
        Report {
            at: self.now,
            ended_at: self.now,
            url: "https://example.com/".to_owned(),
            status_code: None,
            duration,
            error: None,
            response_excerpt: None,
            outcome,
            retry_after: None,
        }
    }

    async fn record_all(&self, reports: Vec<(Claim, Report)>) -> Vec<Recorded> {
        let leaves = |(claim, report)| (claim, report, false);
        let attempts = reports.into_iter().map(leaves).collect();
        self.record_and_claim(attempts).await.0
    }

    /// Attempts, and whether each one's sender stays; and what is claimed for them.
    async fn record_and_claim(
        &self,
        attempts: Vec<(Claim, Report, bool)>,
    ) -> (Vec<Recorded>, Vec<Claim>) {
        let terms = self.terms();
        let clock = self.clock();
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let attempt = |(claim, report, stays): (Claim, Report, bool)| Attempt {
            stamp: Stamp::new(&clock, &random, claim.organization),
            claim,
            report: Arc::new(report),
            jitter: 0,
            stays,
        };
        let mut attempts: Vec<Attempt> = attempts.into_iter().map(attempt).collect();
        let recorded = self
            .db
            .write(move |conn| Box::pin(async move { record(conn, &mut attempts, terms).await }));
        let recorded = recorded.await.map_err(|error: HandlerError| error);
        let (recorded, further) = recorded.unwrap();
        let claims = further.into_iter().flat_map(|further| further.claims);
        (recorded, claims.collect())
    }
}

async fn a_status_of_a_later_version_is_left_to_it(mut scene: Scene) {
    scene.delivery(1, "pending", scene.now).await;
    run!(scene, SET_STATUS, "paused");
    assert!(matches!(scene.claim().await, Claimed::Nothing));
    assert_eq!(scene.deliveries().await, [("pending".to_owned(), 0, None)]);
    // It is looked at again, but not at once.
    let mut conn = scene.db.read().await.unwrap();
    let (due,) = fetch_one!(&mut conn, DUE_AT as (i64,), scene.endpoint.0).unwrap();
    assert_eq!(due, scene.now.plus(LEASE).as_micros());
    drop(conn);
    scene.now = scene.now.plus(LEASE);
    run!(scene, SET_STATUS, "enabled");
    assert_eq!(scene.claims().await.len(), 1);
}
async fn what_is_decided_is_kept_from_then_on(scene: Scene) {
    let old = Timestamp::from_micros(1);
    for (number, status) in [(1, "pending"), (2, "delivered"), (3, "failed")] {
        scene.delivery(number, status, old).await;
    }
    // Replayed, and decided just now.
    run!(scene, DECIDE_LATE, scene.now.as_micros());
    let before = scene.now;
    let deleted = scene.db.write(move |conn| {
        Box::pin(async move { retention::delete_deliveries(conn, before, 10).await })
    });
    assert_eq!(deleted.await.unwrap(), 1);
    let left: Vec<String> = (scene.deliveries().await.into_iter())
        .map(|(status, ..)| status)
        .collect();
    assert_eq!(left, ["pending", "failed"]);
}
async fn what_is_deleted_goes_once_nothing_waits(mut scene: Scene) {
    for number in 1..=3 {
        scene.delivery(number, "pending", scene.now).await;
    }
    let claim = scene.claims().await.remove(0);
    run!(scene, DELETE_ENDPOINT);
    // One is being sent. The others end, and the row waits for it.
    assert!(matches!(scene.claim().await, Claimed::Skipped(2)));
    assert_eq!(scene.endpoints().await.len(), 1);
    let recorded = scene.record(claim, Outcome::Failed).await;
    assert_eq!(recorded, Recorded::Whole { told: false });
    let skipped = |attempts| ("skipped".to_owned(), attempts, Some("deleted".to_owned()));
    let mut found = scene.deliveries().await;
    found.sort();
    assert_eq!(found, [skipped(0), skipped(0), skipped(1)]);
    scene.now = scene.now.plus(LEASE);
    assert!(matches!(scene.claim().await, Claimed::Skipped(0)));
    assert_eq!(scene.endpoints().await, []);
}

async fn what_was_due_for_days_is_given_up_while_its_endpoint_fails(scene: Scene) {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    for (number, days) in [(1, 5), (2, 4), (3, 2)] {
        scene
            .delivery(number, "pending", scene.now.minus(DAY * days))
            .await;
    }
    run!(scene, SET_STATUS, "failing");
    // The first is tried.
    assert_eq!(scene.claims().await.len(), 1);
    let statuses: Vec<String> = (scene.deliveries().await.into_iter())
        .map(|(status, ..)| status)
        .collect();
    assert_eq!(statuses, ["pending", "failed", "pending"]);
}

/// What a clock wrote that has been set back since holds an endpoint up for a moment, not until then.
async fn an_hour_ahead_is_forgotten(scene: Scene) {
    scene.delivery(1, "pending", scene.now).await;
    let soon = scene.now.plus(Duration::from_secs(3));
    for (until, claimed) in [(soon, 0), (scene.now.plus(Duration::from_secs(3_600)), 1)] {
        run!(scene, HOLD_UP, until.as_micros());
        survey::hurry(&scene.db, scene.now).await.unwrap();
        let claims = match scene.claim().await {
            Claimed::Some(_, claims) => claims.len(),
            Claimed::Nothing | Claimed::Skipped(_) => 0,
        };
        assert_eq!(claims, claimed);
    }
}

async fn a_rate_bounds_what_is_sent(mut scene: Scene) {
    scene.rate = NonZeroU32::new(5).unwrap();
    for number in 1..=9 {
        scene.delivery(number, "pending", scene.now).await;
    }
    let mut sent = Vec::new();
    // One on probation, then as many as it may be sent at a time.
    for then in [1, 4] {
        let claims = scene.claims().await;
        assert_eq!(claims.len(), then);
        for claim in claims {
            scene.record(claim, Outcome::Delivered).await;
            sent.push(claim.delivery);
        }
    }
    let next = scene.now.plus(Duration::from_millis(200));
    assert_eq!(scene.due().await, Some(next));
    // Nor when something else has it looked at.
    run!(scene, SET_DUE);
    assert_eq!(scene.claims().await.len(), 0);
    assert_eq!(scene.due().await, Some(next));
    // A lease that is over waits for its turn as well.
    scene.now = next;
    assert_eq!(scene.claims().await.len(), 1);
    scene.now = scene.now.plus(LEASE + Duration::from_secs(60));
    let claims = scene.claims().await;
    assert_eq!(claims.len(), 4);
    for claim in claims {
        scene.record(claim, Outcome::Delivered).await;
    }
    // Whoever looks when the first of their leases would have been over finds nothing.
    scene.now = scene.now.plus(LEASE);
    assert!(scene.due().await <= Some(scene.now));
    assert_eq!(scene.claims().await.len(), 0);
    assert_eq!(scene.due().await, None);
}
