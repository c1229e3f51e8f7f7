//! SQLite: one file, several readers, and one writer with group commit.
//!
//! A flush to disk costs milliseconds, and only one transaction can write at a time. So one thread
//! owns the one writing connection, takes whatever jobs are waiting into one transaction, each
//! under a savepoint of its own, and answers all of them after the one commit. While it flushes,
//! the next batch gathers.
//!
//! A thread rather than a task: all writes pass here one after the other, and each statement is a
//! question to the connection's own thread and an answer from there. A task would wait in the
//! runtime's queue, behind what the very callers do who wait for it, for each of these answers.
//!
//! `BEGIN IMMEDIATE`, because a transaction that reads first and then writes fails at once with
//! SQLITE_BUSY when another process wrote in between, whatever the busy timeout is.

use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::conn::{Conn, Engine};
use crate::db::OpenOptions;
use crate::durability::{self, Durability};
use crate::error::{Error, ErrorKind, is_busy};
use crate::job::{Attempt, Job, WRITE, attempt};
use crate::meter;
use crate::statement::PREPARED_MAX;

/// Jobs that may wait for the writer; one more is refused as busy. At the slowest disk we measured
/// (129 flushes/s) they are a tenth of a second of work, well within a request's deadline.
const QUEUE_MAX: usize = 1_024;

/// How long to wait before asking again for a file that another process is making.
const PROBE_PAUSE: Duration = Duration::from_millis(10);

/// Jobs in one commit. Most of the gain of sharing a flush is there at 64; more would only make
/// the first job of a batch wait longer for the last.
const BATCH_MAX: usize = 128;

/// When a batch is committed though jobs are left, which then make the next one. A job is done in
/// less than a millisecond; behind one that takes long, the others must not be committed after
/// their callers have gone.
const BATCH_TIME: Duration = Duration::from_millis(100);

/// How long to wait for another process that writes to the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages in the log file after which it is copied into the database: 16 MiB, four times SQLite's
/// default. Copying flushes twice more and holds up every write meanwhile, and pages that were
/// written over and over are copied once.
const CHECKPOINT_PAGES: &str = "4000";

/// The writer's page cache, in KiB below zero as SQLite has it. A batch that does not fit into it
/// is written to the log before its time, and some pages twice; the default of 2 MiB is about what
/// a full batch of small jobs touches. Taken as needed.
const WRITER_CACHE: &str = "-8192";

/// What the log file is cut back to once a checkpoint has emptied it.
const WAL_LIMIT_BYTES: &str = "67108864";

/// The writing side, as [`Db`](crate::Db) holds it.
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    /// Ends with the thread.
    running: Mutex<Option<oneshot::Receiver<()>>>,
}

enum Message {
    Job(Box<dyn Job>),
    Close,
}

/// Options of the writing connection, which makes the file when absent.
pub(crate) fn writer_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("journal_size_limit", WAL_LIMIT_BYTES)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .statement_cache_capacity(PREPARED_MAX)
        .disable_statement_logging()
}

/// Makes the file when absent and asks how it commits.
///
/// Of those who open a new file at the same moment, one turns it to WAL, and SQLite tells the
/// others at once that it is locked, whatever the busy timeout is. They ask again; the caller
/// bounds for how long.
pub(crate) async fn probe(path: &Path) -> Result<Durability, sqlx::Error> {
    loop {
        match probe_once(path).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(PROBE_PAUSE).await,
            result => return result,
        }
    }
}

async fn probe_once(path: &Path) -> Result<Durability, sqlx::Error> {
    let mut conn = writer_options(path).connect().await?;
    let durability = durability::of_sqlite(&mut conn).await?;
    conn.close().await?;
    Ok(durability)
}

/// The reading connections; the engine refuses writes on them.
pub(crate) fn readers(path: &Path, options: &OpenOptions) -> SqlitePool {
    let connect = writer_options(path)
        .create_if_missing(false)
        .pragma("query_only", "ON");
    pool(options.sqlite_readers, options.acquire_timeout).connect_lazy_with(connect)
}

fn pool(connections: NonZeroU32, acquire_timeout: Duration) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections.get())
        .acquire_timeout(acquire_timeout)
        // A file does not go away while a connection rests.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

impl Writer {
    /// Starts the writer's thread, which ends when every sender is gone or [`Writer::close`] is
    /// called.
    pub(crate) fn start(path: &Path, options: &OpenOptions) -> Result<Self, io::Error> {
        let (queue, inbox) = mpsc::channel(QUEUE_MAX);
        let (ends, running) = oneshot::channel();
        let connect = writer_options(path)
            .pragma("cache_size", WRITER_CACHE)
            // What a savepoint would restore is kept in memory, where a file in the temporary
            // folder would be written for each page that a job touches. It serves `ROLLBACK TO`
            // alone; a crash needs none of it.
            .pragma("temp_store", "MEMORY");
        // A pool of one: it opens the connection anew after one was discarded.
        let connections = pool(NonZeroU32::MIN, options.acquire_timeout);
        let job_limit = options.write_timeout;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let writer = WriterLoop {
                        connections: connections.connect_lazy_with(connect),
                        conn: None,
                        job_limit,
                    };
                    writer.run(inbox).await;
                });
                drop(ends);
            })?;
        Ok(Self {
            queue,
            running: Mutex::new(Some(running)),
        })
    }

    /// Puts a job in the queue, or tells its caller at once why not.
    pub(crate) fn submit(&self, job: Box<dyn Job>) {
        match self.queue.try_reserve() {
            Ok(place) => place.send(Message::Job(job)),
            Err(mpsc::error::TrySendError::Full(())) => {
                job.finish(Err(Error::new(
                    WRITE,
                    ErrorKind::Busy,
                    "the write queue is full",
                )));
            }
            Err(mpsc::error::TrySendError::Closed(())) => {
                job.finish(Err(Error::new(
                    WRITE,
                    ErrorKind::Unavailable,
                    "the store is closed",
                )));
            }
        }
    }

    /// Whether jobs are taken.
    pub(crate) fn is_open(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Takes no more jobs, and returns once those taken are decided.
    pub(crate) async fn close(&self) {
        let mut running = self.running.lock().await;
        // Fails when the writer has ended already.
        let _ = self.queue.send(Message::Close).await;
        if let Some(running) = running.take() {
            // Nothing is ever sent: this fails once the thread has ended.
            let _ = running.await;
        }
    }
}

