//! Statements: one SQL text for both engines, with a name, and the macros that run them.
//!
//! The text is checked by preparing every listed statement on both engines in a test
//! (`testing::prepare_all`), in place of `sqlx::query!`, which knows one engine per crate.
//!
//! What both engines read alike: `$1…$n` in any order and repeated, `RETURNING`,
//! `ON CONFLICT … DO UPDATE … WHERE`, row values `(a, b) < ($1, $2)`, partial indexes.
//! What to write, so that they do:
//!
//! - a sum: `CAST(SUM(x) AS BIGINT)`; PostgreSQL makes NUMERIC of it;
//! - an optional filter: `(CAST($3 AS TEXT) IS NULL OR col = $3)`; PostgreSQL wants the type;
//! - text without regard to case: a folded column and `=`; SQLite's `LIKE` ignores case;
//! - order: instants and ids alone, never nullable columns, never text;
//! - a queue: a guarded `UPDATE … WHERE id IN (SELECT … LIMIT n) RETURNING`, the guard repeated
//!   outside as `COALESCE(state, '') = 'x'`, which no index answers; SQLite has no `FOR UPDATE`;
//! - `INSERT … SELECT … WHERE TRUE ON CONFLICT`; without `WHERE` SQLite reads a join.

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

/// A statement and its name, which stands in spans and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// The constant's name, such as `FIND_CLIENT`.
    pub name: &'static str,
    /// The text.
    pub sql: &'static str,
}

/// Parameters of an `INSERT` of many rows, at most. The driver asks once for each statement, which is
/// dear beside a row, and walks over the parameters for each of them, which is dear beside a statement:
/// at some two hundred neither shows.
const PARAMETERS_MAX: usize = 240;

impl Statement {
    /// How many rows one `INSERT` takes; of any other statement, one.
    pub fn rows_at_once(self) -> usize {
        let columns = self
            .parts()
            .map_or(PARAMETERS_MAX, |(_, row, _)| row.split(',').count());
        PARAMETERS_MAX.checked_div(columns).unwrap_or(1).max(1)
    }

    /// The text for so many rows: of an `INSERT … VALUES ($1, …, $n)`, whose parameters stand in
    /// order, with the parentheses repeated and numbered on, and what follows them kept. For one row,
    /// the text itself.
    pub fn of_rows(self, rows: usize) -> SqlStr {
        // Most events and entries come one by one.
        if rows <= 1 {
            return self.sql.into_sql_str();
        }
        let Some((head, row, tail)) = self.parts() else {
            return self.sql.into_sql_str();
        };
        let columns = row.split(',').count();
        let mut sql = format!("{head} VALUES ");
        for number in 0..rows.saturating_mul(columns) {
            let opening = match number.checked_rem(columns) {
                Some(0) if number > 0 => "), ($",
                Some(0) => "($",
                _ => ", $",
            };
            sql.push_str(opening);
            sql.push_str(&number.saturating_add(1).to_string());
        }
        sql.push(')');
        sql.push_str(tail);
        AssertSqlSafe(sql).into_sql_str()
    }

    /// What stands before the row of an `INSERT`, the row, and what follows it.
    fn parts(self) -> Option<(&'static str, &'static str, &'static str)> {
        let (head, rest) = self.sql.split_once(" VALUES ")?;
        let (row, tail) = rest.split_once(')')?;
        Some((head, row, tail))
    }
}

/// Makes a [`Statement`] constant of each line, and `statements()`, which lists them all.
///
/// ```
/// hoursmith_store::statements! {
///     /// Finds a client by its id.
///     FIND_CLIENT = "SELECT name FROM clients WHERE organization_id = $1 AND id = $2";
/// }
/// # fn main() { assert_eq!(statements(), &[FIND_CLIENT]) }
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $(
            $(#[$doc])*
            pub(crate) const $name: $crate::Statement =
                $crate::Statement { name: stringify!($name), sql: $sql };
        )+

        /// Every statement of this module, for the test that prepares them on both engines.
        pub fn statements() -> &'static [$crate::Statement] {
            &[$($name,)+]
        }
    };
}

/// Runs one expression on the connection of whichever engine it is.
#[doc(hidden)]
#[macro_export]
macro_rules! on_db {
    ($conn:expr, |$inner:ident| $body:expr) => {
        match $crate::Conn::engine($conn) {
            $crate::macros::Engine::Sqlite($inner) => $body,
            $crate::macros::Engine::Postgres($inner) => $body,
        }
    };
}

