//! What happens to an invoice after it was sent: it is paid, or voided.

use hoursmith_bus::Conditions;
use hoursmith_domain::{Amount, EventType, InvoiceId, OrganizationId, Problem};
use hoursmith_store::Conn;

use super::claim::{self, Billing};
use super::content;
use super::draft::draft_changed;
use super::input::refuse;
use super::sql;
use super::state::{InvoiceState, Status};
use crate::condition;
use crate::error::Error;
use crate::write::{Stamp, changed_fields};
use crate::{expense, time_entry};

/// Records a payment, or the balance as paid. Once nothing is left to pay, the invoice is paid; a
/// part of it is no event, since the list of events has none for it.
pub(crate) async fn pay(
    conn: &mut Conn,
    mut stamp: Stamp,
    organization: OrganizationId,
    id: InvoiceId,
    amount: Option<Amount>,
    conditions: &Conditions,
) -> Result<InvoiceState, Error> {
    let before = held(conn, &mut stamp, organization, id, conditions).await?;
    let mut paid = before.clone();
    if amount.is_some_and(|amount| amount <= Amount::ZERO) {
        refuse("#/amount", "min_value", "must be more than 0")?;
    }
    let amount = amount.unwrap_or_else(|| before.balance());
    if amount > before.balance() {
        let detail = "must not be more than the balance";
        refuse("#/amount", "exceeds_balance", detail)?;
    }
    // At most the total, which is an amount.
    paid.amount_paid = paid.amount_paid.plus(amount).unwrap_or(paid.total);
    paid.base.touch(stamp.now);
    let is_settled = paid.balance() == Amount::ZERO;
    if is_settled {
        paid.status = Status::Paid;
        paid.paid_at = Some(stamp.now);
    }
    sql::update(conn, organization, &paid).await?;
    if is_settled {
        tell(conn, &stamp, EventType::InvoicePaid, &before, &paid).await?;
    }
    Ok(paid)
}

/// Voids a sent invoice without payments. What it billed is unbilled again, and in the draft; the
/// invoice keeps its number and its lines.
pub(crate) async fn void(
    conn: &mut Conn,
    mut stamp: Stamp,
    organization: OrganizationId,
    id: InvoiceId,
    conditions: &Conditions,
) -> Result<InvoiceState, Error> {
    let found = sql::find(conn, organization, id).await?;
    let client = found.ok_or_else(Problem::not_found)?.client;
    // In the order of `send`: the client, the invoice, what it bills, the draft.
    claim::hold_client(conn, organization, client).await?;
    let before = held(conn, &mut stamp, organization, id, conditions).await?;
    if before.amount_paid > Amount::ZERO {
        let detail = "A part of the invoice is paid, so it cannot be voided.";
        return Err(super::conflict(detail).into());
    }
    let mut void = before.clone();
    void.status = Status::Void;
    void.voided_at = Some(stamp.now);
    void.base.touch(stamp.now);
    time_entry::tell_of_invoice(conn, &stamp, organization, id, Billing::Released).await?;
    expense::tell_of_invoice(conn, &stamp, organization, id, Billing::Released).await?;
    claim::release(conn, organization, id).await?;
    sql::update(conn, organization, &void).await?;
    tell(conn, &stamp, EventType::InvoiceVoided, &before, &void).await?;
    draft_changed(conn, &stamp, organization, Some(client)).await?;
    Ok(void)
}

/// A sent invoice, held, with its lines.
async fn held(
    conn: &mut Conn,
    stamp: &mut Stamp,
    organization: OrganizationId,
    id: InvoiceId,
    conditions: &Conditions,
) -> Result<InvoiceState, Error> {
    let found = sql::lock(conn, organization, id).await?;
    let invoice = found.ok_or_else(Problem::not_found)?;
    invoice.must_be(Status::Sent)?;
    condition::check(invoice.base.version, conditions)?;
    stamp.renew(invoice.base.updated_at);
    let filled = content::fill(conn, organization, invoice).await?;
    Ok(filled.ok_or_else(Problem::not_found)?)
}

async fn tell(
    conn: &mut Conn,
    stamp: &Stamp,
    kind: EventType,
    before: &InvoiceState,
    after: &InvoiceState,
) -> Result<(), Error> {
    let object = after.to_event(stamp.now);
    let previous = changed_fields(&before.to_event(stamp.now), &object);
    stamp
        .event(conn, kind, after.id.0, object, Some(previous))
        .await
}
