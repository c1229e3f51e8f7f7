//! What only SQLite's writer can do wrong: its transactions are shared.

use std::future::pending;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Db, Error, ErrorKind, OpenOptions, Target, execute};
use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::{NEW_CLIENT, add_client, at, count_clients, organization, seed};

hoursmith_store::statements! {
    END_TRANSACTION = "ROLLBACK";
}

/// Keeps the writer busy until the returned end is used, so that whatever is asked meanwhile waits
/// together: up to a batch of it is then one transaction.
async fn hold(db: &Db) -> oneshot::Sender<()> {
    let (started, runs) = oneshot::channel();
    let (release, released) = oneshot::channel::<()>();
    let job = db.write::<_, Error>(|_conn| {
        Box::pin(async {
            started.send(()).unwrap();
            released.await.unwrap();
            Ok(())
        })
    });
    // Asked once, the job is the store's and runs to its end whoever waits.
    match select(Box::pin(job), runs).await {
        Either::Left(_) => panic!("the job ended before it was released"),
        Either::Right((runs, _job)) => runs.unwrap(),
    }
    release
}

/// A full disk makes SQLite roll back on its own, savepoints included. A job that does the same
/// stands for it: whoever shared its transaction is told, and the writer goes on.
#[tokio::test]
async fn a_transaction_that_is_lost_fails_the_batch_and_the_writer_recovers() {
    let db = TestDb::sqlite().await;
    seed(&db, 1).await;
    let lose = |number: u128| {
        db.write::<_, Error>(move |conn| {
            Box::pin(async move {
                let id = Uuid::from_u128(number);
                execute!(
                    conn,
                    NEW_CLIENT,
                    organization(1).0,
                    id,
                    format!("lost {number}")
                )?;
                execute!(conn, END_TRANSACTION).map(drop)
            })
        })
    };
    assert_eq!(
        lose(1).await.unwrap_err().kind(),
        ErrorKind::Unavailable,
        "alone"
    );
    assert_eq!(count_clients(&db).await, 0);

    // Asked in this order, and all before the writer is let go, so they are one batch.
    let release = hold(&db).await;
    let (before, lost, after, ()) = futures::join!(
        add_client(&db, 2),
        lose(3),
        join_all((4..8).map(|n| add_client(&db, n))),
        async { release.send(()).unwrap() }
    );
    for outcome in [before, lost].into_iter().chain(after) {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert_eq!(count_clients(&db).await, 0);
    add_client(&db, 9).await.unwrap();
    assert_eq!(count_clients(&db).await, 1);
}

/// A job that takes long does not hold up those behind it in the same transaction as those before
/// it: what was done by then is committed first. (Time itself is what is tested, so it passes.)
#[tokio::test]
async fn a_slow_job_ends_its_batch() {
    let db = TestDb::sqlite().await;
    seed(&db, 1).await;
    let slow = db.write::<_, Error>(|_conn| {
        Box::pin(async {
            let _ = timeout(Duration::from_millis(150), pending::<()>()).await;
            Ok(())
        })
    });
    let reader = db.db().clone();
    let behind = db
        .write::<_, Error>(move |_conn| Box::pin(async move { Ok(count_clients(&reader).await) }));
    // Asked in this order, and all before the writer is let go, so they would be one batch.
    let release = hold(&db).await;
    let (before, slow, seen, ()) = futures::join!(add_client(&db, 2), slow, behind, async {
        release.send(()).unwrap();
    });
    before.unwrap();
    slow.unwrap();
    assert_eq!(seen.unwrap(), 1, "committed before the last job began");
}

/// More than the queue holds, all at once: the rest is refused at once, and what was taken is
/// there.
#[tokio::test]
async fn past_its_bound_the_queue_refuses() {
    let db = TestDb::sqlite().await;
    seed(&db, 1).await;
    let release = hold(&db).await;
    let (outcomes, ()) = futures::join!(
        join_all((0..1_100).map(|number| add_client(&db, number))),
        async { release.send(()).unwrap() }
    );
    let (taken, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((taken.len(), refused.len()), (1_024, 76));
    assert!(
        refused
            .iter()
            .all(|r| matches!(r, Err(e) if e.kind() == ErrorKind::Busy))
    );
    assert_eq!(count_clients(&db).await, 1_024);
}

/// Processes that start together on a new machine all find no file, and all make it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_file_may_be_opened_by_many_at_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let target = Target::Sqlite {
        path: folder.path().join("new.db"),
    };
    let opened = join_all((0..8).map(|_| {
        let target = target.clone();
        async move {
            let db = Db::open(&target, OpenOptions::default()).await.unwrap();
            db.migrate(at(1)).await.unwrap().applied.len()
        }
    }));
    let applied: Vec<usize> = opened.await;
    assert_eq!(
        applied.iter().filter(|applied| **applied > 0).count(),
        1,
        "{applied:?}"
    );
}
