//! Invoices: drafts that build themselves, and what was sent.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_routes::client::Client;
use hoursmith_routes::invoice::Invoice;

use crate::ask::Person;
use crate::halt::Halt;
use crate::page::{Frame, show};
use crate::work;

#[derive(Template)]
#[template(path = "invoices.html")]
struct InvoicesPage<'a> {
    frame: &'a Frame,
    invoices: &'a [Invoice],
    clients: &'a [Client],
}

pub(crate) async fn page(person: &Person<'_>) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let page = InvoicesPage {
        frame: &frame,
        invoices: &work::invoices(person).await?,
        clients: &work::clients(person).await?,
    };
    show(200, &page)
}
