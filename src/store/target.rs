//! Where the database is: a URL, checked before anything is opened.

use std::path::PathBuf;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

/// A database to open.
#[derive(Debug, Clone)]
pub enum Target {
    /// One file of this machine, made when absent.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A server.
    Postgres {
        /// The whole URL, which may hold a password.
        url: SecretString,
    },
}

/// Text that is no database URL. Never quotes the text, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Some other scheme, or none.
    #[error("the database URL must begin with `sqlite:` or `postgres://`")]
    Scheme,
    /// No file that can keep data.
    #[error("`sqlite:` must be followed by the path of a file, without parameters")]
    Path,
    /// A PostgreSQL URL that cannot be read.
    #[error("the PostgreSQL URL cannot be read")]
    Postgres(#[source] sqlx::Error),
}

impl Target {
    /// Reads `sqlite:PATH`, `postgres://…` or `postgresql://…`.
    ///
    /// Anything else is refused: taking what is no PostgreSQL URL for a file name would answer a
    /// typing error with a new and empty database. Refused for the same reason are
    /// `sqlite::memory:` and a path with `?` or `://` in it.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let no_file = path.is_empty() || path == ":memory:" || path.ends_with('/');
            if no_file || path.contains('?') || path.contains("://") {
                return Err(TargetError::Path);
            }
            return Ok(Self::Sqlite { path: path.into() });
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            PgConnectOptions::from_str(url).map_err(TargetError::Postgres)?;
            return Ok(Self::Postgres { url: url.into() });
        }
        Err(TargetError::Scheme)
    }

    /// Whether it is a file that is not there yet, and would be made by opening it.
    pub fn is_missing_file(&self) -> bool {
        match self {
            Self::Sqlite { path } => !path.exists(),
            Self::Postgres { .. } => false,
        }
    }

    /// Whether it is a file whose folder is not there: opening it cannot make it.
    pub fn lacks_folder(&self) -> bool {
        match self {
            Self::Sqlite { path } => path
                .parent()
                .is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()),
            Self::Postgres { .. } => false,
        }
    }

    /// What a person may see: the file, or server and database without user and password.
    pub fn display(&self) -> String {
        match self {
            Self::Sqlite { path } => path.display().to_string(),
            Self::Postgres { url } => match PgConnectOptions::from_str(url.expose_secret()) {
                Ok(options) => format!(
                    "{}:{}/{}",
                    options.get_host(),
                    options.get_port(),
                    options.get_database().unwrap_or_default()
                ),
                Err(_) => "PostgreSQL".to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_makes_no_file() {
        for wrong in [
            "",
            "hoursmith.db",
            "postgre://localhost/hoursmith",
            "mysql://localhost/hoursmith",
            "POSTGRES://localhost/hoursmith",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:data/",
            "sqlite:hoursmith.db?mode=ro",
            "sqlite:postgres://localhost/hoursmith",
            "postgres://localhost:port/hoursmith",
        ] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
        for (url, file) in [("sqlite:a.db", "a.db"), ("sqlite:///srv/a.db", "/srv/a.db")] {
            assert_eq!(Target::parse(url).unwrap().display(), file);
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let target = Target::parse("postgresql://u:secret@db.example/hours").unwrap();
        assert_eq!(target.display(), "db.example:5432/hours");
        assert!(!format!("{target:?}").contains("secret"));
    }
}
