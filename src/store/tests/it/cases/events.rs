//! The outbox and its numbering.

use hoursmith_domain::{EventId, EventType};
use hoursmith_store::events::{self, NewEvent};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Conn, Db, Error, ErrorKind, execute, fetch_all};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::support::{at, organization, seed};

hoursmith_store::statements! {
    EVENTS = "SELECT id, position, sequence, type, data, trace_parent, created_at
        FROM events WHERE organization_id = $1 ORDER BY position";
    TWICE = "INSERT INTO organizations
        (id, name, slug, plan, currency, timezone, created_at, updated_at)
        SELECT id, name, slug, plan, currency, timezone, created_at, updated_at FROM organizations";
    FORGET_EVENTS = "DELETE FROM events WHERE organization_id = $1";
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: Uuid,
    position: i64,
    sequence: Option<i64>,
    r#type: String,
    data: String,
    trace_parent: Option<String>,
    created_at: i64,
}

/// Writes event `number` of an organization.
async fn append(db: &Db, organization: u128, number: u128) {
    db.write(move |conn| Box::pin(append_in(conn, organization, number)))
        .await
        .unwrap();
}

async fn append_in(conn: &mut Conn, of: u128, number: u128) -> Result<(), Error> {
    events::append(conn, event(of, number)).await
}

fn event(of: u128, number: u128) -> NewEvent<'static> {
    NewEvent {
        organization: organization(of),
        id: EventId(Uuid::from_u128(number)),
        kind: EventType::ClientCreated,
        resource_id: Uuid::from_u128(7),
        data: "{\"object\":{}}".to_owned(),
        trace_parent: (number == 2).then_some("00-1-2-01"),
        created_at: at(5),
    }
}

async fn sequence(db: &Db, limit: u32) -> u64 {
    db.write(move |conn| Box::pin(async move { events::sequence(conn, limit).await }))
        .await
        .unwrap()
}

/// Number and sequence of an organization's events, in the order of their positions.
async fn numbered(db: &Db, of: u128) -> Vec<(u128, Option<i64>)> {
    let mut conn = db.read().await.unwrap();
    let rows = fetch_all!(&mut conn, EVENTS as Row, organization(of).0).unwrap();
    rows.into_iter()
        .map(|row| (row.id.as_u128(), row.sequence))
        .collect()
}

pub(crate) async fn an_event_is_numbered_and_not_yet_public(db: TestDb) {
    seed(&db, 1).await;
    append(&db, 1, 1).await;
    append(&db, 1, 2).await;
    let mut conn = db.read().await.unwrap();
    let rows = fetch_all!(&mut conn, EVENTS as Row, organization(1).0).unwrap();
    let [first, second] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert!(first.position < second.position);
    assert_eq!((first.id, first.sequence), (Uuid::from_u128(1), None));
    assert_eq!(first.r#type, "client.created");
    assert_eq!(
        (first.data.as_str(), first.created_at),
        ("{\"object\":{}}", 5_000_000)
    );
    assert_eq!(first.trace_parent, None);
    assert_eq!(second.trace_parent.as_deref(), Some("00-1-2-01"));
}

pub(crate) async fn each_organization_is_numbered_in_order_of_position(db: TestDb) {
    seed(&db, 1).await;
    seed(&db, 2).await;
    for (organization, number) in [(1, 11), (2, 21), (1, 12), (1, 13), (2, 22)] {
        append(&db, organization, number).await;
    }
    let oldest = async || {
        let mut conn = db.read().await.unwrap();
        events::oldest_waiting(&mut conn).await.unwrap()
    };
    assert_eq!(oldest().await, Some(at(5)));
    assert_eq!(sequence(&db, 100).await, 5);
    assert_eq!(
        numbered(&db, 1).await,
        [(11, Some(1)), (12, Some(2)), (13, Some(3))]
    );
    assert_eq!(numbered(&db, 2).await, [(21, Some(1)), (22, Some(2))]);
    assert_eq!(oldest().await, None);
    assert_eq!(sequence(&db, 100).await, 0);
}

pub(crate) async fn many_events_are_written_in_their_order(db: TestDb) {
    seed(&db, 1).await;
    let numbers = || (1..).take(2 * events::at_a_time() + 3);
    for count in [0, 2 * events::at_a_time() + 3] {
        let written = db.write(move |conn| {
            Box::pin(async move {
                let all: Vec<_> = (1..).take(count).map(|number| event(1, number)).collect();
                events::append_all(conn, &all).await
            })
        });
        written.await.unwrap();
    }
    let rows = numbered(&db, 1).await;
    let ids: Vec<_> = rows.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, numbers().collect::<Vec<_>>());
    let mut conn = db.read().await.unwrap();
    let rows = fetch_all!(&mut conn, EVENTS as Row, organization(1).0).unwrap();
    assert_eq!(rows[1].trace_parent.as_deref(), Some("00-1-2-01"));
    assert_eq!(rows[1].data, rows[34].data);
}

