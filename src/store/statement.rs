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

/// Parameters of a statement of many rows, at most. The driver asks once for each statement, which is
/// dear beside a row, and walks over the parameters for each of them, which is dear beside a statement:
/// at some two hundred neither shows.
const PARAMETERS_MAX: usize = 240;

/// Up to so many rows each number of them is a statement that is kept: these come often. Others come once,
/// and would push what comes often out of the cache.
const ROWS_KEPT: usize = 16;

/// Statements that a connection keeps prepared, with some room beyond all there are.
pub(crate) const PREPARED_MAX: usize = 512;

/// Items of a list in one statement, at most.
const LIST_MAX: usize = 128;

impl Statement {
    /// How many rows one `INSERT` takes; of any other statement, one.
    pub fn rows_at_once(self) -> usize {
        let columns = self
            .parts()
            .map_or(PARAMETERS_MAX, |(_, row, _)| row.split(',').count());
        PARAMETERS_MAX.checked_div(columns).unwrap_or(1).max(1)
    }

    /// Rows as they go into one statement each, with its text and whether that is to be kept prepared.
    pub fn in_turns<T>(self, rows: &[T]) -> impl Iterator<Item = (&[T], SqlStr, bool)> {
        let most = match rows.len() {
            1 => 1,
            _ => self.rows_at_once(),
        };
        rows.chunks(most).map(move |rows| {
            let count = rows.len();
            let kept = count <= ROWS_KEPT || count == most;
            (rows, self.of_rows(count), kept)
        })
    }

    /// Items of a list as they go into one statement each, with its text and what follows it. The last item of
    /// each stands there more than once, so that there are few texts, which are kept prepared.
    pub fn of_list<T: Copy>(
        self,
        items: &[T],
        suffix: &'static str,
    ) -> impl Iterator<Item = (Vec<T>, SqlStr)> {
        items.chunks(LIST_MAX).map(move |some| {
            let mut some = some.to_vec();
            if let Some(last) = some.last().copied() {
                some.resize(some.len().next_power_of_two(), last);
            }
            let text = self.of_items(some.len(), suffix);
            (some, text)
        })
    }

