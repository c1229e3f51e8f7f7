//! What an invoice bills: read from what is unbilled while it is a draft, from its lines after that.

mod sql;

use hoursmith_domain::{InvoiceId, OrganizationId};
use hoursmith_store::{Conn, Statement};

use super::line::Content;
use super::state::{InvoiceState, Status};
use crate::error::Error;

pub(crate) use sql::insert_lines;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// An invoice with what it bills.
pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    id: InvoiceId,
) -> Result<Option<InvoiceState>, Error> {
    match super::sql::find(conn, organization, id).await? {
        Some(invoice) => fill(conn, organization, invoice).await,
        None => Ok(None),
    }
}

/// An invoice whose row was read, with what it bills.
///
/// A draft's content comes from one statement, so that it is that of one moment, and with the
/// version of that moment. If it was sent since its row was read, the row is read again: what was
/// sent never is a draft again, and its lines never change.
pub(crate) async fn fill(
    conn: &mut Conn,
    organization: OrganizationId,
    mut invoice: InvoiceState,
) -> Result<Option<InvoiceState>, Error> {
    if invoice.status == Status::Draft {
        if let Some((moment, items)) = sql::unbilled(conn, organization, &invoice).await? {
            invoice.base.version = moment.version;
            invoice.base.updated_at = moment.updated_at;
            invoice.fill(Content::of(invoice.id, items));
            return Ok(Some(invoice));
        }
        match super::sql::find(conn, organization, invoice.id).await? {
            Some(sent) => invoice = sent,
            None => return Ok(None),
        }
    }
    invoice.lines = sql::lines(conn, organization, invoice.id).await?;
    Ok(Some(invoice))
}

/// What was claimed for a draft in this transaction, with its fees; nothing when it is no draft.
pub(crate) async fn claimed(
    conn: &mut Conn,
    organization: OrganizationId,
    draft: &InvoiceState,
) -> Result<Option<Content>, Error> {
    let found = sql::claimed(conn, organization, draft).await?;
    Ok(found.map(|(_, items)| Content::of(draft.id, items)))
}
