//! How the databases find the rows of a list: by an index in the list's order, never by reading or
//! sorting all there are.

use hoursmith::plugins;
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Conn, Error, Statement, execute, fetch_all};
use uuid::Uuid;

/// Entries of the organization; enough for PostgreSQL to prefer an index on its own.
const ENTRIES: u128 = 6_000;
/// Its members, projects, tasks and clients are so many each.
const OTHERS: u128 = 60;

/// A list, the indexes that serve it, and whether it sorts: what is read of one external reference,
/// and at most a page of each of some projects.
type Expected = (&'static str, &'static [&'static str], bool);

const LISTS: &[Expected] = &[
    ("LIST_TIME_ENTRIES", &["time_entries_by_order"], false),
    (
        "LIST_TIME_ENTRIES_BY_REFERENCE",
        &["time_entries_by_external_reference"],
        false,
    ),
    (
        "LIST_TIME_ENTRIES_BY_TASK",
        &["time_entries_by_task"],
        false,
    ),
    (
        "LIST_TIME_ENTRIES_RUNNING",
        &["time_entries_running_by_order"],
        false,
    ),
    (
        "LIST_TIME_ENTRIES_BY_TAG",
        &["time_entry_tags_pkey|t USING PRIMARY KEY"],
        false,
    ),
    (
        "LIST_TIME_ENTRIES_BY_PROJECT",
        &["time_entries_by_project"],
        false,
    ),
    (
        "LIST_TIME_ENTRIES_BY_MEMBER",
        &["time_entries_by_member"],
        false,
    ),
    (
        "LIST_TIME_ENTRIES_BY_CLIENT",
        &["time_entries_by_client"],
        false,
    ),
    (
        "LIST_TIME_ENTRIES_INVOICED",
        &["time_entries_invoiced"],
        false,
    ),
    (
        "LIST_TIME_ENTRIES_NOT_INVOICED",
        &["time_entries_not_invoiced"],
        false,
    ),
    (
        "LIST_TIME_ENTRIES_BY_BILLABLE",
        &["time_entries_by_billable"],
        false,
    ),
    (
        "LIST_TIME_ENTRIES_OF_PROJECTS",
        &["project_members_by_member", "time_entries_by_project"],
        true,
    ),
    (
        "LIST_TIME_ENTRIES_LOCKED",
        &[
            "time_entries_invoiced",
            "time_entries_by_order",
            "time_entries_by_project",
        ],
        true,
    ),
    (
        "LIST_UPDATED_TIME_ENTRIES",
        &["time_entries_by_updated"],
        false,
    ),
    (
        "LIST_UPDATED_TIME_ENTRIES_BY_MEMBER",
        &["time_entries_by_member_updated"],
        false,
    ),
    (
        "LIST_UPDATED_TIME_ENTRIES_BY_REFERENCE",
        &["time_entries_by_external_reference"],
        true,
    ),
];

hoursmith_store::statements! {
    NEW_USER = "INSERT INTO users (id, name, email, email_key, created_at, updated_at)
        VALUES ($1, 'u', $2, $2, 0, 0)";
    NEW_ORGANIZATION = "INSERT INTO organizations (id, name, slug, plan, currency, timezone, created_at, updated_at)
        VALUES ($1, 'o', 'o', 'agency', 'EUR', 'UTC', 0, 0)";
    NEW_MEMBER = "INSERT INTO members (organization_id, id, user_id, role, status, created_at, updated_at)
        VALUES ($1, $2, $2, 'member', 'active', 0, 0)";
    NEW_CLIENT = "INSERT INTO clients (organization_id, id, name, name_key, search, currency, created_at, updated_at)
        VALUES ($1, $2, $3, $3, $3, 'EUR', 0, 0)";
    NEW_PROJECT = "INSERT INTO projects (organization_id, id, client_id, name, name_key, archived_at, created_at, updated_at)
        VALUES ($1, $2, $2, $3, $3, $4, 0, 0)";
    NEW_PROJECT_MEMBER = "INSERT INTO project_members (organization_id, project_id, member_id, created_at)
        VALUES ($1, $2, $2, 0)";
    NEW_TASK = "INSERT INTO tasks (organization_id, id, project_id, name, name_key, search, billable, created_at, updated_at)
        VALUES ($1, $2, $2, $3, $3, $3, TRUE, 0, 0)";
    NEW_INVOICE = "INSERT INTO invoices (organization_id, id, client_id, number, status, currency, created_at, updated_at)
        VALUES ($1, $2, $2, 'N', 'sent', 'EUR', 0, 0)";
    NEW_ENTRY = "INSERT INTO time_entries (organization_id, id, member_id, project_id, client_id, task_id,
        started_at, ended_at, order_at, spent_on, duration_seconds, rounded_seconds, billable, currency, tags,
        invoice_id, external_reference_id, created_at, updated_at)
        VALUES ($1, $2, $3, $3, $3, $3, $4, $5, $4, '2026-01-01', $6, $6, $7, 'EUR', '[]', $8, $9, $4, $4)";
    NEW_TAG = "INSERT INTO time_entry_tags (organization_id, tag, order_at, time_entry_id) VALUES ($1, $2, $3, $4)";
    ANALYZE = "ANALYZE";
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

async fn others(conn: &mut Conn) -> Result<(), Error> {
    let organization = id(1);
    execute!(conn, NEW_ORGANIZATION, organization)?;
    for number in 1..=OTHERS {
        let (other, name) = (id(number), number.to_string());
        execute!(conn, NEW_USER, other, name.as_str())?;
        execute!(conn, NEW_MEMBER, organization, other)?;
        execute!(conn, NEW_CLIENT, organization, other, name.as_str())?;
        let archived = number.is_multiple_of(7).then_some(1_i64);
        execute!(
            conn,
            NEW_PROJECT,
            organization,
            other,
            name.as_str(),
            archived
        )?;
        execute!(conn, NEW_PROJECT_MEMBER, organization, other)?;
        execute!(conn, NEW_TASK, organization, other, name.as_str())?;
    }
    execute!(conn, NEW_INVOICE, organization, id(1)).map(drop)
}

async fn entries(conn: &mut Conn, first: u128, last: u128) -> Result<(), Error> {
    let organization = id(1);
    for number in first..last {
        let (entry, other) = (id(1_000_000 + number), id(1 + number % OTHERS));
        let start = i64::try_from(number).unwrap() * 1_000_000;
        let is_running = number < OTHERS;
        let seconds = (!is_running).then_some(1_i64);
        execute!(
            conn,
            NEW_ENTRY,
            organization,
            entry,
            other,
            start,
            seconds.map(|_| start + 1),
            seconds,
            number.is_multiple_of(2),
            number.is_multiple_of(3).then(|| id(1)),
            number.is_multiple_of(5).then(|| number.to_string()),
        )?;
        let tag = (number % 3).to_string();
        execute!(conn, NEW_TAG, organization, tag.as_str(), start, entry)?;
    }
    Ok(())
}

async fn seeded(db: &TestDb) {
    db.write::<_, Error>(|conn| Box::pin(others(conn)))
        .await
        .unwrap();
    for first in (0..ENTRIES).step_by(1_000) {
        db.write::<_, Error>(move |conn| Box::pin(entries(conn, first, first + 1_000)))
            .await
            .unwrap();
    }
}

/// What the engine says of a statement, with parameters as the list binds them.
async fn plan(db: &TestDb, statement: Statement) -> Vec<String> {
    let is_postgres = db.engine() == "postgresql";
    let explain = if is_postgres {
        "EXPLAIN"
    } else {
        "EXPLAIN QUERY PLAN"
    };
    let sql = Box::leak(format!("{explain} {}", statement.sql).into_boxed_str());
    let explained = Statement {
        name: statement.name,
        sql,
    };
    let one = |name: &str| statement.name.contains(name).then(|| id(7));
    let all = !statement.name.contains("OF_PROJECTS");
    let (is_updated, is_locked) = (
        statement.name.contains("UPDATED"),
        statement.name.contains("LOCKED"),
    );
    let place = if is_updated { 0 } else { i64::MAX };
    let mut conn = db.read().await.unwrap();
    macro_rules! explained {
        ($row:ty $(, $further:expr)*) => {
            fetch_all!(
                &mut conn,
                explained as $row,
                id(1),
                all,
                id(7),
                false,
                "",
                "9999-99-99",
                one("BY_MEMBER"),
                one("BY_CLIENT"),
                one("BY_PROJECT"),
                one("BY_TASK"),
                statement.name.contains("RUNNING").then_some(true),
                statement.name.contains("BILLABLE").then_some(true),
                None::<bool>,
                is_locked.then_some(true),
                statement.name.contains("TAG").then_some("1"),
                statement.name.contains("REFERENCE").then_some("5"),
                "2026-01-01",
                i64::MIN,
                place,
                id(u128::MAX),
                51_i64,
                $($further,)*
            )
            .unwrap()
        };
    }
    let of_postgres = |(line,): (String,)| line;
    let of_sqlite = |(.., line): (i64, i64, i64, String)| line;
    match (is_postgres, is_locked) {
        (true, true) => explained!((String,), place, id(1))
            .into_iter()
            .map(of_postgres)
            .collect(),
        (true, false) => explained!((String,)).into_iter().map(of_postgres).collect(),
        (false, true) => explained!((i64, i64, i64, String), place, id(1))
            .into_iter()
            .map(of_sqlite)
            .collect(),
        (false, false) => explained!((i64, i64, i64, String))
            .into_iter()
            .map(of_sqlite)
            .collect(),
    }
}

/// Fails unless a plan is by these indexes, each for a part of the index alone.
fn check(name: &str, plan: &[String], indexes: &[&str], sorts: bool) {
    let text = plan.join("\n");
    for index in indexes {
        let is_used = index
            .split('|')
            .any(|either| text.contains(&format!("{either} ")));
        assert!(is_used, "{name} does not use {index}:\n{text}");
    }
    for line in plan {
        let reads_all = ["SCAN e", "SCAN t ", "Seq Scan on time_entr"]
            .iter()
            .any(|scan| line.trim_start_matches([' ', '-', '>']).starts_with(scan))
            || line.ends_with("(organization_id=?)") && line.contains("time_entries");
        assert!(!reads_all, "{name} reads all there is:\n{text}");
    }
    let does_sort = text.contains("TEMP B-TREE") || text.contains("Sort Key");
    assert!(sorts || !does_sort, "{name} sorts:\n{text}");
}

async fn lists_are_served_by_indexes(db: TestDb) {
    seeded(&db).await;
    if db.engine() == "postgresql" {
        let analyze = db.write::<_, Error>(|conn| Box::pin(async move { execute!(conn, ANALYZE) }));
        analyze.await.unwrap();
    }
    let statements: Vec<Statement> = plugins::plugins()
        .iter()
        .flat_map(|plugin| plugin.statements())
        .filter(|statement| {
            let lists = ["LIST_TIME_ENTRIES", "LIST_UPDATED_TIME_ENTRIES"];
            lists.iter().any(|list| statement.name.starts_with(list))
        })
        .collect();
    assert_eq!(statements.len(), LISTS.len(), "{statements:?}");
    for (name, indexes, sorts) in LISTS {
        let statement = statements.iter().find(|one| one.name == *name).unwrap();
        check(name, &plan(&db, *statement).await, indexes, *sorts);
    }
}

#[tokio::test]
async fn lists_are_served_by_indexes_on_sqlite() {
    lists_are_served_by_indexes(TestDb::sqlite().await).await;
}

#[tokio::test]
async fn lists_are_served_by_indexes_on_postgres() {
    lists_are_served_by_indexes(TestDb::postgres().await).await;
}
