//! Test databases and checks, for the tests of every crate that has statements.
//!
//! A test database is the real engine, migrated, empty and the test's own. Where PostgreSQL is not
//! installed, tests **fail**: a skip would turn every PostgreSQL test green while running none.

mod cluster;
mod contents;

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};

use hoursmith_domain::Timestamp;
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::conn::Engine;
use crate::db::{Db, OpenOptions};
use crate::statement::Statement;
use crate::target::Target;

pub use cluster::TestPostgres;
pub use contents::contents;

/// Runs cases on both databases: `async fn case(db: TestDb)` each, in the module that says so.
#[macro_export]
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case($crate::testing::TestDb::sqlite().await).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case($crate::testing::TestDb::postgres().await).await;
                }
            )+
        }
    };
}
pub use on_both;

/// When test databases were migrated: 2026-11-24T00:00:00Z.
const MIGRATED_AT: Timestamp = Timestamp::from_micros(1_795_478_400_000_000);

/// The database that those of tests are copies of.
const TEMPLATE: &str = "template_hoursmith";

/// A migrated database of one test's own. Gone when the test is.
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    target: Target,
    // Deleted when dropped. `None` for PostgreSQL, whose cluster goes as a whole.
    _folder: Option<TempDir>,
}

impl TestDb {
    /// A file in a folder of its own.
    pub async fn sqlite() -> Self {
        let made = Self::empty_sqlite().await;
        migrate(&made.db).await;
        made
    }

    /// A database of the cluster that this process shares.
    pub async fn postgres() -> Self {
        // Made by the first that comes; one at a time, since a template must not be in use while
        // it is copied.
        static TEMPLATE_MADE: Mutex<bool> = Mutex::const_new(false);

        let cluster = TestPostgres::start();
        let mut made = TEMPLATE_MADE.lock().await;
        if !*made {
            cluster.create_database(TEMPLATE, "template0").await;
            let db = open(&cluster.target(TEMPLATE)).await;
            migrate(&db).await;
            db.close().await;
            *made = true;
        }
        Self::postgres_copy(TEMPLATE).await
    }

    /// A database of a cluster of its own, for a test that restarts it.
    pub async fn postgres_alone() -> (Self, TestPostgres) {
        let cluster = TestPostgres::start_one();
        cluster.create_database("alone", "template0").await;
        let target = cluster.target("alone");
        let made = Self {
            db: open(&target).await,
            target,
            _folder: None,
        };
        migrate(&made.db).await;
        (made, cluster)
    }

    /// Another database of the same engine, without a schema. For tests of migrating.
    pub async fn empty_like(&self) -> Self {
        match self.target {
            Target::Sqlite { .. } => Self::empty_sqlite().await,
            Target::Postgres { .. } => Self::postgres_copy("template0").await,
        }
    }

    async fn empty_sqlite() -> Self {
        let folder = TempDir::new().expect("a folder for the test's database");
        let target = Target::Sqlite {
            path: folder.path().join("hoursmith.db"),
        };
        Self {
            db: open(&target).await,
            target,
            _folder: Some(folder),
        }
    }

    async fn postgres_copy(template: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);

        let cluster = TestPostgres::start();
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        cluster.create_database(&name, template).await;
        let target = cluster.target(&name);
        Self {
            db: open(&target).await,
            target,
            _folder: None,
        }
    }

    /// Does now what PostgreSQL's autovacuum would do sometime after many rows were written, so that it
    /// does not do it beside what is measured.
    pub async fn vacuum(&self) {
        cluster::run_alone(&self.target, "VACUUM (ANALYZE)".to_owned()).await;
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Where it is, to open it once more.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Where it is, as the command line takes it.
    pub fn url(&self) -> String {
        match &self.target {
            Target::Sqlite { path } => format!("sqlite:{}", path.display()),
            Target::Postgres { url } => url.expose_secret().to_owned(),
        }
    }
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

async fn open(target: &Target) -> Db {
    Db::open(target, OpenOptions::default())
        .await
        .expect("the test's database opens")
}

async fn migrate(db: &Db) {
    db.migrate(MIGRATED_AT)
        .await
        .expect("the schema applies to an empty database");
}

/// Prepares every statement, which finds wrong names, types and syntax. Panics with all that
/// fail.
pub async fn prepare_all(db: &Db, statements: &[Statement]) {
    use sqlx::{Executor, SqlSafeStr};

    let mut refused = Vec::new();
    let mut conn = db.read().await.expect("a connection");
    for statement in statements {
        let sql = statement.sql.into_sql_str();
        let prepared = match conn.engine() {
            Engine::Sqlite(conn) => (&mut **conn).prepare(sql).await.map(drop),
            Engine::Postgres(conn) => (&mut **conn).prepare(sql).await.map(drop),
        };
        if let Err(error) = prepared {
            refused.push(format!("{}: {error}", statement.name));
        }
    }
    assert!(
        refused.is_empty(),
        "{} refuses:\n{}",
        db.engine(),
        refused.join("\n")
    );
}
