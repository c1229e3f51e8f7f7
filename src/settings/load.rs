//! The order of precedence, and the way from text to types.

use std::path::PathBuf;

use figment::Figment;
use figment::error::Kind;
use figment::providers::Serialized;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::keys::{ACTORS, nearest, settings_keys};
use crate::layer::{Layer, Origins, merge};
use crate::sources::{Sources, file_layer};
use crate::{Settings, check};

/// Name of the settings file that is looked for in the data folder.
pub const FILE_NAME: &str = "hoursmith.toml";

const DATA_DIR: &str = "data_dir";

impl Settings {
    /// Reads and checks the settings. `known_actors` are the names of the tables that may stand
    /// under `actors`.
    pub fn load(sources: &Sources, known_actors: &[&str]) -> Result<Self, Error> {
        let keys = settings_keys();
        let environment = sources.environment_layers(&keys, known_actors)?;
        let command_line = sources.override_layers(&keys)?;

        // The file stands in the data folder unless it was asked for by name, and so the folder
        // must be known from the other sources first.
        let mut layers = Vec::new();
        match sources.config_file() {
            Some(path) => layers.push(file_layer(&path)?),
            None => layers.extend(found_file(environment.iter().chain(&command_line))?),
        }
        layers.extend(environment);
        layers.extend(command_line);
        for layer in &layers {
            layer.check(&keys, known_actors)?;
        }

        let origins = Origins::of(&layers);
        let mut settings: Self = merge(&Self::default(), &layers)
            .extract_lossy()
            .map_err(|error| complaint("", error, &origins))?;
        settings.origins = origins;
        check::settings(&settings, &keys)?;
        Ok(settings)
    }
}

