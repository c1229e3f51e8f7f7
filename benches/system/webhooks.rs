//! Webhooks: how soon and how many arrive, what they cost the write that they tell of, and what
//! receivers that work notice of others that do not.
//!
//! Receivers are sockets of this process, the same that the tests have. An event carries the instant
//! at which it was written, just before its commit; from then on the time is taken, so it includes the
//! commit.

mod backlog;
mod isolation;
mod outbox;
mod prompt;
mod throughput;

use hoursmith_domain::webhook::WebhookSecret;
use hoursmith_domain::{OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_kit::{Clock as _, Random as _, SystemClock, SystemRandom};
use hoursmith_store::{Conn, Db, Error, execute};
use hoursmith_webhook_dispatcher::testing::{SECRET_COLUMN, sealed};
use uuid::Uuid;

use crate::receivers::Received;
use crate::report::Report;
use crate::site::{self, Store};

/// Both databases.
const STORES: [Store; 2] = [Store::Sqlite, Store::Postgres];

/// Receivers are on this machine.
const LOOPBACK: [(&str, &str); 2] = [
    ("HOURSMITH_OUTBOUND__ALLOW_HTTP", "true"),
    ("HOURSMITH_OUTBOUND__ALLOW_NETWORKS", r#"["127.0.0.0/8"]"#),
];

/// What an endpoint is sent in a second, where it is not to bound what is measured.
const ANY_RATE: (&str, &str) = (
    "HOURSMITH_ACTORS__WEBHOOK_DISPATCHER__ENDPOINT_RATE_PER_SECOND",
    "1000000",
);

hoursmith_store::statements! {
    PUT_ENDPOINT = "INSERT INTO webhook_endpoints
        (organization_id, id, url, events, status, secret, proven, created_at, updated_at)
        VALUES ($1, $2, $3, '[\"client.created\"]', 'enabled', $4, $5, 0, 0)";
    PUT_ORGANIZATION = "INSERT INTO organizations
        (id, name, slug, plan, currency, timezone, created_at, updated_at)
        VALUES ($1, 'Bench', $2, 'agency', 'EUR', 'Europe/Berlin', 0, 0)";
}

/// Measures the parts that are wanted.
pub(crate) async fn measure(report: &mut Report, wanted: impl Fn(&str) -> bool) {
    if wanted("prompt") {
        prompt::measure(report).await;
    }
    if wanted("throughput") {
        throughput::measure(report).await;
    }
    if wanted("outbox") {
        outbox::measure(report).await;
    }
    if wanted("backlog") {
        backlog::measure(report).await;
    }
    if wanted("isolation") {
        isolation::measure(report).await;
    }
}

/// An id of its own.
fn fresh() -> Uuid {
    SystemRandom.uuid_v7(SystemClock::new().now())
}

/// Puts an endpoint of an organization in place, for clients that are created.
async fn put_endpoint(
    conn: &mut Conn,
    organization: OrganizationId,
    url: &str,
    proven: bool,
) -> Result<Uuid, Error> {
    let mut bytes = [0; 24];
    SystemRandom.fill(&mut bytes);
    let (id, secret) = (fresh(), WebhookSecret::generate(bytes));
    let keys = site::keys();
    let secret = sealed(
        &keys,
        organization,
        WebhookEndpointId(id),
        SECRET_COLUMN,
        &secret,
    );
    execute!(conn, PUT_ENDPOINT, organization.0, id, url, secret, proven)?;
    Ok(id)
}

/// Puts an organization in place.
async fn put_organization(db: &Db) -> OrganizationId {
    let id = fresh();
    let put = db.write(move |conn| {
        Box::pin(async move { execute!(conn, PUT_ORGANIZATION, id, id.to_string()) })
    });
    put.await.map_err(|error: Error| error).unwrap();
    OrganizationId(id)
}

/// How long after their events deliveries came, in milliseconds and in ascending order.
fn delays<'a>(received: impl IntoIterator<Item = &'a Received>) -> Vec<f64> {
    let delay = |one: &Received| created(one).until(one.at).as_secs_f64() * 1e3;
    let mut delays: Vec<f64> = received.into_iter().map(delay).collect();
    delays.sort_by(f64::total_cmp);
    delays
}

/// When the event was written that a delivery brought.
fn created(received: &Received) -> Timestamp {
    received.json()["created_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

/// From the first event that deliveries brought to the last, in seconds.
fn span(received: &[Received]) -> f64 {
    let instants = || received.iter().map(created);
    let (first, last) = (instants().min().unwrap(), instants().max().unwrap());
    first.until(last).as_secs_f64()
}

/// The value below which so many hundredths are.
fn percentile(sorted: &[f64], hundredths: usize) -> f64 {
    sorted[(sorted.len() * hundredths / 100).min(sorted.len() - 1)]
}
