//! A real nats-server for tests, on a port of the kernel's choice and in a folder of its own.
//!
//! A missing server is a failed test, never a skipped one. Blocking, so that `Drop` can clean up;
//! a start takes some tens of milliseconds.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails panics"
)]

mod plain;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

pub use plain::Plain;

/// A running server; stopped and removed on drop.
#[derive(Debug)]
pub struct TestNats {
    config: PathBuf,
    environment: Vec<(String, String)>,
    folder: TempDir,
    /// Zero until the kernel has chosen.
    port: u16,
    running: Option<Running>,
}

/// A process tree: the child may be a wrapper, the server is who wrote its own pid.
#[derive(Debug)]
struct Running {
    child: Child,
    server: Pid,
}

/// What the server writes to its ports file.
#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
}

/// No server takes as long to start; a busy machine may take seconds.
const START_WITHIN: Duration = Duration::from_secs(20);

/// Between two looks at a file that is not there yet.
const LOOK_EVERY: Duration = Duration::from_millis(5);

impl TestNats {
    /// Starts a server without identities.
    ///
    /// The program is `NATS_SERVER`, or `nats-server` on the `PATH`. Panics if it does not start.
    pub fn start() -> Self {
        let folder = folder();
        let config = folder.path().join("nats.conf");
        let text = "max_payload: 1179648\njetstream { store_dir: \"nats-data\" }\n";
        fs::write(&config, text).expect("write the configuration of nats-server");
        Self::start_in(folder, config, Vec::new())
    }

    /// Starts a server with a configuration, which finds `environment` for its `$VARIABLES`.
    /// Panics if it does not start.
    pub fn start_with(config: &Path, environment: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self::start_in(
            folder(),
            config.to_owned(),
            environment.iter().map(own).collect(),
        )
    }

    /// Starts a server as it runs in production: `nats-server.conf`, and the subscriber `books` as
    /// docs/SUBSCRIBERS.md lets one in. `environment` has the passwords.
    pub fn start_strict(environment: &[(&str, &str)]) -> Self {
        let room = Path::new(env!("CARGO_MANIFEST_DIR"));
        let read = |file: &str| fs::read_to_string(room.join(file)).expect("read a file");
        let (strict, docs) = (read("nats-server.conf"), read("../docs/SUBSCRIBERS.md"));
        let block = |block: &&str| block.trim_start().starts_with("{\n      user: books");
        let identity = docs.split("```text\n").find(block);
        let identity = identity.and_then(|block| block.split("```").next());
        let here = "    # Subscribers to events, one identity each, stand here";
        let (before, after) = strict.split_once(here).expect("a place for subscribers");
        let identity = identity.expect("an identity in docs/SUBSCRIBERS.md");
        let folder = folder();
        let config = folder.path().join("nats.conf");
        fs::write(&config, format!("{before}{identity}{here}{after}"))
            .expect("write the configuration of nats-server");
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self::start_in(folder, config, environment.iter().map(own).collect())
    }

    fn start_in(folder: TempDir, config: PathBuf, environment: Vec<(String, String)>) -> Self {
        let mut nats = Self {
            config,
            environment,
            folder,
            port: 0,
            running: None,
        };
        nats.start_again();
        nats
    }

    /// `nats://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The URL of an identity.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("nats://{user}:{password}@127.0.0.1:{}", self.port)
    }

    /// Kills the server, as a crash would.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            // It may be gone already; that is what is wanted.
            let _gone = kill_process(running.server, Signal::KILL);
            let _gone = running.child.wait();
        }
    }

    /// Deletes all that JetStream has kept, under the server where it runs.
    pub fn wipe(&self) {
        fs::remove_dir_all(self.store()).expect("delete JetStream's folder");
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("nats-data")
    }

    /// Starts the server again after [`TestNats::stop`], on the same port.
    pub fn start_again(&mut self) {
        self.stop();
        let (pid_file, log) = (
            self.folder.path().join("pid"),
            self.folder.path().join("log"),
        );
        for entry in fs::read_dir(self.folder.path())
            .expect("read the folder of nats-server")
            .flatten()
        {
            if entry.path() == pid_file || is_ports_file(&entry.path()) {
                fs::remove_file(entry.path()).expect("remove a former file of nats-server");
            }
        }
        let program = std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into());
        let port = if self.port == 0 {
            "-1".to_owned()
        } else {
            self.port.to_string()
        };
        let mut child = Command::new(&program)
            .args(["-a", "127.0.0.1", "-p", &port, "-c"])
            .arg(&self.config)
            .arg("--ports_file_dir")
            .arg(self.folder.path())
            .arg("-P")
            .arg(&pid_file)
            .arg("-l")
            .arg(&log)
            // What a configuration names without a path is here.
            .current_dir(self.folder.path())
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "start {}: {error}; install nats-server or set NATS_SERVER to its path",
                    program.display()
                )
            });
        let mut looks = START_WITHIN.as_millis() / LOOK_EVERY.as_millis();
        let (server, port) = loop {
            if let Some(found) = self.look(&pid_file) {
                break found;
            }
            let ended = child.try_wait().expect("look after nats-server");
            if ended.is_some() || looks == 0 {
                let _gone = child.kill();
                let mut said = fs::read_to_string(&log).unwrap_or_default();
                if let Some(mut stderr) = child.stderr.take() {
                    let _read = std::io::Read::read_to_string(&mut stderr, &mut said);
                }
                panic!("nats-server did not start ({ended:?}): {said}");
            }
            looks -= 1;
            std::thread::sleep(LOOK_EVERY);
        };
        self.port = port;
        self.running = Some(Running { child, server });
    }

    /// The server's pid and port, once it has written both and listens.
    fn look(&self, pid_file: &Path) -> Option<(Pid, u16)> {
        let pid = Pid::from_raw(fs::read_to_string(pid_file).ok()?.trim().parse().ok()?)?;
        let ports = fs::read_dir(self.folder.path())
            .ok()?
            .flatten()
            .find(|entry| is_ports_file(&entry.path()))?;
        let ports: Ports = serde_json::from_slice(&fs::read(ports.path()).ok()?).ok()?;
        let port = ports.nats.first()?.rsplit(':').next()?.parse().ok()?;
        Some((pid, port))
    }

    /// Freezes the server: its connections stay, and nothing comes from them. Returns once every
    /// thread of it stands still, which is a moment after the signal.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        while !self.is_frozen() {
            std::thread::yield_now();
        }
    }

    /// Whether every thread is stopped (`T`), as proc(5) has it.
    fn is_frozen(&self) -> bool {
        let running = self
            .running
            .as_ref()
            .expect("a stopped nats-server freezes not");
        let threads = format!("/proc/{}/task", running.server.as_raw_nonzero());
        std::fs::read_dir(threads)
            .expect("its threads")
            .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok())
            .all(|stat| {
                stat.rsplit(')')
                    .next()
                    .is_some_and(|rest| rest.starts_with(" T"))
            })
    }

    /// Lets the server go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let running = self
            .running
            .as_ref()
            .expect("a stopped nats-server takes no signal");
        kill_process(running.server, signal).expect("send nats-server a signal");
    }
}

impl Drop for TestNats {
    fn drop(&mut self) {
        self.stop();
    }
}

fn folder() -> TempDir {
    TempDir::with_prefix("hoursmith-nats-").expect("make a folder for nats-server")
}

fn is_ports_file(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "ports")
}
