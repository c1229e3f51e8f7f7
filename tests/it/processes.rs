//! Parts as processes of their own: the built program, started and ended here.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use hoursmith_nats::testing::TestNats;
use hoursmith_settings::{ExposeSecret as _, SecretString, Settings};

/// One process of `hoursmith serve`; killed when dropped.
pub struct Process {
    child: Child,
    pub api: Option<SocketAddr>,
    pub admin: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts a process for each part, the gateway last, and waits until it is ready.
    pub async fn start_each(settings: &Settings) -> Vec<Self> {
        let parts = hoursmith::plugins::names().into_iter().chain(["gateway"]);
        let all: Vec<Self> = parts.map(|part| Self::start_part(settings, part)).collect();
        crate::world::until_ready(all.last().unwrap().admin).await;
        all
    }

    /// Starts a part alone, which proves to NATS that it is this part.
    pub fn start_part(settings: &Settings, part: &str) -> Self {
        let mut settings = settings.clone();
        settings.nats.user = Some(part.to_owned());
        settings.nats.password = Some(SecretString::from(password(part)));
        Self::start(&settings, &["--only", part])
    }

    /// Starts `hoursmith serve` with these settings and waits for its line "Hoursmith serves.".
    pub fn start(settings: &Settings, arguments: &[&str]) -> Self {
        let mut child = command(settings)
            .args(arguments)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut seen = String::new();
        let announced = lines.find_map(|line| {
            let line = line.unwrap_or_default();
            let found = line
                .contains("Hoursmith serves.")
                .then(|| serde_json::from_str(&line).unwrap());
            seen.push_str(&line);
            seen.push('\n');
            found
        });
        let announced: serde_json::Value =
            announced.unwrap_or_else(|| panic!("it does not serve: {seen}"));
        let log = Arc::new(Mutex::new(seen));
        let kept = Arc::clone(&log);
        // What else it says is kept, and read at once so that its pipe never fills.
        let reader = std::thread::spawn(move || {
            for line in lines {
                let mut log = kept.lock().unwrap();
                log.push_str(&line.unwrap_or_default());
                log.push('\n');
            }
        });
        let address = |name: &str| Some(find(&announced, name)?.parse().unwrap());
        Self {
            child,
            api: address("server.address"),
            admin: address("admin.address").unwrap(),
            log,
            reader: Some(reader),
        }
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop.
    pub fn ask_to_stop(&self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for its end and gives its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        tokio::task::block_in_place(|| self.child.wait().unwrap().code())
    }

    /// Tells it to stop, and gives its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.ask_to_stop();
        self.wait()
    }

    /// All that it has logged, once it has ended.
    pub fn log(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            println!("the log of {:?}:\n{log}", self.api);
        }
    }
}

/// `hoursmith serve` with these settings, in an environment of its own.
fn command(settings: &Settings) -> Command {
    let limit = settings.limits.agency;
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoursmith"));
    command
        .env_clear()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ])
        .env(
            "HOURSMITH_SECRET_KEY",
            settings.secret_key.as_ref().unwrap().expose_secret(),
        )
        .env(
            "DATABASE_URL",
            settings.effective_database_url().expose_secret(),
        )
        .env("HOURSMITH_LOG__FORMAT", "json")
        .env("HOURSMITH_LOG__FILTER", &settings.log.filter)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    for plan in ["FREE", "STUDIO", "AGENCY", "ANONYMOUS", "APP"] {
        command
            .env(
                format!("HOURSMITH_LIMITS__{plan}__BURST_LIMIT"),
                limit.burst_limit.to_string(),
            )
            .env(
                format!("HOURSMITH_LIMITS__{plan}__SUSTAINED_LIMIT"),
                limit.sustained_limit.to_string(),
            );
    }
    for (actor, table) in &settings.actors {
        let actor = actor.to_uppercase().replace('-', "_");
        for (name, value) in table.as_object().unwrap() {
            let name = name.to_uppercase();
            command.env(
                format!("HOURSMITH_ACTORS__{actor}__{name}"),
                value.to_string(),
            );
        }
    }
    if let Some(nats) = &settings.nats_url {
        command.env("NATS_URL", nats.expose_secret());
    }
    if !settings.nats.events.subscribers.is_empty() {
        let subscribers = settings.nats.events.subscribers.iter().cloned();
        let subscribers: Vec<String> = subscribers.map(String::from).collect();
        command.env(
            "HOURSMITH_NATS__EVENTS__SUBSCRIBERS",
            format!("{subscribers:?}"),
        );
    }
    if let (Some(user), Some(password)) = (&settings.nats.user, &settings.nats.password) {
        command
            .env("HOURSMITH_NATS__USER", user)
            .env("HOURSMITH_NATS__PASSWORD", password.expose_secret());
    }
    if !settings.request.trusted_proxies.is_empty() {
        // A list is written as in TOML; Rust writes one of texts alike.
        let networks = settings.request.trusted_proxies.iter();
        let networks: Vec<String> = networks.map(ToString::to_string).collect();
        command.env(
            "HOURSMITH_REQUEST__TRUSTED_PROXIES",
            format!("{networks:?}"),
        );
    }
    let outbound = &settings.outbound;
    if outbound.allow_http {
        let networks: Vec<String> = outbound
            .allow_networks
            .iter()
            .map(ToString::to_string)
            .collect();
        command.env("HOURSMITH_OUTBOUND__ALLOW_HTTP", "true").env(
            "HOURSMITH_OUTBOUND__ALLOW_NETWORKS",
            format!("{networks:?}"),
        );
    }
    if let Some(endpoint) = &settings.telemetry.otlp_endpoint {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    }
    command
}

/// NATS as it runs in production: one identity a part, and each may do what it must; and the
/// subscriber `books`.
pub fn strict_nats() -> TestNats {
    let mut passwords = vec![
        ("HOURSMITH_NATS_PASSWORD".to_owned(), password("hoursmith")),
        (
            "HOURSMITH_NATS_BOOKS_PASSWORD".to_owned(),
            password("books"),
        ),
    ];
    for part in hoursmith::plugins::names().into_iter().chain(["gateway"]) {
        let name = part.to_uppercase().replace('-', "_");
        passwords.push((format!("HOURSMITH_NATS_{name}_PASSWORD"), password(part)));
    }
    let passwords: Vec<_> = passwords
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    TestNats::start_strict(&passwords)
}

/// The password of a part: letters alone, with the form that the configuration asks for.
pub fn password(part: &str) -> String {
    format!("password{}", part.replace('-', ""))
}

/// A field of a JSON log line, wherever the format puts it.
fn find<'a>(line: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    line.get(name)
        .or_else(|| line.get("fields")?.get(name))?
        .as_str()
}
