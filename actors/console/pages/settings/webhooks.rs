//! Settings → Webhooks: where events are sent, what was sent there, and what became of it.
//!
//! A secret is shown by the answer to the form that made it and by no page, so that going back or
//! loading anew shows none. Every region that changes by itself stands in an element with `data-live`,
//! the address to look at for its next state; the script does the rest.

mod deliveries;
mod delivery;
mod edit;
mod list;
mod picker;
mod replay;

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_domain::Plan;
use hoursmith_kit::Failure;
use hoursmith_routes::webhook_endpoint::{WebhookEndpoint, WebhookEndpointWithSecret};

use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{Frame, show};

/// Where these pages are.
const HERE: &str = "/app/settings/webhooks";

#[derive(Template)]
#[template(path = "settings/webhooks/secret.html")]
struct SecretPage<'a> {
    frame: &'a Frame,
    endpoint: &'a WebhookEndpointWithSecret,
    rotated: bool,
}

/// Answers what is below `/app/settings/webhooks`.
pub(super) async fn answer(
    person: &Person<'_>,
    post: bool,
    parts: &[&str],
    form: Form,
) -> Result<Response, Halt> {
    match (post, parts) {
        (false, []) => list::page(person, None).await,
        (true, []) => list::create(person, form).await,
        (false, [id]) => deliveries::page(person, id, Form::default()).await,
        (false, [id, "edit"]) => edit::page(person, id, None).await,
        (true, [id, "edit"]) => edit::save(person, id, form).await,
        (true, [id, "enable"]) => edit::switch(person, id, true).await,
        (true, [id, "disable"]) => edit::switch(person, id, false).await,
        (true, [id, "rotate"]) => edit::rotate(person, id, form).await,
        (true, [id, "delete"]) => edit::delete(person, id).await,
        (true, [id, "test"]) => deliveries::test(person, id, form).await,
        (false, [id, "tests", event]) => deliveries::tested(person, id, event).await,
        (false, [id, "replay"]) => replay::page(person, id, None).await,
        (true, [id, "replay", "count"]) => replay::count(person, id, form).await,
        (true, [id, "replay"]) => replay::send(person, id, form).await,
        (false, [id, "deliveries", one]) => delivery::page(person, id, one, Form::default()).await,
        (true, [id, "deliveries", one, "replay"]) => delivery::replay(person, id, one, form).await,
        _ => Err(Halt::no_page()),
    }
}

/// Whether the plan has webhooks: if not, what is there is seen and deleted, and no more.
fn is_locked(frame: &Frame) -> bool {
    frame.plan < Plan::Agency
}

async fn endpoint(person: &Person<'_>, id: &str) -> Result<WebhookEndpoint, Halt> {
    let question = Question::new("webhook_endpoint.read").of("webhook_endpoint_id", id);
    person.read(question).await
}

/// The page with the secret of an answer, the one time.
async fn show_secret(
    person: &Person<'_>,
    answer: &Response,
    rotated: bool,
) -> Result<Response, Halt> {
    let endpoint: WebhookEndpointWithSecret = serde_json::from_slice(&answer.body)
        .map_err(|source| Failure::internal("read a webhook's secret", source))?;
    let page = SecretPage {
        frame: &Frame::of(person).await?,
        endpoint: &endpoint,
        rotated,
    };
    show(200, &page)
}
