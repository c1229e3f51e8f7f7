//! Sending: a draft becomes an invoice, in one transaction or not at all.

use hoursmith_bus::Conditions;
use hoursmith_domain::{Amount, EventType, InvoiceId, OrganizationId, Problem};
use hoursmith_store::Conn;

use super::claim::{self, Billing};
use super::content;
use super::draft::draft_changed;
use super::input::{Sending, refuse};
use super::line::Content;
use super::sql;
use super::state::{InvoiceState, Status};
use crate::base::refuse_any;
use crate::condition;
use crate::error::Error;
use crate::write::{Stamp, changed_fields};
use crate::{expense, time_entry};

/// Days to pay for clients without terms of their own.
const USUAL_TERMS: u32 = 30;

/// Sends a draft: its lines are frozen, what it bills is locked, and it has its number.
///
/// The order in which rows are held keeps it from standing in anybody's way for good. First the
/// client, so that one sends at a time; then the entries and expenses, by a guarded UPDATE that
/// waits for whoever is changing one; then their projects; then the draft. Every writer of an entry,
/// a name or a fee holds its own row and then the draft, so when the draft is held nothing of what
/// it bills can change, and what others write meanwhile is for the next draft. The number comes
/// last, since from then on the organization's other invoices wait for it.
pub(crate) async fn send(
    conn: &mut Conn,
    mut stamp: Stamp,
    organization: OrganizationId,
    id: InvoiceId,
    sending: Sending,
    conditions: &Conditions,
) -> Result<InvoiceState, Error> {
    refuse_any(sending.errors())?;
    let found = sql::find(conn, organization, id).await?;
    let client = found.ok_or_else(Problem::not_found)?.client;
    let terms = claim::hold_client(conn, organization, client).await?;

    // What it shows now says how far to claim.
    let found = content::find(conn, organization, id).await?;
    let shown = found.ok_or_else(Problem::not_found)?;
    shown.must_be(Status::Draft)?;
    if shown.lines.is_empty() {
        return Err(super::conflict("The draft is empty: there is nothing to bill.").into());
    }
    let claimed = claim::claim(conn, organization, &shown).await?;
    claim::hold_projects(conn, organization, &shown).await?;
    let found = sql::lock(conn, organization, id).await?;
    let held = found.ok_or_else(Problem::not_found)?;
    condition::check(held.base.version, conditions)?;
    stamp.renew(held.base.updated_at);

    let content = content::claimed(conn, organization, &held).await?;
    let draft = frozen(held, content, claimed)?;
    let mut sent = draft.clone();
    date(&mut sent, sending, terms, &stamp)?;
    content::insert_lines(conn, organization, &sent).await?;
    time_entry::tell_of_invoice(conn, &stamp, organization, id, Billing::Taken).await?;
    expense::tell_of_invoice(conn, &stamp, organization, id, Billing::Taken).await?;

    let number = claim::next_number(conn, organization).await?;
    sent.number = Some(format!("INV-{number:05}"));
    sql::update(conn, organization, &sent).await?;
    let object = sent.to_event(stamp.now);
    let previous = changed_fields(&draft.to_event(stamp.now), &object);
    let kind = EventType::InvoiceSent;
    stamp
        .event(conn, kind, id.0, object, Some(previous))
        .await?;
    draft_changed(conn, &stamp, organization, Some(client)).await?;
    Ok(sent)
}

/// The draft with exactly what was claimed. An entry that slipped in before the last one that was
/// shown was claimed as well; where the draft was full, it has no room.
fn frozen(
    mut draft: InvoiceState,
    content: Option<Content>,
    claimed: u64,
) -> Result<InvoiceState, Problem> {
    let is_all = |content: &Content| u64::try_from(content.dated) == Ok(claimed);
    let content = content.filter(|content| is_all(content) && !content.lines.is_empty());
    let Some(content) = content else {
        let detail = "The draft changed while it was being sent. Read it again and decide.";
        return Err(super::conflict(detail));
    };
    draft.fill(content);
    Ok(draft)
}

/// Gives an invoice its dates, its tax and its state.
fn date(
    invoice: &mut InvoiceState,
    sending: Sending,
    terms: Option<i64>,
    stamp: &Stamp,
) -> Result<(), Problem> {
    let issued_on = sending
        .issued_on
        .unwrap_or_else(|| invoice.zone.day_of(stamp.now));
    let terms = terms
        .and_then(|days| u32::try_from(days).ok())
        .unwrap_or(USUAL_TERMS);
    let due_on = sending.due_on.unwrap_or_else(|| issued_on.plus(terms));
    if due_on < issued_on {
        refuse(
            "#/due_on",
            "before_issued_on",
            "must not be before it is issued",
        )?;
    }
    let tax_rate = sending.tax_rate.unwrap_or(Amount::ZERO);
    let tax = invoice.subtotal.percent(tax_rate, invoice.currency);
    let total = tax.and_then(|tax| invoice.subtotal.plus(tax));
    let (Some(tax), Some(total)) = (tax, total) else {
        let detail = "makes a total of more than 12 digits";
        return refuse("#/tax_rate", "too_large", detail);
    };
    invoice.status = Status::Sent;
    invoice.issued_on = Some(issued_on);
    invoice.due_on = Some(due_on);
    invoice.tax_rate = tax_rate;
    invoice.tax_amount = tax;
    invoice.total = total;
    invoice.notes = sending.notes.filter(|notes| !notes.is_empty());
    invoice.sent_at = Some(stamp.now);
    invoice.base.touch(stamp.now);
    Ok(())
}
