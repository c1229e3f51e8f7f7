//! One source's settings, with the name of the source, so that every complaint can give it.

use std::collections::BTreeMap;

use figment::providers::Serialized;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use crate::error::Error;
use crate::keys::{ACTORS, Key, nearest};
use crate::{Settings, redact};

/// Settings from one place: a file, one environment variable, one assignment.
pub(crate) struct Layer {
    /// The place, as a complaint names it.
    pub(crate) origin: String,
    /// What it sets.
    pub(crate) values: Dict,
}

impl Layer {
    /// A layer of one setting.
    pub(crate) fn of_one(origin: String, path: &str, value: Value) -> Self {
        let values = figment::util::nest(path, value)
            .into_dict()
            .unwrap_or_default();
        Self { origin, values }
    }

    /// Refuses what is no setting.
    pub(crate) fn check(&self, keys: &[Key], actors: &[&str]) -> Result<(), Error> {
        self.check_table("", &self.values, keys, actors)
    }

    fn check_table(
        &self,
        prefix: &str,
        table: &Dict,
        keys: &[Key],
        actors: &[&str],
    ) -> Result<(), Error> {
        for (name, value) in table {
            let path = join(prefix, name);
            if keys.iter().any(|key| key.path == path) {
                continue;
            }
            let is_table = path == ACTORS
                || keys
                    .iter()
                    .any(|key| key.path.starts_with(&format!("{path}.")));
            match value {
                Value::Dict(_, actor_tables) if path == ACTORS => {
                    self.check_actors(actor_tables, actors)?
                }
                Value::Dict(_, inner) if is_table => {
                    self.check_table(&path, inner, keys, actors)?
                }
                _ if is_table => {
                    let reason = "must be a table".to_owned();
                    return Err(Error::Invalid {
                        key: path,
                        origin: self.origin.clone(),
                        reason,
                    });
                }
                _ => {
                    let nearest = nearest(&path, keys.iter().map(|key| key.path.as_str()));
                    return Err(Error::Unknown {
                        key: path,
                        origin: self.origin.clone(),
                        nearest,
                    });
                }
            }
        }
        Ok(())
    }

    fn check_actors(&self, tables: &Dict, actors: &[&str]) -> Result<(), Error> {
        for (name, table) in tables {
            let key = join(ACTORS, name);
            let origin = self.origin.clone();
            if !actors.contains(&name.as_str()) {
                let nearest = nearest(name, actors).map(|name| join(ACTORS, &name));
                return Err(Error::Unknown {
                    key,
                    origin,
                    nearest,
                });
            }
            if table.as_dict().is_none() {
                return Err(Error::Invalid {
                    key,
                    origin,
                    reason: "must be a table".to_owned(),
                });
            }
        }
        Ok(())
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// Where each setting's value came from, by dotted path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins(BTreeMap<String, String>);

impl Origins {
    /// Of layers in rising precedence.
    pub(crate) fn of(layers: &[Layer]) -> Self {
        let mut origins = BTreeMap::new();
        for layer in layers {
            note("", &layer.values, &layer.origin, &mut origins);
        }
        Self(origins)
    }

    /// The place that a setting, or the table it stands in, came from.
    pub(crate) fn of_key(&self, path: &str) -> String {
        let mut path = path;
        loop {
            if let Some(origin) = self.0.get(path) {
                return origin.clone();
            }
            match path.rsplit_once('.') {
                Some((table, _)) => path = table,
                None => return "the defaults".to_owned(),
            }
        }
    }
}

/// Layers over the defaults, the last on top. Key by key, so that a table that sets half of a limit
/// leaves the other half as it is.
pub(crate) fn merge(defaults: &Settings, layers: &[Layer]) -> Figment {
    let defaults = Figment::from(Serialized::defaults(redact::json(defaults)));
    layers.iter().fold(defaults, |figment, layer| {
        figment.merge(Layer {
            origin: layer.origin.clone(),
            values: layer.values.clone(),
        })
    })
}

fn note(prefix: &str, table: &Dict, origin: &str, origins: &mut BTreeMap<String, String>) {
    for (name, value) in table {
        let path = join(prefix, name);
        if let Value::Dict(_, inner) = value {
            note(&path, inner, origin, origins);
        }
        origins.insert(path, origin.to_owned());
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}.{name}")
    }
}
