//! The settings there are, read from their schema: what is known, what a value may be, and what
//! the reference says.

use serde_json::Value;

/// One setting.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// Dotted path, such as `request.deadline_ms`.
    pub(crate) path: String,
    /// Its doc comment, on one line.
    pub(crate) meaning: String,
    /// Least value of a number.
    pub(crate) minimum: Option<f64>,
    /// Greatest value of a number.
    pub(crate) maximum: Option<f64>,
    /// Whether it takes a list.
    pub(crate) is_list: bool,
}

/// The table that belongs to the actors, whose keys only they know.
pub(crate) const ACTORS: &str = "actors";

/// Prefix of every environment variable that is a setting.
pub(crate) const PREFIX: &str = "HOURSMITH_";

/// Names that other programs use for the same thing, and the settings they are.
pub(crate) const PLAIN_NAMES: [(&str, &str); 3] = [
    ("DATABASE_URL", "database_url"),
    ("NATS_URL", "nats_url"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
];

/// The settings of this room's own types; the actors' tables are not among them.
pub(crate) fn settings_keys() -> Vec<Key> {
    let schema = schemars::schema_for!(crate::Settings);
    let mut keys = of_schema("", schema.as_value());
    keys.retain(|key| key.path != ACTORS);
    keys
}

/// The settings of a schema, each path behind a prefix.
pub(crate) fn of_schema(prefix: &str, schema: &Value) -> Vec<Key> {
    let mut keys = Vec::new();
    collect(prefix, schema, schema, &mut keys);
    keys
}

/// The environment variable of a setting.
pub(crate) fn variable(path: &str) -> String {
    format!(
        "{PREFIX}{}",
        path.replace('.', "__").replace('-', "_").to_uppercase()
    )
}

/// The most similar of some names, if one is similar at all.
pub(crate) fn nearest<T: AsRef<str>>(
    wrong: &str,
    names: impl IntoIterator<Item = T>,
) -> Option<String> {
    names
        .into_iter()
        .map(|name| {
            (
                strsim::normalized_damerau_levenshtein(wrong, name.as_ref()),
                name,
            )
        })
        .filter(|(similarity, _)| *similarity > 0.6)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name.as_ref().to_owned())
}

fn collect(path: &str, schema: &Value, root: &Value, keys: &mut Vec<Key>) {
    let resolved = resolve(schema, root);
    if let Some(properties) = resolved.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            collect(&path, property, root, keys);
        }
        return;
    }
    let number = |name| resolved.get(name).and_then(Value::as_f64);
    keys.push(Key {
        path: path.to_owned(),
        meaning: meaning(schema)
            .or_else(|| meaning(resolved))
            .unwrap_or_default(),
        minimum: number("minimum"),
        maximum: number("maximum"),
        is_list: resolved.get("type").is_some_and(|kind| kind == "array"),
    });
}

/// Follows references into the definitions, and optional values to what they may hold.
fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let referred = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| root.pointer(reference.strip_prefix('#')?));
    let optional = || schema.get("anyOf")?.as_array()?.first();
    match referred.or_else(optional) {
        // A definition never refers to itself: settings are no recursive type.
        Some(inner) => resolve(inner, root),
        None => schema,
    }
}

/// A doc comment on one line.
pub(crate) fn meaning(schema: &Value) -> Option<String> {
    let text = schema.get("description")?.as_str()?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A property of a table, by name.
pub(crate) fn property<'a>(schema: &'a Value, name: &str, root: &'a Value) -> Option<&'a Value> {
    resolve(schema, root).get("properties")?.get(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_for_operators_set_only_what_there_is() {
        let known: Vec<String> = settings_keys()
            .iter()
            .map(|key| variable(&key.path))
            .collect();
        for text in [
            include_str!("../../ops/compose.yml"),
            include_str!("../../ops/hoursmith.service"),
        ] {
            let names = text
                .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .filter(|word| word.starts_with(PREFIX));
            let unknown: Vec<_> = names
                .filter(|name| !known.iter().any(|known| known == name))
                .collect();
            assert!(unknown.is_empty(), "{unknown:?}");
        }
    }

    #[test]
    fn a_name_is_suggested_only_when_it_is_similar() {
        let names = ["database_url", "nats_url"];
        assert_eq!(
            nearest("databse_url", names).as_deref(),
            Some("database_url")
        );
        assert_eq!(nearest("colour", names), None);
    }
}
