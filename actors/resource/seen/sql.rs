//! Projects and members that a caller sees.

use hoursmith_domain::{MemberId, OrganizationId, ProjectId};
use hoursmith_store::{Conn, Error, fetch_optional};
use uuid::Uuid;

use crate::sight::Reach;

/// Whether a project is seen: any ($2), or one that the member ($3) was added to.
macro_rules! sees_project {
    ($project:literal) => {
        concat!(
            "($2 OR EXISTS (SELECT 1 FROM project_members pm WHERE pm.organization_id = $1 \
             AND pm.project_id = ",
            $project,
            " AND pm.member_id = $3))"
        )
    };
}

/// Whether a member is seen: any ($2), oneself ($3), or one that shares a project with oneself,
/// unless one reaches one's own alone ($4).
macro_rules! sees_member {
    ($member:literal) => {
        concat!(
            "($2 OR ",
            $member,
            " = $3 OR (NOT CAST($4 AS BOOLEAN) AND EXISTS (SELECT 1 FROM project_members theirs \
             JOIN project_members mine ON mine.organization_id = theirs.organization_id \
                AND mine.project_id = theirs.project_id AND mine.member_id = $3 \
             WHERE theirs.organization_id = $1 AND theirs.member_id = ",
            $member,
            ")))"
        )
    };
}

pub(crate) use {sees_member, sees_project};

hoursmith_store::statements! {
    /// A project ($4) that the caller sees.
    SEE_PROJECT = concat!(
        "SELECT p.id FROM projects p WHERE p.organization_id = $1 AND p.id = $4 AND ",
        sees_project!("p.id")
    );
    /// A member ($5) that the caller sees.
    SEE_MEMBER = concat!(
        "SELECT m.id FROM members m WHERE m.organization_id = $1 AND m.id = $5 AND ",
        sees_member!("m.id")
    );
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
        reach.own,
        id.0
    )?;
    Ok(found.is_some())
}
