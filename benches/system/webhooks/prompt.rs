//! From a change to its receiver, at a steady 200 events a second.

use std::time::Duration;

use super::{LOOPBACK, STORES, delays, percentile, put_endpoint};
use crate::load;
use crate::process::Served;
use crate::receivers::Receiver;
use crate::report::{Bound, Report, Row};
use crate::site::{Site, Store};

/// Events, and how many of the first are not counted: connections open with them, and the receiver
/// proves itself.
const EVENTS: u64 = 4_000;
const WARM: usize = 400;

/// Between two.
const EVERY: Duration = Duration::from_millis(5);

pub(crate) async fn measure(report: &mut Report) {
    for store in STORES {
        let site = Site::filled(store, 0).await;
        let receiver = Receiver::answering(200).await;
        let (db, organization, url) = (site.open().await, site.organization, receiver.url());
        let put = db.write(move |conn| {
            Box::pin(async move { put_endpoint(conn, organization, &url, false).await })
        });
        put.await.unwrap();
        db.close().await;
        let served = Served::start_in(&site, &LOOPBACK);
        served.ready().await;

        load::steady_clients(served.api(), &site.token, "prompt", EVENTS, EVERY).await;
        let count = usize::try_from(EVENTS).unwrap();
        let received = receiver.until(count).await;
        assert_eq!(received.len(), count, "none came twice");
        let delays = delays(&received[WARM..]);
        let (p50, p95) = (percentile(&delays, 50), percentile(&delays, 95));
        let (what, aim) = match store {
            Store::Sqlite => (
                "commit to receipt at 200 events/s, one receiver, SQLite",
                25.0,
            ),
            Store::Postgres => (
                "commit to receipt at 200 events/s, one receiver, PostgreSQL",
                50.0,
            ),
        };
        report.add(Row {
            what,
            ours: format!("{p50:.1} ms p50, {p95:.1} ms p95"),
            baseline: format!("{aim} ms"),
            ratio: p95 / aim,
            target: Some(Bound::AtMost(1.0)),
        });
    }
}
