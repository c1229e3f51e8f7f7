//! Organizations, users and members, as an operator changes them.

use hoursmith_domain::{MemberId, OrganizationId, Role, Timestamp, UserId, fold};
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_one, fetch_optional};
use uuid::Uuid;

use super::{NewMember, NewOrganization};

hoursmith_store::statements! {
    /// A new organization with the defaults of the schema.
    INSERT_ORGANIZATION = "INSERT INTO organizations (id, name, slug, plan, currency, timezone, \
        created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
    /// An organization by its short name.
    FIND_ORGANIZATION_BY_SLUG = "SELECT id FROM organizations WHERE slug = $1";
    /// Every organization, at most 1,000.
    LIST_ORGANIZATIONS = "SELECT id, name, slug, plan, currency FROM organizations ORDER BY created_at, id LIMIT 1000";
    /// A user by e-mail address, or a new one.
    UPSERT_USER = "INSERT INTO users (id, name, email, email_key, search, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (email_key) DO UPDATE SET updated_at = users.updated_at \
        RETURNING id";
    /// A new user with a password; no row when the address is somebody's.
    INSERT_USER = "INSERT INTO users (id, name, email, email_key, search, password_hash, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (email_key) DO NOTHING RETURNING id";
    /// A new member, or one who was removed and comes back.
    UPSERT_MEMBER = "INSERT INTO members (organization_id, id, user_id, role, status, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, 'active', $5, $5) ON CONFLICT (organization_id, user_id) DO UPDATE \
        SET role = excluded.role, status = 'active', \
        billable_rate = NULL, cost_rate = NULL, version = members.version + 1, updated_at = excluded.updated_at \
        WHERE members.status = 'removed' RETURNING id";
    /// Every live token of a member ends.
    REVOKE_MEMBER_TOKENS = "UPDATE api_tokens SET revoked_at = $3 \
        WHERE organization_id = $1 AND member_id = $2 AND revoked_at IS NULL";
    /// How many owners can act.
    COUNT_OWNERS = "SELECT COUNT(*) FROM members WHERE organization_id = $1 AND role = 'owner' AND status = 'active'";
}

/// An organization, in short.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OrganizationRow {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Short name.
    pub slug: String,
    /// Plan.
    pub plan: String,
    /// Currency.
    pub currency: String,
}

pub(super) async fn insert_organization(
    conn: &mut Conn,
    id: OrganizationId,
    new: &NewOrganization,
    now: Timestamp,
) -> Result<(), Error> {
    execute!(
        conn,
        INSERT_ORGANIZATION,
        id.0,
        new.name.as_str(),
        new.slug.as_str(),
        new.plan.as_str(),
        new.currency.as_str(),
        new.timezone.as_str(),
        now.as_micros(),
    )?;
    Ok(())
}

pub(super) async fn find_organization(
    conn: &mut Conn,
    slug: &str,
) -> Result<Option<OrganizationId>, Error> {
    let row = fetch_optional!(conn, FIND_ORGANIZATION_BY_SLUG as (Uuid,), slug)?;
    Ok(row.map(|(id,)| OrganizationId(id)))
}

pub(super) async fn organizations(conn: &mut Conn) -> Result<Vec<OrganizationRow>, Error> {
    fetch_all!(conn, LIST_ORGANIZATIONS as OrganizationRow)
}

/// The id of the user with the address, who is made if there is none.
pub(super) async fn find_or_insert_user(
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
    id: MemberId,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<Option<MemberId>, Error> {
    let row = fetch_optional!(
        conn,
        UPSERT_MEMBER as (Uuid,),
        organization.0,
        id.0,
        user.0,
        role.as_str(),
        now.as_micros(),
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
