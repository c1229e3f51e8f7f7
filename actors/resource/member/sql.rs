//! Members in the database, with the user behind each and what they take from the organization.

use hoursmith_domain::{Amount, MemberId, OrganizationId, UserId, fold};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_optional};
use uuid::Uuid;

use super::state::{MemberState, Status};
use crate::base::{BaseRow, base_columns, stored_currency, stored_zone};
use crate::error;
use crate::list::{Page, contains};
use crate::sight::Reach;

/// The columns of a [`Row`], of `members m` and its [`member_joins`].
macro_rules! member_columns {
    () => {
        concat!(
            "m.id, m.user_id, u.name, u.email, m.role, m.status, m.timezone, \
             o.timezone AS organization_timezone, m.billable_rate, m.cost_rate, o.currency, \
             m.weekly_capacity_seconds, \
             o.weekly_capacity_seconds AS organization_weekly_capacity_seconds, ",
            base_columns!("m")
        )
    };
}

/// What a member's columns come from beside `members m`.
macro_rules! member_joins {
    () => {
        " JOIN users u ON u.id = m.user_id JOIN organizations o ON o.id = m.organization_id"
    };
}

pub(crate) use {member_columns, member_joins};

macro_rules! members {
    () => {
        concat!(
            "SELECT ",
            member_columns!(),
            " FROM members m",
            member_joins!(),
            " WHERE m.organization_id = $1"
        )
    };
}

/// The rows that a caller sees: all ($2), or the member ($3) itself and whoever shares a project
/// with it. Not correlated: asked once, not for each member.
macro_rules! visible {
    () => {
        " AND ($2 OR m.id = $3 OR m.id IN (SELECT other.member_id FROM project_members mine \
            JOIN project_members other ON other.organization_id = mine.organization_id \
                AND other.project_id = mine.project_id \
            WHERE mine.organization_id = $1 AND mine.member_id = $3))"
    };
}

/// A project ($6) narrows the list only if the caller sees it: who is in another is not told.
macro_rules! filters {
    () => {
        " AND (CAST($4 AS TEXT) IS NULL OR m.role = $4) \
          AND (CAST($5 AS TEXT) IS NULL OR m.status = $5) \
          AND (CAST($6 AS UUID) IS NULL OR m.id IN (SELECT pm.member_id FROM project_members pm \
            WHERE pm.organization_id = $1 AND pm.project_id = $6 AND ($2 OR EXISTS ( \
                SELECT 1 FROM project_members mine WHERE mine.organization_id = $1 \
                AND mine.project_id = $6 AND mine.member_id = $3)))) \
          AND (CAST($7 AS TEXT) IS NULL OR u.search LIKE $7 ESCAPE '\\')"
    };
}

/// Newest first, after a place.
macro_rules! by_creation {
    () => {
        " AND (m.created_at, m.id) < ($8, $9) ORDER BY m.created_at DESC, m.id DESC LIMIT $10"
    };
}

/// Oldest change first, after a place.
macro_rules! by_update {
    () => {
        " AND (m.updated_at, m.id) > ($8, $9) ORDER BY m.updated_at, m.id LIMIT $10"
    };
}

/// By the id in another system. A statement of its own, since an optional filter finds no index.
macro_rules! referenced {
    () => {
        " AND m.external_reference_id = $11"
    };
}

hoursmith_store::statements! {
    /// A member that the caller sees.
    FIND_MEMBER = concat!(members!(), visible!(), " AND m.id = $4");
    /// A member by e-mail address.
    FIND_MEMBER_BY_EMAIL = concat!(members!(), " AND u.email_key = $2");
    /// A page of members, newest first.
    LIST_MEMBERS = concat!(members!(), visible!(), filters!(), by_creation!());
    /// A page of members, oldest change first.
    LIST_UPDATED_MEMBERS = concat!(members!(), visible!(), filters!(), by_update!());
    /// A page of the members with a counterpart, newest first.
    LIST_REFERENCED_MEMBERS =
        concat!(members!(), visible!(), filters!(), referenced!(), by_creation!());
    /// A page of the members with a counterpart, oldest change first.
    LIST_UPDATED_REFERENCED_MEMBERS =
        concat!(members!(), visible!(), filters!(), referenced!(), by_update!());
    /// Every member, at most 10,000.
    LIST_ALL_MEMBERS = concat!(members!(), " ORDER BY m.created_at, m.id LIMIT 10000");
    /// Holds the row until the transaction ends, and with it the member's time: what is read of it
    /// stays true.
    HOLD_MEMBER = "UPDATE members SET version = version WHERE organization_id = $1 AND id = $2";
    /// Every column that can change.
    UPDATE_MEMBER = "UPDATE members SET role = $3, status = $4, timezone = $5, billable_rate = $6, \
        cost_rate = $7, weekly_capacity_seconds = $8, version = $9, updated_at = $10 \
        WHERE organization_id = $1 AND id = $2";
}

