//! Taking and releasing, and the rows that are held meanwhile.

use hoursmith_domain::{ClientId, InvoiceId, OrganizationId};
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_one, fetch_optional};

use uuid::Uuid;

use super::super::state::InvoiceState;

hoursmith_store::statements! {
    /// Holds a client's billing until the transaction ends; how long it has to pay.
    HOLD_CLIENT = "UPDATE clients SET version = version WHERE organization_id = $1 AND id = $2 \
        RETURNING payment_terms_days";
    /// The projects whose names and fees are about to be frozen, in the order in which they are held.
    LIST_CLAIMED_PROJECTS = "SELECT id FROM projects WHERE organization_id = $1 AND client_id = $3 AND ( \
        id IN (SELECT e.project_id FROM time_entries e WHERE e.organization_id = $1 AND e.invoice_id = $2) \
        OR id IN (SELECT x.project_id FROM expenses x WHERE x.organization_id = $1 AND x.invoice_id = $2) \
        OR (billing_method = 'fixed' AND fixed_fee > 0)) ORDER BY id";
    /// Holds one of them until the transaction ends.
    HOLD_CLAIMED_PROJECT = "UPDATE projects SET version = version WHERE organization_id = $1 AND id = $2";
    /// Time becomes an invoice's, up to a day and id.
    CLAIM_ENTRIES = "UPDATE time_entries SET invoice_id = $2 WHERE organization_id = $1 AND client_id = $3 \
        AND currency = $4 AND invoice_id IS NULL AND amount IS NOT NULL AND (spent_on, id) <= ($5, $6)";
    /// Expenses become an invoice's, up to a day and id.
    CLAIM_EXPENSES = "UPDATE expenses SET invoice_id = $2 WHERE organization_id = $1 AND client_id = $3 \
        AND currency = $4 AND invoice_id IS NULL AND billable AND (spent_on, id) <= ($5, $6)";
    /// Time that is no invoice's any more.
    RELEASE_ENTRIES = "UPDATE time_entries SET invoice_id = NULL \
        WHERE organization_id = $1 AND invoice_id = $2";
    /// Expenses that are no invoice's any more.
    RELEASE_EXPENSES = "UPDATE expenses SET invoice_id = NULL \
        WHERE organization_id = $1 AND invoice_id = $2";
    /// The next number of the organization. Held until the transaction ends, so that one that fails
    /// gives its number back and leaves no gap.
    NEXT_NUMBER = "INSERT INTO counters (organization_id, name, value) VALUES ($1, 'invoice', 1) \
        ON CONFLICT (organization_id, name) DO UPDATE SET value = counters.value + 1 RETURNING value";
}

/// Holds the client's row; its payment terms, in days.
pub(crate) async fn hold_client(
    conn: &mut Conn,
    organization: OrganizationId,
    client: ClientId,
) -> Result<Option<i64>, Error> {
    let row = fetch_optional!(
        conn,
        HOLD_CLIENT as (Option<i64>,),
        organization.0,
        client.0
    )?;
    Ok(row.and_then(|(days,)| days))
}

/// Holds the projects of what was claimed, and those with a fee: the smaller id first, like whoever
/// takes a member out of several.
pub(crate) async fn hold_projects(
    conn: &mut Conn,
    organization: OrganizationId,
    draft: &InvoiceState,
) -> Result<(), Error> {
    let projects = fetch_all!(
        conn,
        LIST_CLAIMED_PROJECTS as (Uuid,),
        organization.0,
        draft.id.0,
        draft.client.0
    )?;
    for (project,) in projects {
        execute!(conn, HOLD_CLAIMED_PROJECT, organization.0, project)?;
    }
    Ok(())
}

/// Claims what is unbilled for a draft, up to the last item that it shows; how many rows.
pub(crate) async fn claim(
    conn: &mut Conn,
    organization: OrganizationId,
    draft: &InvoiceState,
) -> Result<u64, Error> {
    let Some(through) = draft.through else {
        return Ok(0);
    };
    macro_rules! claim {
        ($statement:path) => {
            execute!(
                conn,
                $statement,
                organization.0,
                draft.id.0,
                draft.client.0,
                draft.currency.as_str(),
                through.0.to_string(),
                through.1
            )?
        };
    }
    let entries = claim!(CLAIM_ENTRIES);
    Ok(entries.saturating_add(claim!(CLAIM_EXPENSES)))
}

/// Releases what an invoice had claimed.
pub(crate) async fn release(
    conn: &mut Conn,
    organization: OrganizationId,
    invoice: InvoiceId,
) -> Result<(), Error> {
    execute!(conn, RELEASE_ENTRIES, organization.0, invoice.0)?;
    execute!(conn, RELEASE_EXPENSES, organization.0, invoice.0)?;
    Ok(())
}

/// The next number, counted from 1.
pub(crate) async fn next_number(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<i64, Error> {
    let (value,) = fetch_one!(conn, NEXT_NUMBER as (i64,), organization.0)?;
    Ok(value)
}
