//! The outbox.

use hoursmith_domain::{EventId, EventType};
use hoursmith_store::events::{self, NewEvent};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Error, fetch_all};
use uuid::Uuid;

use crate::support::{at, organization, seed};

hoursmith_store::statements! {
    EVENTS = "SELECT id, position, sequence, type, data, trace_parent, created_at
        FROM events WHERE organization_id = $1 ORDER BY position";
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

pub(crate) async fn an_event_is_numbered_and_not_yet_public(db: TestDb) {
    seed(&db, 1).await;
    for number in [1, 2_u128] {
        db.write(move |conn| {
            Box::pin(async move {
                let event = NewEvent {
                    organization: organization(1),
                    id: EventId(Uuid::from_u128(number)),
                    kind: EventType::ClientCreated,
                    resource_id: Uuid::from_u128(7),
                    data: "{\"object\":{}}".to_owned(),
                    trace_parent: (number == 2).then_some("00-1-2-01"),
                    created_at: at(5),
                };
                events::append(conn, event).await?;
                Ok::<_, Error>(())
            })
        })
        .await
        .unwrap();
    }
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
