//! How SQLite reads lists: in the order of an index, so that a deep page costs what the first does.

use hoursmith::plugins;
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Statement, fetch_all};

/// Lists whose plans are looked at, by the end of their names.
const LISTS: &[&str] = &["CLIENTS", "TASKS", "EXPENSES", "ENDPOINTS", "DELIVERIES"];

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_read_in_the_order_of_an_index() {
    let db = TestDb::sqlite().await;
    let mut conn = db.read().await.unwrap();
    let mut seen = 0;
    for listed in plugins::plugins()
        .iter()
        .flat_map(|plugin| plugin.statements())
    {
        if !listed.name.starts_with("LIST_") || !LISTS.iter().any(|list| listed.name.contains(list))
        {
            continue;
        }
        seen += 1;
        let explain = Statement {
            name: listed.name,
            sql: format!("EXPLAIN QUERY PLAN {}", listed.sql).leak(),
        };
        let rows = fetch_all!(&mut conn, explain as (i64, i64, i64, String)).unwrap();
        let steps: Vec<String> = rows.into_iter().map(|(.., step)| step).collect();
        assert!(
            steps
                .iter()
                .all(|step| !step.contains("USE TEMP B-TREE") && !step.starts_with("SCAN")),
            "{}: {steps:#?}",
            listed.name
        );
    }
    assert!(seen > 15, "{seen}");
}
