//! Measures the built program as a whole, and says each number as a ratio.
//!
//! A machine of today and one of next year, or the same one while something else runs on it, give
//! other numbers for the same program; what the program adds to what must be done anyway is the
//! same. So each measurement has a baseline beside it, in the same run, in rounds that alternate,
//! and the median counts. `docs/BENCHMARKS.md` holds the last table.
//!
//! Everything measured is a process of its own: the program itself, and the baselines, for which
//! this binary starts itself again under another role. Nothing is left running.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that fails panics"
)]

mod app;
mod chain;
mod commits;
mod direct;
mod lists;
mod load;
mod machine;
mod process;
mod reads;
mod report;
mod resident;
mod site;
mod slow_disk;
mod webhooks;
mod writes;

#[path = "../../tests/it/receivers.rs"]
#[expect(
    clippy::disallowed_methods,
    dead_code,
    unreachable_pub,
    reason = "what the tests have, of which a part is needed here"
)]
mod receivers;

use std::path::Path;

use mimalloc::MiMalloc;

use report::Report;

/// The program's, so that the baselines differ from it in what they do alone.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    // What `cargo bench` adds for harnesses that know it.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["direct", database] => direct::serve(Path::new(database)),
        ["echo", url] => chain::echo(url),
        ["commits", millis] => writes::alone(millis.parse().unwrap()),
        sections => measure(sections),
    }
}

/// Measures the sections that are named, or all. Only all of them make a table to keep.
fn measure(sections: &[&str]) {
    let wanted = |name: &str| sections.is_empty() || sections.contains(&name);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut report = Report::default();
    runtime.block_on(async {
        if wanted("reads") {
            reads::measure(&mut report).await;
        }
        if wanted("writes") {
            writes::measure(&mut report).await;
        }
        if wanted("chain") {
            chain::measure(&mut report).await;
        }
        if wanted("lists") {
            lists::measure(&mut report).await;
        }
        if wanted("app") {
            app::measure(&mut report).await;
        }
        webhooks::measure(&mut report, |part| {
            wanted("webhooks") || sections.contains(&part)
        })
        .await;
        if wanted("start") {
            resident::measure_start(&mut report).await;
        }
        if wanted("memory") {
            resident::measure_memory(&mut report).await;
        }
    });
    let table = report.table();
    println!("\n{table}");
    if sections.is_empty() {
        report::keep(&table, &machine::describe(&runtime));
    }
}
