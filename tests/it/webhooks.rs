//! Webhooks from a change to a receiver on a socket, and what the database says of them then.

mod crowd;
mod delivery;
mod health;
mod isolation;
mod ledger;
mod pace;
mod retention;
mod trace;

use hoursmith_domain::webhook::{TOLERANCE, WebhookSecret, explain};
use hoursmith_domain::{Keys, SecretKey, Timestamp, WebhookEndpointId};
use hoursmith_kit::{Clock as _, Random as _, SystemRandom};
use hoursmith_settings::Settings;
use hoursmith_store::{Statement, fetch_all, fetch_optional};
use hoursmith_webhook_dispatcher::testing::{PREVIOUS_SECRET_COLUMN, SECRET_COLUMN, sealed};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::receivers::{LONGEST, Received};
use crate::scene::{fresh, run};
use crate::world::{Bus, Org, SECRET, Store, World, generous};

/// Runs a case on both databases.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(crate::world::Store::Sqlite).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(crate::world::Store::Postgres).await;
                }
            )+
        }
    };
}
pub(crate) use on_both;

/// An endpoint as a test put it in place.
pub struct Hook {
    pub id: Uuid,
    secret: WebhookSecret,
}

/// A delivery as it is kept.
#[derive(Debug, Clone)]
pub struct Delivery {
    id: Uuid,
    pub event: Uuid,
    pub status: String,
    skip_reason: Option<String>,
    attempts: i64,
    next_attempt_at: Option<i64>,
}

/// An attempt as it is kept.
#[derive(Debug, Clone, PartialEq)]
struct Attempt {
    number: i64,
    at: i64,
    url: String,
    status_code: Option<i64>,
    duration_ms: i64,
    error: Option<String>,
    response_excerpt: Option<String>,
}

/// Looks are short: tests set clocks forward, which rings no bell.
fn hasty(settings: &mut Settings) {
    hasty_with(settings, json!({}));
}

/// The same, with settings of the dispatcher.
pub fn hasty_with(settings: &mut Settings, own: Value) {
    generous(settings);
    let mut dispatcher = json!({"look_every_ms": 20});
    for (name, value) in own.as_object().unwrap() {
        dispatcher[name] = value.clone();
    }
    settings
        .actors
        .insert("webhook-dispatcher".to_owned(), dispatcher);
}

async fn world(store: Store) -> World {
    World::start_with(Bus::Memory, store, hasty).await
}

fn keys() -> Keys {
    Keys::derive(&SecretKey::from_bytes(SECRET))
}

fn new_secret() -> WebhookSecret {
    let mut bytes = [0; 24];
    SystemRandom.fill(&mut bytes);
    WebhookSecret::generate(bytes)
}

/// Puts an endpoint in place.
pub async fn hook(world: &World, org: &Org, url: &str, events: &[&str]) -> Hook {
    let (organization, id) = (org.id.0, fresh(world));
    let secret = new_secret();
    let kept = sealed(
        &keys(),
        org.id,
        WebhookEndpointId(id),
        SECRET_COLUMN,
        &secret,
    );
    let (url, events) = (url.to_owned(), json!(events).to_string());
    let now = world.clock.now().as_micros();
    run!(
        world,
        "INSERT INTO webhook_endpoints (organization_id, id, url, events, status, secret, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, 'enabled', $5, $6, $6)",
        organization,
        id,
        url,
        events,
        kept,
        now
    );
    Hook { id, secret }
}

/// Gives an endpoint a new secret; the one before signs as well until an instant.
async fn rotate(world: &World, org: &Org, hook: &Hook, until: Timestamp) -> WebhookSecret {
    let (organization, id, until) = (org.id.0, hook.id, until.as_micros());
    let secret = new_secret();
    let kept = sealed(
        &keys(),
        org.id,
        WebhookEndpointId(id),
        SECRET_COLUMN,
        &secret,
    );
    let before = sealed(
        &keys(),
        org.id,
        WebhookEndpointId(id),
        PREVIOUS_SECRET_COLUMN,
        &hook.secret,
    );
    run!(
        world,
        "UPDATE webhook_endpoints SET secret = $3, previous_secret = $4, previous_secret_until = $5 \
         WHERE organization_id = $1 AND id = $2",
        organization,
        id,
        kept,
        before,
        until
    );
    secret
}

