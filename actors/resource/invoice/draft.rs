//! How drafts open, and follow what they might bill.

use hoursmith_domain::{ClientId, EventType, OrganizationId};
use hoursmith_kit::Failure;
use hoursmith_store::Conn;

use super::{content, sql};
use crate::error::Error;
use crate::write::Stamp;

/// To be called after every write that may change what a client's draft holds: an entry or an
/// expense of one of its projects, the name of a project or task, a fee. Opens the draft when there
/// is something to bill and none is open; counts a change of the one that is.
///
/// It is the last thing that a transaction holds: whoever sends the draft holds the client, then
/// what is billed, then the draft, and so waits for no writer that waits for it. A writer of two
/// clients calls it for the smaller id first. One statement while the draft is open.
pub(crate) async fn draft_changed(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    client: Option<ClientId>,
) -> Result<(), Error> {
    let Some(client) = client else {
        return Ok(());
    };
    if sql::bump_draft(conn, organization, client, stamp.now).await? {
        return Ok(());
    }
    let id = hoursmith_domain::InvoiceId(stamp.new_id());
    let Some(id) = sql::open_draft(conn, organization, client, id, stamp.now).await? else {
        return Ok(());
    };
    let draft = content::find(conn, organization, id)
        .await?
        .ok_or_else(|| Failure::internal("read a draft that was just opened", id.to_string()))?;
    let object = draft.to_event(stamp.now);
    stamp
        .event(conn, EventType::InvoiceCreated, id.0, object, None)
        .await
}
