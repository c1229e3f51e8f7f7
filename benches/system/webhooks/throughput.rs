//! Deliveries a second from public events on: fanned out, claimed, sent, recorded. And whether any is
//! sent twice where four processes share the work.

use std::time::Duration;

use hoursmith_domain::OrganizationId;
use hoursmith_kit::{Clock as _, SystemClock};
use hoursmith_store::{Db, Error, execute_rows};

use super::{ANY_RATE, LOOPBACK, put_endpoint, put_organization};
use crate::process::Served;
use crate::receivers::Receiver;
use crate::report::{Report, Row};
use crate::site::{Site, Store};

/// Endpoints of one organization, at most.
const ENDPOINTS: u64 = 50;

/// What is asked of one receiver, which all are compared with.
const ASKED: f64 = 200.0;

/// What is sent.
#[derive(Clone, Copy)]
struct Work {
    what: &'static str,
    store: Store,
    endpoints: u64,
    /// To all of them.
    deliveries: u64,
    processes: usize,
}

const WORK: [Work; 7] = [
    one("deliveries to 1 endpoint, SQLite", Store::Sqlite, 1, 5_000),
    one(
        "deliveries to 10 endpoints, SQLite",
        Store::Sqlite,
        10,
        5_000,
    ),
    one(
        "deliveries to 1,000 endpoints, SQLite",
        Store::Sqlite,
        1_000,
        10_000,
    ),
    one(
        "deliveries to 1 endpoint, PostgreSQL",
        Store::Postgres,
        1,
        5_000,
    ),
    one(
        "deliveries to 10 endpoints, PostgreSQL",
        Store::Postgres,
        10,
        5_000,
    ),
    one(
        "deliveries to 1,000 endpoints, PostgreSQL",
        Store::Postgres,
        1_000,
        10_000,
    ),
    Work {
        processes: 4,
        ..one(
            "10,000 deliveries by four processes to 25 endpoints, none twice, PostgreSQL",
            Store::Postgres,
            25,
            10_000,
        )
    },
];

/// Sent by one process.
const fn one(what: &'static str, store: Store, endpoints: u64, deliveries: u64) -> Work {
    Work {
        what,
        store,
        endpoints,
        deliveries,
        processes: 1,
    }
}

hoursmith_store::statements! {
    PUT_PUBLIC_EVENT = "INSERT INTO events
        (organization_id, id, sequence, type, resource_id, api_version, data, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
}

pub(crate) async fn measure(report: &mut Report) {
    for work in WORK {
        let rate = per_second(work).await;
        report.add(Row {
            what: work.what,
            ours: format!("{rate:.0}/s"),
            baseline: format!("{ASKED:.0}/s"),
            ratio: rate / ASKED,
            target: None,
        });
    }
}

/// Has everything sent, each delivery once, and gives the rate.
async fn per_second(work: Work) -> f64 {
    let site = Site::filled(work.store, 0).await;
    let receiver = Receiver::answering(200).await;
    let db = site.open().await;
    let organizations = work.endpoints.div_ceil(ENDPOINTS);
    let of_each = work.endpoints / organizations;
    for _ in 0..organizations {
        let organization = put_organization(&db).await;
        let url = receiver.url();
        let put = db.write(move |conn| {
            Box::pin(async move {
                for _ in 0..of_each {
                    put_endpoint(conn, organization, &url, true).await?;
                }
                Ok::<_, Error>(())
            })
        });
        put.await.unwrap();
        put_events(&db, organization, work.deliveries / work.endpoints).await;
    }
    db.close().await;
    let settings = [LOOPBACK.as_slice(), &[ANY_RATE]].concat();
    let _served: Vec<Served> = (0..work.processes)
        .map(|_| Served::start_in(&site, &settings))
        .collect();
    let all = usize::try_from(work.deliveries).unwrap();
    // In parts, since what never comes ends the run after a while.
    for part in 1..=10 {
        receiver.until(all * part / 10).await;
    }
    settled(&site).await;
    let received = receiver.received();
    assert_eq!(received.len(), all, "none came twice");
    let (first, last) = (received[0].at, received[all - 1].at);
    // The first is the end of one, not the beginning.
    (all - 1) as f64 / first.until(last).as_secs_f64()
}

/// Public events that are to be fanned out.
async fn put_events(db: &Db, organization: OrganizationId, count: u64) {
    let now = SystemClock::new().now().as_micros();
    let data = crate::writes::body("of an event");
    let put = db.write(move |conn| {
        Box::pin(async move {
            let numbers: Vec<i64> = (1..=i64::try_from(count).unwrap()).collect();
            execute_rows!(
                conn,
                PUT_PUBLIC_EVENT,
                numbers,
                |number| organization.0,
                super::fresh(),
                *number,
                "client.created",
                organization.0,
                "v1",
                &data,
                now,
            )
        })
    });
    put.await.map_err(|error: Error| error).unwrap();
}

/// Waits until nothing is pending: whatever would be sent twice has been by then.
async fn settled(site: &Site) {
    let db = site.open().await;
    while super::backlog::pending(&db).await > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    db.close().await;
}
