//! Members of projects in the database.

use hoursmith_domain::{Amount, MemberId, OrganizationId, ProjectId, Timestamp};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_optional};
use uuid::Uuid;

use super::Link;
use crate::base::Base;
use crate::error;
use crate::list::Page;

macro_rules! links {
    () => {
        "SELECT pm.project_id, pm.member_id, u.name, m.role, pm.billable_rate, pm.version, \
         pm.created_at, pm.updated_at FROM project_members pm \
         JOIN members m ON m.organization_id = pm.organization_id AND m.id = pm.member_id \
         JOIN users u ON u.id = m.user_id \
         WHERE pm.organization_id = $1 AND pm.project_id = $2"
    };
}

hoursmith_store::statements! {
    /// A member of a project.
    FIND_PROJECT_MEMBER = concat!(links!(), " AND pm.member_id = $3");
    /// A page of a project's members, the last added first.
    LIST_PROJECT_MEMBERS = concat!(
        links!(),
        " AND (pm.created_at, pm.member_id) < ($3, $4) \
          ORDER BY pm.created_at DESC, pm.member_id DESC LIMIT $5"
    );
    /// A page of a project's members, oldest change first.
    LIST_UPDATED_PROJECT_MEMBERS = concat!(
        links!(),
        " AND (pm.updated_at, pm.member_id) > ($3, $4) ORDER BY pm.updated_at, pm.member_id LIMIT $5"
    );
    /// Adds a member, or changes its rate.
    UPSERT_PROJECT_MEMBER = "INSERT INTO project_members (organization_id, project_id, member_id, \
        billable_rate, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6) \
        ON CONFLICT (organization_id, project_id, member_id) DO UPDATE SET \
        billable_rate = excluded.billable_rate, version = excluded.version, \
        updated_at = excluded.updated_at";
    /// Removes a member.
    DELETE_PROJECT_MEMBER =
        "DELETE FROM project_members WHERE organization_id = $1 AND project_id = $2 AND member_id = $3";
    /// The projects that a member is in.
    LIST_PROJECTS_OF_MEMBER = "SELECT project_id FROM project_members \
        WHERE organization_id = $1 AND member_id = $2 ORDER BY project_id";
}

#[derive(sqlx::FromRow)]
struct Row {
    project_id: Uuid,
    member_id: Uuid,
    name: String,
    role: String,
    billable_rate: Option<i64>,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    member: MemberId,
) -> Result<Option<Link>, error::Error> {
    let row = fetch_optional!(
        conn,
        FIND_PROJECT_MEMBER as Row,
        organization.0,
        project.0,
        member.0
    )?;
    Ok(row.map(Row::into_link).transpose()?)
}

pub(crate) async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    page: &Page,
) -> Result<Vec<Link>, error::Error> {
    macro_rules! rows {
        ($statement:path) => {
            fetch_all!(
                conn,
                $statement as Row,
                organization.0,
                project.0,
                page.after.sort,
                page.after.id,
                page.fetch(),
            )?
        };
    }
    let rows = match page.updated_since {
        None => rows!(LIST_PROJECT_MEMBERS),
        Some(_) => rows!(LIST_UPDATED_PROJECT_MEMBERS),
    };
    let links: Result<_, Failure> = rows.into_iter().map(Row::into_link).collect();
    Ok(links?)
}

/// Writes a link, of the version and the moment of its project's change.
pub(crate) async fn put(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    member: MemberId,
    rate: Option<Amount>,
    change: &Base,
) -> Result<(), Error> {
    execute!(
        conn,
        UPSERT_PROJECT_MEMBER,
        organization.0,
        project.0,
        member.0,
        rate.map(Amount::ten_thousandths),
        change.version,
        change.updated_at.as_micros(),
    )?;
    Ok(())
}

pub(crate) async fn delete(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    member: MemberId,
) -> Result<(), Error> {
    execute!(
        conn,
        DELETE_PROJECT_MEMBER,
        organization.0,
        project.0,
        member.0
    )?;
    Ok(())
}

/// The projects that a member is in, by id, so that whoever holds several holds them in one order.
pub(crate) async fn projects_of(
    conn: &mut Conn,
    organization: OrganizationId,
    member: MemberId,
) -> Result<Vec<ProjectId>, Error> {
    let rows = fetch_all!(
        conn,
        LIST_PROJECTS_OF_MEMBER as (Uuid,),
        organization.0,
        member.0
    )?;
    Ok(rows.into_iter().map(|(id,)| ProjectId(id)).collect())
}

impl Row {
    fn into_link(self) -> Result<Link, Failure> {
        let role = self
            .role
            .parse()
            .map_err(|source| Failure::internal("read a stored role", source))?;
        Ok(Link {
            project: ProjectId(self.project_id),
            member: MemberId(self.member_id),
            name: self.name,
            role,
            billable_rate: self.billable_rate.and_then(Amount::from_ten_thousandths),
            version: self.version,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        })
    }
}
