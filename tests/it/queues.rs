//! How the databases find the events that wait for something, one event by its id, and runs of the feed: by the
//! index that was made for it, though statistics are of a time at which no event had a number.

use hoursmith::plugins;
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Error, Statement, execute, fetch_all};
use uuid::Uuid;

/// Events of the organization; enough for PostgreSQL to prefer an index on its own.
const EVENTS: i64 = 3_000;

/// A statement, what it takes, and its index, or one of two that are as good.
const FOUND: &[(&str, Takes, &str)] = &[
    (
        "NEXT_ORGANIZATION_TO_PUBLISH",
        Takes::Organization,
        "events_to_publish",
    ),
    (
        "EVENTS_TO_PUBLISH",
        Takes::OrganizationAndCount,
        "events_to_publish",
    ),
    (
        "NEXT_ORGANIZATION_TO_FAN_OUT",
        Takes::Organization,
        "events_to_fan_out",
    ),
    (
        "FIND_EVENTS_TO_FAN_OUT",
        Takes::OrganizationAndCount,
        "events_to_fan_out",
    ),
    (
        "MARK_FANNED_OUT",
        Takes::OrganizationAndRun,
        "events_by_sequence|events_to_fan_out",
    ),
    (
        "MARK_PUBLISHED",
        Takes::OrganizationAndRun,
        "events_by_sequence|events_to_publish",
    ),
    (
        "LIST_EVENTS",
        Takes::OrganizationAndRun,
        "events_by_sequence",
    ),
    (
        "LIST_EVENTS_OF_RESOURCE",
        Takes::Resource,
        "events_by_resource",
    ),
    ("LIST_EVENTS_OF_TYPE", Takes::Type, "events_by_type"),
    ("FIND_EVENT", Takes::OrganizationAndId, "events_by_id"),
    (
        "FIND_EVENT_TO_SEND",
        Takes::OrganizationAndId,
        "events_by_id",
    ),
];

#[derive(Clone, Copy)]
enum Takes {
    Organization,
    OrganizationAndCount,
    OrganizationAndId,
    /// From a number on, and another number.
    OrganizationAndRun,
    Resource,
    Type,
}

hoursmith_store::statements! {
    NEW_EVENT = "INSERT INTO events (organization_id, id, type, resource_id, api_version, data, created_at)
        VALUES ($1, $2, 'client.created', $2, 'v1', '{}', 0)";
    ANALYZE = "ANALYZE";
    NOTHING_WAITS = "UPDATE events SET sequence = position, published = TRUE, fanned_out = TRUE";
}

async fn plan(db: &TestDb, statement: Statement, takes: Takes) -> String {
    let is_postgres = db.engine() == "postgresql";
    let explain = if is_postgres {
        "EXPLAIN"
    } else {
        "EXPLAIN QUERY PLAN"
    };
    let explained = Statement {
        name: statement.name,
        sql: Box::leak(format!("{explain} {}", statement.sql).into_boxed_str()),
    };
    let mut conn = db.read().await.unwrap();
    macro_rules! lines {
        ($row:ty, $line:expr) => {{
            let rows = match takes {
                Takes::Organization => fetch_all!(&mut conn, explained as $row, id(1)),
                Takes::OrganizationAndCount => {
                    fetch_all!(&mut conn, explained as $row, id(1), 50_i64)
                }
                Takes::OrganizationAndId => fetch_all!(&mut conn, explained as $row, id(1), id(7)),
                Takes::OrganizationAndRun => {
                    fetch_all!(&mut conn, explained as $row, id(1), 9_i64, 59_i64)
                }
                Takes::Resource => fetch_all!(
                    &mut conn,
                    explained as $row,
                    id(1),
                    9_i64,
                    50_i64,
                    id(7),
                    None::<&str>
                ),
                Takes::Type => fetch_all!(
                    &mut conn,
                    explained as $row,
                    id(1),
                    9_i64,
                    50_i64,
                    "client.created",
                    59_i64
                ),
            };
            rows.unwrap().into_iter().map($line).collect()
        }};
    }
    let lines: Vec<String> = if is_postgres {
        lines!((String,), |(line,)| line)
    } else {
        lines!((i64, i64, i64, String), |(.., line)| line)
    };
    lines.join("\n")
}

fn id(number: i64) -> Uuid {
    Uuid::from_u128(number.unsigned_abs().into())
}

async fn what_waits_is_found_by_its_index(db: TestDb) {
    db.write::<_, Error>(|conn| {
        Box::pin(async move {
            for number in 1..=EVENTS {
                execute!(conn, NEW_EVENT, id(1), id(number))?;
            }
            Ok(())
        })
    })
    .await
    .unwrap();
    db.write::<_, Error>(|conn| {
        Box::pin(async move {
            execute!(conn, ANALYZE)?;
            execute!(conn, NOTHING_WAITS)
        })
    })
    .await
    .unwrap();
    let statements: Vec<Statement> = plugins::plugins()
        .iter()
        .flat_map(|plugin| plugin.statements())
        .collect();
    for (name, takes, index) in FOUND {
        let statement = statements.iter().find(|one| one.name == *name).unwrap();
        let plan = plan(&db, *statement, *takes).await;
        let is_used = index.split('|').any(|either| plan.contains(either));
        assert!(is_used, "{name} does not use {index}:\n{plan}");
    }
}

#[tokio::test]
async fn what_waits_is_found_by_its_index_on_sqlite() {
    what_waits_is_found_by_its_index(TestDb::sqlite().await).await;
}

#[tokio::test]
async fn what_waits_is_found_by_its_index_on_postgres() {
    what_waits_is_found_by_its_index(TestDb::postgres().await).await;
}
