//! An invitation with everything about it, found by its secret.

use hoursmith_domain::{InvitationDigest, UserId};
use hoursmith_store::{Conn, Error, fetch_optional};
use uuid::Uuid;

hoursmith_store::statements! {
    /// An invitation, the member that it makes, and the person behind it.
    FIND_INVITATION = "SELECT m.user_id, i.expires_at, i.invited_by IS NULL AS is_operators, m.role, m.status,
            o.name AS organization, u.name, u.email, by_user.name AS inviter,
            u.password_hash,
            EXISTS (SELECT 1 FROM members e WHERE e.user_id = u.id
                AND e.organization_id <> i.organization_id AND e.status = 'active') AS acts_elsewhere,
            EXISTS (SELECT 1 FROM members e WHERE e.user_id = u.id
                AND e.organization_id <> i.organization_id) AS is_elsewhere
        FROM invitations i
        JOIN members m ON m.organization_id = i.organization_id AND m.id = i.member_id
        JOIN organizations o ON o.id = i.organization_id
        JOIN users u ON u.id = m.user_id
        LEFT JOIN members by_member ON by_member.organization_id = i.organization_id
            AND by_member.id = i.invited_by
        LEFT JOIN users by_user ON by_user.id = by_member.user_id
        WHERE i.digest = $1";
}

/// An invitation as it is now.
#[derive(sqlx::FromRow)]
pub(crate) struct Invitation {
    pub(crate) user_id: Uuid,
    pub(crate) expires_at: i64,
    pub(crate) is_operators: bool,
    pub(crate) role: String,
    /// The member's.
    pub(crate) status: String,
    pub(crate) organization: String,
    pub(crate) name: String,
    pub(crate) email: String,
    /// `None` where the operator made it.
    pub(crate) inviter: Option<String>,
    /// The hash of their password, if they have one.
    pub(crate) password_hash: Option<String>,
    /// Whether the person is an active member of another organization.
    pub(crate) acts_elsewhere: bool,
    /// Whether the person is a member of another organization, of any status.
    pub(crate) is_elsewhere: bool,
}

impl Invitation {
    /// Who is invited.
    pub(crate) fn user(&self) -> UserId {
        UserId(self.user_id)
    }

    /// Whether they can log in.
    pub(crate) fn has_password(&self) -> bool {
        self.password_hash.is_some()
    }
}

pub(crate) async fn find(
    conn: &mut Conn,
    digest: InvitationDigest,
) -> Result<Option<Invitation>, Error> {
    fetch_optional!(conn, FIND_INVITATION as Invitation, digest.0.as_slice())
}
