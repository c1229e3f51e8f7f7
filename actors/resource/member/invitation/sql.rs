//! Invitations, and the person behind one. An invitation is found by its secret, which alone says
//! whose it is; everything else here begins with the organization.

use hoursmith_domain::{InvitationDigest, MemberId, OrganizationId, Timestamp, UserId, fold};
use hoursmith_store::{Conn, Error, execute, fetch_one, fetch_optional};
use uuid::Uuid;

use crate::member::MemberState;

hoursmith_store::statements! {
    /// The invitation of a secret.
    FIND_INVITATION = "SELECT organization_id, member_id, invited_by, expires_at \
        FROM invitations WHERE digest = $1";
    /// A member's invitation, in place of the one before.
    PUT_INVITATION = "INSERT INTO invitations \
            (organization_id, member_id, digest, invited_by, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organization_id, member_id) DO UPDATE \
        SET digest = excluded.digest, invited_by = excluded.invited_by, \
            created_at = excluded.created_at, expires_at = excluded.expires_at";
    /// How many are invited and have not accepted yet.
    COUNT_INVITED = "SELECT COUNT(*) FROM members WHERE organization_id = $1 AND status = 'invited'";
    /// A member's invitation ends.
    DELETE_INVITATION = "DELETE FROM invitations WHERE organization_id = $1 AND member_id = $2";
    /// Holds a person until the transaction ends: nobody makes them a member somewhere meanwhile.
    HOLD_USER = "UPDATE users SET updated_at = updated_at WHERE id = $1";
    /// What a person ($2) is beside a member of an organization ($1).
    FIND_PERSON = "SELECT u.password_hash IS NOT NULL AS has_password, \
            EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id AND m.organization_id <> $1 \
                AND m.status = 'active') AS acts_elsewhere, \
            EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id AND m.organization_id <> $1) \
                AS is_elsewhere \
        FROM users u WHERE u.id = $2";
    /// A person's password.
    SET_PASSWORD = "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1";
    /// Every session of a person ends.
    END_SESSIONS = "DELETE FROM sessions WHERE user_id = $1";
    /// A person's name.
    RENAME_USER = "UPDATE users SET name = $2, search = $3, updated_at = $4 WHERE id = $1";
    /// Whether a person can log in.
    HAS_PASSWORD = "SELECT password_hash IS NOT NULL FROM users WHERE id = $1";
}

/// An invitation, used by nobody yet.
#[derive(sqlx::FromRow)]
pub(super) struct Invitation {
    organization_id: Uuid,
    member_id: Uuid,
    invited_by: Option<Uuid>,
    expires_at: i64,
}

/// One to keep.
pub(super) struct NewInvitation {
    pub(super) member: MemberId,
    pub(super) digest: InvitationDigest,
    /// `None` for the operator.
    pub(super) invited_by: Option<MemberId>,
    pub(super) now: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// The person behind an invitation.
#[derive(sqlx::FromRow)]
pub(super) struct Person {
    has_password: bool,
    acts_elsewhere: bool,
    is_elsewhere: bool,
}

impl Invitation {
    pub(super) fn organization(&self) -> OrganizationId {
        OrganizationId(self.organization_id)
    }

    pub(super) fn member(&self) -> MemberId {
        MemberId(self.member_id)
    }

    /// Whether the operator made it.
    pub(super) fn is_operators(&self) -> bool {
        self.invited_by.is_none()
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        Timestamp::from_micros(self.expires_at)
    }
}

impl Person {
    /// Whether a password given to them opens nothing that is there already.
    pub(super) fn is_new(&self) -> bool {
        !self.has_password && !self.acts_elsewhere
    }

    /// Whether nobody else has them on a list, under the name they have.
    pub(super) fn is_nobodys(&self) -> bool {
        !self.has_password && !self.is_elsewhere
    }
}

pub(super) async fn find(
    conn: &mut Conn,
    digest: InvitationDigest,
) -> Result<Option<Invitation>, Error> {
    fetch_optional!(conn, FIND_INVITATION as Invitation, digest.0.as_slice())
}

pub(super) async fn put(
    conn: &mut Conn,
    organization: OrganizationId,
    new: &NewInvitation,
) -> Result<(), Error> {
    execute!(
        conn,
        PUT_INVITATION,
        organization.0,
        new.member.0,
        new.digest.0.as_slice(),
        new.invited_by.map(|member| member.0),
        new.now.as_micros(),
        new.expires_at.as_micros(),
    )?;
    Ok(())
}

/// How many are invited. To be asked while the organization is held.
pub(super) async fn count_invited(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<i64, Error> {
    let (count,) = fetch_one!(conn, COUNT_INVITED as (i64,), organization.0)?;
    Ok(count)
}

/// Ends a member's invitation, if there is one.
pub(crate) async fn withdraw(
    conn: &mut Conn,
    organization: OrganizationId,
    member: MemberId,
) -> Result<(), Error> {
    execute!(conn, DELETE_INVITATION, organization.0, member.0)?;
    Ok(())
}

/// The person, held until the transaction ends. Read once held, since another transaction may have
/// made them a member meanwhile.
pub(super) async fn hold_person(
    conn: &mut Conn,
    organization: OrganizationId,
    user: UserId,
) -> Result<Person, Error> {
    execute!(conn, HOLD_USER, user.0)?;
    fetch_one!(conn, FIND_PERSON as Person, organization.0, user.0)
}

/// Gives a person a password, and ends the sessions that were begun with the one before.
pub(super) async fn set_password(
    conn: &mut Conn,
    user: UserId,
    hash: &str,
    now: Timestamp,
) -> Result<(), Error> {
    execute!(conn, SET_PASSWORD, user.0, hash, now.as_micros())?;
    execute!(conn, END_SESSIONS, user.0)?;
    Ok(())
}

pub(super) async fn rename(
    conn: &mut Conn,
    member: &MemberState,
    name: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let search = format!("{} {}", fold(name), fold(&member.email));
    execute!(
        conn,
        RENAME_USER,
        member.user.0,
        name,
        search.as_str(),
        now.as_micros()
    )?;
    Ok(())
}

/// Whether a person can log in.
pub(crate) async fn has_password(conn: &mut Conn, user: UserId) -> Result<bool, Error> {
    let (has,) = fetch_one!(conn, HAS_PASSWORD as (bool,), user.0)?;
    Ok(has)
}
