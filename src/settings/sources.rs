//! The places settings are read from, as values: tests bring their own environment.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use figment::value::{Dict, Empty, Value};

use crate::error::Error;
use crate::keys::{ACTORS, Key, PLAIN_NAMES, PREFIX, nearest, variable};
use crate::layer::Layer;

/// Variable that names the settings file where the command line does not.
const CONFIG_VARIABLE: &str = "HOURSMITH_CONFIG";

/// Largest settings file, in bytes. A real one has a few kilobytes; anything near this is
/// another file.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Where settings come from. `Debug` shows names alone, since values may be secret.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file that was asked for; without it, `hoursmith.toml` in the data folder if there is
    /// one.
    pub config_file: Option<PathBuf>,
    /// Names and values of environment variables. Those without a meaning here may be among them.
    /// An empty one counts as not set.
    pub environment: Vec<(String, String)>,
    /// Keys and values from the command line, the last one wins. An empty value clears a setting.
    pub overrides: Vec<(String, String)>,
}

impl Sources {
    /// The environment of this process. A variable of ours that is no UTF-8 is refused.
    pub fn from_process(
        config_file: Option<PathBuf>,
        overrides: Vec<(String, String)>,
    ) -> Result<Self, Error> {
        let mut environment = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            if !name.starts_with(PREFIX) && !PLAIN_NAMES.iter().any(|(plain, _)| *plain == name) {
                continue;
            }
            let value = value.into_string().map_err(|_| Error::Invalid {
                key: name.clone(),
                origin: "the environment".to_owned(),
                reason: "must be UTF-8".to_owned(),
            })?;
            environment.push((name, value));
        }
        Ok(Self {
            config_file,
            environment,
            overrides,
        })
    }

    /// Adds an assignment as `--set` takes it: `key.path=value`.
    pub fn set(&mut self, assignment: &str) -> Result<(), Error> {
        let (key, value) = assignment
            .split_once('=')
            .ok_or_else(|| Error::Assignment {
                text: assignment.to_owned(),
            })?;
        self.overrides
            .push((key.trim().to_owned(), value.to_owned()));
        Ok(())
    }

    /// The file that was asked for, by command line or environment.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        self.config_file.clone().or_else(|| {
            let (_, path) = self
                .environment
                .iter()
                .find(|(name, path)| name == CONFIG_VARIABLE && !path.is_empty())?;
            Some(PathBuf::from(path))
        })
    }

    /// One layer per variable: other programs' names first, so that ours win.
    pub(crate) fn environment_layers(
        &self,
        keys: &[Key],
        actors: &[&str],
    ) -> Result<Vec<Layer>, Error> {
        let mut layers = Vec::new();
        for (plain, path) in PLAIN_NAMES {
            for (name, value) in self.environment.iter().filter(|(name, _)| name == plain) {
                layers.push((name, path.to_owned(), value));
            }
        }
        for (name, value) in &self.environment {
            if let Some(rest) = name
                .strip_prefix(PREFIX)
                .filter(|_| name != CONFIG_VARIABLE)
            {
                layers.push((name, path_of(name, rest, keys, actors)?, value));
            }
        }
        layers
            .into_iter()
            .filter(|(_, _, value)| !value.is_empty())
            .map(|(name, path, text)| {
                let origin = format!("environment variable {name}");
                let value = value(text, &path, &origin, keys)?;
                Ok(Layer::of_one(origin, &path, value))
            })
            .collect()
    }

    /// One layer per assignment.
    pub(crate) fn override_layers(&self, keys: &[Key]) -> Result<Vec<Layer>, Error> {
        self.overrides
            .iter()
            .map(|(path, text)| {
                let origin = "the command line".to_owned();
                let value = if text.is_empty() {
                    Empty::None.into()
                } else {
                    value(text, path, &origin, keys)?
                };
                Ok(Layer::of_one(origin, path, value))
            })
            .collect()
    }
}

/// Reads a settings file.
pub(crate) fn file_layer(path: &Path) -> Result<Layer, Error> {
    let text = read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    let values: Dict = toml::from_str(&text).map_err(|error| Error::Parse {
        path: path.to_owned(),
        line: line_of(&text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    Ok(Layer {
        origin: format!("`{}`", path.display()),
        values,
    })
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "a settings file has at most 1 MiB",
        ));
    }
    Ok(text)
}

/// Line, from 1, of a byte in a text.
fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// The setting that a variable's name means.
fn path_of(name: &str, rest: &str, keys: &[Key], actors: &[&str]) -> Result<String, Error> {
    let path = rest.to_lowercase().replace("__", ".");
    if keys.iter().any(|key| key.path == path) {
        return Ok(path);
    }
    if let Some((table, key)) = path
        .strip_prefix("actors.")
        .and_then(|rest| rest.split_once('.'))
    {
        // A variable's name has no hyphen, an actor's may.
        let actor = actors.iter().find(|actor| actor.replace('-', "_") == table);
        if let Some(actor) = actor.filter(|_| !key.is_empty()) {
            return Ok(format!("{ACTORS}.{actor}.{key}"));
        }
    }
    let variables = keys
        .iter()
        .map(|key| variable(&key.path))
        .chain([CONFIG_VARIABLE.to_owned()]);
    Err(Error::Unknown {
        key: name.to_owned(),
        origin: "the environment".to_owned(),
        nearest: nearest(name, variables),
    })
}

/// A text as the value of a setting. It stays text, which numbers and booleans are read from
/// later; guessing here would turn a password of digits into a number. A list is written as in
/// TOML.
fn value(text: &str, path: &str, origin: &str, keys: &[Key]) -> Result<Value, Error> {
    let list = || {
        toml::from_str::<Dict>(&format!("list = {text}"))
            .ok()?
            .remove("list")
    };
    if keys.iter().any(|key| key.path == path && key.is_list) {
        return list().ok_or_else(|| Error::Invalid {
            key: path.to_owned(),
            origin: origin.to_owned(),
            reason: r#"must be a list as in TOML, such as ["a", "b"]"#.to_owned(),
        });
    }
    let of_actor = path.starts_with("actors.");
    Ok(Some(text)
        .filter(|text| of_actor && text.starts_with('['))
        .and_then(|_| list())
        .unwrap_or_else(|| text.into()))
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |pairs: &[(String, String)]| {
            pairs
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        f.debug_struct("Sources")
            .field("config_file", &self.config_file)
            .field("environment", &names(&self.environment))
            .field("overrides", &names(&self.overrides))
            .finish()
    }
}
