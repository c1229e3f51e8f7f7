//! What only PostgreSQL has: transactions beside one another, and a server that can go away.

use std::sync::Arc;
use std::time::Duration;

use hoursmith_store::idempotency::{self, Claim, Keep, Key};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Db, Error, ErrorKind, OpenError, OpenOptions, Target, execute};
use tokio::sync::Notify;

use crate::support::{add_client, at, count_clients, member, organization, seed};

hoursmith_store::statements! {
    END_SESSION = "SELECT pg_terminate_backend(pg_backend_pid())";
}

const DAY: Duration = Duration::from_secs(86_400);

fn key() -> Key<'static> {
    Key {
        organization: organization(1),
        member: member(1),
        key: "k",
    }
}

#[tokio::test]
async fn a_second_claim_waits_for_the_first_and_then_gives_up() {
    let db = TestDb::postgres().await;
    seed(&db, 1).await;
    let (claimed, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&claimed), Arc::clone(&go_on));
    let first = db.write::<_, Error>(move |conn| {
        Box::pin(async move {
            let claim = idempotency::claim(conn, &key(), &[1; 32], at(1), DAY).await?;
            tell.notify_one();
            wait.notified().await;
            idempotency::complete(conn, &key(), 201, &[], b"{}", Keep::Plain).await?;
            Ok(claim)
        })
    });
    let second = async {
        claimed.notified().await;
        let claim = db
            .write::<_, Error>(|conn| {
                Box::pin(
                    async move { idempotency::claim(conn, &key(), &[1; 32], at(1), DAY).await },
                )
            })
            .await;
        go_on.notify_one();
        claim
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap(), Claim::Claimed);
    let error = second.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockTimeout);
    assert!(error.retryable());
}

#[tokio::test]
async fn a_session_that_ends_harms_no_later_one() {
    let db = TestDb::postgres().await;
    seed(&db, 1).await;
    let ended: Result<u64, Error> = db
        .write(|conn| Box::pin(async move { execute!(conn, END_SESSION) }))
        .await;
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Unavailable);
    for number in 0..20 {
        add_client(&db, number).await.unwrap();
    }
    assert_eq!(count_clients(&db).await, 20);
}

#[tokio::test]
async fn an_unreachable_server_is_named_with_its_reason() {
    let nowhere = Target::parse("postgres://u:secret@localhost/db?host=/nowhere").unwrap();
    let error = Db::open(&nowhere, OpenOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("secret"));
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(!source.contains("timed out"), "{source}");
}
