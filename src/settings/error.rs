//! What can be wrong with the settings; every text names the setting and where it came from.
//!
//! No variant repeats a value: it may be a secret. For the same reason the cause of a file that
//! cannot be parsed is kept as a line and a message only, since the parser's own error quotes the
//! line.

use std::io;
use std::path::PathBuf;

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A settings file that is no TOML.
    #[error("`{}` is no TOML: line {line}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What the parser expected.
        message: String,
    },
    /// A setting that does not exist.
    #[error("unknown setting `{key}` from {origin}{}", did_you_mean(nearest.as_deref()))]
    Unknown {
        /// The key, or the name of the environment variable.
        key: String,
        /// Where it was found.
        origin: String,
        /// The most similar name there is.
        nearest: Option<String>,
    },
    /// A setting whose value cannot be used.
    #[error("setting `{key}` from {origin} {reason}")]
    Invalid {
        /// The key.
        key: String,
        /// Where its value was found.
        origin: String,
        /// A predicate: "must be …".
        reason: String,
    },
    /// An assignment on the command line without `=`.
    #[error("`{text}` on the command line is no `key.path=value`")]
    Assignment {
        /// What was given: a key alone, and so no secret.
        text: String,
    },
    /// The secret key must come from outside, and does not.
    #[error(
        "NATS is set, so the secret key must be given as `secret_key` or `secret_key_file`: every process needs the same one"
    )]
    SecretKeyRequired,
    /// The secret key cannot be kept.
    #[error("cannot {operation} `{}`", path.display())]
    SecretKeyFile {
        /// A verb.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A key file with something else in it.
    #[error("`{}` must hold 32 bytes in standard base64", path.display())]
    SecretKeyForm {
        /// The file.
        path: PathBuf,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
