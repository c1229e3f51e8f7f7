//! The schema, step by step. `migrations/README.md` has the rules for a step.
//!
//! All missing steps are one write job: one transaction, so that a migrator that is killed leaves
//! nothing, and one lock, so that many may start at once. sqlx's migrator was refused: on SQLite
//! it takes no lock, it fails when the database is ahead of the binary (which expand and contract
//! allow), and it reads the clock.

use std::time::Duration;

use hoursmith_domain::Timestamp;
use sha2::{Digest, Sha256};

use crate::conn::{Conn, Engine};
use crate::db::Db;
use crate::error::Error;
use crate::{execute, fetch_all, on_db};

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its number; steps run in this order.
    pub version: i64,
    /// What it is about.
    pub name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal $file:literal,)+) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $file)),
            postgres: include_str!(concat!("../../migrations/postgres/", $file)),
        },)+]
    };
}

/// Every step that this binary knows.
const MIGRATIONS: &[Migration] = migrations! {
    1 "foundation" "0001_foundation.sql",
    2 "work" "0002_work.sql",
    3 "webhooks" "0003_webhooks.sql",
    4 "accounts" "0004_accounts.sql",
};

/// How long migrating may take: waiting for another migrator, and all missing steps.
const LIMIT: Duration = Duration::from_secs(600);

/// PostgreSQL: one migrator at a time, whatever the number of processes. Waits for it as long as
/// migrating may take; a step itself waits for a table at most 10 s, because everyone else who
/// wants the table waits behind it. The number is `hoursmit` in ASCII.
const LOCK_POSTGRES: &str = "SET LOCAL statement_timeout = 0;
    SET LOCAL lock_timeout = '600s';
    SELECT pg_advisory_xact_lock(7525362636782659956);
    SET LOCAL lock_timeout = '10s'";

const HAS_TABLE_SQLITE: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations')";
const HAS_TABLE_POSTGRES: &str = "SELECT to_regclass('schema_migrations') IS NOT NULL";

crate::statements! {
    /// The record of steps. In no migration file, because it must be there before the first.
    CREATE_RECORDS = "CREATE TABLE IF NOT EXISTS schema_migrations (
        version    BIGINT NOT NULL PRIMARY KEY,
        name       TEXT   NOT NULL,
        checksum   TEXT   NOT NULL,
        applied_at BIGINT NOT NULL
    )";
    /// The steps that were applied.
    APPLIED = "SELECT version, checksum FROM schema_migrations ORDER BY version";
    /// Notes that a step was applied.
    RECORD = "INSERT INTO schema_migrations (version, name, checksum, applied_at)
        VALUES ($1, $2, $3, $4)";
}

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The steps applied now, in order.
    pub applied: Vec<Migration>,
    /// How many had been applied before, those of a newer binary included.
    pub already: usize,
}

/// Why the schema was not brought up to date. Nothing of the attempt stays.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// An applied step is not the one of this binary.
    #[error("migration {version} `{name}` was applied with another content than this binary has")]
    Changed {
        /// The step's number.
        version: i64,
        /// The step's name.
        name: &'static str,
    },
    /// A step failed.
    #[error("migration {version} `{name}` failed")]
    Step {
        /// The step's number.
        version: i64,
        /// The step's name.
        name: &'static str,
        /// Why.
        source: Error,
    },
    /// The database failed.
    #[error("the schema could not be brought up to date")]
    Store(#[from] Error),
}

impl Db {
    /// Applies every missing step, as one transaction. Safe to call from many processes at once.
    /// A database that is ahead of this binary is left as it is.
    pub async fn migrate(&self, now: Timestamp) -> Result<MigrationReport, MigrationError> {
        self.write_within(Some(LIMIT), move |conn| Box::pin(apply(conn, now)))
            .await
    }

    /// The steps that [`Db::migrate`] would apply.
    pub async fn pending_migrations(&self) -> Result<Vec<Migration>, MigrationError> {
        const LOOK: &str = "look for the record of migrations";
        let mut conn = self.read().await?;
        let exists = match conn.engine() {
            Engine::Sqlite(_) => HAS_TABLE_SQLITE,
            Engine::Postgres(_) => HAS_TABLE_POSTGRES,
        };
        let (exists,): (bool,) = on_db!(&mut conn, |conn| sqlx::query_as(exists)
            .fetch_one(&mut **conn)
            .await)
        .map_err(|source| Error::driver(LOOK, source))?;
        let applied = if exists {
            fetch_all!(&mut conn, APPLIED as (i64, String))?
        } else {
            Vec::new()
        };
        missing(&applied, conn.engine_name())
    }
}

async fn apply(conn: &mut Conn, now: Timestamp) -> Result<MigrationReport, MigrationError> {
    // On SQLite the writer's transaction is the lock.
    if let Engine::Postgres(conn) = conn.engine() {
        sqlx::raw_sql(LOCK_POSTGRES)
            .execute(&mut **conn)
            .await
            .map_err(|source| Error::driver("lock the schema", source))?;
    }
    execute!(conn, CREATE_RECORDS)?;
    let applied = fetch_all!(conn, APPLIED as (i64, String))?;
    let missing = missing(&applied, conn.engine_name())?;
    for step in &missing {
        let sql = step.sql(conn.engine_name());
        on_db!(conn, |conn| sqlx::raw_sql(sql)
            .execute(&mut **conn)
            .await
            .map(drop))
        .map_err(|source| {
            let source = Error::driver("apply a migration", source);
            MigrationError::Step {
                version: step.version,
                name: step.name,
                source,
            }
        })?;
        execute!(
            conn,
            RECORD,
            step.version,
            step.name,
            checksum(sql),
            now.as_micros()
        )?;
    }
    Ok(MigrationReport {
        applied: missing,
        already: applied.len(),
    })
}

/// The steps that were not applied, once those applied are known to be the same.
fn missing(applied: &[(i64, String)], engine: &str) -> Result<Vec<Migration>, MigrationError> {
    let mut missing = Vec::new();
    for step in MIGRATIONS {
        match applied.iter().find(|(version, _)| *version == step.version) {
            None => missing.push(*step),
            Some((_, known)) if *known == checksum(step.sql(engine)) => {}
            Some(_) => {
                return Err(MigrationError::Changed {
                    version: step.version,
                    name: step.name,
                });
            }
        }
    }
    Ok(missing)
}

impl Migration {
    fn sql(&self, engine: &str) -> &'static str {
        if engine == "sqlite" {
            self.sqlite
        } else {
            self.postgres
        }
    }
}

/// SHA-256 in hex.
fn checksum(sql: &str) -> String {
    Sha256::digest(sql)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_step_must_not_change_and_a_newer_database_is_fine() {
        let first = &MIGRATIONS[0];
        let applied = |checksum: String| vec![(first.version, checksum), (9_999, String::new())];
        assert_eq!(missing(&[], "sqlite").unwrap(), MIGRATIONS);
        let same = applied(checksum(first.sqlite));
        assert_eq!(missing(&same, "sqlite").unwrap(), &MIGRATIONS[1..]);
        let changed = missing(&applied("00".to_owned()), "postgresql");
        assert!(matches!(
            changed,
            Err(MigrationError::Changed { version: 1, .. })
        ));
    }

    #[test]
    fn numbers_rise_by_one() {
        for (place, step) in (1..).zip(MIGRATIONS) {
            assert_eq!(step.version, place, "{}", step.name);
        }
    }
}