/// What a list is narrowed by.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) organization: OrganizationId,
    pub(crate) reach: Reach,
    pub(crate) role: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) project: Option<Uuid>,
    pub(crate) q: Option<String>,
    pub(crate) external_reference_id: Option<String>,
}

/// A member as stored. To be flattened into what shows one with more beside it.
#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    id: Uuid,
    user_id: Uuid,
    name: String,
    email: String,
    role: String,
    status: String,
    timezone: Option<String>,
    organization_timezone: String,
    billable_rate: Option<i64>,
    cost_rate: Option<i64>,
    currency: String,
    weekly_capacity_seconds: Option<i64>,
    organization_weekly_capacity_seconds: i64,
    #[sqlx(flatten)]
    base: BaseRow,
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    id: MemberId,
    reach: Reach,
) -> Result<Option<MemberState>, error::Error> {
    let row = fetch_optional!(
        conn,
        FIND_MEMBER as Row,
        organization.0,
        reach.all,
        reach.member.0,
        id.0
    )?;
    Ok(row.map(Row::into_state).transpose()?)
}

pub(crate) async fn find_by_email(
    conn: &mut Conn,
    organization: OrganizationId,
    email: &str,
) -> Result<Option<MemberState>, error::Error> {
    let key = fold(email);
    let row = fetch_optional!(
        conn,
        FIND_MEMBER_BY_EMAIL as Row,
        organization.0,
        key.as_str()
    )?;
    Ok(row.map(Row::into_state).transpose()?)
}

pub(crate) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<MemberState>, error::Error> {
    let q = filter.q.as_deref().map(contains);
    macro_rules! rows {
        ($statement:path $(, $further:expr)?) => {
            fetch_all!(
                conn,
                $statement as Row,
                filter.organization.0,
                filter.reach.all,
                filter.reach.member.0,
                filter.role.as_deref(),
                filter.status.as_deref(),
                filter.project,
                q.as_deref(),
                page.after.sort,
                page.after.id,
                page.fetch(),
                $($further)?
            )?
        };
    }
    let rows = match (page.updated_since, filter.external_reference_id.as_deref()) {
        (None, None) => rows!(LIST_MEMBERS),
        (Some(_), None) => rows!(LIST_UPDATED_MEMBERS),
        (None, Some(id)) => rows!(LIST_REFERENCED_MEMBERS, id),
        (Some(_), Some(id)) => rows!(LIST_UPDATED_REFERENCED_MEMBERS, id),
    };
    states(rows)
}

pub(crate) async fn list_all(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<Vec<MemberState>, error::Error> {
    states(fetch_all!(conn, LIST_ALL_MEMBERS as Row, organization.0)?)
}

/// Holds a member, if there is one, until the transaction ends.
pub(crate) async fn hold(
    conn: &mut Conn,
    organization: OrganizationId,
    id: MemberId,
) -> Result<(), Error> {
    execute!(conn, HOLD_MEMBER, organization.0, id.0)?;
    Ok(())
}

pub(crate) async fn update(
    conn: &mut Conn,
    organization: OrganizationId,
    member: &MemberState,
) -> Result<(), Error> {
    execute!(
        conn,
        UPDATE_MEMBER,
        organization.0,
        member.id.0,
        member.role.as_str(),
        member.status.as_str(),
        member.timezone.map(|zone| zone.to_string()),
        member.billable_rate.map(Amount::ten_thousandths),
        member.cost_rate.map(Amount::ten_thousandths),
        member.weekly_capacity_seconds,
        member.base.version,
        member.base.updated_at.as_micros(),
    )?;
    Ok(())
}

fn states(rows: Vec<Row>) -> Result<Vec<MemberState>, error::Error> {
    let states: Result<_, Failure> = rows.into_iter().map(Row::into_state).collect();
    Ok(states?)
}

impl Row {
    pub(crate) fn into_state(self) -> Result<MemberState, Failure> {
        let stored = |source| Failure::internal("read a stored member", source);
        Ok(MemberState {
            id: MemberId(self.id),
            user: UserId(self.user_id),
            name: self.name,
            email: self.email,
            role: self.role.parse().map_err(stored)?,
            status: Status::from_word(&self.status)
                .ok_or_else(|| Failure::internal("read a member's status", self.status))?,
            timezone: self.timezone.as_deref().map(stored_zone).transpose()?,
            organization_timezone: stored_zone(&self.organization_timezone)?,
            billable_rate: self.billable_rate.and_then(Amount::from_ten_thousandths),
            cost_rate: self.cost_rate.and_then(Amount::from_ten_thousandths),
            currency: stored_currency(&self.currency)?,
            weekly_capacity_seconds: self.weekly_capacity_seconds,
            organization_weekly_capacity_seconds: self.organization_weekly_capacity_seconds,
            base: self.base.into_base()?,
        })
    }
}
