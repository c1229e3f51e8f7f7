//! What the numbers were measured on.

use std::process::Command;

use hoursmith_kit::{Clock as _, SystemClock};

use crate::site::Site;

/// Machine, disk, versions and date, in a line of Markdown each.
pub(crate) fn describe(runtime: &tokio::runtime::Runtime) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let disk =
        first_line(Command::new("stat").args(["-f", "-c", "%T", env!("CARGO_TARGET_TMPDIR")]));
    let nats = std::env::var("NATS_SERVER").unwrap_or_else(|_| "nats-server".to_owned());
    format!(
        "- {cores} cores of {model}, Linux {}, {disk}\n- SQLite {}, {}, {}\n- {}\n",
        kernel.trim(),
        runtime.block_on(sqlite()),
        first_line(Command::new(nats).arg("--version")),
        first_line(Command::new("wrk").arg("--version")),
        SystemClock::new().now(),
    )
}

async fn sqlite() -> String {
    let site = Site::prepare().await;
    let db = site.open().await;
    let durability = db.durability().await.unwrap();
    let version = durability
        .settings
        .into_iter()
        .find(|setting| setting.name == "version");
    version.map(|setting| setting.found).unwrap_or_default()
}

fn first_line(command: &mut Command) -> String {
    let output = command
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    text.lines().next().unwrap_or_default().trim().to_owned()
}
