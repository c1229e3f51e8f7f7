//! The settings themselves. Doc comments here are the text of the reference.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::events::EventsSettings;
use crate::layer::Origins;
use crate::limits::LimitSettings;
use crate::outbound::OutboundSettings;
use crate::redact::redacted;
use crate::request::RequestSettings;
use crate::{load, redact};

/// Everything that an operator can decide.
///
/// Neither `Debug` nor `Display` nor serialization shows a secret.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Folder of the SQLite database, the secret key and `hoursmith.toml`. Made at the first start.
    pub data_dir: PathBuf,
    /// Where clients reach this server, without a slash at the end. Used in links.
    pub public_url: String,
    /// Address that the API listens on.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Address of `/metrics`, `/healthz` and `/readyz`. Not for the public. Port 0 takes any.
    #[schemars(with = "String")]
    pub admin_listen: SocketAddr,
    /// `sqlite://…` or `postgres://…`; the default is the file `hoursmith.db` in the data folder.
    /// `DATABASE_URL` sets it too.
    #[serde(serialize_with = "redacted")]
    #[schemars(with = "Option<String>")]
    pub database_url: Option<SecretString>,
    /// `nats://…`; without it, everything runs in this process. `NATS_URL` sets it too.
    #[serde(serialize_with = "redacted")]
    #[schemars(with = "Option<String>")]
    pub nats_url: Option<SecretString>,
    /// The deployment's secret, 32 bytes in standard base64. Without it, and without NATS, one is
    /// made at the first start and kept as `secret.key` in the data folder.
    #[serde(serialize_with = "redacted")]
    #[schemars(with = "Option<String>")]
    pub secret_key: Option<SecretString>,
    /// File that holds the secret key, instead of `secret_key`.
    pub secret_key_file: Option<PathBuf>,
    /// Who this process is on NATS.
    pub nats: NatsSettings,
    /// Logs, written to standard error.
    pub log: LogSettings,
    /// Traces.
    pub telemetry: TelemetrySettings,
    /// Bounds of the HTTP server.
    pub request: RequestSettings,
    /// Rate limits per plan.
    pub limits: LimitSettings,
    /// Where webhooks may go.
    pub outbound: OutboundSettings,
    /// One table per actor, read by the actor itself with [`Settings::actor`].
    pub actors: BTreeMap<String, serde_json::Value>,
    #[serde(skip)]
    pub(crate) origins: Origins,
}

/// Who a process is on NATS.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NatsSettings {
    /// User name.
    pub user: Option<String>,
    /// Password of the user.
    #[serde(serialize_with = "redacted")]
    #[schemars(with = "Option<String>")]
    pub password: Option<SecretString>,
    /// NKey seed, instead of user and password.
    #[serde(serialize_with = "redacted")]
    #[schemars(with = "Option<String>")]
    pub nkey_seed: Option<SecretString>,
    /// Name of this component, in the server's list of connections and in traces.
    pub component: Option<String>,
    /// Stages that are called over NATS even where this process serves them.
    pub remote: Vec<String>,
    /// The stream that keeps events for subscribers.
    pub events: EventsSettings,
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`, `off`), or levels by module, such as
    /// `info,hoursmith_gateway=debug`.
    pub filter: String,
    /// `text`, `json`, or `auto`: text on a terminal, JSON otherwise.
    #[schemars(with = "String")]
    pub format: LogFormat,
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}

/// Traces.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// Base address of an OTLP/HTTP receiver, such as `http://127.0.0.1:4318`; `/v1/traces` is
    /// appended. Plain HTTP: run a collector beside this process. Without it nothing is traced.
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` sets it too.
    pub otlp_endpoint: Option<String>,
    /// Name of this service in traces.
    pub service_name: String,
    /// Share of traces that is kept, where a trusted proxy has not decided already.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sample_ratio: f64,
}

impl Settings {
    /// The table of an actor; its defaults where the operator says nothing.
    ///
    /// `T` needs `#[serde(default, deny_unknown_fields)]`, so that a table may be partial and a
    /// misspelt key is refused. A secret's key ends in `secret`, `password`, `seed`, `token` or
    /// `key`: that is what keeps it out of [`Settings::redacted_toml`].
    pub fn actor<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, Error> {
        match self.actors.get(name) {
            None => Ok(T::default()),
            Some(table) => load::actor_table(name, table, &self.origins),
        }
    }

    /// The database's address: the one that is set, else the file in the data folder.
    pub fn effective_database_url(&self) -> SecretString {
        self.database_url.clone().unwrap_or_else(|| {
            let file = self.data_dir.join("hoursmith.db");
            SecretString::from(format!("sqlite:{}", file.display()))
        })
    }

    /// The settings as a file, secrets replaced; for `doctor`.
    pub fn redacted_toml(&self) -> String {
        redact::toml(self)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./data"),
            public_url: "http://127.0.0.1:8080".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin_listen: SocketAddr::from(([127, 0, 0, 1], 9464)),
            database_url: None,
            nats_url: None,
            secret_key: None,
            secret_key_file: None,
            nats: NatsSettings::default(),
            log: LogSettings::default(),
            telemetry: TelemetrySettings::default(),
            request: RequestSettings::default(),
            limits: LimitSettings::default(),
            outbound: OutboundSettings::default(),
            actors: BTreeMap::new(),
            origins: Origins::default(),
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: LogFormat::Auto,
        }
    }
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            service_name: "hoursmith".to_owned(),
            sample_ratio: 1.0,
        }
    }
}
