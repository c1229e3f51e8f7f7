//! Idempotency records: an answer, kept beside the effect that it tells of.
//!
//! [`claim`] and [`complete`] run in the effect's own transaction. So there is no reservation to
//! expire, no lease, and no key that stays stuck after a crash: either effect and answer are both
//! there, or neither is. Two requests with one key are decided by the unique key alone: on SQLite
//! there is one writer; on PostgreSQL the second claim waits for the first transaction, at most
//! 2 s ([`ErrorKind::LockTimeout`]), and then finds the key taken
//! or, when the first rolled back, free.
//!
//! A record counts while `now < created_at + retention`; from that microsecond on it is as absent,
//! whether or not [`purge`] has been there.
//!
//! An answer that holds a secret is kept sealed ([`Keep::Sealed`]), bound to its key, and opened when
//! it is found. It has a column of its own: a release that knows no sealed answers finds none, and
//! fails rather than repeat what nobody can read.

use std::time::Duration;

use hoursmith_domain::{Keys, MemberId, OrganizationId, SEAL_NONCE_BYTES, Timestamp};
use uuid::Uuid;

use crate::conn::Conn;
use crate::error::{Error, ErrorKind};
use crate::{execute, fetch_optional};

crate::statements! {
    /// Finds a record that counts.
    FIND_IDEMPOTENCY = "SELECT fingerprint, status, headers, body, sealed_body, created_at
        FROM idempotency_records
        WHERE organization_id = $1 AND member_id = $2 AND key = $3 AND created_at > $4";
    /// Takes a key that is free or whose record no longer counts; writes no row otherwise.
    CLAIM_IDEMPOTENCY = "INSERT INTO idempotency_records
        (organization_id, member_id, key, fingerprint, created_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (organization_id, member_id, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, created_at = excluded.created_at,
            status = NULL, headers = NULL, body = NULL, sealed_body = NULL
        WHERE idempotency_records.created_at <= $6";
    /// Puts the answer beside the claim.
    COMPLETE_IDEMPOTENCY = "UPDATE idempotency_records
        SET status = $4, headers = $5, body = $6, sealed_body = $7
        WHERE organization_id = $1 AND member_id = $2 AND key = $3 AND status IS NULL";
    /// Deletes some of the oldest records.
    PURGE_IDEMPOTENCY = "DELETE FROM idempotency_records
        WHERE created_at <= $1 AND (organization_id, member_id, key) IN (
            SELECT organization_id, member_id, key FROM idempotency_records
            WHERE created_at <= $1 ORDER BY created_at LIMIT $2)";
}

/// Whose key, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// The organization.
    pub organization: OrganizationId,
    /// The member who sent it: two members may use the same text.
    pub member: MemberId,
    /// The `Idempotency-Key` header.
    pub key: &'a str,
}

/// An answer to replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which request it answered: SHA-256 over what the request asked for.
    pub fingerprint: [u8; 32],
    /// The HTTP status.
    pub status: u16,
    /// The headers that the handler set, in order.
    pub headers: Vec<(String, String)>,
    /// The exact bytes of the body.
    pub body: Vec<u8>,
    /// When it was claimed.
    pub created_at: Timestamp,
}

/// How the body of an answer is kept.
#[derive(Debug, Clone, Copy)]
pub enum Keep<'a> {
    /// As it is.
    Plain,
    /// Sealed, since it holds a secret.
    Sealed {
        /// What it is sealed with.
        keys: &'a Keys,
        /// Random bytes, new for each answer.
        nonce: [u8; SEAL_NONCE_BYTES],
    },
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The key is this transaction's: carry on, and [`complete`] it.
    Claimed,
    /// A record that counts is there: undo, and [`find`] it.
    Taken,
}

#[derive(sqlx::FromRow)]
struct Row {
    fingerprint: Vec<u8>,
    status: Option<i64>,
    headers: Option<String>,
    body: Option<Vec<u8>>,
    sealed_body: Option<Vec<u8>>,
    created_at: i64,
}

