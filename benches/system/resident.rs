//! How soon it is ready, and what it takes of memory, when idle and after a million requests.

use std::time::Duration;

use hoursmith_kit::{Clock as _, SystemClock};

use crate::load;
use crate::process::Served;
use crate::reads::client_path;
use crate::report::{Bound, Report, Row};
use crate::site::Site;

const STARTS: usize = 15;

/// Requests after which memory is looked at first: by then every cache is warm.
const WARM: u64 = 100_000;
const REQUESTS: u64 = 1_000_000;

/// A stretch of the long run.
const STRETCH: Duration = Duration::from_secs(5);

pub(crate) async fn measure_start(report: &mut Report) {
    let site = Site::prepare().await;
    let clock = SystemClock::new();
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let started = clock.monotonic();
        Served::start(&site, None).ready().await;
        times.push((clock.monotonic() - started).as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let (median, max) = (times[STARTS / 2], times[STARTS - 1]);
    report.add(Row {
        what: "from exec to ready, on an existing database",
        ours: format!("{median:.0} ms median, {max:.0} ms longest of {STARTS}"),
        baseline: "300 ms".to_owned(),
        ratio: max / 300.0,
        target: Some(Bound::AtMost(1.0)),
    });
}

pub(crate) async fn measure_memory(report: &mut Report) {
    let site = Site::prepare().await;
    let served = Served::start(&site, None);
    served.ready().await;
    let idle = mib(&served);
    report.add(Row {
        what: "resident memory, ready and idle",
        ours: format!("{idle:.1} MiB"),
        baseline: "40 MiB".to_owned(),
        ratio: idle / 40.0,
        target: Some(Bound::AtMost(1.0)),
    });
    let path = client_path(&served, &site).await;
    let mut sent = 0;
    let mut warm = None;
    while sent < REQUESTS {
        sent += load::wrk(served.api(), &path, &site.token, STRETCH)
            .await
            .requests;
        if sent >= WARM {
            warm.get_or_insert_with(|| (sent, mib(&served)));
        }
    }
    let ((warm_at, warm), full) = (warm.unwrap(), mib(&served));
    report.add(Row {
        what: "resident memory over the first million requests",
        ours: format!("{full:.1} MiB after {}k", sent / 1000),
        baseline: format!("{warm:.1} MiB after {}k", warm_at / 1000),
        ratio: full / warm,
        target: Some(Bound::AtMost(1.05)),
    });
}

fn mib(served: &Served) -> f64 {
    served.resident_kib() as f64 / 1024.0
}
