//! One invoice: its lines, what may be done with it, and a form for paper.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_routes::client::Client;
use hoursmith_routes::invoice::Invoice;
use serde_json::{Map, Value, json};

use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{Frame, go, show};

#[derive(Template)]
#[template(path = "invoice.html")]
struct InvoicePage<'a> {
    frame: &'a Frame,
    invoice: &'a Invoice,
    client: &'a Client,
    form: &'a Form,
    once: String,
}

pub(crate) async fn page(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let invoice: Invoice = person
        .read(Question::new("invoice.read").of("invoice_id", id))
        .await?;
    let client: Client = person
        .read(Question::new("client.read").of("client_id", invoice.client_id))
        .await?;
    let page = InvoicePage {
        frame: &frame,
        invoice: &invoice,
        client: &client,
        form: &form,
        once: person.form_key(),
    };
    show(form.status(), &page)
}

pub(crate) async fn send(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let body = given(&form, &["due_on", "tax_rate", "notes"]);
    settle(person, "invoice.send", id, body, form, "sent").await
}

pub(crate) async fn pay(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let body = given(&form, &["amount"]);
    settle(person, "invoice.pay", id, body, form, "paid").await
}

pub(crate) async fn void(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    settle(person, "invoice.void", id, json!({}), form, "void").await
}

async fn settle(
    person: &Person<'_>,
    operation: &str,
    id: &str,
    body: Value,
    form: Form,
    done: &str,
) -> Result<Response, Halt> {
    let question = Question::new(operation)
        .of("invoice_id", id)
        .body(body)
        .once(form.get("once"));
    match person.ask(question).await {
        Ok(_) => Ok(go(&format!("/app/invoices/{id}?done={done}"))),
        Err(halt) => page(person, id, form.refused(halt.correctable()?)).await,
    }
}

/// The fields that were filled in.
fn given(form: &Form, names: &[&str]) -> Value {
    let filled = |name: &&str| {
        let text = form.some(name)?;
        Some(((*name).to_owned(), Value::from(text)))
    };
    Value::Object(names.iter().filter_map(filled).collect::<Map<_, _>>())
}
