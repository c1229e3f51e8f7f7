//! The endpoints, a new one, and how a receiver verifies.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_routes::webhook_endpoint::{WebhookEndpoint, WebhookEndpointList};
use serde_json::json;

use super::picker::{self, Group};
use super::{HERE, is_locked, show_secret};
use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{Frame, show};

/// Shown as they are, and run as they are by `tests/snippets.rs`.
const NODE: &str = include_str!("../../../snippets/verify.mjs");
const PYTHON: &str = include_str!("../../../snippets/verify.py");

/// More than an organization may have, so that one page has them all.
const ALL: u32 = 200;

#[derive(Template)]
#[template(path = "settings/webhooks/list.html")]
struct ListPage<'a> {
    frame: &'a Frame,
    here: &'a str,
    endpoints: &'a [WebhookEndpoint],
    groups: &'a [Group],
    form: &'a Form,
    locked: bool,
    once: String,
    node: &'a str,
    python: &'a str,
}

pub(super) async fn page(person: &Person<'_>, form: Option<Form>) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let question = Question::new("webhook_endpoint.list").with("limit", ALL);
    let list: WebhookEndpointList = person.read(question).await?;
    let form = form.unwrap_or_default();
    let page = ListPage {
        here: HERE,
        locked: is_locked(&frame),
        frame: &frame,
        endpoints: &list.data,
        groups: &picker::groups(&form),
        form: &form,
        once: person.form_key(),
        node: NODE,
        python: PYTHON,
    };
    show(form.status(), &page)
}

pub(super) async fn create(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    let body = json!({
        "url": form.get("url"),
        "description": form.some("description"),
        "events": picker::patterns(&form),
    });
    let question = Question::new("webhook_endpoint.create")
        .body(body)
        .once(form.get("once"));
    match person.ask(question).await {
        Ok(answer) => show_secret(person, &answer, false).await,
        Err(halt) => page(person, Some(form.refused(halt.correctable()?))).await,
    }
}