/// Has an endpoint at another address.
async fn set_url(world: &World, hook: &Hook, url: &str) {
    let (id, url) = (hook.id, url.to_owned());
    run!(
        world,
        "UPDATE webhook_endpoints SET url = $2 WHERE id = $1",
        id,
        url
    );
}

/// Fails unless a delivery is signed with a secret, in both families, at about `now`.
#[track_caller]
fn assert_signed(received: &Received, secret: &WebhookSecret, now: Timestamp) {
    let report = explain(
        &received.headers,
        secret.expose(),
        &received.body,
        now,
        TOLERANCE,
    );
    assert_eq!(report.findings.len(), 2, "{received:?}");
    assert!(report.is_good(), "{report:?} {received:?}");
}

/// The deliveries to an endpoint, in the order of their events.
async fn deliveries(world: &World, hook: &Hook) -> Vec<Delivery> {
    const DELIVERIES: Statement = Statement {
        name: "DELIVERIES",
        sql: "SELECT d.id, d.event_id, d.status, d.skip_reason, d.attempts, d.next_attempt_at \
              FROM webhook_deliveries d JOIN events e ON e.organization_id = d.organization_id AND e.id = d.event_id \
              WHERE d.endpoint_id = $1 ORDER BY e.sequence",
    };
    type Row = (Uuid, Uuid, String, Option<String>, i64, Option<i64>);
    let mut conn = world.db.read().await.unwrap();
    let rows = fetch_all!(&mut conn, DELIVERIES as Row, hook.id).unwrap();
    let delivery = |(id, event, status, skip_reason, attempts, next_attempt_at): Row| Delivery {
        id,
        event,
        status,
        skip_reason,
        attempts,
        next_attempt_at,
    };
    rows.into_iter().map(delivery).collect()
}

async fn attempts(world: &World, delivery: &Delivery) -> Vec<Attempt> {
    const ATTEMPTS: Statement = Statement {
        name: "ATTEMPTS",
        sql: "SELECT number, at, url, status_code, duration_ms, error, response_excerpt \
              FROM webhook_attempts WHERE delivery_id = $1 ORDER BY number",
    };
    type Row = (
        i64,
        i64,
        String,
        Option<i64>,
        i64,
        Option<String>,
        Option<String>,
    );
    let mut conn = world.db.read().await.unwrap();
    let rows = fetch_all!(&mut conn, ATTEMPTS as Row, delivery.id).unwrap();
    let attempt =
        |(number, at, url, status_code, duration_ms, error, response_excerpt): Row| Attempt {
            number,
            at,
            url,
            status_code,
            duration_ms,
            error,
            response_excerpt,
        };
    rows.into_iter().map(attempt).collect()
}

/// Waits until the deliveries to an endpoint are as they should be, and gives them.
async fn until(
    world: &World,
    hook: &Hook,
    what: &'static str,
    is_so: impl Fn(&[Delivery]) -> bool,
) -> Vec<Delivery> {
    let reached = async {
        loop {
            let found = deliveries(world, hook).await;
            if is_so(&found) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    match tokio::time::timeout(LONGEST, reached).await {
        Ok(found) => found,
        Err(_) => panic!("never {what}: {:?}", deliveries(world, hook).await),
    }
}

/// Waits until an endpoint has so many deliveries and none is pending.
pub async fn until_settled(world: &World, hook: &Hook, count: usize) -> Vec<Delivery> {
    let settled = |found: &[Delivery]| {
        found.len() == count && found.iter().all(|delivery| delivery.status != "pending")
    };
    until(world, hook, "settled", settled).await
}

/// Waits until the only delivery to an endpoint has had so many attempts.
async fn until_attempted(world: &World, hook: &Hook, count: i64) -> Delivery {
    let attempted = |found: &[Delivery]| found.len() == 1 && found[0].attempts == count;
    until(world, hook, "attempted", attempted).await.remove(0)
}

/// Status, failures in a row, and whether it has had a success.
async fn standing(world: &World, hook: &Hook) -> (String, i64, bool) {
    const STANDING: Statement = Statement {
        name: "STANDING",
        sql: "SELECT status, consecutive_failures, last_success_at FROM webhook_endpoints WHERE id = $1",
    };
    let mut conn = world.db.read().await.unwrap();
    let row = fetch_optional!(&mut conn, STANDING as (String, i64, Option<i64>), hook.id);
    let (status, failures, success) = row.unwrap().unwrap();
    (status, failures, success.is_some())
}