pub(crate) async fn batches_go_on_where_the_last_one_ended(db: TestDb) {
    seed(&db, 1).await;
    seed(&db, 2).await;
    for number in 0..10 {
        append(&db, 1 + number % 2, 10 + number).await;
    }
    for (wanted, limit) in [(3, 3), (1, 1), (4, 4), (2, 4), (0, 4)] {
        assert_eq!(sequence(&db, limit).await, wanted);
    }
    for organization in [1, 2] {
        let given: Vec<_> = numbered(&db, organization).await;
        let sequences: Vec<_> = given.into_iter().filter_map(|(_, given)| given).collect();
        assert_eq!(sequences, [1, 2, 3, 4, 5]);
    }
}

/// On PostgreSQL an event with a smaller position may come to be seen after one with a larger: it
/// is numbered when it is there, whatever its position, and nothing numbered changes.
pub(crate) async fn what_becomes_visible_late_is_numbered_then(db: TestDb) {
    seed(&db, 1).await;
    let (written, is_written) = oneshot::channel();
    let (commit, may_commit) = oneshot::channel::<()>();
    let late = db.write(move |conn| {
        Box::pin(async move {
            append_in(conn, 1, 10).await?;
            written.send(()).unwrap();
            may_commit.await.unwrap();
            Ok::<_, Error>(())
        })
    });
    let others = async {
        is_written.await.unwrap();
        // SQLite has one writer, which the other waits for: there, the first is committed first.
        if db.engine() == "postgresql" {
            append(&db, 1, 11).await;
            assert_eq!(sequence(&db, 100).await, 1);
            commit.send(()).unwrap();
        } else {
            commit.send(()).unwrap();
            append(&db, 1, 11).await;
        }
    };
    let (late, ()) = tokio::join!(late, others);
    late.unwrap();
    sequence(&db, 100).await;
    let wanted = match db.engine() {
        "postgresql" => [(10, Some(2)), (11, Some(1))],
        _ => [(10, Some(1)), (11, Some(2))],
    };
    assert_eq!(numbered(&db, 1).await, wanted);
}

pub(crate) async fn the_counter_outlives_the_events(db: TestDb) {
    seed(&db, 1).await;
    append(&db, 1, 10).await;
    append(&db, 1, 11).await;
    sequence(&db, 100).await;
    let forgotten =
        db.write(|conn| Box::pin(async move { execute!(conn, FORGET_EVENTS, organization(1).0) }));
    assert_eq!(forgotten.await.unwrap(), 2);
    append(&db, 1, 12).await;
    sequence(&db, 100).await;
    assert_eq!(numbered(&db, 1).await, [(12, Some(3))]);
}

pub(crate) async fn a_batch_that_is_undone_leaves_no_gap(db: TestDb) {
    seed(&db, 1).await;
    append(&db, 1, 10).await;
    let undone: Result<(), Error> = db
        .write(|conn| {
            Box::pin(async move {
                assert_eq!(events::sequence(conn, 100).await?, 1);
                Err(execute!(conn, TWICE).unwrap_err())
            })
        })
        .await;
    assert_eq!(undone.unwrap_err().kind(), ErrorKind::UniqueViolation);
    assert_eq!(numbered(&db, 1).await, [(10, None)]);
    assert_eq!(sequence(&db, 100).await, 1);
    assert_eq!(numbered(&db, 1).await, [(10, Some(1))]);
}
