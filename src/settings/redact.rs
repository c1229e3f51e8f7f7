//! Showing settings without their secrets.

use std::fmt;

use secrecy::SecretString;
use serde::{Serialize as _, Serializer};
use serde_json::Value;

use crate::Settings;

const REDACTED: &str = "[redacted]";

/// How a secret is serialized: whether there is one, and nothing else.
///
/// The signature is serde's for `serialize_with`.
pub(crate) fn redacted<S: Serializer>(
    secret: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| REDACTED).serialize(serializer)
}

/// The settings as JSON, without secrets.
pub(crate) fn json(settings: &Settings) -> Value {
    // Only paths that are no UTF-8 cannot be serialized, and the loader takes none.
    let mut value = serde_json::to_value(settings).unwrap_or_default();
    if let Some(actors) = value.get_mut("actors") {
        hide(actors);
    }
    value
}

/// The settings as TOML, without secrets.
pub(crate) fn toml(settings: &Settings) -> String {
    let mut value = json(settings);
    drop_nulls(&mut value);
    toml::to_string(&value).unwrap_or_default()
}

/// Hides what an actor's table calls a secret by its key.
fn hide(value: &mut Value) {
    match value {
        Value::Object(table) => {
            for (key, value) in table.iter_mut() {
                let secret = ["secret", "password", "seed", "token", "key"]
                    .iter()
                    .any(|end| key.ends_with(end));
                if secret {
                    *value = Value::from(REDACTED)
                } else {
                    hide(value)
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

/// TOML has no null: a setting that is not set is left out.
fn drop_nulls(value: &mut Value) {
    if let Value::Object(table) = value {
        table.retain(|_, value| !value.is_null());
        table.values_mut().for_each(drop_nulls);
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({})", json(self))
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted_toml())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Settings, Sources};

    #[test]
    fn no_secret_is_shown_and_the_rest_can_be_read_back() {
        let secrets = [
            "database_url=postgres://u:hunter2@h/d",
            "nats_url=nats://u:hunter2@h",
            "secret_key=hunter2",
            "nats.user=me",
            "nats.password=hunter2",
            "actors.a.signing_secret=hunter2",
            "actors.a.inner.api_key=hunter2",
            "actors.a.limit=5",
        ];
        let mut sources = Sources::default();
        for assignment in secrets {
            sources.set(assignment).unwrap();
        }
        let settings = Settings::load(&sources, &["a"]).unwrap();
        for shown in [
            format!("{settings:?}"),
            settings.to_string(),
            serde_json::to_string(&settings.nats).unwrap(),
        ] {
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains("[redacted]"), "{shown}");
        }
        let table: toml::Table = settings.redacted_toml().parse().unwrap();
        assert_eq!(table["actors"]["a"]["limit"].as_str(), Some("5"));
        assert_eq!(table["request"]["deadline_ms"].as_integer(), Some(15_000));
        assert!(table.get("secret_key_file").is_none());
    }
}
