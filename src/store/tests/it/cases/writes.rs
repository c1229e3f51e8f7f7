//! Jobs, their transactions, and their errors.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Db, Error, ErrorKind, OpenOptions, execute, fetch_all, fetch_optional};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use crate::support::{
    CLIENT_NAMES, COUNT_CLIENTS, NEW_CLIENT, add_client, count_clients, organization, seed,
};

/// A caller's own error.
#[derive(Debug, PartialEq)]
enum Mine {
    Refused,
    Store(ErrorKind),
}

impl From<Error> for Mine {
    fn from(error: Error) -> Self {
        Self::Store(error.kind())
    }
}

pub(crate) async fn a_job_is_kept_or_leaves_nothing(db: TestDb) {
    seed(&db, 1).await;
    add_client(&db, 1).await.unwrap();
    let refused: Result<(), Mine> = db
        .write(|conn| {
            Box::pin(async move {
                let id = Uuid::from_u128(2);
                execute!(conn, NEW_CLIENT, organization(1).0, id, "client 2")?;
                let (seen,) = hoursmith_store::fetch_one!(conn, COUNT_CLIENTS as (i64,))?;
                assert_eq!(seen, 2, "a job sees what it wrote");
                Err(Mine::Refused)
            })
        })
        .await;
    assert_eq!(refused, Err(Mine::Refused));
    assert_eq!(count_clients(&db).await, 1);
}

pub(crate) async fn a_job_that_fails_or_panics_harms_no_other(db: TestDb) {
    seed(&db, 1).await;
    let outcomes = join_all((0..96_u128).map(|number| {
        let db = db.db().clone();
        async move {
            db.write(move |conn| {
                Box::pin(async move {
                    let (id, name) = (Uuid::from_u128(number), format!("client {number}"));
                    execute!(conn, NEW_CLIENT, organization(1).0, id, name)?;
                    match number % 4 {
                        1 => Err(Mine::Refused),
                        2 => panic!("on purpose"),
                        3 => {
                            execute!(conn, NEW_CLIENT, organization(9).0, id, "nobody's")?;
                            Ok(())
                        }
                        _ => Ok(()),
                    }
                })
            })
            .await
        }
    }))
    .await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let expected = match number % 4 {
            1 => Err(Mine::Refused),
            2 => Err(Mine::Store(ErrorKind::Internal)),
            3 => Err(Mine::Store(ErrorKind::ForeignKeyViolation)),
            _ => Ok(()),
        };
        assert_eq!(outcome, expected, "{number}");
    }
    let mut conn = db.read().await.unwrap();
    let names = fetch_all!(&mut conn, CLIENT_NAMES as (String,)).unwrap();
    let expected: Vec<_> = (0..96)
        .step_by(4)
        .map(|n| (format!("client {n}"),))
        .collect();
    assert_eq!(names, expected);
}

pub(crate) async fn many_writers_at_once_are_all_there_afterwards(db: TestDb) {
    seed(&db, 1).await;
    let writers = join_all((0..64_u128).map(|writer| {
        let db = db.db().clone();
        async move {
            for turn in 0..8 {
                add_client(&db, writer * 8 + turn).await.unwrap();
            }
        }
    }));
    writers.await;
    assert_eq!(count_clients(&db).await, 512);
    // What was acknowledged is there for whoever opens the database next.
    db.close().await;
    let again = Db::open(db.target(), OpenOptions::default()).await.unwrap();
    assert_eq!(count_clients(&again).await, 512);
    again.close().await;
}

