//! The schema: equal on both engines, applied once, tenants apart.

use std::collections::BTreeSet;

use futures::future::join_all;
use hoursmith_store::testing::{TestDb, prepare_all};
use hoursmith_store::{Db, Error, ErrorKind, MigrationError, OpenOptions, execute, fetch_all};
use uuid::Uuid;

use crate::support::{add_client, at, organization, seed};

hoursmith_store::statements! {
    COLUMNS_SQLITE = "SELECT t.name, c.name, c.\"notnull\" = 0 FROM sqlite_master t
        JOIN pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    COLUMNS_POSTGRES = "SELECT table_name::text, column_name::text, is_nullable = 'YES'
        FROM information_schema.columns WHERE table_schema = 'public'";
    INDEXES_SQLITE = "SELECT t.name, group_concat(c.name), i.\"unique\" = 1
        FROM sqlite_master t
        JOIN pragma_index_list(t.name) i
        JOIN pragma_index_info(i.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
        GROUP BY t.name, i.name";
    INDEXES_POSTGRES = "SELECT t.relname::text,
            (SELECT string_agg(a.attname, ',' ORDER BY k.place)
                FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
                JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number),
            i.indisunique
        FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
        JOIN pg_namespace n ON n.oid = t.relnamespace
        WHERE n.nspname = 'public'";
    NEW_PROJECT = "INSERT INTO projects
        (organization_id, id, client_id, name, name_key, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $4, 0, 0)";
}

type Shape = BTreeSet<(String, String, bool)>;

async fn shape(db: &Db, statement: hoursmith_store::Statement) -> Shape {
    let mut conn = db.read().await.unwrap();
    let rows = fetch_all!(&mut conn, statement as (String, String, bool)).unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn both_engines_have_the_same_schema() {
    let (sqlite, postgres) = (TestDb::sqlite().await, TestDb::postgres().await);
    let columns = shape(&sqlite, COLUMNS_SQLITE).await;
    assert!(columns.contains(&("clients".into(), "name_key".into(), false)));
    assert_eq!(columns, shape(&postgres, COLUMNS_POSTGRES).await);

    // SQLite has no index for a primary key that is its row number or its table.
    let own_key = |(table, columns, _): &(String, String, bool)| {
        matches!((table.as_str(), columns.as_str()), ("events", "position"))
            || (table == "schema_migrations")
    };
    let without_own =
        |shape: Shape| -> Shape { shape.into_iter().filter(|index| !own_key(index)).collect() };
    let indexes = without_own(shape(&sqlite, INDEXES_SQLITE).await);
    assert_eq!(
        indexes,
        without_own(shape(&postgres, INDEXES_POSTGRES).await)
    );
}

pub(crate) async fn statements_prepare(db: TestDb) {
    prepare_all(&db, &hoursmith_store::statements()).await;
}

pub(crate) async fn durability_holds(db: TestDb) {
    db.ping().await.unwrap();
    let durability = db.durability().await.unwrap();
    assert!(durability.holds(), "{durability:?}");
    assert_eq!(durability.engine, db.engine());
    assert!(!durability.settings.is_empty());
}

pub(crate) async fn migrating_again_does_nothing(db: TestDb) {
    assert_eq!(db.pending_migrations().await.unwrap(), []);
    let empty = db.empty_like().await;
    let pending = empty.pending_migrations().await.unwrap();
    assert!(!pending.is_empty());
    let first = empty.migrate(at(1)).await.unwrap();
    assert_eq!((first.applied, first.already), (pending.clone(), 0));
    let second = empty.migrate(at(2)).await.unwrap();
    assert_eq!((second.applied, second.already), (vec![], pending.len()));
    assert_eq!(empty.pending_migrations().await.unwrap(), []);
}

pub(crate) async fn many_migrators_at_once_apply_each_step_once(db: TestDb) {
    let empty = db.empty_like().await;
    // Each opens the database itself, as processes do.
    let migrators = join_all((0..4).map(|number| {
        let target = empty.target();
        async move {
            let db = Db::open(target, OpenOptions::default()).await.unwrap();
            let report = db.migrate(at(number)).await?;
            db.close().await;
            Ok::<_, MigrationError>(report.applied.len())
        }
    }));
    let mut applied: Vec<usize> = migrators.await.into_iter().map(Result::unwrap).collect();
    applied.sort_unstable();
    assert_eq!(applied[..3], [0, 0, 0]);
    assert!(applied[3] > 0);
}

/// Composite foreign keys: the row exists, but in another organization.
pub(crate) async fn another_tenants_object_cannot_be_referred_to(db: TestDb) {
    seed(&db, 1).await;
    seed(&db, 2).await;
    add_client(&db, 7).await.unwrap();
    let project_of = async |owner: u128| {
        db.write::<_, Error>(move |conn| {
            Box::pin(async move {
                let (id, client) = (Uuid::from_u128(owner), Uuid::from_u128(7));
                execute!(conn, NEW_PROJECT, organization(owner).0, id, client, "Site")
            })
        })
        .await
    };
    assert_eq!(
        project_of(2).await.unwrap_err().kind(),
        ErrorKind::ForeignKeyViolation
    );
    assert_eq!(project_of(1).await.unwrap(), 1);
}
