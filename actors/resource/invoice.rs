//! Invoices: drafts that build themselves, and what was sent.
//!
//! A draft is a row that says little more than whose it is and how often its content changed; what
//! it bills is read from what is unbilled. *Refused:* lines that are kept up to date by every write
//! of an entry, an expense, a rate or a name, which would be the same thing stored twice. Sending
//! freezes lines and sums.
//!
//! Over HTTP invoices are read. Sending, paying and voiding are operations on the bus and of the
//! operator, who both come to the same functions here.

mod claim;
mod content;
mod draft;
mod input;
mod line;
mod send;
mod settle;
mod sql;
mod state;

use hoursmith_bus::Response;
use hoursmith_domain::{Code, Cursor, InvoiceId, Problem};
use hoursmith_store::Statement;
use serde_json::value::{RawValue, to_raw_value};

use crate::condition;
use crate::error::Error;
use crate::list::{MAX_PAGE_BYTES, Page, json};
use crate::request::Request;
use crate::write::write;
pub(crate) use claim::{Billing, tell};
pub(crate) use content::fill;
pub(crate) use draft::draft_changed;
pub use input::Sending;
pub(crate) use sql::{find as find_row, find_by_number, newest};
pub(crate) use state::{InvoiceState, Status};
pub(crate) use {
    send::send as send_draft, settle::pay as pay_invoice, settle::void as void_invoice,
};

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

pub(crate) fn claim_statements() -> &'static [Statement] {
    claim::statements()
}

pub(crate) fn content_statements() -> &'static [Statement] {
    content::statements()
}

/// `GET /api/v1/invoices`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let page = Page::of(request)?;
    let filter = sql::Filter {
        organization: request.caller.organization(),
        client: request.param("client_id")?,
        status: request.param("status")?,
        from: request.param("from")?,
        to: request.param("to")?,
        number: request.param("number")?,
        external_reference_id: request.param("external_reference_id")?,
    };
    let mut conn = request.context.db.read().await?;
    let rows = sql::list(&mut conn, &filter, &page).await?;
    let now = request.context.clock.now();
    // What an invoice bills is read one by one, and no further than the page has room for.
    let (mut shown, mut bytes) = (Vec::<(Cursor, Box<RawValue>)>::new(), 0_usize);
    for row in rows {
        if bytes > MAX_PAGE_BYTES && shown.len() > 1 {
            break;
        }
        // The place is the row's as it was listed. One that was sent since then is shown as it is,
        // and comes again where the list is by change.
        let place = place(&page, &row);
        let Some(invoice) = content::fill(&mut conn, filter.organization, row).await? else {
            continue;
        };
        let item = to_raw_value(&invoice.to_wire(now))
            .map_err(|source| hoursmith_kit::Failure::internal("write an invoice", source))?;
        bytes = bytes.saturating_add(item.get().len());
        shown.push((place, item));
    }
    drop(conn);
    page.respond(request, shown, |(place, _)| *place, |(_, item)| item)
}

/// `GET /api/v1/invoices/{invoice_id}`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let id: InvoiceId = request.id("invoice_id")?;
    let mut conn = request.context.db.read().await?;
    let invoice = content::find(&mut conn, request.caller.organization(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let body = json(200, &invoice.to_wire(request.context.clock.now()))?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(body, invoice.base.version, conditions))
}

/// `invoice.send`, with an optional body of `issued_on`, `due_on`, `tax_rate`, `notes`.
pub(crate) async fn send(request: &Request) -> Result<Response, Error> {
    let id: InvoiceId = request.id("invoice_id")?;
    let sending = input::read(&request.ask, input::sending)?;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    write(request, move |conn, stamp| {
        Box::pin(async move {
            let sent = send::send(conn, stamp, organization, id, sending, &conditions).await?;
            answer(&sent)
        })
    })
    .await
}

/// `invoice.pay`, with an optional body of `amount`; without it, the balance is paid.
pub(crate) async fn pay(request: &Request) -> Result<Response, Error> {
    let id: InvoiceId = request.id("invoice_id")?;
    let amount = input::read(&request.ask, input::payment)?;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    write(request, move |conn, stamp| {
        Box::pin(async move {
            let paid = settle::pay(conn, stamp, organization, id, amount, &conditions).await?;
            answer(&paid)
        })
    })
    .await
}

/// `invoice.void`
pub(crate) async fn void(request: &Request) -> Result<Response, Error> {
    let id: InvoiceId = request.id("invoice_id")?;
    input::read(&request.ask, input::nothing)?;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    write(request, move |conn, stamp| {
        Box::pin(async move {
            let void = settle::void(conn, stamp, organization, id, &conditions).await?;
            answer(&void)
        })
    })
    .await
}

/// An invoice as it is now, at the moment of its change.
fn answer(invoice: &InvoiceState) -> Result<Response, Error> {
    let body = json(200, &invoice.to_wire(invoice.base.updated_at))?;
    Ok(condition::tagged(body, invoice.base.version))
}

/// A refusal for the state that the invoice is in.
fn conflict(detail: &str) -> Problem {
    Problem::new(Code::Conflict, detail)
}

/// Where an invoice stands in a list.
fn place(page: &Page, invoice: &InvoiceState) -> Cursor {
    let base = &invoice.base;
    let at = match page.updated_since {
        Some(_) => base.updated_at,
        None => base.created_at,
    };
    Cursor {
        sort: at.as_micros(),
        id: invoice.id.0,
    }
}

#[cfg(test)]
mod tests;
