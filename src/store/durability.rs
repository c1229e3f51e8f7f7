//! Whether a committed write survives a power cut: the settings it rests on, and their check.
//!
//! Refusing to start is the point. A database that loses acknowledged writes looks healthy until
//! the day that it does not.

use std::fmt;

use sqlx::{PgConnection, SqliteConnection};

/// The oldest SQLite without the WAL-reset bug, which can corrupt a database that several
/// connections write (sqlite.org/wal.html#walresetbug).
const SQLITE_MIN: [u32; 3] = [3, 51, 3];

/// What a database said about its durability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// The engine, as in [`Db::engine`](crate::Db::engine).
    pub engine: &'static str,
    /// The settings, in a fixed order.
    pub settings: Vec<Setting>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the engine's manual.
    pub name: &'static str,
    /// What the database said.
    pub found: String,
    /// What is required, in words; `None` when it is only reported.
    pub required: Option<&'static str>,
    /// Whether it is as required.
    pub holds: bool,
}

/// Asks SQLite on a connection opened as the writer's is.
pub(crate) async fn of_sqlite(conn: &mut SqliteConnection) -> Result<Durability, sqlx::Error> {
    let (version,): (String,) = sqlx::query_as("SELECT sqlite_version()")
        .fetch_one(&mut *conn)
        .await?;
    let (journal,): (String,) = sqlx::query_as("PRAGMA journal_mode")
        .fetch_one(&mut *conn)
        .await?;
    let (synchronous,): (i64,) = sqlx::query_as("PRAGMA synchronous")
        .fetch_one(&mut *conn)
        .await?;
    let (foreign_keys,): (i64,) = sqlx::query_as("PRAGMA foreign_keys")
        .fetch_one(&mut *conn)
        .await?;
    Ok(Durability::sqlite(
        &version,
        &journal,
        synchronous,
        foreign_keys,
    ))
}

/// Asks PostgreSQL for the settings of this session.
pub(crate) async fn of_postgres(conn: &mut PgConnection) -> Result<Durability, sqlx::Error> {
    const NAMES: [&str; 6] = [
        "server_version",
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "server_encoding",
        "data_checksums",
    ];
    let mut settings = Vec::with_capacity(NAMES.len());
    for name in NAMES {
        let (found,): (String,) = sqlx::query_as("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(&mut *conn)
            .await?;
        settings.push((name, found));
    }
    Ok(Durability::postgres(settings))
}

impl Durability {
    /// The check for SQLite.
    fn sqlite(version: &str, journal: &str, synchronous: i64, foreign_keys: i64) -> Self {
        let numbers: Vec<u32> = version
            .split('.')
            .map_while(|part| part.parse().ok())
            .collect();
        let setting = |name, found: String, required, holds| Setting {
            name,
            found,
            required: Some(required),
            holds,
        };
        Self {
            engine: "sqlite",
            settings: vec![
                setting(
                    "version",
                    version.to_owned(),
                    "3.51.3 or newer",
                    numbers.as_slice() >= SQLITE_MIN.as_slice(),
                ),
                setting("journal_mode", journal.to_owned(), "wal", journal == "wal"),
                setting(
                    "synchronous",
                    synchronous.to_string(),
                    "2 (FULL) or 3 (EXTRA)",
                    synchronous >= 2,
                ),
                setting(
                    "foreign_keys",
                    foreign_keys.to_string(),
                    "1",
                    foreign_keys == 1,
                ),
            ],
        }
    }

    /// The check for PostgreSQL.
    fn postgres(settings: Vec<(&'static str, String)>) -> Self {
        let settings = settings.into_iter().map(|(name, found)| {
            let (required, holds) = match name {
                "fsync" | "full_page_writes" => (Some("on"), found == "on"),
                // Every other value waits for this server's own flush, at least.
                "synchronous_commit" => (Some("anything but off"), found != "off"),
                "server_encoding" => (Some("UTF8"), found == "UTF8"),
                _ => (None, true),
            };
            Setting {
                name,
                found,
                required,
                holds,
            }
        });
        Self {
            engine: "postgresql",
            settings: settings.collect(),
        }
    }

    /// Whether every required setting holds.
    pub fn holds(&self) -> bool {
        self.settings.iter().all(|setting| setting.holds)
    }
}

impl fmt::Display for Durability {
    /// The settings that do not hold, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failing = self.settings.iter().filter(|setting| !setting.holds);
        for (number, setting) in failing.enumerate() {
            let between = if number == 0 { "" } else { "; " };
            let required = setting.required.unwrap_or_default();
            write!(
                f,
                "{between}{} is {}, must be {required}",
                setting.name, setting.found
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_that_could_lose_writes_is_refused() {
        assert!(Durability::sqlite("3.51.3", "wal", 2, 1).holds());
        assert!(Durability::sqlite("3.60.0", "wal", 3, 1).holds());
        for wrong in [
            Durability::sqlite("3.51.2", "wal", 2, 1),
            Durability::sqlite("3.9.9", "wal", 2, 1),
            Durability::sqlite("", "wal", 2, 1),
            Durability::sqlite("3.51.3", "delete", 2, 1),
            Durability::sqlite("3.51.3", "wal", 1, 1),
            Durability::sqlite("3.51.3", "wal", 2, 0),
        ] {
            assert!(!wrong.holds(), "{wrong:?}");
        }
    }

    #[test]
    fn postgres_that_could_lose_writes_is_refused() {
        let with = |name: &'static str, value: &str| {
            let mut settings = vec![
                ("server_version", "15.18".to_owned()),
                ("fsync", "on".to_owned()),
                ("synchronous_commit", "on".to_owned()),
                ("full_page_writes", "on".to_owned()),
                ("server_encoding", "UTF8".to_owned()),
                ("data_checksums", "off".to_owned()),
            ];
            for (known, found) in &mut settings {
                if *known == name {
                    *found = value.to_owned();
                }
            }
            Durability::postgres(settings)
        };
        assert!(with("data_checksums", "on").holds());
        assert!(with("synchronous_commit", "remote_apply").holds());
        for (name, value) in [
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
            ("server_encoding", "SQL_ASCII"),
        ] {
            assert!(!with(name, value).holds(), "{name}");
        }
        assert_eq!(with("fsync", "off").to_string(), "fsync is off, must be on");
    }
}
