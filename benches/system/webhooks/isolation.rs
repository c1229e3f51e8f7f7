//! Fifty receivers that work, with and without fifty beside them that never did: they hang, drip,
//! answer without an end, break TLS, redirect or send a mebibyte of headers. All are of one
//! organization, whose share of the places, and the machine, is what they could take from each other.

use std::time::Duration;

use hoursmith_store::{Db, Error, execute};

use super::{LOOPBACK, STORES, backlog, delays, percentile, put_endpoint};
use crate::load;
use crate::process::Served;
use crate::receivers::{HOSTILE, Hostile, Receiver};
use crate::report::{Bound, Report, Row, median};
use crate::site::{Site, Store};

const WELL: usize = 50;
const ILL: usize = 50;

/// Rounds that alternate between without and with, and events of each: every 200 ms one, of which
/// fifty deliveries come.
const ROUNDS: usize = 5;
const EVENTS: u64 = 75;
const EVERY: Duration = Duration::from_millis(200);

/// How much memory may grow, in MiB.
const GROWTH: f64 = 20.0;

hoursmith_store::statements! {
    SET_STATUS_OF_ILL = "UPDATE webhook_endpoints SET status = $1, due_at = $2 WHERE description = 'ill'";
    MARK_ILL = "UPDATE webhook_endpoints SET description = 'ill' WHERE id = $1";
}

pub(crate) async fn measure(report: &mut Report) {
    for store in STORES {
        let scene = Scene::start(store).await;
        scene.round("warm").await;
        scene.served.forget_peak();
        let before = mib(scene.served.resident_kib());
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            scene.set_ill("disabled").await;
            without.push(scene.round(&format!("without {round}")).await);
            scene.set_ill("enabled").await;
            with.push(scene.round(&format!("with {round}")).await);
        }
        let most = mib(scene.served.peak_kib());
        let heard = |(what, receiver): &(Hostile, Receiver)| {
            // What breaks TLS never hears of it.
            matches!(what, Hostile::BadTls) || !receiver.received().is_empty()
        };
        assert!(scene.ill.iter().all(heard), "all were tried");
        println!("{store:?}: p95 without {without:.1?}, with {with:.1?} ms");
        let (without, with) = (median(without), median(with));
        let (p95, memory) = match store {
            Store::Sqlite => (
                "commit to receipt, 50 receivers beside 50 hostile ones, SQLite",
                "resident memory with 50 hostile receivers, SQLite",
            ),
            Store::Postgres => (
                "commit to receipt, 50 receivers beside 50 hostile ones, PostgreSQL",
                "resident memory with 50 hostile receivers, PostgreSQL",
            ),
        };
        report.add(Row {
            what: p95,
            ours: format!("{with:.1} ms p95"),
            baseline: format!("{without:.1} ms p95 without them"),
            ratio: with / without,
            target: Some(Bound::AtMost(1.2)),
        });
        report.add(Row {
            what: memory,
            ours: format!("{most:.1} MiB, of {before:.1} before"),
            baseline: format!("{GROWTH} MiB more"),
            ratio: (most - before) / GROWTH,
            target: Some(Bound::AtMost(1.0)),
        });
    }
}

struct Scene {
    site: Site,
    db: Db,
    served: Served,
    well: Vec<Receiver>,
    ill: Vec<(Hostile, Receiver)>,
}

impl Scene {
    async fn start(store: Store) -> Self {
        let site = Site::filled(store, 0).await;
        let served = Served::start_in(&site, &LOOPBACK);
        served.ready().await;
        // What the demo tells of is nobody's to receive.
        served.settled().await;
        let db = site.open().await;
        let (mut well, mut ill) = (Vec::new(), Vec::new());
        for number in 0..WELL + ILL {
            let hostile = (number >= WELL).then(|| HOSTILE[number % HOSTILE.len()]);
            let receiver = match hostile {
                Some(what) => Receiver::hostile(what).await,
                None => Receiver::answering(200).await,
            };
            let url = match hostile {
                Some(Hostile::BadTls) => receiver.url().replace("http:", "https:"),
                _ => receiver.url(),
            };
            let organization = site.organization;
            let put = db.write(move |conn| {
                Box::pin(async move {
                    let id = put_endpoint(conn, organization, &url, false).await?;
                    if hostile.is_some() {
                        execute!(conn, MARK_ILL, id)?;
                    }
                    Ok::<_, Error>(())
                })
            });
            put.await.unwrap();
            match hostile {
                Some(what) => ill.push((what, receiver)),
                None => well.push(receiver),
            }
        }
        let scene = Self {
            served,
            site,
            db,
            well,
            ill,
        };
        scene.set_ill("disabled").await;
        scene
    }

    /// Has those that do not work disabled, and waits until nothing is left of what was sent to them; or
    /// enabled.
    async fn set_ill(&self, status: &'static str) {
        let due = (status == "disabled").then_some(0_i64);
        let set = self.db.write(move |conn| {
            Box::pin(async move { execute!(conn, SET_STATUS_OF_ILL, status, due) })
        });
        set.await.map_err(|error: Error| error).unwrap();
        while due.is_some() && backlog::pending(&self.db).await > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Has clients created; the p95 from commit to receipt at those that work, in milliseconds.
    async fn round(&self, name: &str) -> f64 {
        let already: Vec<usize> = self.well.iter().map(|one| one.received().len()).collect();
        load::steady_clients(self.served.api(), &self.site.token, name, EVENTS, EVERY).await;
        let count = usize::try_from(EVENTS).unwrap();
        let mut received = Vec::new();
        for (receiver, already) in self.well.iter().zip(already) {
            let all = receiver.until(already + count).await;
            assert_eq!(all.len(), already + count, "none came twice");
            received.extend_from_slice(&all[already..]);
        }
        percentile(&delays(&received), 95)
    }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