pub(crate) async fn a_caller_that_goes_away_leaves_the_effect_whole(db: TestDb) {
    seed(&db, 1).await;
    let (half, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (written, left) = (Arc::clone(&half), Arc::clone(&gone));
    let (done, end) = oneshot::channel();
    let write = db.write(move |conn| {
        Box::pin(async move {
            execute!(
                conn,
                NEW_CLIENT,
                organization(1).0,
                Uuid::from_u128(1),
                "first"
            )?;
            written.notify_one();
            left.notified().await;
            execute!(
                conn,
                NEW_CLIENT,
                organization(1).0,
                Uuid::from_u128(2),
                "second"
            )?;
            let _ = done.send(());
            Ok::<_, Error>(())
        })
    });
    tokio::select! {
        _ = write => panic!("it waits until its caller is gone"),
        () = half.notified() => {}
    }
    assert_eq!(count_clients(&db).await, 0, "half of it is not seen");
    gone.notify_one();
    end.await.unwrap();
    // Comes after it on SQLite; on PostgreSQL closing waits for it.
    db.close().await;
    let again = Db::open(db.target(), OpenOptions::default()).await.unwrap();
    assert_eq!(count_clients(&again).await, 2);
}

pub(crate) async fn a_job_that_takes_too_long_is_undone(db: TestDb) {
    seed(&db, 1).await;
    let options = OpenOptions {
        write_timeout: Duration::from_millis(50),
        ..OpenOptions::default()
    };
    let hasty = Db::open(db.target(), options).await.unwrap();
    let stuck: Result<(), Error> = hasty
        .write(|conn| {
            Box::pin(async move {
                execute!(
                    conn,
                    NEW_CLIENT,
                    organization(1).0,
                    Uuid::from_u128(1),
                    "stuck"
                )?;
                std::future::pending().await
            })
        })
        .await;
    assert_eq!(stuck.unwrap_err().kind(), ErrorKind::Busy);
    add_client(&hasty, 2).await.unwrap();
    assert_eq!(count_clients(&db).await, 1);
}

pub(crate) async fn a_job_cannot_go_on_after_a_failed_statement(db: TestDb) {
    seed(&db, 1).await;
    add_client(&db, 1).await.unwrap();
    let swallowed: Result<(), Error> = db
        .write(|conn| {
            Box::pin(async move {
                let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
                execute!(conn, NEW_CLIENT, organization(1).0, two, "before")?;
                let taken = execute!(conn, NEW_CLIENT, organization(1).0, one, "client 1");
                assert_eq!(taken.unwrap_err().kind(), ErrorKind::UniqueViolation);
                let after = execute!(conn, NEW_CLIENT, organization(1).0, two, "after");
                assert_eq!(after.unwrap_err().kind(), ErrorKind::Internal);
                Ok(())
            })
        })
        .await;
    assert_eq!(swallowed.unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(count_clients(&db).await, 1);
    add_client(&db, 3).await.unwrap();
}

pub(crate) async fn errors_say_what_went_wrong(db: TestDb) {
    seed(&db, 1).await;
    add_client(&db, 1).await.unwrap();
    let taken = add_client(&db, 1).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::UniqueViolation);
    assert_eq!(taken.operation(), "NEW_CLIENT");
    assert!(!taken.retryable() && taken.source().is_some());

    let nobody: Result<u64, Error> = db
        .write(|conn| {
            Box::pin(async move {
                execute!(
                    conn,
                    NEW_CLIENT,
                    organization(9).0,
                    Uuid::from_u128(2),
                    "nobody's"
                )
            })
        })
        .await;
    assert_eq!(nobody.unwrap_err().kind(), ErrorKind::ForeignKeyViolation);

    let mut conn = db.read().await.unwrap();
    let wrong_type = fetch_optional!(&mut conn, CLIENT_NAMES as (i64,)).unwrap_err();
    assert_eq!(wrong_type.kind(), ErrorKind::Internal);
}

pub(crate) async fn a_read_guard_cannot_write(db: TestDb) {
    seed(&db, 1).await;
    let mut conn = db.read().await.unwrap();
    let id = Uuid::from_u128(1);
    assert!(execute!(&mut conn, NEW_CLIENT, organization(1).0, id, "by a reader").is_err());
    drop(conn);
    assert_eq!(count_clients(&db).await, 0);
}

/// The edge refuses NUL. Past it, SQLite keeps it and PostgreSQL refuses; both go on.
pub(crate) async fn text_with_a_nul_breaks_nothing(db: TestDb) {
    seed(&db, 1).await;
    let written: Result<u64, Error> = db
        .write(|conn| {
            Box::pin(async move {
                execute!(
                    conn,
                    NEW_CLIENT,
                    organization(1).0,
                    Uuid::from_u128(1),
                    "a\0b"
                )
            })
        })
        .await;
    match db.engine() {
        "sqlite" => assert_eq!(written.unwrap(), 1),
        _ => assert_eq!(written.unwrap_err().kind(), ErrorKind::Internal),
    }
    add_client(&db, 2).await.unwrap();
}

pub(crate) async fn closing_lets_what_was_taken_finish(db: TestDb) {
    seed(&db, 1).await;
    let finished = Arc::new(AtomicUsize::new(0));
    let writes: Vec<_> = (0..32_u128)
        .map(|number| {
            let (db, finished) = (db.db().clone(), Arc::clone(&finished));
            let write = async move {
                let outcome = add_client(&db, number).await;
                finished.fetch_add(1, Ordering::SeqCst);
                outcome
            };
            // Polled once, so that each is taken before closing begins.
            let mut write = Box::pin(write);
            assert!((&mut write).now_or_never().is_none());
            write
        })
        .collect();
    let (outcomes, ()) = tokio::join!(join_all(writes), db.close());
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(finished.load(Ordering::SeqCst), 32);
    let late = add_client(&db, 99).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Unavailable);
    assert_eq!(db.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
    db.close().await;
    let again = Db::open(db.target(), OpenOptions::default()).await.unwrap();
    assert_eq!(count_clients(&again).await, 32);
}
