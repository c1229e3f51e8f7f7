//! An endpoint: how it fares, what can be done with it, and its deliveries.

use std::collections::BTreeMap;

use askama::Template;
use futures::future::try_join_all;
use hoursmith_bus::Response;
use hoursmith_domain::EventId;
use hoursmith_routes::webhook_delivery::{STATUSES, WebhookDelivery, WebhookDeliveryList};
use hoursmith_routes::webhook_endpoint::{WebhookEndpoint, WebhookTest};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::{HERE, delivery, endpoint, is_locked};
use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::{Halt, Refusal};
use crate::page::{Frame, go, show};

/// Deliveries on a page.
const MOST: u32 = 20;

/// Events that are asked for at a time: a page must not fill the queue of those who answer.
const AT_A_TIME: usize = 4;

#[derive(Template)]
#[template(path = "settings/webhooks/deliveries.html")]
struct DeliveriesPage<'a> {
    frame: &'a Frame,
    here: String,
    /// This page with its filters: what it looks at for news.
    live: String,
    endpoint: &'a WebhookEndpoint,
    rows: &'a [Row],
    statuses: &'a [&'a str],
    query: &'a Form,
    older: Option<String>,
    form: &'a Form,
    locked: bool,
    once: String,
}

#[derive(Template)]
#[template(path = "settings/webhooks/tested.html")]
struct TestedPage<'a> {
    frame: &'a Frame,
    here: String,
    live: String,
}

/// A delivery in the list.
struct Row {
    delivery: WebhookDelivery,
    /// What happened; a dash if the event is gone.
    event: String,
    /// What the last attempt came to.
    answer: String,
}

/// What is shown of an event in a list.
#[derive(Deserialize)]
struct EventType {
    r#type: String,
}

pub(super) async fn page(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let endpoint = endpoint(person, id).await?;
    let query = Form::parse(person.guest.visit.query.as_bytes());
    let list = list(person, &endpoint, &query).await?;
    let here = format!("{HERE}/{}", endpoint.id);
    let at = |cursor: Option<&str>| address(&here, &query, cursor);
    let page = DeliveriesPage {
        locked: is_locked(&frame),
        frame: &frame,
        live: at(query.some("cursor")),
        older: list.next_cursor.as_deref().map(|cursor| at(Some(cursor))),
        rows: &rows(person, list.data).await?,
        here,
        endpoint: &endpoint,
        statuses: STATUSES,
        query: &query,
        form: &form,
        once: person.form_key(),
    };
    show(form.status(), &page)
}

/// Sends a test, and goes on to where its delivery will be.
pub(super) async fn test(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let question = Question::new("webhook_endpoint.test")
        .of("webhook_endpoint_id", id)
        .once(form.get("once"));
    match person.read::<WebhookTest>(question).await {
        Ok(test) => Ok(go(&format!("{HERE}/{id}/tests/{}", test.event_id))),
        Err(halt) => page(person, id, form.refused(halt.correctable()?)).await,
    }
}

/// To the delivery of a test, which is there a moment after the test was sent.
pub(super) async fn tested(person: &Person<'_>, id: &str, event: &str) -> Result<Response, Halt> {
    let question = Question::new("webhook_delivery.list")
        .with("endpoint_id", id)
        .with("event_id", event);
    let list: WebhookDeliveryList = person.read(question).await.map_err(no_page_of)?;
    if let Some(delivery) = list.data.first() {
        return Ok(go(&format!("{HERE}/{id}/deliveries/{}", delivery.id)));
    }
    let page = TestedPage {
        frame: &Frame::of(person).await?,
        here: format!("{HERE}/{id}"),
        live: format!("{HERE}/{id}/tests/{event}"),
    };
    show(200, &page)
}

async fn list(
    person: &Person<'_>,
    endpoint: &WebhookEndpoint,
    query: &Form,
) -> Result<WebhookDeliveryList, Halt> {
    let mut question = Question::new("webhook_delivery.list")
        .with("endpoint_id", endpoint.id)
        .with("limit", MOST);
    for name in ["status", "cursor"] {
        if let Some(value) = query.some(name) {
            question = question.with(name, value);
        }
    }
    person.read(question).await.map_err(no_page_of)
}

/// An address that somebody made up, and the API refuses, is no page of ours.
fn no_page_of(halt: Halt) -> Halt {
    match halt {
        Halt::Refused(Refusal { status: 400, .. }) => Halt::no_page(),
        other => other,
    }
}

/// The list with its filter, from a cursor on.
fn address(here: &str, query: &Form, cursor: Option<&str>) -> String {
    let mut pairs = Serializer::new(String::new());
    let filters = [("status", query.some("status")), ("cursor", cursor)];
    for (name, value) in filters {
        if let Some(value) = value {
            pairs.append_pair(name, value);
        }
    }
    match pairs.finish() {
        pairs if pairs.is_empty() => here.to_owned(),
        pairs => format!("{here}?{pairs}"),
    }
}

/// The deliveries with the types of their events, each event asked for once.
async fn rows(person: &Person<'_>, deliveries: Vec<WebhookDelivery>) -> Result<Vec<Row>, Halt> {
    let mut events: Vec<EventId> = deliveries.iter().map(|one| one.event_id).collect();
    events.sort_unstable();
    events.dedup();
    let mut types: BTreeMap<EventId, String> = BTreeMap::new();
    for some in events.chunks(AT_A_TIME) {
        let asked = some.iter().map(|event| event_type(person, *event));
        types.extend(try_join_all(asked).await?);
    }
    let row = |delivery: WebhookDelivery| Row {
        event: types.remove(&delivery.event_id).unwrap_or_default(),
        answer: delivery
            .attempts
            .last()
            .map_or_else(String::new, delivery::came_to),
        delivery,
    };
    Ok(deliveries.into_iter().map(row).collect())
}

async fn event_type(person: &Person<'_>, event: EventId) -> Result<(EventId, String), Halt> {
    let question = Question::new("event.read").of("event_id", event);
    match person.read::<EventType>(question).await {
        Ok(found) => Ok((event, found.r#type)),
        Err(Halt::Refused(Refusal { status: 404, .. })) => Ok((event, "–".to_owned())),
        Err(halt) => Err(halt),
    }
}
