//! Leases.

use futures::future::join_all;
use hoursmith_domain::Timestamp;
use hoursmith_store::leases::{self, Lease};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Db, Error};
use uuid::Uuid;

use crate::support::at;

const NAME: &str = "test";

async fn take(db: &Db, holder: u128, now: i64, until: i64) -> Result<Option<Lease>, Error> {
    let (holder, now, until) = (Uuid::from_u128(holder), at(now), at(until));
    db.write(move |conn| {
        Box::pin(async move { leases::take(conn, NAME, holder, now, until).await })
    })
    .await
}

async fn taken(db: &Db, holder: u128, now: i64, until: i64) -> Option<i64> {
    let lease = take(db, holder, now, until).await.unwrap();
    lease.map(|lease| lease.token)
}

async fn hold(db: &Db, holder: u128, token: i64, until: Timestamp) -> bool {
    let lease = lease(holder, token);
    let held =
        db.write(move |conn| Box::pin(async move { leases::hold(conn, &lease, until).await }));
    held.await.unwrap()
}

async fn release(db: &Db, holder: u128) {
    let holder = Uuid::from_u128(holder);
    db.write(move |conn| Box::pin(async move { leases::release(conn, NAME, holder).await }))
        .await
        .unwrap();
}

fn lease(holder: u128, token: i64) -> Lease {
    Lease {
        name: NAME,
        holder: Uuid::from_u128(holder),
        token,
    }
}

pub(crate) async fn a_lease_is_taken_by_one(db: TestDb) {
    assert_eq!(taken(&db, 1, 0, 10).await, Some(1));
    assert_eq!(taken(&db, 2, 9, 19).await, None);
    assert_eq!(taken(&db, 1, 9, 19).await, None, "it is to hold on to it");
    assert!(hold(&db, 1, 1, at(20)).await);
    assert!(!hold(&db, 2, 1, at(20)).await);
    assert_eq!(taken(&db, 2, 19, 29).await, None, "held until later");
}

pub(crate) async fn a_lease_that_is_over_is_anybodys_under_a_larger_token(db: TestDb) {
    assert_eq!(taken(&db, 1, 0, 10).await, Some(1));
    assert_eq!(taken(&db, 2, 10, 20).await, Some(2));
    assert!(!hold(&db, 1, 1, at(99)).await, "it was relieved");
    assert!(hold(&db, 2, 2, at(20)).await);
    assert_eq!(taken(&db, 1, 20, 30).await, Some(3));
    assert!(!hold(&db, 1, 1, at(99)).await, "under its old token");
}

pub(crate) async fn a_lease_that_nobody_took_is_held_on_to(db: TestDb) {
    assert_eq!(taken(&db, 1, 0, 10).await, Some(1));
    assert!(hold(&db, 1, 1, at(50)).await, "long after it was over");
    assert_eq!(taken(&db, 2, 49, 60).await, None);
}

pub(crate) async fn a_lease_that_is_given_back_is_free(db: TestDb) {
    assert_eq!(taken(&db, 1, 0, 10).await, Some(1));
    release(&db, 2).await;
    assert_eq!(
        taken(&db, 2, 1, 11).await,
        None,
        "another's is not given back"
    );
    release(&db, 1).await;
    assert_eq!(taken(&db, 2, 1, 11).await, Some(2));
}

pub(crate) async fn a_clock_that_was_set_back_waits_for_no_lease(db: TestDb) {
    assert_eq!(taken(&db, 1, 3600, 3610).await, Some(1));
    assert_eq!(
        taken(&db, 2, 3590, 3600).await,
        None,
        "another clock, perhaps"
    );
    assert_eq!(taken(&db, 2, 0, 10).await, Some(2));
    assert!(!hold(&db, 1, 1, at(10)).await);
}

pub(crate) async fn one_of_many_takers_wins(db: TestDb) {
    for round in 0..10 {
        let takers = (0..8).map(|holder| taken(&db, holder, round * 10, round * 10 + 10));
        let winners: Vec<i64> = join_all(takers).await.into_iter().flatten().collect();
        assert_eq!(winners, [round + 1]);
    }
}
