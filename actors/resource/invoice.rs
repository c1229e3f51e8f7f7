//! Invoices: drafts that build themselves, and what was sent.

use hoursmith_domain::{ClientId, OrganizationId};
use hoursmith_store::Conn;

use crate::error::Error;
use crate::write::Stamp;

/// To be called after every write that may change what a client's draft holds: an entry or an
/// expense of one of its projects, the name of a project or task, a fee. Opens the draft when there
/// is something to bill and none is open; counts a change of the one that is.
pub(crate) async fn draft_changed(
    _conn: &mut Conn,
    _stamp: &Stamp,
    _organization: OrganizationId,
    _client: Option<ClientId>,
) -> Result<(), Error> {
    Ok(())
}
