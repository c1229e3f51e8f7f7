//! A POST of a client with an idempotency key, durable when it is answered: as the API takes it
//! from 64 connections, beside one commit for each request. Measured on the disk that there is, and
//! on one that flushes more slowly.

use std::time::Duration;

use crate::commits::Commits;
use crate::load::{self, Until};
use crate::process::{Process, Served};
use crate::report::{Bound, Report, Row, median};
use crate::site::Site;
use crate::slow_disk;

const ROUNDS: u64 = 5;
const ROUND: Duration = Duration::from_secs(2);
const CONNECTIONS: u64 = 64;

pub(crate) async fn measure(report: &mut Report) {
    let site = Site::prepare().await;
    let served = Served::start(&site, None);
    served.ready().await;
    let mut commits = Commits::prepare().await;

    let (mut posts, mut alone) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        alone.push(commits.per_second(ROUND).await);
        posts.push(posts_per_second(&served, &site, round).await);
    }
    add(
        report,
        "keyed POST of a client, embedded, 64 connections",
        posts,
        alone,
    );
    measure_on_a_slow_disk(report).await;
}

/// The same on a disk that flushes as slowly as those that keep their word. There the baseline
/// waits for the disk, and what is gained by sharing a flush is seen.
async fn measure_on_a_slow_disk(report: &mut Report) {
    let library = slow_disk::library();
    let site = Site::prepare().await;
    let served = Served::start_preloaded(&site, &library);
    served.ready().await;
    let millis = ROUND.as_millis().to_string();

    let (mut posts, mut alone) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (_commits, rate) = Process::role_preloaded(&["commits", &millis], Some(&library));
        alone.push(rate.parse().unwrap());
        posts.push(posts_per_second(&served, &site, round).await);
    }
    add(
        report,
        "keyed POST of a client, embedded, 64 connections, each flush to disk 4 ms longer",
        posts,
        alone,
    );
}

fn add(report: &mut Report, what: &'static str, posts: Vec<f64>, alone: Vec<f64>) {
    let (posts, alone) = (median(posts), median(alone));
    report.add(Row {
        what,
        ours: format!("{posts:.0}/s"),
        baseline: format!("{alone:.0}/s, the same writes without HTTP, one commit each"),
        ratio: posts / alone,
        target: Some(Bound::AtLeast(10.0)),
    });
}

async fn posts_per_second(served: &Served, site: &Site, round: u64) -> f64 {
    let token = site.token.clone();
    let post = move |number: u64| {
        let body = body(&format!("{round} {number}"));
        load::keyed_post(
            "/api/v1/clients",
            &token,
            &format!("{round}-{number}"),
            &body,
        )
    };
    let run = load::run(served.api(), CONNECTIONS, Until::Passed(ROUND), 201, post).await;
    run.per_second()
}

/// One round of the baseline, in a process of its own; says its rate.
pub(crate) fn alone(millis: u64) {
    let rate = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let mut commits = Commits::prepare().await;
            commits.per_second(Duration::from_millis(millis)).await
        });
    println!("{rate}");
}

/// A client's JSON, some 250 bytes of it.
pub(crate) fn body(name: &str) -> String {
    format!(
        r#"{{"name":"Bench client {name}","number":"C-{name}","currency":"EUR","email":"ap@bench.example","billable_rate":"95.50","payment_terms_days":30,"address":{{"line1":"Harbour Street 12","city":"Bremen","postal_code":"28195","country":"DE"}},"notes":"Made by a bench."}}"#
    )
}
