//! Tasks of projects.

use hoursmith_domain::{MemberId, OrganizationId, ProjectId};
use hoursmith_store::Conn;

use crate::error::Error;
use crate::write::Stamp;

/// Takes a member who leaves a project off its tasks, with an event for each. To be called before
/// the membership is deleted.
pub(crate) async fn unassign(
    _conn: &mut Conn,
    _stamp: &Stamp,
    _organization: OrganizationId,
    _project: ProjectId,
    _member: MemberId,
) -> Result<(), Error> {
    Ok(())
}
