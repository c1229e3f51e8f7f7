//! Expenses: what members paid for projects.

use hoursmith_domain::{InvoiceId, OrganizationId};
use hoursmith_store::Conn;
use uuid::Uuid;

use crate::error::Error;
use crate::write::Stamp;

/// Writes the events of expenses whose invoice was set or cleared a moment ago in the same
/// transaction, with version and `updated_at`; `was` is the invoice before.
pub(crate) async fn tell_of_invoice(
    _conn: &mut Conn,
    _stamp: &Stamp,
    _organization: OrganizationId,
    _ids: &[Uuid],
    _was: Option<InvoiceId>,
) -> Result<(), Error> {
    Ok(())
}
