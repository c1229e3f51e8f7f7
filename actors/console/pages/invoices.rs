//! Invoices: drafts that build themselves, and what was sent.

use askama::Template;
use futures::try_join;
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
    let (frame, invoices, clients) = try_join!(
        Frame::of(person),
        work::invoices(person),
        work::clients(person),
    )?;
    let page = InvoicesPage {
        frame: &frame,
        invoices: &invoices,
        clients: &clients,
    };
    show(200, &page)
}
