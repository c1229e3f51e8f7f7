//! Parts as processes of their own: the built program, started and ended here.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use hoursmith_settings::{ExposeSecret as _, Settings};

/// One process.
pub struct Process {
    child: Child,
    pub api: Option<SocketAddr>,
    pub admin: SocketAddr,
}

/// One for each part.
pub struct Processes {
    pub api: SocketAddr,
    pub admin: SocketAddr,
    _all: Vec<Process>,
}

impl Processes {
    /// Starts a process for each part, the gateway last, and waits until it is ready.
    pub async fn start(settings: &Settings) -> Self {
        let mut all: Vec<Process> =
            hoursmith::plugins::names().into_iter().map(|name| Process::start(settings, &["--only", name])).collect();
        let gateway = Process::start(settings, &["--only", "gateway"]);
        let (api, admin) = (gateway.api.unwrap(), gateway.admin);
        all.push(gateway);
        crate::world::until_ready(admin).await;
        Self { api, admin, _all: all }
    }
}

impl Process {
    /// Starts `hoursmith serve` with these settings and waits for its line "Hoursmith serves.".
    pub fn start(settings: &Settings, arguments: &[&str]) -> Self {
        let limit = settings.limits.agency;
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoursmith"));
        command
            .env_clear()
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(arguments)
            .env("HOURSMITH_SECRET_KEY", settings.secret_key.as_ref().unwrap().expose_secret())
            .env("DATABASE_URL", settings.effective_database_url().expose_secret())
            .env("HOURSMITH_LOG__FORMAT", "json")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for plan in ["FREE", "STUDIO", "AGENCY", "ANONYMOUS"] {
            command
                .env(format!("HOURSMITH_LIMITS__{plan}__BURST_LIMIT"), limit.burst_limit.to_string())
                .env(format!("HOURSMITH_LIMITS__{plan}__SUSTAINED_LIMIT"), limit.sustained_limit.to_string());
        }
        if let Some(nats) = &settings.nats_url {
            command.env("NATS_URL", nats.expose_secret());
        }
        if let Some(endpoint) = &settings.telemetry.otlp_endpoint {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        }
        let mut child = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut seen = Vec::new();
        let announced = lines.find_map(|line| {
            let line = line.unwrap_or_default();
            let found = serde_json::from_str::<serde_json::Value>(&line).ok().filter(|_| line.contains("Hoursmith serves."));
            seen.push(line);
            found
        });
        let announced = announced.unwrap_or_else(|| panic!("no announcement in {seen:#?}"));
        // What else it says is shown with the test, and read so that its pipe never fills.
        std::thread::spawn(move || lines.for_each(|line| println!("{}", line.unwrap_or_default())));
        let address = |name: &str| {
            let text = find(&announced, name)?;
            Some(text.parse().unwrap())
        };
        Self { child, api: address("server.address"), admin: address("admin.address").unwrap() }
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and gives its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A field of a JSON log line, wherever the format puts it.
fn find(line: &serde_json::Value, name: &str) -> Option<String> {
    line.get(name).or_else(|| line.get("fields")?.get(name))?.as_str().map(str::to_owned)
}
