//! Clients: who is billed.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_routes::client::Client;
use serde_json::json;

use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{Frame, go, show};
use crate::work;

#[derive(Template)]
#[template(path = "clients.html")]
struct ClientsPage<'a> {
    frame: &'a Frame,
    clients: &'a [Client],
    archived: bool,
    form: &'a Form,
    once: String,
}

pub(crate) async fn page(person: &Person<'_>, form: Option<Form>) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let query = Form::parse(person.guest.visit.query.as_bytes());
    let archived = query.chose("archived", "true");
    let currency = frame.organization.currency.clone();
    let form = form.unwrap_or_else(|| Form::with(&[("currency", &currency)]));
    let page = ClientsPage {
        frame: &frame,
        clients: &work::clients_of(person, archived).await?,
        archived,
        form: &form,
        once: person.form_key(),
    };
    show(form.status(), &page)
}

pub(crate) async fn create(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    let body = json!({
        "name": form.get("name"),
        "email": form.some("email"),
        "currency": form.some("currency").map(str::to_uppercase),
        "billable_rate": form.some("billable_rate"),
    });
    let question = Question::new("client.create")
        .body(body)
        .once(form.get("once"));
    match person.ask(question).await {
        Ok(_) => Ok(go("/app/clients?done=client")),
        Err(halt) => page(person, Some(form.refused(halt.correctable()?))).await,
    }
}
