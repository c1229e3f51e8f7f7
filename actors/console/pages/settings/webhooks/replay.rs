//! Replay since: what an endpoint missed is counted, shown, and sent again once that was confirmed.
//!
//! The count freezes the end of the span, so that what is sent is what was counted. The API looks at a
//! bounded part of the feed in each call; a form makes a few of them, and says where it goes on.

use std::time::Duration;

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_domain::Timestamp;
use hoursmith_routes::webhook_endpoint::{REPLAYED, WebhookEndpoint, WebhookReplayed};
use serde_json::json;

use super::{HERE, endpoint, is_locked};
use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::{FieldRefusal, Halt, Refusal};
use crate::page::{Frame, show};

/// Calls that one form makes: a request to the app has seconds.
const CALLS: u32 = 5;

/// What is proposed at first.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Template)]
#[template(path = "settings/webhooks/replay.html")]
struct ReplayPage<'a> {
    frame: &'a Frame,
    here: String,
    endpoint: &'a WebhookEndpoint,
    statuses: &'a [&'a str],
    step: Step,
    form: &'a Form,
    locked: bool,
    once: String,
}

/// How far it has come.
enum Step {
    /// It is asked what to send.
    Ask,
    /// It was counted; whether there is more than that.
    Counted { found: Found, until: String },
    /// It was queued, and what is left begins after this number.
    Sent { found: Found, until: String },
}

/// What several calls came to.
#[derive(Clone, Copy)]
struct Found {
    count: i64,
    next: Option<i64>,
}

/// What is asked of the API.
struct Span<'a> {
    since: Timestamp,
    until: Timestamp,
    status: Option<&'a str>,
    after: Option<i64>,
}

pub(super) async fn page(
    person: &Person<'_>,
    id: &str,
    form: Option<Form>,
) -> Result<Response, Halt> {
    let form = form.unwrap_or_else(|| {
        let yesterday = person.guest.console.clock.now().minus(DAY).to_string();
        let minute = yesterday.get(..16).unwrap_or_default();
        Form::with(&[("since", minute)])
    });
    step(person, id, form, Step::Ask).await
}

/// Counts what would be sent, and asks.
pub(super) async fn count(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let until = person.guest.console.clock.now();
    let Some(span) = span(&form, until) else {
        return page(person, id, Some(form.refused(no_time()))).await;
    };
    match call(person, id, &span, true, "").await {
        Ok(found) => {
            let until = until.to_string();
            step(person, id, form, Step::Counted { found, until }).await
        }
        Err(halt) => page(person, id, Some(form.refused(halt.correctable()?))).await,
    }
}

/// Sends what was counted, or goes on with it.
pub(super) async fn send(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let until = form.get("until").parse::<Timestamp>();
    let Some(span) = until.ok().and_then(|until| span(&form, until)) else {
        return page(person, id, Some(form.refused(no_time()))).await;
    };
    match call(person, id, &span, false, form.get("once")).await {
        Ok(found) => {
            let until = span.until.to_string();
            step(person, id, form, Step::Sent { found, until }).await
        }
        Err(halt) => page(person, id, Some(form.refused(halt.correctable()?))).await,
    }
}

async fn step(person: &Person<'_>, id: &str, form: Form, step: Step) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let endpoint = endpoint(person, id).await?;
    let page = ReplayPage {
        here: format!("{HERE}/{}", endpoint.id),
        locked: is_locked(&frame),
        frame: &frame,
        endpoint: &endpoint,
        statuses: REPLAYED,
        step,
        form: &form,
        once: person.form_key(),
    };
    show(form.status(), &page)
}

/// A few calls of the API, one after the other, each done once however often the form is sent.
async fn call(
    person: &Person<'_>,
    id: &str,
    span: &Span<'_>,
    dry_run: bool,
    once: &str,
) -> Result<Found, Halt> {
    let mut found = Found {
        count: 0,
        next: span.after,
    };
    for number in 0..CALLS {
        let body = json!({
            "since": span.since,
            "until": span.until,
            "status": span.status,
            "after_sequence": found.next,
            "dry_run": dry_run,
        });
        let mut question = Question::new("webhook_endpoint.replay")
            .of("webhook_endpoint_id", id)
            .body(body);
        let key = format!("{once}-{number}");
        if !once.is_empty() {
            question = question.once(&key);
        }
        let replayed: WebhookReplayed = person.read(question).await?;
        found.count = found.count.saturating_add(replayed.count);
        found.next = replayed.next_after_sequence;
        if found.next.is_none() {
            break;
        }
    }
    Ok(found)
}

/// What the form says; nothing if its time is none, or has not come.
fn span(form: &Form, until: Timestamp) -> Option<Span<'_>> {
    Some(Span {
        since: instant(form.get("since")).filter(|since| *since < until)?,
        until,
        status: form.some("status"),
        after: form.some("after").and_then(|after| after.parse().ok()),
    })
}

/// The instant that a browser's field for day and time says, in UTC.
fn instant(text: &str) -> Option<Timestamp> {
    let seconds = if text.len() == 16 { ":00" } else { "" };
    format!("{text}{seconds}Z").parse().ok()
}

fn no_time() -> Refusal {
    let wrong = FieldRefusal {
        pointer: "#/since".to_owned(),
        detail: "must be a day and a time that has passed".to_owned(),
    };
    Refusal {
        status: 422,
        detail: String::new(),
        errors: vec![wrong],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_time_is_read() {
        for (text, expected) in [
            ("2026-11-24T09:30", "2026-11-24T09:30:00Z"),
            ("2026-11-24T09:30:11", "2026-11-24T09:30:11Z"),
        ] {
            let read = instant(text).map(|instant| instant.to_string());
            assert_eq!(read.as_deref(), Some(expected));
        }
        for wrong in ["", "yesterday", "2026-11-24", "2026-11-24T09:61"] {
            assert_eq!(instant(wrong), None, "{wrong}");
        }
    }
}