/// Runs one driver call in the statement's span, and maps its error.
#[doc(hidden)]
#[macro_export]
macro_rules! run_statement {
    ($conn:expr, $statement:expr, |$inner:ident| $call:expr) => {{
        let conn: &mut $crate::Conn = $conn;
        let statement: $crate::Statement = $statement;
        match conn.admit(&statement) {
            Err(refused) => ::std::result::Result::Err(refused),
            Ok(span) => {
                let call = async { $crate::on_db!(conn, |$inner| $call.await) };
                match $crate::macros::Instrument::instrument(call, span).await {
                    Ok(found) => ::std::result::Result::<_, $crate::Error>::Ok(found),
                    Err(source) => ::std::result::Result::Err(conn.fail(&statement, source)),
                }
            }
        }
    }};
}

/// `fetch_optional!(conn, STATEMENT as Row, binds…)`: awaits and gives
/// `Result<Option<Row>, Error>`.
#[macro_export]
macro_rules! fetch_optional {
    ($conn:expr, $statement:path as $row:ty $(, $bind:expr)* $(,)?) => {
        $crate::run_statement!($conn, $statement, |inner| {
            $crate::macros::sqlx::query_as::<_, $row>($statement.sql)
                $(.bind($bind))*
                .fetch_optional(&mut **inner)
        })
    };
}

/// `fetch_one!(conn, STATEMENT as Row, binds…)`: awaits and gives `Result<Row, Error>`; no row is
/// a defect.
#[macro_export]
macro_rules! fetch_one {
    ($conn:expr, $statement:path as $row:ty $(, $bind:expr)* $(,)?) => {
        $crate::run_statement!($conn, $statement, |inner| {
            $crate::macros::sqlx::query_as::<_, $row>($statement.sql)
                $(.bind($bind))*
                .fetch_one(&mut **inner)
        })
    };
}

/// `fetch_all!(conn, STATEMENT as Row, binds…)`: awaits and gives `Result<Vec<Row>, Error>`. The
/// statement bounds how many.
#[macro_export]
macro_rules! fetch_all {
    ($conn:expr, $statement:path as $row:ty $(, $bind:expr)* $(,)?) => {
        $crate::run_statement!($conn, $statement, |inner| {
            $crate::macros::sqlx::query_as::<_, $row>($statement.sql)
                $(.bind($bind))*
                .fetch_all(&mut **inner)
        })
    };
}

/// `execute!(conn, STATEMENT, binds…)`: awaits and gives `Result<u64, Error>`, the number of rows
/// written.
#[macro_export]
macro_rules! execute {
    ($conn:expr, $statement:path $(, $bind:expr)* $(,)?) => {
        $crate::run_statement!($conn, $statement, |inner| {
            async {
                $crate::macros::sqlx::query($statement.sql)
                    $(.bind($bind))*
                    .execute(&mut **inner)
                    .await
                    .map(|done| done.rows_affected())
            }
        })
    };
}

/// `execute_rows!(conn, STATEMENT, rows, |row| binds…)`: the statement once for each row of a slice,
/// as few times as [`Statement::rows_at_once`] allows.
/// Awaits and gives `Result<u64, Error>`, the number of rows written.
#[macro_export]
macro_rules! execute_rows {
    ($conn:expr, $statement:path, $rows:expr, |$row:ident| $($bind:expr),* $(,)?) => {
        $crate::run_statement!($conn, $statement, |inner| {
            async {
                let mut written = 0_u64;
                let all = &$rows;
                let most = match all.len() {
                    1 => 1,
                    _ => $statement.rows_at_once(),
                };
                for rows in all.chunks(most) {
                    let usual = rows.len() == 1 || rows.len() == most;
                    let mut query = $crate::macros::sqlx::query($statement.of_rows(rows.len()))
                        // Others come once: they would push what comes often out of the cache.
                        .persistent(usual);
                    for $row in rows {
                        query = query$(.bind($bind))*;
                    }
                    let done = query.execute(&mut **inner).await?;
                    written = written.saturating_add(done.rows_affected());
                }
                ::std::result::Result::<u64, $crate::macros::sqlx::Error>::Ok(written)
            }
        })
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_on() {
        let insert = Statement {
            name: "INSERT",
            sql: "INSERT INTO t (a, b) VALUES ($1, $2)",
        };
        assert_eq!(insert.of_rows(1).as_str(), insert.sql);
        assert_eq!(
            insert.of_rows(3).as_str(),
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4), ($5, $6)"
        );
        let lenient = Statement {
            name: "LENIENT",
            sql: "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a, b) DO NOTHING",
        };
        assert_eq!(
            lenient.of_rows(2).as_str(),
            "INSERT INTO t (a) VALUES ($1), ($2) ON CONFLICT (a, b) DO NOTHING"
        );
        assert_eq!(lenient.rows_at_once(), 240);
        let update = Statement {
            name: "UPDATE",
            sql: "UPDATE t SET a = $1",
        };
        assert_eq!(update.of_rows(1).as_str(), update.sql);
        assert_eq!((insert.rows_at_once(), update.rows_at_once()), (120, 1));
    }
}
