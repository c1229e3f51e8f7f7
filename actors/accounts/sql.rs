//! The statements about users and sessions. A user and a session are a person's, who may be in
//! several organizations, so that these alone do not begin with the organization.

use hoursmith_domain::{OrganizationId, SessionDigest, Timestamp, UserId, fold};
use hoursmith_store::{Conn, Error, execute, fetch_optional};
use uuid::Uuid;

hoursmith_store::statements! {
    /// A session with what its person may do now in the organization that it acts in.
    FIND_SESSION = "SELECT s.id, s.user_id, s.seen_at, s.expires_at,
            m.organization_id, m.id AS member_id, m.role, o.plan
        FROM sessions s
        LEFT JOIN members m ON m.organization_id = s.organization_id AND m.user_id = s.user_id
            AND m.status = 'active'
        LEFT JOIN organizations o ON o.id = m.organization_id
        WHERE s.digest = $1";
    /// A new session.
    INSERT_SESSION = "INSERT INTO sessions
            (id, user_id, organization_id, digest, created_at, seen_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $5, $6)";
    /// Notes that a session was used.
    TOUCH_SESSION = "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2";
    /// Ends a session.
    DELETE_SESSION = "DELETE FROM sessions WHERE digest = $1";
    /// Clears some of the sessions that are over, anybody's: not everybody comes back.
    DELETE_EXPIRED_SESSIONS = "DELETE FROM sessions WHERE expires_at <= $1 AND id IN (
        SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2)";
    /// A person by address, with the organization that they were in first.
    FIND_USER = "SELECT u.id, u.password_hash,
            (SELECT m.organization_id FROM members m WHERE m.user_id = u.id AND m.status = 'active'
                ORDER BY m.created_at, m.id LIMIT 1) AS organization_id
        FROM users u WHERE u.email_key = $1";
    /// A person's password.
    FIND_PASSWORD = "SELECT password_hash FROM users WHERE id = $1";
}

/// Sessions that one which begins clears: more than one, so that those which are over become fewer,
/// and few, so that nobody waits for it.
const EXPIRED_CLEARED: i64 = 10;

/// A session and its member, as they are now.
#[derive(sqlx::FromRow)]
pub(crate) struct FoundSession {
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) seen_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) organization_id: Option<Uuid>,
    pub(crate) member_id: Option<Uuid>,
    pub(crate) role: Option<String>,
    pub(crate) plan: Option<String>,
}

/// A person who wants in.
#[derive(sqlx::FromRow)]
pub(crate) struct FoundUser {
    pub(crate) id: Uuid,
    pub(crate) password_hash: Option<String>,
    pub(crate) organization_id: Option<Uuid>,
}

/// A session to begin.
pub(crate) struct NewSession {
    pub(crate) id: Uuid,
    pub(crate) user: UserId,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) digest: SessionDigest,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

pub(crate) async fn find_session(
    conn: &mut Conn,
    digest: SessionDigest,
) -> Result<Option<FoundSession>, Error> {
    fetch_optional!(conn, FIND_SESSION as FoundSession, digest.0.as_slice())
}

pub(crate) async fn touch_session(conn: &mut Conn, id: Uuid, now: Timestamp) -> Result<u64, Error> {
    execute!(conn, TOUCH_SESSION, id, now.as_micros())
}

pub(crate) async fn delete_session(conn: &mut Conn, digest: SessionDigest) -> Result<u64, Error> {
    execute!(conn, DELETE_SESSION, digest.0.as_slice())
}

/// Begins a session, and clears some that are over.
pub(crate) async fn begin_session(conn: &mut Conn, new: &NewSession) -> Result<(), Error> {
    execute!(
        conn,
        DELETE_EXPIRED_SESSIONS,
        new.now.as_micros(),
        EXPIRED_CLEARED
    )?;
    execute!(
        conn,
        INSERT_SESSION,
        new.id,
        new.user.0,
        new.organization.map(|id| id.0),
        new.digest.0.as_slice(),
        new.now.as_micros(),
        new.expires_at.as_micros(),
    )?;
    Ok(())
}

pub(crate) async fn find_user(conn: &mut Conn, email: &str) -> Result<Option<FoundUser>, Error> {
    let key = fold(email);
    fetch_optional!(conn, FIND_USER as FoundUser, key.as_str())
}

/// The hash of a person's password; `None` for one who has none.
pub(crate) async fn find_password(conn: &mut Conn, user: UserId) -> Result<Option<String>, Error> {
    let row = fetch_optional!(conn, FIND_PASSWORD as (Option<String>,), user.0)?;
    Ok(row.and_then(|(hash,)| hash))
}
