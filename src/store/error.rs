//! What can go wrong in the database, in seven words that both engines share.
//!
//! SQLite does not name the constraint that refused a row, so a caller tells two unique columns
//! apart by asking, not by the error.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use sqlx::sqlite::SqliteError;

/// A database operation that did not succeed. Nothing of it stays, but for the one case that
/// [`ErrorKind::Unavailable`] names.
#[derive(Debug, Clone)]
pub struct Error {
    operation: &'static str,
    kind: ErrorKind,
    // Shared, because a failed commit fails every job of its batch.
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A unique or primary key is taken.
    UniqueViolation,
    /// A reference points nowhere, or something still points here.
    ForeignKeyViolation,
    /// PostgreSQL: another transaction held a row for longer than 2 s.
    LockTimeout,
    /// PostgreSQL: transactions waited for one another, and this is the one that the server ended.
    /// Nothing of it stays, and the others are through: the same work may be run at once again.
    Deadlock,
    /// More is asked than the bounds allow: the write queue is full, every connection is in use,
    /// a statement or a job took too long.
    Busy,
    /// The database cannot be reached or cannot write, or the store is closed. After a failed
    /// commit it is not known whether the effect is there: ask again under the same idempotency
    /// key.
    Unavailable,
    /// A defect: wrong SQL, a value that the schema refuses, a job that panicked.
    Internal,
}

/// A cause that is a sentence of our own.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Because(&'static str);

impl Error {
    pub(crate) fn new(operation: &'static str, kind: ErrorKind, because: &'static str) -> Self {
        Self {
            operation,
            kind,
            source: Some(Arc::new(Because(because))),
        }
    }

    /// From a failure of the driver; the kind follows from it.
    pub(crate) fn driver(operation: &'static str, source: sqlx::Error) -> Self {
        Self {
            operation,
            kind: kind_of(&source),
            source: Some(Arc::new(source)),
        }
    }

    /// For a transaction that could not begin or commit: whatever the driver calls it, the database
    /// could not be written. Busy stays busy.
    pub(crate) fn into_unavailable(self) -> Self {
        let kind = match self.kind {
            ErrorKind::Busy | ErrorKind::Deadlock => self.kind,
            _ => ErrorKind::Unavailable,
        };
        Self { kind, ..self }
    }

    /// From a stored value that the application cannot read.
    pub(crate) fn unreadable(
        operation: &'static str,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self {
            operation,
            kind: ErrorKind::Internal,
            source: Some(Arc::new(source)),
        }
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The statement's name, or what the store was doing.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether others held what was needed: nothing of it stays, and the same may be run at once again.
    pub fn is_contended(&self) -> bool {
        matches!(self.kind, ErrorKind::Deadlock | ErrorKind::LockTimeout)
    }

    /// Whether the same may succeed when asked again.
    pub fn retryable(&self) -> bool {
        match self.kind {
            ErrorKind::LockTimeout
            | ErrorKind::Deadlock
            | ErrorKind::Busy
            | ErrorKind::Unavailable => true,
            ErrorKind::UniqueViolation | ErrorKind::ForeignKeyViolation | ErrorKind::Internal => {
                false
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::UniqueViolation => "a unique key is taken",
            ErrorKind::ForeignKeyViolation => "a reference points nowhere",
            ErrorKind::LockTimeout => "a row stayed locked",
            ErrorKind::Deadlock => "transactions waited for one another",
            ErrorKind::Busy => "the database is busy",
            ErrorKind::Unavailable => "the database is unavailable",
            ErrorKind::Internal => "the database refused it",
        };
        write!(f, "{}: {what}", self.operation)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// Whether the engine is only busy with somebody else.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    kind_of(error) == ErrorKind::Busy
}

fn kind_of(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::Database(refusal) if refusal.is_unique_violation() => {
            ErrorKind::UniqueViolation
        }
        sqlx::Error::Database(refusal) if refusal.is_foreign_key_violation() => {
            ErrorKind::ForeignKeyViolation
        }
        sqlx::Error::Database(refusal) => {
            let code = refusal.code().unwrap_or_default();
            if refusal.try_downcast_ref::<SqliteError>().is_some() {
                sqlite_kind(code.parse().unwrap_or(0))
            } else {
                postgres_kind(&code)
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

/// SQLite result codes (sqlite.org/rescode.html); the low byte is the primary one.
fn sqlite_kind(code: u32) -> ErrorKind {
    match code & 0xff {
        // BUSY, LOCKED
        5 | 6 => ErrorKind::Busy,
        // NOMEM, READONLY, IOERR, FULL, CANTOPEN
        7 | 8 | 10 | 13 | 14 => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

/// PostgreSQL error codes (appendix A of its manual); the first two characters are the class.
fn postgres_kind(code: &str) -> ErrorKind {
    match code {
        "55P03" => ErrorKind::LockTimeout,
        // Serialization failure, deadlock.
        "40001" | "40P01" => ErrorKind::Deadlock,
        // Statement timeout.
        "57014" => ErrorKind::Busy,
        _ => match code.get(..2) {
            // Connection, insufficient resources, operator intervention, system error.
            Some("08" | "53" | "57" | "58") => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_engines_are_sorted_by_what_a_caller_can_do() {
        assert_eq!(sqlite_kind(517), ErrorKind::Busy);
        assert_eq!(sqlite_kind(13), ErrorKind::Unavailable);
        assert_eq!(sqlite_kind(3850), ErrorKind::Unavailable);
        assert_eq!(sqlite_kind(275), ErrorKind::Internal);
        assert_eq!(postgres_kind("55P03"), ErrorKind::LockTimeout);
        assert_eq!(postgres_kind("40P01"), ErrorKind::Deadlock);
        assert_eq!(postgres_kind("57014"), ErrorKind::Busy);
        assert_eq!(postgres_kind("57P01"), ErrorKind::Unavailable);
        assert_eq!(postgres_kind("53100"), ErrorKind::Unavailable);
        assert_eq!(postgres_kind("22021"), ErrorKind::Internal);
    }

    #[test]
    fn what_others_stood_in_the_way_of_is_contended() {
        for (kind, contended) in [
            (ErrorKind::LockTimeout, true),
            (ErrorKind::Deadlock, true),
            (ErrorKind::Busy, false),
            (ErrorKind::Unavailable, false),
            (ErrorKind::UniqueViolation, false),
        ] {
            let error = Error::new("UPDATE_CLIENT", kind, "a test");
            assert_eq!(error.is_contended(), contended, "{error}");
        }
    }

    #[test]
    fn the_cause_is_kept_and_not_printed() {
        let error = Error::driver("FIND_CLIENT", sqlx::Error::PoolTimedOut);
        assert_eq!(
            error.to_string(),
            "FIND_CLIENT: the database is unavailable"
        );
        assert!(error.source().unwrap().to_string().contains("timed out"));
        assert!(error.retryable());
    }
}
