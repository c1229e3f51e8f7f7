//! The statements about users and sessions. A user and a session are a person's, who may be in
//! several organizations, so that these alone do not begin with the organization.

use hoursmith_domain::{OrganizationId, SessionDigest, Timestamp, UserId, fold};
use hoursmith_store::{Conn, Error, execute, fetch_optional};
use uuid::Uuid;

use crate::session::IDLE;

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
            (id, user_id, organization_id, digest, user_agent, created_at, seen_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7)";
    /// Notes that a session was used.
    TOUCH_SESSION = "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2";
    /// Ends a session.
    DELETE_SESSION = "DELETE FROM sessions WHERE digest = $1";
    /// Clears a person's sessions that are over, by time or unused.
    DELETE_OVER_SESSIONS = "DELETE FROM sessions WHERE user_id = $1
        AND (expires_at <= $2 OR seen_at <= $3)";
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
    /// What a person is called, with the password.
    FIND_PERSON = "SELECT name, email, password_hash FROM users WHERE id = $1";
    /// Holds a person's row until the transaction ends, if the password is still this one.
    HOLD_PASSWORD = "UPDATE users SET password_hash = password_hash
        WHERE id = $1 AND password_hash = $2";
    /// Another password in the place of the one that was confirmed.
    CHANGE_PASSWORD = "UPDATE users SET password_hash = $3, updated_at = $4
        WHERE id = $1 AND password_hash = $2";
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

/// A person who has a session.
#[derive(sqlx::FromRow)]
pub(crate) struct FoundPerson {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) password_hash: Option<String>,
}

/// A session to begin.
pub(crate) struct NewSession {
    pub(crate) id: Uuid,
    pub(crate) user: UserId,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) digest: SessionDigest,
    /// At most 256 characters.
    pub(crate) user_agent: String,
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
        DELETE_OVER_SESSIONS,
        new.user.0,
        new.now.as_micros(),
        new.now.minus(IDLE).as_micros(),
    )?;
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
        new.user_agent.as_str(),
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

pub(crate) async fn find_person(
    conn: &mut Conn,
    user: UserId,
) -> Result<Option<FoundPerson>, Error> {
    fetch_optional!(conn, FIND_PERSON as FoundPerson, user.0)
}

/// Whether the person's password is still the one with this hash; if so it stays until the
/// transaction ends.
pub(crate) async fn hold_password(
    conn: &mut Conn,
    user: UserId,
    hash: &str,
) -> Result<bool, Error> {
    Ok(execute!(conn, HOLD_PASSWORD, user.0, hash)? == 1)
}

/// Whether the person's password was still the one with the old hash.
pub(crate) async fn change_password(
    conn: &mut Conn,
    user: UserId,
    old: &str,
    new: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(execute!(conn, CHANGE_PASSWORD, user.0, old, new, now.as_micros())? == 1)
}
