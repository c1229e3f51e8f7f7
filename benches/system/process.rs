//! Processes of the program, and of this binary under another role.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hoursmith_domain::SecretKey;

use crate::load;
use crate::site::{SECRET, Site};

/// `hoursmith serve`.
pub(crate) struct Served {
    process: Process,
    pub(crate) api: Option<SocketAddr>,
    pub(crate) admin: SocketAddr,
}

/// A process, ended when dropped.
pub(crate) struct Process(Child);

/// What the dynamic linker loads first.
const PRELOAD: &str = "LD_PRELOAD";

/// In which Linux counts processor time for programs.
const TICKS_A_SECOND: u64 = 100;

impl Served {
    /// Starts it on a database, everything or `--only` one part on NATS, and waits until it serves.
    pub(crate) fn start(site: &Site, on_nats: Option<(&str, &str)>) -> Self {
        Self::start_with(site, on_nats, None, &[])
    }

    /// The same, everything in one process, with settings from the environment.
    pub(crate) fn start_in(site: &Site, environment: &[(&str, &str)]) -> Self {
        Self::start_with(site, None, None, environment)
    }

    /// The same, everything in one process that has loaded a library before.
    pub(crate) fn start_preloaded(site: &Site, library: &Path) -> Self {
        Self::start_with(site, None, Some(library), &[])
    }

    fn start_with(
        site: &Site,
        on_nats: Option<(&str, &str)>,
        preload: Option<&Path>,
        environment: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoursmith"));
        command
            .env_clear()
            .envs(preload.map(|library| (PRELOAD, library)))
            .envs(environment.iter().copied())
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
            ])
            .env(
                "HOURSMITH_SECRET_KEY",
                SecretKey::from_bytes(SECRET).expose(),
            )
            .env("DATABASE_URL", site.url())
            .env("HOURSMITH_LOG__FORMAT", "json")
            .stderr(Stdio::piped());
        // As many requests as can come in a second, which is also the longest that the limiter
        // then remembers one: its memory does not grow with the run.
        for limit in ["BURST", "SUSTAINED"] {
            for whose in ["AGENCY", "APP"] {
                let setting = format!("HOURSMITH_LIMITS__{whose}__{limit}");
                command
                    .env(format!("{setting}_LIMIT"), "100000")
                    .env(format!("{setting}_WINDOW_S"), "1");
            }
        }
        if let Some((url, part)) = on_nats {
            command.args(["--only", part]).env("NATS_URL", url);
        }
        let mut child = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut seen = Vec::new();
        let announced = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            let found = line.contains("Hoursmith serves.").then(|| line.clone());
            seen.push(line);
            found
        });
        let announced = announced.unwrap_or_else(|| panic!("it did not start: {seen:#?}"));
        let announced: serde_json::Value = serde_json::from_str(&announced).unwrap();
        // What else it says is shown, and read so that its pipe never fills.
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| eprintln!("{line}"))
        });
        let address = |name: &str| announced.get(name)?.as_str()?.parse().ok();
        Self {
            process: Process(child),
            api: address("server.address"),
            admin: address("admin.address").unwrap(),
        }
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self) {
        while load::status(self.admin, "/readyz").await != 200 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until it has nothing left to do of its own accord: a second in which it takes less than a
    /// fiftieth of a core.
    pub(crate) async fn settled(&self) {
        let mut before = self.ticks();
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = self.ticks();
            if now - before < TICKS_A_SECOND / 50 {
                return;
            }
            before = now;
        }
    }

    /// Processor time so far, in hundredths of a second (proc(5), `utime` and `stime`).
    fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.0.id())).unwrap();
        // The name before it may have spaces.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let fields: Vec<&str> = fields.split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Where the API is.
    pub(crate) fn api(&self) -> SocketAddr {
        self.api.expect("it runs the gateway")
    }

    /// Resident memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Process {
    /// Starts this binary under another role; gives the line that it says first.
    pub(crate) fn role(arguments: &[&str]) -> (Self, String) {
        Self::role_preloaded(arguments, None)
    }

    /// The same, with a library loaded before.
    pub(crate) fn role_preloaded(arguments: &[&str], library: Option<&Path>) -> (Self, String) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .envs(library.map(|library| (PRELOAD, library)))
            .stdout(Stdio::piped())
            .spawn()
            .expect("this binary starts again");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        (Self(child), line.trim().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
