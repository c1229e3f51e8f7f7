//! Rows that cases start from.

use hoursmith_domain::{MemberId, OrganizationId, Timestamp};
use hoursmith_store::{Db, Error};
use uuid::Uuid;

hoursmith_store::statements! {
    NEW_ORGANIZATION = "INSERT INTO organizations
        (id, name, slug, plan, currency, timezone, created_at, updated_at)
        VALUES ($1, 'Acme', $2, 'agency', 'EUR', 'Europe/Berlin', 0, 0)";
    NEW_USER = "INSERT INTO users (id, name, email, email_key, created_at, updated_at)
        VALUES ($1, 'Ada', $2, $2, 0, 0)";
    NEW_MEMBER = "INSERT INTO members
        (organization_id, id, user_id, role, status, created_at, updated_at)
        VALUES ($1, $2, $2, 'owner', 'active', 0, 0)";
    NEW_CLIENT = "INSERT INTO clients
        (organization_id, id, name, name_key, search, currency, created_at, updated_at)
        VALUES ($1, $2, $3, $3, $3, 'EUR', 0, 0)";
    COUNT_CLIENTS = "SELECT COUNT(*) FROM clients";
    CLIENT_NAMES = "SELECT name FROM clients ORDER BY id";
}

pub(crate) fn organization(number: u128) -> OrganizationId {
    OrganizationId(Uuid::from_u128(number << 64))
}

pub(crate) fn member(number: u128) -> MemberId {
    MemberId(Uuid::from_u128(number << 64 | 1))
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

/// Makes organization `number` with one member.
pub(crate) async fn seed(db: &Db, number: u128) {
    let (organization, member) = (organization(number).0, member(number).0);
    db.write(move |conn| {
        Box::pin(async move {
            let word = format!("seed-{number}");
            hoursmith_store::execute!(conn, NEW_ORGANIZATION, organization, &word)?;
            hoursmith_store::execute!(conn, NEW_USER, member, &word)?;
            hoursmith_store::execute!(conn, NEW_MEMBER, organization, member)?;
            Ok::<_, Error>(())
        })
    })
    .await
    .unwrap();
}

/// Writes client `number` of organization 1.
pub(crate) async fn add_client(db: &Db, number: u128) -> Result<(), Error> {
    db.write(move |conn| {
        Box::pin(async move {
            let (id, name) = (Uuid::from_u128(number), format!("client {number}"));
            hoursmith_store::execute!(conn, NEW_CLIENT, organization(1).0, id, name).map(drop)
        })
    })
    .await
}

pub(crate) async fn count_clients(db: &Db) -> i64 {
    let mut conn = db.read().await.unwrap();
    let (count,) = hoursmith_store::fetch_one!(&mut conn, COUNT_CLIENTS as (i64,)).unwrap();
    count
}
