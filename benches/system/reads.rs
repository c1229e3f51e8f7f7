//! An authenticated GET of one client: the whole chain in one process, beside a server that does
//! the same two look-ups and nothing else, and beside hyper alone.

use std::time::Duration;

use crate::load;
use crate::process::{Process, Served};
use crate::report::{Bound, Report, Row, median};
use crate::site::Site;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(4);

pub(crate) async fn measure(report: &mut Report) {
    let site = Site::prepare().await;
    let served = Served::start(&site, None);
    served.ready().await;
    let path = client_path(&served, &site).await;
    let (_direct, address) = Process::role(&["direct", &site.database().display().to_string()]);
    let direct = address.parse().unwrap();

    let of_ours = load::body(served.api(), &load::get(&path, &site.token)).await;
    let of_direct = load::body(direct, &load::get(&path, &site.token)).await;
    assert_eq!(of_ours, of_direct, "both answer the same");

    let (mut chain, mut bare, mut hello) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        chain.push(
            load::wrk(served.api(), &path, &site.token, ROUND)
                .await
                .per_second,
        );
        bare.push(
            load::wrk(direct, &path, &site.token, ROUND)
                .await
                .per_second,
        );
        hello.push(
            load::wrk(direct, "/hello", &site.token, ROUND / 2)
                .await
                .per_second,
        );
    }
    let (chain, bare, hello) = (median(chain), median(bare), median(hello));
    let what = "GET of a client, embedded, 16 connections";
    report.add(Row {
        what,
        ours: format!("{chain:.0}/s"),
        baseline: format!("{bare:.0}/s, the same statements and hyper alone"),
        ratio: chain / bare,
        target: Some(Bound::AtLeast(0.8)),
    });
    report.add(Row {
        what,
        ours: format!("{chain:.0}/s"),
        baseline: format!("{hello:.0}/s, \"hello\" from hyper"),
        ratio: chain / hello,
        target: None,
    });
}

/// The path of a client of the demo organization.
pub(crate) async fn client_path(served: &Served, site: &Site) -> String {
    let list = load::body(served.api(), &load::get("/api/v1/clients", &site.token)).await;
    format!(
        "/api/v1/clients/{}",
        list["data"][0]["id"].as_str().unwrap()
    )
}
