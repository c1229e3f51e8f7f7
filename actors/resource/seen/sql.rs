//! Projects and members that a caller sees.

use hoursmith_domain::{MemberId, OrganizationId, ProjectId};
use hoursmith_store::{Conn, Error, fetch_optional};
use uuid::Uuid;

use crate::sight::Reach;

hoursmith_store::statements! {
    /// A project: any ($2), or one that the member ($3) was added to.
    SEE_PROJECT = "SELECT p.id FROM projects p WHERE p.organization_id = $1 AND p.id = $4 \
        AND ($2 OR p.id IN (SELECT pm.project_id FROM project_members pm \
            WHERE pm.organization_id = $1 AND pm.member_id = $3))";
    /// A member: any ($2), oneself ($3), or one that shares a project with oneself.
    SEE_MEMBER = "SELECT m.id FROM members m WHERE m.organization_id = $1 AND m.id = $4 \
        AND ($2 OR m.id = $3 OR EXISTS (SELECT 1 FROM project_members theirs \
            JOIN project_members mine ON mine.organization_id = theirs.organization_id \
                AND mine.project_id = theirs.project_id AND mine.member_id = $3 \
            WHERE theirs.organization_id = $1 AND theirs.member_id = m.id))";
}

/// Whether the caller sees the project.
pub(crate) async fn project(
    conn: &mut Conn,
    organization: OrganizationId,
    reach: Reach,
    id: ProjectId,
) -> Result<bool, Error> {
    let found = fetch_optional!(
        conn,
        SEE_PROJECT as (Uuid,),
        organization.0,
        reach.all,
        reach.member.0,
        id.0
    )?;
    Ok(found.is_some())
}

/// Whether the caller sees the member.
pub(crate) async fn member(
    conn: &mut Conn,
    organization: OrganizationId,
    reach: Reach,
    id: MemberId,
) -> Result<bool, Error> {
    let found = fetch_optional!(
        conn,
        SEE_MEMBER as (Uuid,),
        organization.0,
        reach.all,
        reach.member.0,
        id.0
    )?;
    Ok(found.is_some())
}