/// The file in the data folder, if there is one.
fn found_file<'a>(layers: impl Iterator<Item = &'a Layer>) -> Result<Option<Layer>, Error> {
    let data_dir = layers
        .filter_map(|layer| layer.values.get(DATA_DIR)?.as_str().map(PathBuf::from))
        .last();
    let path = data_dir
        .unwrap_or_else(|| Settings::default().data_dir)
        .join(FILE_NAME);
    match file_layer(&path) {
        Err(Error::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
        Ok(layer) if layer.values.contains_key(DATA_DIR) => Err(Error::Invalid {
            key: DATA_DIR.to_owned(),
            origin: layer.origin,
            reason: "must not stand in the file that was found in that folder".to_owned(),
        }),
        Ok(layer) => Ok(Some(layer)),
    }
}

/// An actor's table as its type.
pub(crate) fn actor_table<T: DeserializeOwned>(
    name: &str,
    table: &serde_json::Value,
    origins: &Origins,
) -> Result<T, Error> {
    Figment::from(Serialized::defaults(table))
        .extract_lossy()
        .map_err(|error| complaint(&format!("{ACTORS}.{name}"), error, origins))
}

/// Puts figment's error into our words, without the value, which may be secret.
fn complaint(prefix: &str, error: figment::Error, origins: &Origins) -> Error {
    let mut path: Vec<&str> = Vec::new();
    path.extend(Some(prefix).filter(|prefix| !prefix.is_empty()));
    path.extend(error.path.iter().map(String::as_str));
    let key = path.join(".");
    let origin = origins.of_key(&key);
    let reason = match error.kind {
        Kind::UnknownField(name, known) => {
            let table = key.strip_suffix(&name).unwrap_or_default();
            let nearest = nearest(&name, known).map(|near| format!("{table}{near}"));
            return Error::Unknown {
                key,
                origin,
                nearest,
            };
        }
        Kind::InvalidType(_, expected)
        | Kind::InvalidValue(_, expected)
        | Kind::InvalidLength(_, expected) => {
            format!("must be {}", in_words(&expected))
        }
        Kind::UnknownVariant(_, known) => format!("must be one of {}", known.join(", ")),
        Kind::MissingField(name) => format!("lacks `{name}`"),
        Kind::Message(message) => format!("cannot be read: {message}"),
        _ => "cannot be read".to_owned(),
    };
    Error::Invalid {
        key,
        origin,
        reason,
    }
}

/// What serde calls a number by its Rust type.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoursmith_domain::Plan;
    use secrecy::ExposeSecret as _;
    use serde::Deserialize;
    use tempfile::TempDir;

    const ACTORS: &[&str] = &["token-auth", "resource"];

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn load(
        file: &str,
        environment: &[(&str, &str)],
        overrides: &[(&str, &str)],
    ) -> Result<Settings, Error> {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join(FILE_NAME), file).unwrap();
        let mut sources = Sources {
            config_file: None,
            environment: pairs(environment),
            overrides: pairs(overrides),
        };
        sources.overrides.push((
            "data_dir".to_owned(),
            folder.path().to_str().unwrap().to_owned(),
        ));
        Settings::load(&sources, ACTORS)
    }

    fn refusal(file: &str, environment: &[(&str, &str)], overrides: &[(&str, &str)]) -> String {
        load(file, environment, overrides).unwrap_err().to_string()
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        let settings = load("", &[], &[]).unwrap();
        assert_eq!(settings.request, crate::RequestSettings::default());
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.limits.of(Plan::Agency).sustained_limit, 1_200);
        assert!(
            settings
                .effective_database_url()
                .expose_secret()
                .ends_with("/hoursmith.db")
        );
    }

    #[test]
    fn later_sources_win_key_by_key() {
        let file = "public_url = 'http://file'\n[request]\ndeadline_ms = 1000\nmax_headers = 20\nbody_timeout_ms = 700";
        let environment = [
            ("HOURSMITH_REQUEST__DEADLINE_MS", "2000"),
            ("HOURSMITH_REQUEST__MAX_HEADERS", "30"),
        ];
        let overrides = [
            ("request.deadline_ms", "3000"),
            ("request.deadline_ms", "4000"),
        ];
        let settings = load(file, &environment, &overrides).unwrap();
        assert_eq!(settings.public_url, "http://file");
        assert_eq!(settings.request.body_timeout_ms, 700);
        assert_eq!(settings.request.max_headers, 30);
        assert_eq!(settings.request.deadline_ms, 4_000);
    }

    #[test]
    fn half_a_table_leaves_the_other_half() {
        let settings = load("[limits.agency]\nburst_limit = 90", &[], &[]).unwrap();
        let limit = settings.limits.of(Plan::Agency);
        assert_eq!((limit.burst_limit, limit.sustained_limit), (90, 1_200));
    }

    #[test]
    fn text_becomes_what_the_setting_is() {
        let environment = [
            ("HOURSMITH_TELEMETRY__SAMPLE_RATIO", "0.25"),
            (
                "HOURSMITH_REQUEST__TRUSTED_PROXIES",
                r#"["10.0.0.0/8", "::1/128"]"#,
            ),
            ("HOURSMITH_LISTEN", "[::1]:80"),
            ("HOURSMITH_LOG__FORMAT", "json"),
            ("HOURSMITH_NATS__USER", "0123"),
            ("HOURSMITH_NATS__PASSWORD", "[0]"),
            ("HOURSMITH_PUBLIC_URL", ""),
        ];
        let settings = load("", &environment, &[]).unwrap();
        assert!((settings.telemetry.sample_ratio - 0.25).abs() < f64::EPSILON);
        assert_eq!(settings.request.trusted_proxies.len(), 2);
        assert_eq!(settings.listen.port(), 80);
        assert_eq!(settings.nats.user.as_deref(), Some("0123"));
        assert_eq!(settings.nats.password.unwrap().expose_secret(), "[0]");
        assert_eq!(settings.public_url, Settings::default().public_url);
    }

    #[test]
    fn plain_names_count_and_ours_win() {
        let environment = [
            ("HOURSMITH_DATABASE_URL", "postgres://ours"),
            ("DATABASE_URL", "postgres://plain"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/"),
            ("UNRELATED", "1"),
        ];
        let settings = load("", &environment, &[]).unwrap();
        assert_eq!(
            settings.effective_database_url().expose_secret(),
            "postgres://ours"
        );
        assert_eq!(
            settings.telemetry.otlp_endpoint.as_deref(),
            Some("http://127.0.0.1:4318/")
        );
        let cleared = load("", &environment, &[("database_url", "")]).unwrap();
        assert!(cleared.database_url.is_none());
    }

    #[test]
    fn unknown_names_are_refused_with_their_source() {
        let file = refusal("[request]\ndeadline = 1", &[], &[]);
        assert!(
            file.starts_with("unknown setting `request.deadline` from `"),
            "{file}"
        );
        assert!(
            file.ends_with("hoursmith.toml`; did you mean `request.deadline_ms`?"),
            "{file}"
        );
        assert_eq!(
            refusal("", &[("HOURSMITH_DATBASE_URL", "x")], &[]),
            "unknown setting `HOURSMITH_DATBASE_URL` from the environment; did you mean `HOURSMITH_DATABASE_URL`?"
        );
        assert_eq!(
            refusal("", &[], &[("lisen", "x")]),
            "unknown setting `lisen` from the command line; did you mean `listen`?"
        );
        assert!(
            refusal("", &[("HOURSMITH_ZZZ", "")], &[])
                .starts_with("unknown setting `HOURSMITH_ZZZ`")
        );
        assert!(
            refusal("[actors.token-aut]", &[], &[]).ends_with("did you mean `actors.token-auth`?")
        );
        assert!(refusal("request = 1", &[], &[]).contains("`request` from"));
        assert!(refusal("", &[], &[("log.filter.x", "1")]).contains("`log.filter`"));
    }

    #[test]
    fn bad_values_are_refused_without_being_shown() {
        let number = refusal("", &[("HOURSMITH_REQUEST__DEADLINE_MS", "soon")], &[]);
        assert_eq!(
            number,
            "setting `request.deadline_ms` from environment variable HOURSMITH_REQUEST__DEADLINE_MS must be a whole number that is not negative"
        );
        assert_eq!(
            refusal("", &[], &[("request.max_headers", "0")]),
            "setting `request.max_headers` from the command line must be between 16 and 1024"
        );
        for (key, value) in [
            ("request.deadline_ms", "-1"),
            ("request.trusted_proxies", "10.0.0.0/8"),
            ("request.trusted_proxies", r#"["10.0.0.0/99"]"#),
            ("telemetry.sample_ratio", "1.5"),
            ("telemetry.sample_ratio", "nan"),
            ("telemetry.otlp_endpoint", "https://collector:4318"),
            ("limits.studio.burst_window_s", "61"),
            ("limits.studio.burst_limit", "601"),
            ("public_url", "http://example.com/"),
            ("database_url", "mysql://hunter2"),
            ("log.format", "xml"),
            ("listen", "localhost"),
            ("nats.user", "me"),
            ("nats.remote", r#"["resource"]"#),
        ] {
            let text = refusal("", &[], &[(key, value)]);
            assert!(text.starts_with(&format!("setting `{key}")), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        let secret = refusal("secret_key = ['hunter2']", &[], &[]);
        assert!(
            secret.contains("`secret_key` from `") && !secret.contains("hunter2"),
            "{secret}"
        );
        let unclosed = refusal("listen = '127.0.0.1:1'\nsecret_key = 'hunter2", &[], &[]);
        assert!(
            unclosed.contains("line 2") && !unclosed.contains("hunter2"),
            "{unclosed}"
        );
    }

    #[test]
    fn a_file_that_was_asked_for_must_be_there_and_replaces_the_found_one() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("other.toml");
        let environment = pairs(&[("HOURSMITH_CONFIG", path.to_str().unwrap())]);
        let sources = Sources {
            environment,
            ..Sources::default()
        };
        assert!(matches!(
            Settings::load(&sources, ACTORS),
            Err(Error::Read { .. })
        ));
        std::fs::write(&path, "data_dir = '/somewhere'").unwrap();
        assert_eq!(
            Settings::load(&sources, ACTORS).unwrap().data_dir,
            PathBuf::from("/somewhere")
        );
        assert!(refusal("data_dir = '/elsewhere'", &[], &[]).starts_with("setting `data_dir`"));
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Table {
        cache_ms: u64,
        words: Vec<String>,
    }

    #[test]
    fn an_actor_reads_its_own_table() {
        let environment = [
            ("HOURSMITH_ACTORS__TOKEN_AUTH__CACHE_MS", "5"),
            ("HOURSMITH_ACTORS__TOKEN_AUTH__WORDS", r#"["a"]"#),
        ];
        let settings = load("[actors.token-auth]\ncache_ms = 1", &environment, &[]).unwrap();
        let table: Table = settings.actor("token-auth").unwrap();
        assert_eq!((table.cache_ms, table.words), (5, vec!["a".to_owned()]));
        assert_eq!(settings.actor::<Table>("resource").unwrap().cache_ms, 0);

        let settings = load("[actors.token-auth]\ncache = 1", &[], &[]).unwrap();
        let text = settings
            .actor::<Table>("token-auth")
            .unwrap_err()
            .to_string();
        assert!(
            text.starts_with("unknown setting `actors.token-auth.cache` from `"),
            "{text}"
        );
        assert!(
            text.ends_with("did you mean `actors.token-auth.cache_ms`?"),
            "{text}"
        );
        let settings = load("", &[], &[("actors.token-auth.cache_ms", "x")]).unwrap();
        assert_eq!(
            settings
                .actor::<Table>("token-auth")
                .unwrap_err()
                .to_string(),
            "setting `actors.token-auth.cache_ms` from the command line must be a whole number that is not negative"
        );
    }

    #[test]
    fn an_assignment_needs_its_sign() {
        let mut sources = Sources::default();
        sources.set("nats_url=nats://a?b=c").unwrap();
        assert_eq!(sources.overrides, pairs(&[("nats_url", "nats://a?b=c")]));
        assert!(matches!(
            sources.set("nats_url"),
            Err(Error::Assignment { .. })
        ));
        assert!(!format!("{sources:?}").contains("b=c"));
    }
}
