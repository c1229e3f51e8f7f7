//! What a database holds, in a form that two moments can be compared by.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use crate::conn::Engine;
use crate::db::Db;

/// A digest of every table but those named, by table: equal as long as no row was changed, added
/// or removed. For tests that a refusal leaves no trace.
pub async fn contents(db: &Db, but: &[&str]) -> BTreeMap<String, String> {
    let mut conn = db.read().await.expect("a connection");
    let mut found = BTreeMap::new();
    match conn.engine() {
        Engine::Sqlite(conn) => {
            let tables =
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
            for row in (&mut **conn).fetch_all(tables).await.expect("its tables") {
                let table: String = row.get(0);
                if but.contains(&table.as_str()) {
                    continue;
                }
                let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                let columns = (&mut **conn).fetch_all(AssertSqlSafe(columns)).await;
                let quoted: Vec<String> = columns
                    .expect("its columns")
                    .iter()
                    .map(|column| format!("quote(\"{}\")", column.get::<String, _>(0)))
                    .collect();
                let all = format!(
                    "SELECT COALESCE(group_concat(line, x'0a'), '') FROM (SELECT {} AS line FROM \"{table}\" ORDER BY 1)",
                    quoted.join(" || ',' || ")
                );
                let row = (&mut **conn).fetch_one(AssertSqlSafe(all)).await;
                found.insert(table, row.expect("its rows").get(0));
            }
        }
        Engine::Postgres(conn) => {
            let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
            for row in (&mut **conn).fetch_all(tables).await.expect("its tables") {
                let table: String = row.get(0);
                if but.contains(&table.as_str()) {
                    continue;
                }
                let all = format!(
                    "SELECT COALESCE(string_agg(t::text, chr(10) ORDER BY t::text), '') FROM \"{table}\" t"
                );
                let row = (&mut **conn).fetch_one(AssertSqlSafe(all)).await;
                found.insert(table, row.expect("its rows").get(0));
            }
        }
    }
    found
}
