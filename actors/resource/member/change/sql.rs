//! Members who come and go, and what goes with them.

use hoursmith_domain::{MemberId, OrganizationId, Role, Timestamp, UserId, fold};
use hoursmith_store::{Conn, Error, execute, fetch_one, fetch_optional};
use uuid::Uuid;

use crate::member::NewMember;
use crate::member::state::Status;

hoursmith_store::statements! {
    /// A user by e-mail address, or a new one.
    UPSERT_USER = "INSERT INTO users (id, name, email, email_key, search, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (email_key) DO UPDATE SET updated_at = users.updated_at \
        RETURNING id";
    /// A new user with a password; no row when the address is somebody's.
    INSERT_USER = "INSERT INTO users (id, name, email, email_key, search, password_hash, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (email_key) DO NOTHING RETURNING id";
    /// A new member, or one who was removed and comes back.
    UPSERT_MEMBER = "INSERT INTO members (organization_id, id, user_id, role, status, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (organization_id, user_id) DO UPDATE \
        SET role = excluded.role, status = excluded.status, \
        billable_rate = NULL, cost_rate = NULL, version = members.version + 1, updated_at = excluded.updated_at \
        WHERE members.status = 'removed' RETURNING id";
    /// Every live token of a member ends.
    REVOKE_MEMBER_TOKENS = "UPDATE api_tokens SET revoked_at = $3 \
        WHERE organization_id = $1 AND member_id = $2 AND revoked_at IS NULL";
    /// How many owners can act.
    COUNT_OWNERS = "SELECT COUNT(*) FROM members WHERE organization_id = $1 AND role = 'owner' AND status = 'active'";
}

/// A member to make.
pub(super) struct NewRow {
    pub(super) id: MemberId,
    pub(super) user: UserId,
    pub(super) role: Role,
    pub(super) status: Status,
    pub(super) now: Timestamp,
}

/// The id of the user with the address, who is made if there is none.
pub(crate) async fn find_or_insert_user(
    conn: &mut Conn,
    id: UserId,
    new: &NewMember,
    now: Timestamp,
) -> Result<UserId, Error> {
    let (key, search) = user_keys(new);
    let (id,) = fetch_one!(
        conn,
        UPSERT_USER as (Uuid,),
        id.0,
        new.name.as_str(),
        new.email.as_str(),
        key.as_str(),
        search.as_str(),
        now.as_micros(),
    )?;
    Ok(UserId(id))
}

/// Makes a user who can log in. Whether the address was nobody's: one that is somebody's is left as it is,
/// and never given a password.
pub(crate) async fn insert_user(
    conn: &mut Conn,
    id: UserId,
    new: &NewMember,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let (key, search) = user_keys(new);
    let row = fetch_optional!(
        conn,
        INSERT_USER as (Uuid,),
        id.0,
        new.name.as_str(),
        new.email.as_str(),
        key.as_str(),
        search.as_str(),
        password_hash,
        now.as_micros(),
    )?;
    Ok(row.is_some())
}

/// What a user is found by: the address as it is compared, and what a search reads.
fn user_keys(new: &NewMember) -> (String, String) {
    let key = fold(&new.email);
    let search = format!("{} {key}", fold(&new.name));
    (key, search)
}

/// `None` when the user is a member already.
pub(super) async fn insert_or_return_member(
    conn: &mut Conn,
    organization: OrganizationId,
    new: NewRow,
) -> Result<Option<MemberId>, Error> {
    let row = fetch_optional!(
        conn,
        UPSERT_MEMBER as (Uuid,),
        organization.0,
        new.id.0,
        new.user.0,
        new.role.as_str(),
        new.status.as_str(),
        new.now.as_micros(),
    )?;
    Ok(row.map(|(id,)| MemberId(id)))
}

pub(super) async fn revoke_tokens(
    conn: &mut Conn,
    organization: OrganizationId,
    member: MemberId,
    now: Timestamp,
) -> Result<(), Error> {
    execute!(
        conn,
        REVOKE_MEMBER_TOKENS,
        organization.0,
        member.0,
        now.as_micros()
    )?;
    Ok(())
}

pub(super) async fn count_owners(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<i64, Error> {
    let (count,) = fetch_one!(conn, COUNT_OWNERS as (i64,), organization.0)?;
    Ok(count)
}
