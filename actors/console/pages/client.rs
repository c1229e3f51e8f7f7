//! One client: who is billed and how, and what is done for them.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_routes::client::Client;
use hoursmith_routes::invoice::{Invoice, InvoiceList};
use hoursmith_routes::project::Project;
use serde_json::{Value, json};

use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{Frame, go, show};
use crate::work;

/// The lines of an address, as the form calls them and as the actor does.
const ADDRESS: &[(&str, &str)] = &[
    ("line1", "address/line1"),
    ("line2", "address/line2"),
    ("postal_code", "address/postal_code"),
    ("city", "address/city"),
    ("state", "address/state"),
    ("country", "address/country"),
];

#[derive(Template)]
#[template(path = "client.html")]
struct ClientPage<'a> {
    frame: &'a Frame,
    client: &'a Client,
    projects: &'a [Project],
    invoices: &'a [Invoice],
    form: &'a Form,
}

/// Answers what is below `/app/clients/<id>`.
pub(crate) async fn answer(
    person: &Person<'_>,
    post: bool,
    id: &str,
    parts: &[&str],
    form: Form,
) -> Result<Response, Halt> {
    match (post, parts) {
        (false, []) => page(person, id, None).await,
        (true, []) => save(person, id, form).await,
        (true, ["archive"]) => archive(person, id, true).await,
        (true, ["restore"]) => archive(person, id, false).await,
        (true, ["delete"]) => delete(person, id).await,
        _ => Err(Halt::no_page()),
    }
}

async fn page(person: &Person<'_>, id: &str, form: Option<Form>) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let (client, tag) = find(person, id).await?;
    let invoices = match frame.runs_it() {
        true => {
            let question = Question::new("invoice.list")
                .with("limit", work::MOST)
                .with("client_id", client.id);
            person.read::<InvoiceList>(question).await?.data
        }
        false => Vec::new(),
    };
    let form = form.unwrap_or_else(|| as_it_is(&client, &tag));
    let page = ClientPage {
        frame: &frame,
        projects: &work::projects_of(person, ("client_id", id)).await?,
        client: &client,
        invoices: &invoices,
        form: &form,
    };
    show(form.status(), &page)
}

/// The form of a client as it is.
fn as_it_is(client: &Client, tag: &str) -> Form {
    let address = client.address.as_ref();
    let line = |of: fn(&hoursmith_routes::client::Address) -> &Option<String>| {
        address.map_or_else(String::new, |address| work::text(of(address)))
    };
    Form::with(&[
        ("version", tag),
        ("name", &client.name),
        ("number", &work::text(&client.number)),
        ("email", &work::text(&client.email)),
        ("phone", &work::text(&client.phone)),
        ("billable_rate", &work::text(&client.billable_rate)),
        ("currency", &client.currency),
        (
            "payment_terms_days",
            &work::text(&client.payment_terms_days),
        ),
        ("vat_id", &work::text(&client.vat_id)),
        ("notes", &work::text(&client.notes)),
        ("line1", &line(|address| &address.line1)),
        ("line2", &line(|address| &address.line2)),
        ("city", &line(|address| &address.city)),
        ("state", &line(|address| &address.state)),
        ("postal_code", &line(|address| &address.postal_code)),
        ("country", &line(|address| &address.country)),
    ])
}

async fn save(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let terms = match form.some("payment_terms_days") {
        // What is no number is refused where numbers are.
        Some(days) => days
            .parse::<i64>()
            .map_or_else(|_| Value::from(days), Value::from),
        None => Value::Null,
    };
    let lines: serde_json::Map<String, Value> = ADDRESS
        .iter()
        .map(|(name, _)| ((*name).to_owned(), Value::from(form.some(name))))
        .collect();
    let address = match lines.values().all(Value::is_null) {
        true => Value::Null,
        false => Value::Object(lines),
    };
    let body = json!({
        "name": form.get("name"),
        "number": form.some("number"),
        "email": form.some("email"),
        "phone": form.some("phone"),
        "billable_rate": form.some("billable_rate"),
        "currency": form.get("currency").to_uppercase(),
        "payment_terms_days": terms,
        "vat_id": form.some("vat_id"),
        "notes": form.some("notes"),
        "address": address,
    });
    let question = change(id, body).if_match(form.get("version"));
    match person.ask(question).await {
        Ok(_) => Ok(back(id, "saved")),
        Err(halt) => {
            let mut refusal = halt.correctable()?;
            for (shown, asked) in ADDRESS {
                refusal = refusal.renamed(asked, shown);
            }
            page(person, id, Some(form.refused(refusal))).await
        }
    }
}

async fn archive(person: &Person<'_>, id: &str, archived: bool) -> Result<Response, Halt> {
    person
        .ask(change(id, json!({ "archived": archived })))
        .await?;
    Ok(back(id, if archived { "archived" } else { "restored" }))
}

async fn delete(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let question = Question::new("client.delete").of("client_id", id);
    let in_use = "The client has projects or invoices. Archive it instead: it is then out of the \
                  way, and its books stay whole.";
    match work::delete(person, question, in_use).await {
        Ok(()) => Ok(go("/app/clients?done=gone")),
        Err(halt) => {
            let (client, tag) = find(person, id).await?;
            let form = as_it_is(&client, &tag);
            page(person, id, Some(form.refused(halt.correctable()?))).await
        }
    }
}

/// The client with its tag.
async fn find(person: &Person<'_>, id: &str) -> Result<(Client, String), Halt> {
    let question = Question::new("client.read").of("client_id", id);
    person.read_tagged(question).await
}

fn change(id: &str, body: Value) -> Question<'_> {
    Question::new("client.update")
        .of("client_id", id)
        .body(body)
}

/// To the client, with a sentence of what was done.
fn back(id: &str, done: &str) -> Response {
    go(&format!("/app/clients/{id}?done={done}"))
}
