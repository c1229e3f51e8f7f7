//! A connection of either engine, and the rule that a failed statement ends its use.

use std::fmt;
use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Sqlite};
use tracing::Span;

use crate::error::{Error, ErrorKind};
use crate::statement::Statement;

/// A connection to run statements on, through the macros of this crate.
///
/// **After a failed statement it refuses further ones.** PostgreSQL does so itself inside a
/// transaction; SQLite would go on, or, after a full disk, have rolled back on its own and go on
/// outside any transaction. The same rule for both keeps a job whole or absent.
pub struct Conn {
    engine: Engine,
    failed: bool,
}

/// Which engine; only [`on_db!`](crate::on_db) and this room look.
#[doc(hidden)]
#[derive(Debug)]
pub enum Engine {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A connection for reads, given back when dropped. The engine refuses writes on it.
///
/// Each statement sees what was committed before it; two statements may see different states.
#[derive(Debug)]
pub struct ReadGuard(pub(crate) Conn);

crate::statements! {
    /// Answers when the database does.
    PING = "SELECT 1";
}

impl Conn {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            failed: false,
        }
    }

    /// The engine's name, as OpenTelemetry's `db.system.name` has it.
    pub fn engine_name(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite(_) => "sqlite",
            Engine::Postgres(_) => "postgresql",
        }
    }

    #[doc(hidden)]
    pub fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// How a query ends that holds its rows, against all but who only names them in a foreign key. On SQLite
    /// one transaction writes at a time.
    #[doc(hidden)]
    pub fn holding(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite(_) => "",
            Engine::Postgres(_) => " FOR NO KEY UPDATE",
        }
    }

    /// Lets a statement run, in the span that it gives.
    #[doc(hidden)]
    pub fn admit(&self, statement: &Statement) -> Result<Span, Error> {
        if self.failed {
            return Err(Error::new(
                statement.name,
                ErrorKind::Internal,
                "an earlier statement on this connection failed",
            ));
        }
        Ok(tracing::debug_span!(
            target: "hoursmith::trace",
            "db.statement",
            "db.operation.name" = statement.name,
            "db.system.name" = self.engine_name(),
        ))
    }

    /// Notes that a statement failed.
    #[doc(hidden)]
    pub fn fail(&mut self, statement: &Statement, source: sqlx::Error) -> Error {
        self.failed = true;
        Error::driver(statement.name, source)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Before the next job of a batch, once the failed one was rolled back.
    pub(crate) fn recover(&mut self) {
        self.failed = false;
    }

    /// Runs a statement of transaction control, which no job sees.
    pub(crate) async fn control(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        // `query` rather than the bare text: it is prepared once and kept.
        crate::on_db!(self, |conn| sqlx::query(sql)
            .execute(&mut **conn)
            .await
            .map(drop))
    }

    /// Ends the connection instead of giving it back: what it would do next is not known.
    pub(crate) fn discard(self) {
        match self.engine {
            Engine::Sqlite(mut conn) => conn.close_on_drop(),
            Engine::Postgres(mut conn) => conn.close_on_drop(),
        }
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("engine", &self.engine_name())
            .field("failed", &self.failed)
            .finish()
    }
}

impl Deref for ReadGuard {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for ReadGuard {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}
