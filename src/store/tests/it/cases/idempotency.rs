//! Idempotency records: claims, answers, expiry.

use std::time::Duration;

use futures::future::join_all;
use hoursmith_domain::{Keys, SecretKey, Timestamp};
use hoursmith_store::idempotency::{self, Claim, Keep, Key};
use hoursmith_store::testing::{TestDb, contents};
use hoursmith_store::{Db, Error, ErrorKind, execute};
use uuid::Uuid;

use crate::support::{NEW_CLIENT, at, count_clients, member, organization, seed};

const DAY: Duration = Duration::from_secs(86_400);

fn key(text: &str) -> Key<'_> {
    Key {
        organization: organization(1),
        member: member(1),
        key: text,
    }
}

fn keys() -> Keys {
    Keys::derive(&SecretKey::from_bytes([7; 32]))
}

fn headers() -> Vec<(String, String)> {
    vec![
        ("content-type".into(), "application/json".into()),
        ("etag".into(), "\"1\"".into()),
    ]
}

/// Claims, has an effect, and answers; what a handler does.
async fn keyed_write(
    db: &Db,
    text: &'static str,
    client: u128,
    now: Timestamp,
) -> Result<Claim, Error> {
    db.write(move |conn| {
        Box::pin(async move {
            let key = key(text);
            let claim = idempotency::claim(conn, &key, &[7; 32], now, DAY).await?;
            if claim == Claim::Claimed {
                let (id, name) = (Uuid::from_u128(client), format!("client {client}"));
                execute!(conn, NEW_CLIENT, organization(1).0, id, name)?;
                idempotency::complete(conn, &key, 201, &headers(), b"{\"id\":1}\0", Keep::Plain)
                    .await?;
            }
            Ok(claim)
        })
    })
    .await
}

async fn find(db: &Db, text: &str, now: Timestamp) -> Option<idempotency::Record> {
    let mut conn = db.read().await.unwrap();
    idempotency::find(&mut conn, &keys(), &key(text), now, DAY)
        .await
        .unwrap()
}

pub(crate) async fn an_answer_is_replayed_until_it_expires(db: TestDb) {
    seed(&db, 1).await;
    assert_eq!(find(&db, "k", at(0)).await, None);
    assert_eq!(
        keyed_write(&db, "k", 1, at(100)).await.unwrap(),
        Claim::Claimed
    );
    let record = find(&db, "k", at(100)).await.unwrap();
    assert_eq!((record.fingerprint, record.status), ([7; 32], 201));
    assert_eq!((record.headers, record.created_at), (headers(), at(100)));
    assert_eq!(record.body, b"{\"id\":1}\0");
    assert_eq!(find(&db, "other", at(100)).await, None);
    // The last microsecond that it counts, and the first that it does not.
    let expiry = at(100).plus(DAY);
    assert!(
        find(&db, "k", expiry.minus(Duration::from_micros(1)))
            .await
            .is_some()
    );
    assert_eq!(find(&db, "k", expiry).await, None);
}

pub(crate) async fn one_of_many_claims_wins(db: TestDb) {
    seed(&db, 1).await;
    let claims = join_all((0..8).map(|client| keyed_write(db.db(), "k", client, at(100)))).await;
    let claimed = claims
        .iter()
        .filter(|claim| matches!(claim, Ok(Claim::Claimed)))
        .count();
    let taken = claims
        .iter()
        .filter(|claim| matches!(claim, Ok(Claim::Taken)))
        .count();
    assert_eq!((claimed, taken), (1, 7), "{claims:?}");
    assert_eq!(count_clients(&db).await, 1);
}

pub(crate) async fn a_claim_that_is_undone_frees_the_key(db: TestDb) {
    seed(&db, 1).await;
    let refused: Result<(), Error> = db
        .write(|conn| {
            Box::pin(async move {
                let claim = idempotency::claim(conn, &key("k"), &[1; 32], at(1), DAY).await?;
                assert_eq!(claim, Claim::Claimed);
                // The handler fails.
                execute!(
                    conn,
                    NEW_CLIENT,
                    organization(9).0,
                    Uuid::from_u128(1),
                    "nobody's"
                )
                .map(drop)
            })
        })
        .await;
    assert!(refused.is_err());
    assert_eq!(find(&db, "k", at(2)).await, None);
    assert_eq!(
        keyed_write(&db, "k", 1, at(3)).await.unwrap(),
        Claim::Claimed
    );
}

