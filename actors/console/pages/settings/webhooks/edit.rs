//! What is changed of an endpoint: its fields, whether it is enabled, its secret, its end.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_routes::webhook_endpoint::WebhookEndpoint;
use serde_json::json;

use super::picker::{self, Group};
use super::{HERE, deliveries, is_locked, show_secret};
use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{Frame, go, show};

#[derive(Template)]
#[template(path = "settings/webhooks/edit.html")]
struct EditPage<'a> {
    frame: &'a Frame,
    here: String,
    endpoint: &'a WebhookEndpoint,
    groups: &'a [Group],
    form: &'a Form,
    locked: bool,
    once: String,
}

pub(super) async fn page(
    person: &Person<'_>,
    id: &str,
    form: Option<Form>,
) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let question = Question::new("webhook_endpoint.read").of("webhook_endpoint_id", id);
    let (endpoint, tag): (WebhookEndpoint, String) = person.read_tagged(question).await?;
    let form = form.unwrap_or_else(|| {
        let description = endpoint.description.as_deref().unwrap_or_default();
        let form = Form::with(&[
            ("version", &tag),
            ("url", &endpoint.url),
            ("description", description),
        ]);
        picker::ticked(form, &endpoint.events)
    });
    let page = EditPage {
        here: format!("{HERE}/{}", endpoint.id),
        locked: is_locked(&frame),
        frame: &frame,
        groups: &picker::groups(&form),
        endpoint: &endpoint,
        form: &form,
        once: person.form_key(),
    };
    show(form.status(), &page)
}

pub(super) async fn save(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let body = json!({
        "url": form.get("url"),
        "description": form.some("description"),
        "events": picker::patterns(&form),
    });
    let question = Question::new("webhook_endpoint.update")
        .of("webhook_endpoint_id", id)
        .body(body)
        .if_match(form.get("version"));
    match person.ask(question).await {
        Ok(_) => Ok(go(&format!("{HERE}/{id}?done=endpoint-saved"))),
        Err(halt) => page(person, id, Some(form.refused(halt.correctable()?))).await,
    }
}

pub(super) async fn switch(person: &Person<'_>, id: &str, enabled: bool) -> Result<Response, Halt> {
    let question = Question::new("webhook_endpoint.update")
        .of("webhook_endpoint_id", id)
        .body(json!({ "enabled": enabled }));
    let done = match enabled {
        true => "endpoint-enabled",
        false => "endpoint-disabled",
    };
    match person.ask(question).await {
        Ok(_) => Ok(go(&format!("{HERE}/{id}?done={done}"))),
        Err(halt) => {
            let form = Form::default().refused(halt.correctable()?);
            deliveries::page(person, id, form).await
        }
    }
}

pub(super) async fn rotate(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let question = Question::new("webhook_endpoint.rotate_secret")
        .of("webhook_endpoint_id", id)
        .once(form.get("once"));
    match person.ask(question).await {
        Ok(answer) => show_secret(person, &answer, true).await,
        Err(halt) => {
            let form = Form::default().refused(halt.correctable()?);
            deliveries::page(person, id, form).await
        }
    }
}

pub(super) async fn delete(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let question = Question::new("webhook_endpoint.delete").of("webhook_endpoint_id", id);
    person.ask(question).await?;
    Ok(go(&format!("{HERE}?done=endpoint-deleted")))
}
