//! Opening, reading, writing, closing.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::sqlite::SqlitePool;
use sqlx::{Connection, PgConnection};

use crate::conn::{Conn, Engine, PING, ReadGuard};
use crate::durability::{self, Durability};
use crate::error::{Error, ErrorKind};
use crate::job::{self, Job, WRITE};
use crate::postgres::{self, Server};
use crate::sqlite::{self, Writer};
use crate::target::Target;

/// An open database. Cheap to clone; every clone is the same one.
#[derive(Clone)]
pub struct Db {
    side: Arc<Side>,
}

enum Side {
    Sqlite { readers: SqlitePool, writer: Writer },
    Postgres(Server),
}

/// Bounds of an open database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// SQLite: connections that read at a time. Each has a thread; past the number of processors
    /// they only take turns.
    pub sqlite_readers: NonZeroU32,
    /// PostgreSQL: connections in all. The server's default allows 100, for every process.
    pub postgres_connections: NonZeroU32,
    /// How long to wait for a free connection before the answer is busy.
    pub acquire_timeout: Duration,
    /// How long a write job may run. On SQLite every writer waits while it does.
    pub write_timeout: Duration,
    /// How long the first contact may take.
    pub probe_timeout: Duration,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            sqlite_readers: const { NonZeroU32::new(4).unwrap() },
            postgres_connections: const { NonZeroU32::new(16).unwrap() },
            acquire_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(10),
            probe_timeout: Duration::from_secs(5),
        }
    }
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be reached, or refuses us.
    #[error("cannot open the database {target}")]
    Unreachable {
        /// Which, without user and password.
        target: String,
        /// The driver's reason.
        source: sqlx::Error,
    },
    /// It did not answer in time.
    #[error("the database {target} did not answer within {waited:?}")]
    Silent {
        /// Which, without user and password.
        target: String,
        /// How long we waited.
        waited: Duration,
    },
    /// It could lose committed writes.
    #[error("the database {target} could lose committed writes: {durability}")]
    NotDurable {
        /// Which, without user and password.
        target: String,
        /// What it said.
        durability: Durability,
    },
}

impl Db {
    /// Opens a database, once it answered and showed that its commits last. Makes the SQLite file
    /// when absent; applies no migration.
    ///
    /// The first contact is a connection by itself: a pool would keep trying and, half a minute
    /// later, report a timeout in place of the reason.
    pub async fn open(target: &Target, options: OpenOptions) -> Result<Self, OpenError> {
        let name = target.display();
        let unreachable = |source| OpenError::Unreachable {
            target: target.display(),
            source,
        };
        let probe = async {
            let (side, durability) = match target {
                Target::Sqlite { path } => {
                    let durability = sqlite::probe(path).await?;
                    let readers = sqlite::readers(path, &options);
                    let writer = Writer::start(path, &options)?;
                    (Side::Sqlite { readers, writer }, durability)
                }
                Target::Postgres { url } => {
                    let connect = postgres::connect_options(url)?;
                    let mut conn = PgConnection::connect_with(&connect).await?;
                    let durability = durability::of_postgres(&mut conn).await?;
                    conn.close().await?;
                    (Side::Postgres(Server::new(connect, &options)), durability)
                }
            };
            Ok((side, durability))
        };
        let (side, durability) = tokio::time::timeout(options.probe_timeout, probe)
            .await
            .map_err(|_| OpenError::Silent {
                target: name.clone(),
                waited: options.probe_timeout,
            })?
            .map_err(unreachable)?;
        if !durability.holds() {
            return Err(OpenError::NotDurable {
                target: name,
                durability,
            });
        }
        Ok(Self {
            side: Arc::new(side),
        })
    }

    /// `sqlite` or `postgresql`, as OpenTelemetry's `db.system.name` has it.
    pub fn engine(&self) -> &'static str {
        match *self.side {
            Side::Sqlite { .. } => "sqlite",
            Side::Postgres(_) => "postgresql",
        }
    }

    /// A connection to read on. Waits for one at most as long as
    /// [`OpenOptions::acquire_timeout`], then fails as busy.
    pub async fn read(&self) -> Result<ReadGuard, Error> {
        let engine = match &*self.side {
            Side::Sqlite { readers, .. } => Engine::Sqlite(sqlite::reader(readers).await?),
            Side::Postgres(server) => {
                let pool = &server.pool;
                // Boxed: with all that opening a connection may take, this future has 14 KB, and
                // would have them in every future that reads.
                let acquired = Box::pin(pool.acquire()).await;
                Engine::Postgres(acquired.map_err(|e| postgres::acquire_error(pool, e))?)
            }
        };
        Ok(ReadGuard(Conn::new(engine)))
    }

    /// Runs a job in a transaction and returns once that is durable: `Ok` commits, `Err` leaves
    /// nothing.
    ///
    /// The job runs in the caller's tracing span. When the caller goes away it still runs to its
    /// end. It may run while others wait for it, so it does nothing but statements. A job that
    /// panics, outlives [`OpenOptions::write_timeout`], or returns `Ok` after a statement failed
    /// (PostgreSQL has aborted its transaction by then) is undone and fails.
    pub async fn write<T, E>(
        &self,
        work: impl for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.write_within(None, work).await
    }

    /// As [`Db::write`], with a limit of its own.
    pub(crate) async fn write_within<T, E>(
        &self,
        limit: Option<Duration>,
        work: impl for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (job, answer) = job::job(limit, work);
        self.submit(job);
        answer.await.unwrap_or_else(|_gone| {
            Err(E::from(Error::new(
                WRITE,
                ErrorKind::Unavailable,
                "the writer has ended",
            )))
        })
    }

    fn submit(&self, job: Box<dyn Job>) {
        match &*self.side {
            Side::Sqlite { writer, .. } => writer.submit(job),
            Side::Postgres(server) => server.submit(job),
        }
    }

    /// Whether the database answers now. For readiness.
    pub async fn ping(&self) -> Result<(), Error> {
        if let Side::Sqlite { writer, .. } = &*self.side
            && !writer.is_open()
        {
            return Err(Error::new(
                "ping",
                ErrorKind::Unavailable,
                "the writer has ended",
            ));
        }
        let mut conn = self.read().await?;
        crate::execute!(&mut conn, PING).map(drop)
    }

    /// What the database says about its durability now. For `doctor`.
    pub async fn durability(&self) -> Result<Durability, Error> {
        const ASK: &str = "ask about durability";
        let mut conn = self.read().await?;
        match conn.engine() {
            Engine::Sqlite(conn) => durability::of_sqlite(conn).await,
            Engine::Postgres(conn) => durability::of_postgres(conn).await,
        }
        .map_err(|source| Error::driver(ASK, source))
    }

    /// Takes no more jobs, lets those taken finish, and closes every connection.
    pub async fn close(&self) {
        match &*self.side {
            Side::Sqlite { readers, writer } => {
                writer.close().await;
                readers.close().await;
            }
            Side::Postgres(server) => server.close().await,
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("engine", &self.engine())
            .finish_non_exhaustive()
    }
}

/// Starts a task of the store: one PostgreSQL transaction. It catches the panics of its job itself
/// and ends with it.
#[expect(
    clippy::disallowed_methods,
    reason = "`kit` stands above this room; the tasks started here report their own failures"
)]
pub(crate) fn spawn(
    task: impl Future<Output = ()> + Send + 'static,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(task)
}
