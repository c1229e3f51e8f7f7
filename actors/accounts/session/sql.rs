//! The statements about a person's own sessions, and about where they may act.

use hoursmith_domain::{OrganizationId, SessionDigest, Timestamp, TokenId, UserId};
use hoursmith_store::{Conn, Error, execute, fetch_all};
use uuid::Uuid;

use super::IDLE;

hoursmith_store::statements! {
    /// A person's sessions that are not over, the one used last first, at most 100.
    LIST_SESSIONS = "SELECT id, user_agent, created_at, seen_at FROM sessions
        WHERE user_id = $1 AND expires_at > $2 AND seen_at > $3
        ORDER BY seen_at DESC, id DESC LIMIT 100";
    /// Ends one of a person's sessions.
    DELETE_SESSION_OF = "DELETE FROM sessions WHERE user_id = $1 AND id = $2";
    /// Ends all of a person's sessions but one.
    DELETE_OTHER_SESSIONS = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2";
    /// Puts another secret in the place of the one that a session has.
    RENEW_SESSION = "UPDATE sessions SET digest = $3, seen_at = $4, expires_at = $5
        WHERE id = $1 AND digest = $2";
    /// The organizations that a person is in, at most 100.
    LIST_ORGANIZATIONS = "SELECT o.id, o.name FROM members m
        JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = $1 AND m.status = 'active' ORDER BY o.name, o.id LIMIT 100";
    /// Has a session act in another organization, if its person is in that one.
    SWITCH_SESSION = "UPDATE sessions SET organization_id = $2 WHERE id = $1
        AND EXISTS (SELECT 1 FROM members m WHERE m.organization_id = $2
            AND m.user_id = sessions.user_id AND m.status = 'active')";
}

/// A session, as its person is shown it.
#[derive(sqlx::FromRow)]
pub(super) struct ListedSession {
    pub(super) id: Uuid,
    pub(super) user_agent: String,
    pub(super) created_at: i64,
    pub(super) seen_at: i64,
}

/// An organization to act in.
#[derive(sqlx::FromRow)]
pub(super) struct ListedOrganization {
    pub(super) id: Uuid,
    pub(super) name: String,
}

/// Another secret for a session, which begins its life anew.
pub(crate) struct Renewal {
    pub(crate) id: Uuid,
    pub(crate) old: SessionDigest,
    pub(crate) new: SessionDigest,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

pub(super) async fn list_sessions(
    conn: &mut Conn,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<ListedSession>, Error> {
    fetch_all!(
        conn,
        LIST_SESSIONS as ListedSession,
        user.0,
        now.as_micros(),
        now.minus(IDLE).as_micros()
    )
}

pub(super) async fn delete_session_of(
    conn: &mut Conn,
    user: UserId,
    session: TokenId,
) -> Result<u64, Error> {
    execute!(conn, DELETE_SESSION_OF, user.0, session.0)
}

pub(crate) async fn delete_other_sessions(
    conn: &mut Conn,
    user: UserId,
    kept: Uuid,
) -> Result<u64, Error> {
    execute!(conn, DELETE_OTHER_SESSIONS, user.0, kept)
}

/// Whether the session still had its old secret.
pub(crate) async fn renew_session(conn: &mut Conn, renewal: &Renewal) -> Result<bool, Error> {
    let renewed = execute!(
        conn,
        RENEW_SESSION,
        renewal.id,
        renewal.old.0.as_slice(),
        renewal.new.0.as_slice(),
        renewal.now.as_micros(),
        renewal.expires_at.as_micros()
    )?;
    Ok(renewed == 1)
}

pub(super) async fn list_organizations(
    conn: &mut Conn,
    user: UserId,
) -> Result<Vec<ListedOrganization>, Error> {
    fetch_all!(conn, LIST_ORGANIZATIONS as ListedOrganization, user.0)
}

pub(super) async fn switch_session(
    conn: &mut Conn,
    session: Uuid,
    organization: OrganizationId,
) -> Result<u64, Error> {
    execute!(conn, SWITCH_SESSION, session, organization.0)
}