/// A connection to read on. One that rests is taken at once; only to wait or to open one is there
/// a future, which is large and therefore boxed.
pub(crate) async fn reader(readers: &SqlitePool) -> Result<PoolConnection<Sqlite>, Error> {
    match readers.try_acquire() {
        Some(conn) => Ok(conn),
        None => Box::pin(readers.acquire()).await.map_err(acquire_error),
    }
}

/// The pool of readers knows one reason to wait: all of them are reading.
fn acquire_error(error: sqlx::Error) -> Error {
    const ACQUIRE: &str = "acquire a connection";
    match error {
        sqlx::Error::PoolTimedOut => {
            Error::new(ACQUIRE, ErrorKind::Busy, "every connection is in use")
        }
        error => Error::driver(ACQUIRE, error).into_unavailable(),
    }
}

/// What the writer's thread does.
struct WriterLoop {
    connections: SqlitePool,
    conn: Option<Conn>,
    job_limit: Duration,
}

impl WriterLoop {
    async fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH_MAX);
        while inbox.recv_many(&mut messages, BATCH_MAX).await > 0 {
            let mut jobs = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Job(job) => jobs.push(job),
                    // What is in the queue already still comes out of it.
                    Message::Close => inbox.close(),
                }
            }
            while !jobs.is_empty() {
                jobs = self.commit(jobs).await;
            }
        }
        drop(self.conn);
        self.connections.close().await;
    }

    /// Runs and commits a batch, then tells each caller. Returns the jobs that it had no time for.
    async fn commit(&mut self, mut jobs: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
        match self.transaction(&mut jobs).await {
            Ok(attempts) => {
                meter::committed(attempts.len());
                let left = jobs.split_off(attempts.len().min(jobs.len()));
                for (job, attempt) in jobs.into_iter().zip(attempts) {
                    job.finish(match attempt {
                        Attempt::Kept | Attempt::Refused => Ok(()),
                        Attempt::Lost(error) => Err(error),
                    });
                }
                left
            }
            // Also for jobs that refused: they may have refused because of what an earlier job of
            // the batch wrote, which is not there.
            Err(error) => {
                let error = Error::driver(WRITE, error).into_unavailable();
                for job in jobs {
                    job.finish(Err(error.clone()));
                }
                Vec::new()
            }
        }
    }

    /// One transaction over the jobs, all of them or those that time allows. On an error nothing of them stays, and the connection is
    /// opened anew for the next batch: closing rolls back whatever it was in the middle of.
    async fn transaction(
        &mut self,
        jobs: &mut [Box<dyn Job>],
    ) -> Result<Vec<Attempt>, sqlx::Error> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => Conn::new(Engine::Sqlite(self.connections.acquire().await?)),
        };
        let done = batch(&mut conn, jobs, self.job_limit).await;
        match done {
            Ok(_) => self.conn = Some(conn),
            Err(_) => conn.discard(),
        }
        done
    }
}

/// Runs jobs in one transaction, in order, until they are done or [`BATCH_TIME`] has passed; there
/// are as many results as were run.
///
/// A job alone needs no savepoint. Between two jobs there is exactly one call to the connection's
/// thread, and none of them flushes. `ROLLBACK TO` keeps the savepoint, which then serves the
/// next job; `COMMIT` ends the last one with the transaction.
async fn batch(
    conn: &mut Conn,
    jobs: &mut [Box<dyn Job>],
    job_limit: Duration,
) -> Result<Vec<Attempt>, sqlx::Error> {
    let alone = jobs.len() == 1;
    let last = jobs.len().saturating_sub(1);
    let mut attempts = Vec::with_capacity(jobs.len());
    conn.control(if alone {
        "BEGIN IMMEDIATE"
    } else {
        "BEGIN IMMEDIATE; SAVEPOINT job"
    })
    .await?;
    let mut time_is_up = pin!(tokio::time::sleep(BATCH_TIME));
    for (number, job) in jobs.iter_mut().enumerate() {
        let attempt = attempt(job.as_mut(), conn, job_limit).await;
        conn.recover();
        let kept = matches!(attempt, Attempt::Kept);
        attempts.push(attempt);
        let is_last = number == last || futures::poll!(&mut time_is_up).is_ready();
        conn.control(match (kept, is_last) {
            (true, false) => "RELEASE job; SAVEPOINT job",
            (false, false) => "ROLLBACK TO job",
            (true, true) => "COMMIT",
            (false, true) if alone => "ROLLBACK",
            (false, true) => "ROLLBACK TO job; COMMIT",
        })
        .await?;
        if is_last {
            break;
        }
    }
    Ok(attempts)
}