/// Finds the record of a key, if it counts.
pub async fn find(
    conn: &mut Conn,
    keys: &Keys,
    key: &Key<'_>,
    now: Timestamp,
    retention: Duration,
) -> Result<Option<Record>, Error> {
    let (organization, member, text) = key.parts();
    let expired = now.minus(retention).as_micros();
    fetch_optional!(
        conn,
        FIND_IDEMPOTENCY as Row,
        organization,
        member,
        text,
        expired
    )?
    .map(|row| row.into_record(keys, key))
    .transpose()
}

/// Claims a key for the effect that this transaction is about to have. First in its job: nothing
/// else need be undone when the key is taken.
pub async fn claim(
    conn: &mut Conn,
    key: &Key<'_>,
    fingerprint: &[u8; 32],
    now: Timestamp,
    retention: Duration,
) -> Result<Claim, Error> {
    let (organization, member, text) = key.parts();
    let written = execute!(
        conn,
        CLAIM_IDEMPOTENCY,
        organization,
        member,
        text,
        fingerprint.as_slice(),
        now.as_micros(),
        now.minus(retention).as_micros(),
    )?;
    Ok(if written == 1 {
        Claim::Claimed
    } else {
        Claim::Taken
    })
}

/// Keeps the answer of a claimed key. Last in its job. A key that this transaction did not claim
/// is a defect.
pub async fn complete(
    conn: &mut Conn,
    key: &Key<'_>,
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
    keep: Keep<'_>,
) -> Result<(), Error> {
    let (organization, member, text) = key.parts();
    let (plain, sealed) = match keep {
        Keep::Plain => (Some(body), None),
        Keep::Sealed { keys, nonce } => {
            let sealed = keys.answers().seal(nonce, &key.place(), body);
            (None, Some(sealed))
        }
    };
    let headers = serde_json::to_string(headers)
        .map_err(|source| Error::unreadable(COMPLETE_IDEMPOTENCY.name, source))?;
    let written = execute!(
        conn,
        COMPLETE_IDEMPOTENCY,
        organization,
        member,
        text,
        i64::from(status),
        headers,
        plain,
        sealed,
    )?;
    if written == 1 {
        return Ok(());
    }
    Err(Error::new(
        COMPLETE_IDEMPOTENCY.name,
        ErrorKind::Internal,
        "the key was not claimed",
    ))
}

/// Deletes at most `limit` records that were claimed at `before` or earlier, the oldest first.
/// Gives how many; fewer than `limit` means that none is left.
///
/// Small batches: on SQLite every write waits meanwhile.
pub async fn purge(conn: &mut Conn, before: Timestamp, limit: u32) -> Result<u64, Error> {
    execute!(
        conn,
        PURGE_IDEMPOTENCY,
        before.as_micros(),
        i64::from(limit)
    )
}

impl<'a> Key<'a> {
    fn parts(&self) -> (Uuid, Uuid, &'a str) {
        (self.organization.0, self.member.0, self.key)
    }

    /// What a sealed answer is bound to.
    fn place(&self) -> [&[u8]; 3] {
        [
            self.organization.0.as_bytes(),
            self.member.0.as_bytes(),
            self.key.as_bytes(),
        ]
    }
}

impl Row {
    fn into_record(self, keys: &Keys, key: &Key<'_>) -> Result<Record, Error> {
        const NAME: &str = FIND_IDEMPOTENCY.name;
        let body = match (self.body, self.sealed_body) {
            (None, Some(sealed)) => keys
                .answers()
                .open(&key.place(), &sealed)
                .map(Some)
                .map_err(|source| Error::unreadable(NAME, source))?,
            (body, _) => body,
        };
        let (Some(status), Some(headers), Some(body)) = (self.status, self.headers, body) else {
            return Err(Error::new(
                NAME,
                ErrorKind::Internal,
                "the record was never completed",
            ));
        };
        let fingerprint = self.fingerprint.try_into().map_err(|_| {
            Error::new(
                NAME,
                ErrorKind::Internal,
                "the fingerprint is not 32 bytes long",
            )
        })?;
        Ok(Record {
            fingerprint,
            status: u16::try_from(status).map_err(|e| Error::unreadable(NAME, e))?,
            headers: serde_json::from_str(&headers).map_err(|e| Error::unreadable(NAME, e))?,
            body,
            created_at: Timestamp::from_micros(self.created_at),
        })
    }
}
