//! Pages of the app, each beside the API call that it rests on: what a person waits for a page is
//! questions asked side by side, a template, and nothing else. And what a page weighs, with its style,
//! script and icon.

use std::time::Duration;

use hoursmith_kit::{Clock as _, SystemClock};
use hoursmith_store::execute;

use crate::load::{self, Until};
use crate::process::Served;
use crate::report::{Bound, Report, Row, median};
use crate::site::Site;

/// Rounds that alternate between page and call, and requests of each.
const ROUNDS: usize = 5;
const REQUESTS: u64 = 200;

/// The most that a page weighs in all, in bytes.
const MOST: usize = 60 * 1024;

/// What each page needs beside itself.
const BESIDE: [&str; 3] = ["/assets/app.css", "/assets/app.js", "/favicon.svg"];

/// A page, and how long it and its call take, in microseconds.
struct Page {
    path: &'static str,
    call: String,
    bytes: usize,
    page: f64,
    api: f64,
}

pub(crate) async fn measure(report: &mut Report) {
    let site = Site::prepare().await;
    let served = Served::start(&site, None);
    served.ready().await;
    let cookie = session(&site, &served).await;
    let open =
        |path: &str| format!("GET {path} HTTP/1.1\r\nhost: bench\r\ncookie: {cookie}\r\n\r\n");
    let mut beside = 0;
    for path in BESIDE {
        beside += load::size(served.api(), &open(path)).await;
    }
    let mut pages = Vec::new();
    for (path, call) in calls(&site) {
        let bytes = load::size(served.api(), &open(path)).await + beside;
        let (mut of_page, mut of_call) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            of_page.push(p95(&served, open(path)).await);
            of_call.push(p95(&served, load::get(&call, &site.token)).await);
        }
        let (page, api) = (median(of_page), median(of_call));
        println!("{path}: {bytes} bytes, {page:.0} µs, {call}: {api:.0} µs");
        pages.push(Page {
            path,
            call,
            bytes,
            page,
            api,
        });
    }
    let heaviest = pages.iter().max_by_key(|page| page.bytes).unwrap();
    let ratio = |page: &Page| page.page / page.api;
    report.add(Row {
        what: "what a page of the app weighs with style, script and icon, the heaviest",
        ours: format!("{} bytes: {}", heaviest.bytes, heaviest.path),
        baseline: format!("{MOST} bytes"),
        ratio: heaviest.bytes as f64 / MOST as f64,
        target: Some(Bound::AtMost(1.0)),
    });
    let slowest = pages.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let slowest = slowest.unwrap();
    report.add(Row {
        what: "a page of the app beside the API call it rests on, the slowest",
        ours: format!("{:.0} µs p95: {}", slowest.page, slowest.path),
        baseline: format!("{:.0} µs p95: {}", slowest.api, slowest.call),
        ratio: ratio(slowest),
        target: Some(Bound::AtMost(5.0)),
    });
}

/// Each page with the call that it rests on: of several that it asks side by side, the one that takes
/// longest. An owner's dashboard waits for the drafts among the invoices.
fn calls(site: &Site) -> [(&'static str, String); 6] {
    let now = SystemClock::new().now();
    let day = |ago: u64| {
        let instant = now.minus(Duration::from_secs(ago * 24 * 60 * 60));
        instant.to_string()[..10].to_owned()
    };
    let week = format!(
        "time_entries?limit=200&member_id={}&from={}&to={}",
        site.member,
        day(6),
        day(0)
    );
    [
        ("/app", "invoices?limit=200".to_owned()),
        ("/app/time", week),
        (
            "/app/clients",
            "clients?limit=200&archived=false".to_owned(),
        ),
        (
            "/app/projects",
            "projects?limit=200&archived=false".to_owned(),
        ),
        ("/app/invoices", "invoices?limit=200".to_owned()),
        ("/app/settings/api", "me".to_owned()),
    ]
    .map(|(page, call)| (page, format!("/api/v1/{call}")))
}

async fn p95(served: &Served, text: String) -> f64 {
    let run = load::run(served.api(), 1, Until::Sent(REQUESTS), 200, move |_| {
        text.clone()
    });
    run.await.p95().as_secs_f64() * 1e6
}

/// The cookie of a session of the site's member: that of somebody who signed up, given to them.
async fn session(site: &Site, served: &Served) -> String {
    let form = "name=Ada&email=ada%40bench.example&new_password=glacier-violin-83-orchard\
         &organization=Bench&currency=EUR&timezone=UTC";
    let text = format!(
        "POST /app/signup HTTP/1.1\r\nhost: bench\r\nsec-fetch-site: same-origin\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let cookie = load::cookie(served.api(), &text).await;
    let (organization, member) = (site.organization.0, site.member.0);
    let db = site.open().await;
    let given = db.write(move |conn| {
        Box::pin(async move { execute!(conn, GIVE_SESSIONS, organization, member) })
    });
    assert_eq!(given.await.unwrap(), 1);
    db.close().await;
    cookie
}

hoursmith_store::statements! {
    GIVE_SESSIONS = "UPDATE sessions SET organization_id = $1,
        user_id = (SELECT user_id FROM members WHERE organization_id = $1 AND id = $2)";
}
