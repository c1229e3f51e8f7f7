//! Organizations, users and members, as an operator changes them.

use hoursmith_domain::{
    Amount, Currency, MemberId, OrganizationId, Plan, Role, Timestamp, UserId, fold,
};
use hoursmith_kit::Failure;
use hoursmith_routes::member::Member;
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_one, fetch_optional};
use serde_json::Value;
use uuid::Uuid;

use super::{AdminError, NewMember, NewOrganization};
use crate::reference::{external_reference_from, metadata_from};

macro_rules! member_columns {
    () => {
        "SELECT m.id, m.user_id, u.name, u.email, m.role, m.status, \
         COALESCE(m.timezone, o.timezone) AS timezone, m.billable_rate, m.cost_rate, o.currency, \
         COALESCE(m.weekly_capacity_seconds, o.weekly_capacity_seconds) AS weekly_capacity_seconds, \
         m.external_reference_service, m.external_reference_id, m.external_reference_url, m.metadata, \
         m.version, m.created_at, m.updated_at FROM members m \
         JOIN users u ON u.id = m.user_id JOIN organizations o ON o.id = m.organization_id \
         WHERE m.organization_id = $1"
    };
}

hoursmith_store::statements! {
    /// A new organization with the defaults of the schema.
    INSERT_ORGANIZATION = "INSERT INTO organizations (id, name, slug, plan, currency, timezone, \
        created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
    /// An organization by its short name.
    FIND_ORGANIZATION_BY_SLUG = "SELECT id FROM organizations WHERE slug = $1";
    /// Every organization, at most 1,000.
    LIST_ORGANIZATIONS = "SELECT id, name, slug, plan, currency FROM organizations ORDER BY created_at, id LIMIT 1000";
    /// The plan.
    SET_PLAN = "UPDATE organizations SET plan = $2, version = version + 1, updated_at = $3 WHERE id = $1";
    /// Holds the organization's row until the transaction ends.
    HOLD_ORGANIZATION = "UPDATE organizations SET version = version WHERE id = $1";
    /// A user by e-mail address, or a new one.
    UPSERT_USER = "INSERT INTO users (id, name, email, email_key, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (email_key) DO UPDATE SET updated_at = users.updated_at \
        RETURNING id";
    /// A new member, or one who was removed and comes back.
    UPSERT_MEMBER = "INSERT INTO members (organization_id, id, user_id, role, status, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, 'active', $5, $5) ON CONFLICT (organization_id, user_id) DO UPDATE \
        SET role = excluded.role, status = 'active', \
        billable_rate = NULL, cost_rate = NULL, version = members.version + 1, updated_at = excluded.updated_at \
        WHERE members.status = 'removed' RETURNING id";
    /// A member.
    FIND_MEMBER = concat!(member_columns!(), " AND m.id = $2");
    /// A member by e-mail address.
    FIND_MEMBER_BY_EMAIL = concat!(member_columns!(), " AND u.email_key = $2");
    /// Every member, at most 10,000.
    LIST_MEMBERS = concat!(member_columns!(), " ORDER BY m.created_at, m.id LIMIT 10000");
    /// Role and status.
    UPDATE_MEMBER = "UPDATE members SET role = $3, status = $4, version = $5, updated_at = $6 \
        WHERE organization_id = $1 AND id = $2";
    /// Every live token of a member ends.
    REVOKE_MEMBER_TOKENS = "UPDATE api_tokens SET revoked_at = $3 \
        WHERE organization_id = $1 AND member_id = $2 AND revoked_at IS NULL";
    /// The member is in no project any more.
    LEAVE_PROJECTS = "DELETE FROM project_members WHERE organization_id = $1 AND member_id = $2";
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

/// A member as stored. Rates in 1/10,000 of the currency's unit, instants in microseconds.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct MemberRow {
    /// Id.
    pub id: Uuid,
    pub(super) user_id: Uuid,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    role: String,
    /// `active`, `invited` or `removed`.
    pub status: String,
    timezone: String,
    billable_rate: Option<i64>,
    cost_rate: Option<i64>,
    currency: String,
    weekly_capacity_seconds: i64,
    external_reference_service: Option<String>,
    external_reference_id: Option<String>,
    external_reference_url: Option<String>,
    metadata: String,
    pub(super) version: i64,
    created_at: i64,
    updated_at: i64,
}

impl MemberRow {
    /// Role.
    pub fn role(&self) -> &str {
        &self.role
    }

