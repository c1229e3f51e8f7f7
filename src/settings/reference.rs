//! The settings reference, generated from the types.

use std::fmt::Write as _;

use serde_json::Value;

use crate::keys::{ACTORS, Key, of_schema, settings_keys, variable};
use crate::{Settings, redact};

const INTRODUCTION: &str = "\
# Settings

<!-- Generated from the settings' types; a test compares it. -->

Later sources win over earlier ones:

1. the defaults below;
2. a TOML file: `--config FILE` or `HOURSMITH_CONFIG`, else `hoursmith.toml` in the data folder if there is one;
3. environment variables; an empty one counts as not set;
4. the command line: `--set key.path=value`, and the flags that have a name of their own; an empty value clears a setting.

Lists are written as in TOML, in variables and on the command line too: `[\"10.0.0.0/8\"]`. A name that is
no setting is refused, wherever it stands, and so is every other variable that begins with `HOURSMITH_`.
";

/// The reference in Markdown: the settings, then a table for each actor from its name, the schema
/// of its table and its defaults.
pub fn reference(actors: &[(&str, schemars::Schema, Value)]) -> String {
    let mut text = INTRODUCTION.to_owned();
    let schema = schemars::schema_for!(Settings);
    let defaults = redact::json(&Settings::default());
    let keys = settings_keys();

    // In the order of declaration: the settings without a table first.
    let mut groups: Vec<(&str, Vec<&Key>)> = Vec::new();
    for key in &keys {
        let group = key.path.rsplit_once('.').map_or("", |(table, _)| table);
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, members)) => members.push(key),
            None => groups.push((group, vec![key])),
        }
    }
    groups.sort_by_key(|(name, _)| !name.is_empty());
    for (group, members) in groups {
        let title = if group.is_empty() {
            "General".to_owned()
        } else {
            format!("`{group}`")
        };
        section(
            &mut text,
            &title,
            &table_meaning(&schema, group),
            members,
            "",
            &defaults,
        );
    }
    for (name, schema, defaults) in actors {
        let prefix = format!("{ACTORS}.{name}");
        let keys = of_schema(&prefix, schema.as_value());
        let meaning = crate::keys::meaning(schema.as_value()).unwrap_or_default();
        section(
            &mut text,
            &format!("`{prefix}`"),
            &meaning,
            keys.iter().collect(),
            &prefix,
            defaults,
        );
    }
    text
}

/// What the field that holds a table says of it.
fn table_meaning(schema: &schemars::Schema, table: &str) -> String {
    let mut at = schema.as_value();
    for name in table.split('.').filter(|name| !name.is_empty()) {
        let Some(property) = crate::keys::property(at, name, schema.as_value()) else {
            return String::new();
        };
        at = property;
    }
    Some(at)
        .filter(|_| !table.is_empty())
        .and_then(crate::keys::meaning)
        .unwrap_or_default()
}

fn section(
    text: &mut String,
    title: &str,
    meaning: &str,
    keys: Vec<&Key>,
    prefix: &str,
    defaults: &Value,
) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\n## {title}\n");
    if !meaning.is_empty() {
        let _ = write!(text, "\n{meaning}\n");
    }
    if keys.is_empty() || keys.iter().all(|key| key.path == prefix) {
        text.push_str("\nNo settings.\n");
        return;
    }
    text.push_str(
        "\n| key | environment variable | default | meaning |\n| --- | --- | --- | --- |\n",
    );
    for key in keys {
        let path = key
            .path
            .strip_prefix(prefix)
            .unwrap_or(&key.path)
            .trim_start_matches('.');
        let default = defaults
            .pointer(&format!("/{}", path.replace('.', "/")))
            .unwrap_or(&Value::Null);
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} | {}{} |",
            key.path,
            variable(&key.path),
            shown(default),
            key.meaning.replace('|', "\\|"),
            range(key),
        );
    }
}

fn shown(default: &Value) -> String {
    match default {
        Value::Null => "none".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn range(key: &Key) -> String {
    match (key.minimum, key.maximum) {
        (Some(least), Some(most)) => format!(" {least} to {most}."),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;
    use serde::Serialize;

    /// Who a token belongs to.
    #[derive(Default, Serialize, JsonSchema)]
    struct Table {
        /// How long a token
        /// is remembered | or not.
        #[schemars(range(min = 0, max = 9))]
        cache_ms: u32,
    }

    #[test]
    fn every_setting_is_explained() {
        for key in settings_keys() {
            assert!(!key.meaning.is_empty(), "{} has no doc comment", key.path);
        }
        let text = reference(&[]);
        for line in [
            "| `listen` | `HOURSMITH_LISTEN` | `127.0.0.1:8080` | Address that the API listens on. |",
            "| `limits.agency.burst_limit` | `HOURSMITH_LIMITS__AGENCY__BURST_LIMIT` | `60` | Requests admitted in any burst window. 1 to 100000. |",
            "## `nats`\n\nWho this process is on NATS.\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn actors_have_their_own_section() {
        let schema = schemars::schema_for!(Table);
        let text = reference(&[(
            "token-auth",
            schema,
            serde_json::to_value(Table::default()).unwrap(),
        )]);
        assert!(
            text.ends_with(
                "\n## `actors.token-auth`\n\nWho a token belongs to.\n\n\
             | key | environment variable | default | meaning |\n| --- | --- | --- | --- |\n\
             | `actors.token-auth.cache_ms` | `HOURSMITH_ACTORS__TOKEN_AUTH__CACHE_MS` | `0` | \
             How long a token is remembered \\| or not. 0 to 9. |\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn an_actor_without_settings_says_so() {
        #[derive(JsonSchema)]
        struct Nothing {}
        let text = reference(&[(
            "relay",
            schemars::schema_for!(Nothing),
            serde_json::json!({}),
        )]);
        assert!(
            text.ends_with("## `actors.relay`\n\nNo settings.\n"),
            "{text}"
        );
    }
}