pub(crate) async fn an_expired_record_is_taken_over(db: TestDb) {
    seed(&db, 1).await;
    assert_eq!(
        keyed_write(&db, "k", 1, at(100)).await.unwrap(),
        Claim::Claimed
    );
    let expiry = at(100).plus(DAY);
    let before = expiry.minus(Duration::from_micros(1));
    assert_eq!(
        keyed_write(&db, "k", 2, before).await.unwrap(),
        Claim::Taken
    );
    let claims = join_all((2..6).map(|client| keyed_write(db.db(), "k", client, expiry))).await;
    let claimed = claims
        .iter()
        .filter(|claim| matches!(claim, Ok(Claim::Claimed)))
        .count();
    assert_eq!(claimed, 1, "{claims:?}");
    assert_eq!(find(&db, "k", expiry).await.unwrap().created_at, expiry);
    assert_eq!(count_clients(&db).await, 2);
}

pub(crate) async fn purging_takes_the_oldest_first(db: TestDb) {
    seed(&db, 1).await;
    for (number, text) in (1..).zip(["a", "b", "c", "d"]) {
        keyed_write(&db, text, number, at(i64::try_from(number).unwrap()))
            .await
            .unwrap();
    }
    let purge = async |before, limit| {
        db.write::<_, Error>(move |conn| Box::pin(idempotency::purge(conn, before, limit)))
            .await
            .unwrap()
    };
    assert_eq!(purge(at(3), 2).await, 2);
    assert_eq!(find(&db, "b", at(5)).await, None);
    assert!(find(&db, "c", at(5)).await.is_some());
    assert_eq!(purge(at(3), 2).await, 1);
    assert_eq!(purge(at(3), 2).await, 0);
    assert!(find(&db, "d", at(5)).await.is_some());
}

pub(crate) async fn completing_what_was_not_claimed_is_a_defect(db: TestDb) {
    seed(&db, 1).await;
    let complete = async || {
        db.write::<_, Error>(|conn| {
            Box::pin(async move {
                idempotency::complete(conn, &key("k"), 200, &[], b"", Keep::Plain).await
            })
        })
        .await
        .unwrap_err()
        .kind()
    };
    assert_eq!(complete().await, ErrorKind::Internal);
    keyed_write(&db, "k", 1, at(1)).await.unwrap();
    assert_eq!(
        complete().await,
        ErrorKind::Internal,
        "an answer is never replaced"
    );
}

/// Bytes that no other part of a test database holds.
const SECRET: &[u8] = b"whsec_0123456789abcdefghijklmnopqrstuv";

async fn keep_secret(db: &Db) {
    db.write::<_, Error>(|conn| {
        Box::pin(async move {
            idempotency::claim(conn, &key("s"), &[7; 32], at(1), DAY).await?;
            let (keys, nonce) = (&keys(), [9; 24]);
            let keep = Keep::Sealed { keys, nonce };
            idempotency::complete(conn, &key("s"), 201, &headers(), SECRET, keep).await
        })
    })
    .await
    .unwrap();
}

pub(crate) async fn a_sealed_answer_is_found_and_never_kept_as_it_is(db: TestDb) {
    seed(&db, 1).await;
    keep_secret(&db).await;
    assert_eq!(find(&db, "s", at(2)).await.unwrap().body, SECRET);
    let text = str::from_utf8(SECRET).unwrap();
    let hex: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    for (table, rows) in contents(&db, &[]).await {
        let rows = rows.to_lowercase();
        assert!(!rows.contains(text) && !rows.contains(&hex), "{table}");
    }
    let other = Keys::derive(&SecretKey::from_bytes([8; 32]));
    let mut conn = db.read().await.unwrap();
    let refused = idempotency::find(&mut conn, &other, &key("s"), at(2), DAY).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Internal);
}

pub(crate) async fn a_key_may_hold_a_secret_once_and_none_the_next_time(db: TestDb) {
    seed(&db, 1).await;
    keep_secret(&db).await;
    let later = at(1).plus(DAY);
    let claimed = keyed_write(&db, "s", 1, later).await.unwrap();
    assert_eq!(claimed, Claim::Claimed);
    let found = find(&db, "s", later).await.unwrap();
    assert_eq!(found.body, b"{\"id\":1}\0");
}
