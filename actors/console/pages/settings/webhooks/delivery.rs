//! One delivery: its attempts, and what was sent.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_kit::Failure;
use hoursmith_routes::webhook_delivery::{WebhookAttempt, WebhookDelivery};
use serde_json::Value;

use super::{HERE, endpoint, is_locked};
use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::{Halt, Refusal};
use crate::page::{Frame, go, show};

/// Characters of a body that are shown; the API has the whole.
const BODY_SHOWN: usize = 12_000;

/// Characters of an answer that are shown, of up to twenty.
const ANSWER_SHOWN: usize = 1_000;

#[derive(Template)]
#[template(path = "settings/webhooks/delivery.html")]
struct DeliveryPage<'a> {
    frame: &'a Frame,
    /// The endpoint's page.
    here: String,
    live: String,
    /// Where it is sent; nothing of an endpoint that was deleted.
    url: Option<String>,
    delivery: &'a WebhookDelivery,
    attempts: Vec<Attempt>,
    event: String,
    body: &'a Excerpt,
    /// Whether it can be sent again.
    replays: bool,
    form: &'a Form,
    once: String,
}

/// An attempt as it is shown.
struct Attempt {
    of: WebhookAttempt,
    came_to: String,
    answer: Option<Excerpt>,
}

/// The beginning of a text.
struct Excerpt {
    text: String,
    cut: bool,
}

impl Excerpt {
    fn of(text: &str, most: usize) -> Self {
        let end = text.char_indices().nth(most).map(|(at, _)| at);
        Self {
            text: end
                .and_then(|end| text.get(..end))
                .unwrap_or(text)
                .to_owned(),
            cut: end.is_some(),
        }
    }
}

pub(super) async fn page(
    person: &Person<'_>,
    id: &str,
    delivery: &str,
    form: Form,
) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let question = Question::new("webhook_delivery.read").of("webhook_delivery_id", delivery);
    let delivery: WebhookDelivery = person.read(question).await?;
    if delivery.endpoint_id.to_string() != id {
        return Err(Halt::no_page());
    }
    let endpoint = there(endpoint(person, id).await)?;
    let question = Question::new("event.read").of("event_id", delivery.event_id);
    let event: Option<Value> = there(person.read(question).await)?;
    let kind = event.as_ref().and_then(|event| event.get("type")?.as_str());
    let text = match &event {
        Some(event) => serde_json::to_string_pretty(event)
            .map_err(|source| Failure::internal("write an event", source))?,
        None => String::new(),
    };
    let attempts = delivery.attempts.iter().rev().map(|attempt| Attempt {
        came_to: came_to(attempt),
        answer: attempt
            .response_excerpt
            .as_deref()
            .filter(|text| !text.is_empty())
            .map(|text| Excerpt::of(text, ANSWER_SHOWN)),
        of: attempt.clone(),
    });
    let is_enabled = endpoint.as_ref().is_some_and(|endpoint| endpoint.enabled);
    let page = DeliveryPage {
        here: format!("{HERE}/{id}"),
        live: format!("{HERE}/{id}/deliveries/{}", delivery.id),
        url: endpoint.map(|endpoint| endpoint.url),
        attempts: attempts.collect(),
        event: kind.unwrap_or("An event that is gone").to_owned(),
        body: &Excerpt::of(&text, BODY_SHOWN),
        replays: is_enabled && delivery.status != "pending" && !is_locked(&frame),
        delivery: &delivery,
        frame: &frame,
        form: &form,
        once: person.form_key(),
    };
    show(form.status(), &page)
}

pub(super) async fn replay(
    person: &Person<'_>,
    id: &str,
    delivery: &str,
    form: Form,
) -> Result<Response, Halt> {
    let question = Question::new("webhook_delivery.replay")
        .of("webhook_delivery_id", delivery)
        .once(form.get("once"));
    match person.ask(question).await {
        Ok(_) => Ok(go(&format!(
            "{HERE}/{id}/deliveries/{delivery}?done=replayed"
        ))),
        Err(halt) => page(person, id, delivery, form.refused(halt.correctable()?)).await,
    }
}

/// What an attempt came to, in a few words.
pub(super) fn came_to(attempt: &WebhookAttempt) -> String {
    match (attempt.status_code, attempt.error.as_deref()) {
        (Some(status), _) => status.to_string(),
        (None, Some("dns")) => "the name was not found".to_owned(),
        (None, Some("connect")) => "no connection".to_owned(),
        (None, Some("tls")) => "no valid certificate".to_owned(),
        (None, Some("timeout")) => "no answer in time".to_owned(),
        (None, Some("too_large")) => "the answer was too large".to_owned(),
        (None, Some("protocol")) => "no proper HTTP answer".to_owned(),
        (None, Some("refused")) => "the address is not permitted".to_owned(),
        (None, Some(word)) => word.replace('_', " "),
        (None, None) => "no answer".to_owned(),
    }
}

/// What was asked for, or nothing where it is gone.
fn there<T>(answer: Result<T, Halt>) -> Result<Option<T>, Halt> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Halt::Refused(Refusal { status: 404, .. })) => Ok(None),
        Err(halt) => Err(halt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let cut = Excerpt::of("日本語", 2);
        assert_eq!((cut.text.as_str(), cut.cut), ("日本", true));
        let whole = Excerpt::of("日本", 2);
        assert_eq!((whole.text.as_str(), whole.cut), ("日本", false));
    }
}
