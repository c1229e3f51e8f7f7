//! PostgreSQL: a pool; each write job has a transaction and a task of its own.
//!
//! The server shares flushes among transactions itself. Sessions are read-only unless a
//! transaction says otherwise, so that a write through a read guard is refused here as on SQLite.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Semaphore;

use crate::conn::{Conn, Engine};
use crate::db::OpenOptions;
use crate::error::{Error, ErrorKind};
use crate::job::{Attempt, Job, WRITE, attempt};
use crate::statement::PREPARED_MAX;

/// Write jobs that may run or wait for a connection; one more is refused as busy. The same number
/// as SQLite's queue, so that both refuse alike.
const WRITES_MAX: u32 = 1_024;

/// A connection is replaced after this time, so that the server's memory for it does not grow
/// for ever and a fail-over by DNS is noticed.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// A connection that rested this long is asked for a sign of life before it is used: after a
/// restart of the server, the first readers find no dead ones. Busy ones are not asked, which
/// saves a round trip each time.
const TEST_AFTER_IDLE: Duration = Duration::from_secs(1);

/// The pool and the writes in flight, as [`Db`](crate::Db) holds them.
pub(crate) struct Server {
    pub(crate) pool: PgPool,
    writes: Arc<Semaphore>,
    job_limit: Duration,
}

/// Options of every connection.
///
/// `lock_timeout` is how long a request waits for another one with the same idempotency key;
/// `statement_timeout` ends what went astray. Nearly every statement has an index: it is used though
/// statistics of a table that has just been filled do not know yet that it is worth it. Where there is
/// none the planner counts so much for reading all that it would compile the statement (`jit`).
pub(crate) fn connect_options(url: &SecretString) -> Result<PgConnectOptions, sqlx::Error> {
    Ok(PgConnectOptions::from_str(url.expose_secret())?
        .application_name("hoursmith")
        .statement_cache_capacity(PREPARED_MAX)
        .options([
            ("lock_timeout", "2s"),
            ("statement_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("default_transaction_read_only", "on"),
            ("enable_seqscan", "off"),
            ("jit", "off"),
        ])
        .disable_statement_logging())
}

impl Server {
    pub(crate) fn new(connect: PgConnectOptions, options: &OpenOptions) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(options.postgres_connections.get())
            .acquire_timeout(options.acquire_timeout)
            .max_lifetime(MAX_LIFETIME)
            .test_before_acquire(false)
            .before_acquire(|conn, seen| {
                Box::pin(async move {
                    if seen.idle_for >= TEST_AFTER_IDLE {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(connect);
        let writes = Arc::new(Semaphore::new(WRITES_MAX as usize));
        Self {
            pool,
            writes,
            job_limit: options.write_timeout,
        }
    }

    /// Starts a job on a task of its own, or tells its caller at once why not.
    pub(crate) fn submit(&self, job: Box<dyn Job>) {
        let place = match Arc::clone(&self.writes).try_acquire_owned() {
            Ok(place) => place,
            Err(tokio::sync::TryAcquireError::NoPermits) => {
                let error = Error::new(WRITE, ErrorKind::Busy, "too many writes are under way");
                return job.finish(Err(error));
            }
            Err(tokio::sync::TryAcquireError::Closed) => {
                let error = Error::new(WRITE, ErrorKind::Unavailable, "the store is closed");
                return job.finish(Err(error));
            }
        };
        let (pool, job_limit) = (self.pool.clone(), self.job_limit);
        crate::db::spawn(async move {
            transaction(&pool, job, job_limit).await;
            drop(place);
        });
    }

    /// Takes no more jobs, and returns once those taken are decided.
    pub(crate) async fn close(&self) {
        // All places: then no job is under way. An error means that it was closed before.
        let _all = self.writes.acquire_many(WRITES_MAX).await;
        self.writes.close();
        self.pool.close().await;
    }
}

/// Runs and commits one job, then tells its caller.
async fn transaction(pool: &PgPool, mut job: Box<dyn Job>, job_limit: Duration) {
    let mut conn = match pool.acquire().await {
        Ok(conn) => Conn::new(Engine::Postgres(conn)),
        Err(error) => return job.finish(Err(acquire_error(pool, error))),
    };
    match run(&mut conn, job.as_mut(), job_limit).await {
        Ok(Attempt::Kept | Attempt::Refused) => job.finish(Ok(())),
        Ok(Attempt::Lost(error)) => {
            conn.discard();
            job.finish(Err(error));
        }
        Err(error) => {
            conn.discard();
            job.finish(Err(Error::driver(WRITE, error).into_unavailable()));
        }
    }
}

/// On an error, or a lost attempt, the connection is not fit for further use: closing it rolls
/// back whatever it was in the middle of.
async fn run(
    conn: &mut Conn,
    job: &mut dyn Job,
    job_limit: Duration,
) -> Result<Attempt, sqlx::Error> {
    conn.control("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        .await?;
    let attempt = attempt(job, conn, job_limit).await;
    match attempt {
        Attempt::Kept => conn.control("COMMIT").await?,
        Attempt::Refused => conn.control("ROLLBACK").await?,
        Attempt::Lost(_) => {}
    }
    Ok(attempt)
}

/// A pool that is full says the same as a server that is away; its size tells them apart.
pub(crate) fn acquire_error(pool: &PgPool, error: sqlx::Error) -> Error {
    const ACQUIRE: &str = "acquire a connection";
    if matches!(error, sqlx::Error::PoolTimedOut)
        && pool.size() >= pool.options().get_max_connections()
    {
        return Error::new(ACQUIRE, ErrorKind::Busy, "every connection is in use");
    }
    Error::driver(ACQUIRE, error).into_unavailable()
}
