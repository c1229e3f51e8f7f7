//! Every stage in a process of its own, on NATS: what a request costs beside plain round trips.

use std::time::Duration;

use hoursmith_kit::{Clock as _, SystemClock};
use hoursmith_nats::testing::{Plain, TestNats};

use crate::load::{self, Until};
use crate::process::{Process, Served};
use crate::reads::client_path;
use crate::report::{Bound, Report, Row, median};
use crate::site::Site;
use crate::writes;

const ROUNDS: usize = 5;
const REQUESTS: u64 = 1_500;

/// Stages, each in turn: as many plain requests are the baseline.
const STAGES: usize = 4;

/// About what an envelope's head has, and what comes back.
const ASKED_BYTES: usize = 700;
const ANSWERED_BYTES: usize = 600;

pub(crate) async fn measure(report: &mut Report) {
    let site = Site::prepare().await;
    let nats = TestNats::start();
    let url = nats.url();
    let _actors: Vec<Served> = hoursmith::plugins::names()
        .into_iter()
        .map(|part| Served::start(&site, Some((&url, part))))
        .collect();
    let gateway = Served::start(&site, Some((&url, "gateway")));
    gateway.ready().await;
    let (_echo, _ready) = Process::role(&["echo", &url]);
    let plain = Plain::connect(&url).await;
    let clock = SystemClock::new();

    let path = client_path(&gateway, &site).await;
    let read = load::get(&path, &site.token);
    // The resource actor finds no id in it, and asks no database.
    let refused = load::get("/api/v1/clients/none", &site.token);
    let body = writes::body("of the chain");
    let replayed = load::keyed_post("/api/v1/clients", &site.token, "chain", &body);
    load::body(gateway.api(), &replayed).await;

    let p50 = async |text: &str, status| {
        let text = text.to_owned();
        let until = Until::Sent(REQUESTS);
        load::run(gateway.api(), 1, until, status, move |_| text.clone())
            .await
            .p50()
            .as_secs_f64()
    };
    let (mut reads, mut refusals, mut replays, mut trips) =
        <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    for _ in 0..ROUNDS {
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..REQUESTS {
            let started = clock.monotonic();
            plain.ask_in_turn(STAGES, ASKED_BYTES).await;
            times.push(clock.monotonic() - started);
        }
        times.sort();
        trips.push(times[times.len() / 2].as_secs_f64());
        reads.push(p50(&read, 200).await);
        refusals.push(p50(&refused, 404).await);
        replays.push(p50(&replayed, 201).await);
    }
    let trips = median(trips);
    let baseline = format!(
        "{} p50, {STAGES} plain NATS requests in turn",
        micros(trips)
    );
    for (what, times, target) in [
        (
            "GET of a client, each stage its own process: 3 on NATS, 2 queries",
            reads,
            Some(Bound::AtMost(1.5)),
        ),
        (
            "GET refused by the last stage: 3 on NATS, 1 query",
            refusals,
            None,
        ),
        (
            "replay of a keyed POST: 3 on NATS, 2 queries",
            replays,
            None,
        ),
    ] {
        let ours = median(times);
        report.add(Row {
            what,
            ours: format!("{} p50", micros(ours)),
            baseline: baseline.clone(),
            ratio: ours / trips,
            target,
        });
    }
}

fn micros(seconds: f64) -> String {
    format!("{:.0} µs", seconds * 1e6)
}

/// Answers plain requests until killed.
pub(crate) fn echo(url: &str) {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let plain = Plain::connect(url).await;
            plain.answer(ANSWERED_BYTES, || println!("ready")).await;
        });
}
