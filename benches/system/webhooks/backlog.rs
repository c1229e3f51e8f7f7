//! A claim where a million deliveries are pending, beside one where there are ten thousand, of as many
//! endpoints.

use std::time::Duration;

use hoursmith_kit::{Clock as _, SystemClock};
use hoursmith_store::{Db, Error, execute, execute_rows, fetch_one};
use hoursmith_webhook_dispatcher::testing::claim;
use uuid::Uuid;

use super::{STORES, percentile, put_endpoint, put_organization};
use crate::report::{Bound, Report, Row};
use crate::site::{Site, Store};

/// Organizations, and endpoints of each.
const ORGANIZATIONS: u64 = 20;
const ENDPOINTS: u64 = 50;

/// Deliveries to each endpoint: ten thousand and a million in all.
const FEW: u64 = 10;
const MANY: u64 = 1_000;

/// Claims of each side, of an endpoint of its own each.
const CLAIMS: u64 = 600;

hoursmith_store::statements! {
    PUT_DELIVERY = "INSERT INTO webhook_deliveries
        (organization_id, id, endpoint_id, event_id, status, next_attempt_at, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    SET_ALL_DUE = "UPDATE webhook_endpoints SET due_at = $1";
    COUNT_PENDING = "SELECT COUNT(*) FROM webhook_deliveries WHERE status = 'pending'";
}

pub(crate) async fn measure(report: &mut Report) {
    for store in STORES {
        let (few, many) = (Side::fill(store, FEW).await, Side::fill(store, MANY).await);
        let (mut short, mut long) = (Vec::new(), Vec::new());
        for _ in 0..CLAIMS {
            short.push(few.claim().await);
            long.push(many.claim().await);
        }
        short.sort_by(f64::total_cmp);
        long.sort_by(f64::total_cmp);
        let of = |sorted: &[f64]| (percentile(sorted, 50), percentile(sorted, 95));
        let ((few, few95), (many, many95)) = (of(&short), of(&long));
        report.add(Row {
            what: match store {
                Store::Sqlite => "a claim of eight at 1,000,000 pending, SQLite",
                Store::Postgres => "a claim of eight at 1,000,000 pending, PostgreSQL",
            },
            ours: format!("{many:.0} µs p50, {many95:.0} µs p95"),
            baseline: format!("{few:.0} µs p50, {few95:.0} µs p95 at 10,000"),
            ratio: many / few,
            target: Some(Bound::AtMost(1.3)),
        });
    }
}

/// How many deliveries are pending.
pub(super) async fn pending(db: &Db) -> i64 {
    let mut conn = db.read().await.unwrap();
    let (count,) = fetch_one!(&mut conn, COUNT_PENDING as (i64,)).unwrap();
    count
}

/// A database with so many pending deliveries.
struct Side {
    db: Db,
    _site: Site,
}

impl Side {
    async fn fill(store: Store, each: u64) -> Self {
        let clock = SystemClock::new();
        let site = Site::filled(store, 0).await;
        let db = site.open().await;
        let now = clock.now().as_micros();
        for _ in 0..ORGANIZATIONS {
            let organization = put_organization(&db).await;
            let events: Vec<Uuid> = (0..each).map(|_| super::fresh()).collect();
            for _ in 0..ENDPOINTS {
                let events = events.clone();
                let put = db.write(move |conn| {
                    Box::pin(async move {
                        let url = "https://receiver.example/";
                        let endpoint = put_endpoint(conn, organization, url, true).await?;
                        execute_rows!(
                            conn,
                            PUT_DELIVERY,
                            events,
                            |event| organization.0,
                            super::fresh(),
                            endpoint,
                            *event,
                            "pending",
                            now,
                            now,
                            now,
                        )
                    })
                });
                put.await.map_err(|error: Error| error).unwrap();
            }
        }
        let set = db.write(move |conn| Box::pin(async move { execute!(conn, SET_ALL_DUE, now) }));
        set.await.map_err(|error: Error| error).unwrap();
        site.vacuum().await;
        let took: Duration = clock.monotonic();
        let count = pending(&db).await;
        println!("{store:?}: {count} pending in {:.1} s", took.as_secs_f64());
        Self { db, _site: site }
    }

    /// Claims for the next endpoint; how long that took, in microseconds.
    async fn claim(&self) -> f64 {
        let clock = SystemClock::new();
        let now = clock.now();
        let claimed = self
            .db
            .write(move |conn| Box::pin(async move { claim(conn, now).await }));
        assert_eq!(claimed.await.unwrap(), 8);
        clock.monotonic().as_secs_f64() * 1e6
    }
}
