//! A POST of a client with an idempotency key, durable when it is answered: as the API takes it
//! from 64 connections, beside one commit for each request.

use std::time::Duration;

use crate::commits::Commits;
use crate::load::{self, Until};
use crate::process::Served;
use crate::report::{Bound, Report, Row, median};
use crate::site::Site;

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
        posts.push(run.per_second());
    }
    let (posts, alone) = (median(posts), median(alone));
    report.add(Row {
        what: "keyed POST of a client, embedded, 64 connections",
        ours: format!("{posts:.0}/s"),
        baseline: format!("{alone:.0}/s, the same writes without HTTP, one commit each"),
        ratio: posts / alone,
        target: Some(Bound::AtLeast(10.0)),
    });
}

/// A client's JSON, some 250 bytes of it.
pub(crate) fn body(name: &str) -> String {
    format!(
        r#"{{"name":"Bench client {name}","number":"C-{name}","currency":"EUR","email":"ap@bench.example","billable_rate":"95.50","payment_terms_days":30,"address":{{"line1":"Harbour Street 12","city":"Bremen","postal_code":"28195","country":"DE"}},"notes":"Made by a bench."}}"#
    )
}