    pub(super) fn set_role(&mut self, role: Role) {
        self.role = role.as_str().to_owned();
    }

    pub(super) fn is_active(&self) -> bool {
        self.status == "active"
    }

    pub(super) fn updated_at(&self) -> Timestamp {
        Timestamp::from_micros(self.updated_at)
    }

    /// Counts a change.
    pub(super) fn touch(&mut self, now: Timestamp) {
        self.version = self.version.saturating_add(1);
        self.updated_at = now.as_micros();
    }

    /// What events carry: the member as an owner sees it.
    pub(super) fn to_event(&self) -> Result<Value, AdminError> {
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|source| Failure::internal("read a stored currency", source))?;
        let role = self
            .role
            .parse()
            .map_err(|source| Failure::internal("read a stored role", source))?;
        let rate = |stored: Option<i64>| {
            stored
                .and_then(Amount::from_ten_thousandths)
                .map(|amount| amount.display(currency))
        };
        let member = Member {
            id: self.id,
            user_id: self.user_id,
            name: self.name.clone(),
            email: self.email.clone(),
            role,
            status: self.status.clone(),
            timezone: self.timezone.clone(),
            billable_rate: rate(self.billable_rate),
            cost_rate: rate(self.cost_rate),
            currency: self.currency.clone(),
            weekly_capacity_seconds: self.weekly_capacity_seconds,
            external_reference: external_reference_from(
                self.external_reference_service.as_ref(),
                self.external_reference_id.as_ref(),
                self.external_reference_url.as_ref(),
            ),
            metadata: metadata_from(&self.metadata)?,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        };
        // A wire type of strings and numbers, whose serialization cannot fail.
        Ok(serde_json::to_value(member).unwrap_or_default())
    }
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

pub(super) async fn set_plan(
    conn: &mut Conn,
    id: OrganizationId,
    plan: Plan,
    now: Timestamp,
) -> Result<(), Error> {
    execute!(conn, SET_PLAN, id.0, plan.as_str(), now.as_micros())?;
    Ok(())
}

pub(super) async fn hold_organization(conn: &mut Conn, id: OrganizationId) -> Result<(), Error> {
    execute!(conn, HOLD_ORGANIZATION, id.0)?;
    Ok(())
}

/// The id of the user with the address, who is made if there is none.
pub(super) async fn find_or_insert_user(
    conn: &mut Conn,
    id: UserId,
    new: &NewMember,
    now: Timestamp,
) -> Result<UserId, Error> {
    let key = fold(&new.email);
    let (id,) = fetch_one!(
        conn,
        UPSERT_USER as (Uuid,),
        id.0,
        new.name.as_str(),
        new.email.as_str(),
        key.as_str(),
        now.as_micros(),
    )?;
    Ok(UserId(id))
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

pub(super) async fn member(
    conn: &mut Conn,
    organization: OrganizationId,
    id: MemberId,
) -> Result<MemberRow, Error> {
    fetch_one!(conn, FIND_MEMBER as MemberRow, organization.0, id.0)
}

pub(super) async fn find_member(
    conn: &mut Conn,
    organization: OrganizationId,
    email: &str,
) -> Result<Option<MemberRow>, Error> {
    let key = fold(email);
    fetch_optional!(
        conn,
        FIND_MEMBER_BY_EMAIL as MemberRow,
        organization.0,
        key.as_str()
    )
}

pub(super) async fn members(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<Vec<MemberRow>, AdminError> {
    Ok(fetch_all!(conn, LIST_MEMBERS as MemberRow, organization.0)?)
}

pub(super) async fn update_member(
    conn: &mut Conn,
    organization: OrganizationId,
    member: &MemberRow,
) -> Result<(), Error> {
    execute!(
        conn,
        UPDATE_MEMBER,
        organization.0,
        member.id,
        member.role.as_str(),
        member.status.as_str(),
        member.version,
        member.updated_at,
    )?;
    Ok(())
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

pub(super) async fn leave_projects(
    conn: &mut Conn,
    organization: OrganizationId,
    member: MemberId,
) -> Result<(), Error> {
    execute!(conn, LEAVE_PROJECTS, organization.0, member.0)?;
    Ok(())
}

pub(super) async fn count_owners(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<i64, Error> {
    let (count,) = fetch_one!(conn, COUNT_OWNERS as (i64,), organization.0)?;
    Ok(count)
}
