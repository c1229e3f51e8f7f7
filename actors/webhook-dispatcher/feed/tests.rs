//! Where instants lie in a feed that is not in the order of its moments, and lacks events.

use hoursmith_domain::{OrganizationId, Timestamp};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Error, execute_rows};
use uuid::Uuid;

use super::{DISORDER, last_before};

hoursmith_store::statements! {
    NEW_EVENTS = "INSERT INTO events
        (organization_id, id, sequence, type, resource_id, api_version, data, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
}

const OWN: OrganizationId = OrganizationId(Uuid::from_u128(1));
const OTHER: OrganizationId = OrganizationId(Uuid::from_u128(2));

#[tokio::test]
async fn an_instant_has_its_place_on_sqlite() {
    an_instant_has_its_place(TestDb::sqlite().await).await;
}

#[tokio::test]
async fn an_instant_has_its_place_on_postgres() {
    an_instant_has_its_place(TestDb::postgres().await).await;
}

fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_micros(minutes * 60_000_000)
}

async fn place_of(db: &TestDb, organization: OrganizationId, instant: Timestamp) -> i64 {
    let mut conn = db.read().await.unwrap();
    last_before(&mut conn, organization, instant).await.unwrap()
}

async fn an_instant_has_its_place(db: TestDb) {
    // From number 1,000 on, a minute apart and each third one four minutes early; without one in five.
    let feed: Vec<(i64, Timestamp)> = (0..100)
        .filter(|at| at % 5 != 2)
        .map(|at| (1_000 + at, minute(1_000 + at - 4 * i64::from(at % 3 == 0))))
        .collect();
    let of = |organization: OrganizationId, after: i64| {
        let event = move |(number, at): &(i64, Timestamp)| (organization.0, number + after, *at);
        feed.iter().map(event).collect::<Vec<_>>()
    };
    let rows = [of(OWN, 0), of(OTHER, 500)].concat();
    let written = db.write(move |conn| {
        Box::pin(async move {
            execute_rows!(
                conn,
                NEW_EVENTS,
                rows,
                |row| row.0,
                Uuid::from_u128(row.1.unsigned_abs().into()),
                row.1,
                "client.created",
                row.0,
                "v1",
                "{}",
                row.2.as_micros(),
            )
        })
    });
    written.await.map_err(|error: Error| error).unwrap();

    for instant in (980..1_120).map(minute) {
        let place = place_of(&db, OWN, instant).await;
        let at = |number: i64| feed.iter().find(|(of, _)| *of == number).map(|(_, at)| *at);
        assert!(at(place).map_or(place == 0, |at| at < instant), "{place}");
        let next = feed.iter().find(|(number, _)| *number > place);
        assert!(next.is_none_or(|(_, at)| *at >= instant), "{place}");

        let first = place_of(&db, OWN, instant.minus(DISORDER)).await;
        let last = place_of(&db, OWN, instant.plus(DISORDER)).await;
        for (number, at) in &feed {
            assert!(*number > first || *at < instant, "{number} {instant}");
            assert!(*number <= last || *at >= instant, "{number} {instant}");
        }
    }
    let nobodys = OrganizationId(Uuid::from_u128(3));
    assert_eq!(place_of(&db, nobodys, minute(2_000)).await, 0);
}