    /// The text for so many items: of a statement whose last parameter stands alone in the last `IN ($n)`,
    /// with that numbered on. For one item, the text itself.
    fn of_items(self, items: usize, suffix: &'static str) -> SqlStr {
        let parts = self.sql.rsplit_once(" IN ($").and_then(|(head, rest)| {
            let (first, tail) = rest.split_once(')')?;
            Some((head, first.parse::<usize>().ok()?, tail))
        });
        let Some((head, first, tail)) = parts.filter(|_| items > 1) else {
            return match suffix {
                "" => self.sql.into_sql_str(),
                suffix => AssertSqlSafe(format!("{}{suffix}", self.sql)).into_sql_str(),
            };
        };
        let numbers: Vec<String> = (first..).take(items).map(|at| format!("${at}")).collect();
        let text = format!("{head} IN ({}){tail}{suffix}", numbers.join(", "));
        AssertSqlSafe(text).into_sql_str()
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
                for (rows, text, kept) in $statement.in_turns(&$rows[..]) {
                    let mut query = $crate::macros::sqlx::query(text).persistent(kept);
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

/// `fetch_rows!(conn, STATEMENT as Row, rows, |row| binds…)`: [`execute_rows!`] of a statement that
/// returns rows.
/// Awaits and gives `Result<Vec<Row>, Error>`, in whatever order the database gives them.
#[macro_export]
macro_rules! fetch_rows {
    ($conn:expr, $statement:path as $found:ty, $rows:expr, |$row:ident| $($bind:expr),* $(,)?) => {
        $crate::run_statement!($conn, $statement, |inner| {
            async {
                let mut found = ::std::vec::Vec::new();
                for (rows, text, kept) in $statement.in_turns(&$rows[..]) {
                    let mut query =
                        $crate::macros::sqlx::query_as::<_, $found>(text).persistent(kept);
                    for $row in rows {
                        query = query$(.bind($bind))*;
                    }
                    found.extend(query.fetch_all(&mut **inner).await?);
                }
                ::std::result::Result::<_, $crate::macros::sqlx::Error>::Ok(found)
            }
        })
    };
}

/// `fetch_list!(conn, STATEMENT as Row, list, binds…)`: a statement whose last parameter stands alone in
/// `IN ($n)`, with the items of a slice there, as few times as [`Statement::of_list`] allows.
/// Awaits and gives `Result<Vec<Row>, Error>`, in whatever order the database gives them.
#[macro_export]
macro_rules! fetch_list {
    ($conn:expr, $statement:path as $row:ty, $list:expr $(, $bind:expr)* $(,)?) => {
        $crate::fetch_list!(@ending_in "", $conn, $statement as $row, $list $(, $bind)*)
    };
    (@ending_in $suffix:expr, $conn:expr, $statement:path as $row:ty, $list:expr $(, $bind:expr)*) => {
        $crate::run_statement!($conn, $statement, |inner| {
            async {
                let mut found = ::std::vec::Vec::new();
                for (items, text) in $statement.of_list(&$list[..], $suffix) {
                    let mut query = $crate::macros::sqlx::query_as::<_, $row>(text)
                        $(.bind($bind))*;
                    for item in items {
                        query = query.bind(item);
                    }
                    found.extend(query.fetch_all(&mut **inner).await?);
                }
                ::std::result::Result::<_, $crate::macros::sqlx::Error>::Ok(found)
            }
        })
    };
}

/// `execute_list!(conn, STATEMENT, list, binds…)`: [`fetch_list!`] of a statement that returns no rows.
/// Awaits and gives `Result<u64, Error>`, the number of rows written.
#[macro_export]
macro_rules! execute_list {
    ($conn:expr, $statement:path, $list:expr $(, $bind:expr)* $(,)?) => {
        $crate::run_statement!($conn, $statement, |inner| {
            async {
                let mut written = 0_u64;
                for (items, text) in $statement.of_list(&$list[..], "") {
                    let mut query = $crate::macros::sqlx::query(text)$(.bind($bind))*;
                    for item in items {
                        query = query.bind(item);
                    }
                    let done = query.execute(&mut **inner).await?;
                    written = written.saturating_add(done.rows_affected());
                }
                ::std::result::Result::<u64, $crate::macros::sqlx::Error>::Ok(written)
            }
        })
    };
}

/// `hold_list!(conn, STATEMENT as Row, list, binds…)`: [`fetch_list!`] of a query, in a write, that holds the
/// rows it gives until the transaction ends. The query says in which order, the same for everybody who holds
/// several of them: else two wait for each other. The list is in that order too.
///
/// What a subquery of it gives is of before a wait for a row; what must be of after is asked for anew.
#[macro_export]
macro_rules! hold_list {
    ($conn:expr, $statement:path as $row:ty, $list:expr $(, $bind:expr)* $(,)?) => {{
        let conn: &mut $crate::Conn = $conn;
        let holding = conn.holding();
        $crate::fetch_list!(@ending_in holding, conn, $statement as $row, $list $(, $bind)*)
    }};
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

    #[test]
    fn rows_go_in_turns_and_few_texts_are_kept() {
        let insert = Statement {
            name: "INSERT",
            sql: "INSERT INTO t (a, b) VALUES ($1, $2)",
        };
        let turns = |count: usize| -> Vec<(usize, bool)> {
            let rows = vec![(); count];
            let turns = insert.in_turns(&rows);
            turns.map(|(rows, _, kept)| (rows.len(), kept)).collect()
        };
        assert_eq!(turns(0), []);
        assert_eq!(turns(1), [(1, true)]);
        assert_eq!(turns(16), [(16, true)]);
        assert_eq!(turns(17), [(17, false)]);
        assert_eq!(turns(257), [(120, true), (120, true), (17, false)]);
    }

    #[test]
    fn a_list_s_last_item_fills_up_a_power_of_two() {
        let find = Statement {
            name: "FIND",
            sql: "SELECT a FROM t WHERE b IN (SELECT c FROM u WHERE d = $1) AND e IN ($2) LIMIT 9",
        };
        let turns = |items: &[u8]| -> Vec<(Vec<u8>, String)> {
            let turns = find.of_list(items, "");
            turns
                .map(|(items, text)| (items, text.as_str().to_owned()))
                .collect()
        };
        assert_eq!(turns(&[]), []);
        assert_eq!(turns(&[7]), [(vec![7], find.sql.to_owned())]);
        let three = find.sql.replace("($2)", "($2, $3, $4, $5)");
        assert_eq!(turns(&[7, 8, 9]), [(vec![7, 8, 9, 9], three)]);
        let many: Vec<u8> = (0..130).collect();
        let lengths: Vec<usize> = turns(&many).iter().map(|(items, _)| items.len()).collect();
        assert_eq!(lengths, [128, 2]);
        let held = |items: &[u8]| {
            let (_, text) = find.of_list(items, " FOR UPDATE").next().unwrap();
            text.as_str().to_owned()
        };
        assert_eq!(held(&[7]), format!("{} FOR UPDATE", find.sql));
        assert!(held(&[7, 8]).ends_with("IN ($2, $3) LIMIT 9 FOR UPDATE"));
    }
}
