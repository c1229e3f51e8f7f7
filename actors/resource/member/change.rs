//! How members come, change and go, whoever asks for it: the operator, or a member in the app.

mod sql;

use hoursmith_domain::{Code, EventType, MemberId, OrganizationId, Problem, Role, UserId};
use hoursmith_store::{Conn, Statement};

use super::sql::{find, update};
use super::state::{MemberState, Status};
use super::{NewMember, invitation};
use crate::base::{Stored as _, settle};
use crate::error::Error;
use crate::organization;
use crate::project_member;
use crate::sight::Reach;
use crate::write::Stamp;

pub(crate) use sql::{find_or_insert_user, insert_user};

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// On whose behalf a member is changed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hand {
    /// Whoever operates the server.
    Operator,
    /// A member with this role, which may change members at all.
    Member(Role),
}

/// Why a member does not change.
#[derive(Debug)]
pub(crate) enum ChangeError {
    /// There is no such member, or not any more.
    Missing,
    /// Owners are made, changed and removed by owners.
    Owners,
    /// The organization would be without an owner.
    LastOwner,
    /// Anything else.
    Other(Error),
}

impl Hand {
    /// Whether it may give or take a role. An admin may do everything but make and unmake owners,
    /// since it would be one itself a moment later.
    pub(crate) fn may_give(self, role: Role) -> bool {
        role != Role::Owner || matches!(self, Self::Operator | Self::Member(Role::Owner))
    }
}

/// Makes a member, and the user behind it if there is none with the address; one who was removed
/// comes back, without the rates it had. `None` for one who is there already.
pub(crate) async fn add(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    new: &NewMember,
    status: Status,
) -> Result<Option<MemberState>, Error> {
    let user = sql::find_or_insert_user(conn, UserId(stamp.new_id()), new, stamp.now).await?;
    join(conn, stamp, organization, user, new, status).await
}

/// The same of a user that is there.
pub(crate) async fn join(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    user: UserId,
    new: &NewMember,
    status: Status,
) -> Result<Option<MemberState>, Error> {
    let id = MemberId(stamp.new_id());
    let added = sql::NewRow {
        id,
        user,
        role: new.role,
        status,
        now: stamp.now,
    };
    let Some(id) = sql::insert_or_return_member(conn, organization, added).await? else {
        return Ok(None);
    };
    let Some(member) = find(conn, organization, id, Reach::ALL).await? else {
        return Ok(None);
    };
    let object = member.to_event();
    stamp
        .event(conn, EventType::MemberAdded, id.0, object, None)
        .await?;
    Ok(Some(member))
}

/// Changes a member who is not gone. The organization's row is held, so that two owners cannot leave
/// each other at once. One who goes loses its tokens, its projects and tasks, and a link that is
/// still out.
pub(crate) async fn change(
    conn: &mut Conn,
    stamp: &mut Stamp,
    organization: OrganizationId,
    id: MemberId,
    hand: Hand,
    apply: impl FnOnce(&mut MemberState) + Send,
) -> Result<MemberState, ChangeError> {
    organization::hold(conn, organization).await?;
    let found = find(conn, organization, id, Reach::ALL).await?;
    let before = found
        .filter(|member| member.status != Status::Removed)
        .ok_or(ChangeError::Missing)?;
    let mut after = before.clone();
    apply(&mut after);
    let is_gone = after.status == Status::Removed;
    let is_decided = is_gone || after.role != before.role;
    if is_decided && !(hand.may_give(before.role) && hand.may_give(after.role)) {
        return Err(ChangeError::Owners);
    }
    stamp.renew(before.base.updated_at);
    let Some(previous) = settle(&before, &mut after, stamp.now) else {
        return Ok(before);
    };
    update(conn, organization, &after).await?;
    if sql::count_owners(conn, organization).await? == 0 {
        return Err(ChangeError::LastOwner);
    }
    let mut kind = EventType::MemberUpdated;
    if is_gone {
        kind = EventType::MemberRemoved;
        invitation::withdraw(conn, organization, id).await?;
        sql::revoke_tokens(conn, organization, id, stamp.now).await?;
        project_member::leave_all(conn, stamp, organization, id).await?;
    }
    let object = after.to_event();
    stamp
        .event(conn, kind, id.0, object, Some(previous))
        .await?;
    Ok(after)
}

impl From<Error> for ChangeError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<hoursmith_store::Error> for ChangeError {
    fn from(error: hoursmith_store::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        let refusal = match error {
            ChangeError::Other(error) => return error,
            ChangeError::Missing => Problem::not_found(),
            ChangeError::Owners => Problem::new(
                Code::RoleForbidden,
                "Owners are made, changed and removed by owners alone.",
            ),
            ChangeError::LastOwner => Problem::new(
                Code::Conflict,
                "The last owner cannot go: make someone else an owner first.",
            ),
        };
        refusal.into()
    }
}
