//! What happened last, in words: the events that integrations read, for people.

use std::collections::BTreeSet;

use hoursmith_domain::Zone;
use hoursmith_routes::event::{Event, LatestEvents};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ask::{Person, Question};
use crate::halt::Halt;
use crate::page::Frame;
use crate::{format, work};

/// What is said of what is there no more.
const DELETED: &str = "was deleted";

/// One of them.
pub(super) struct Happened {
    /// What it happened to, such as `Project Catalogue`.
    pub(super) what: String,
    /// Its page, while it has one.
    pub(super) path: Option<String>,
    /// What happened, such as `was created`.
    pub(super) verb: &'static str,
    pub(super) when: String,
    pub(super) at: String,
}

/// What of an event's data is told.
#[derive(Deserialize)]
struct Data {
    object: Map<String, Value>,
    #[serde(default)]
    previous_attributes: Map<String, Value>,
}

/// The last ones, the newest first. What this knows no words for is left out.
pub(super) async fn latest(person: &Person<'_>, frame: &Frame) -> Result<Vec<Happened>, Halt> {
    let list: LatestEvents = person.read(Question::new("event.latest")).await?;
    Ok(all(&list.data, work::zone(frame)?))
}

/// All of them. What was deleted has no page, whatever else happened to it before.
fn all(events: &[Event], zone: Zone) -> Vec<Happened> {
    let mut all: Vec<Happened> = events
        .iter()
        .filter_map(|event| told(event, zone))
        .collect();
    let deleted = all.iter().filter(|one| one.verb == DELETED);
    let gone: BTreeSet<String> = deleted.filter_map(|one| one.path.clone()).collect();
    for one in &mut all {
        one.path.take_if(|path| gone.contains(path));
    }
    all
}

fn told(event: &Event, zone: Zone) -> Option<Happened> {
    let data: Data = serde_json::from_str(event.data.get()).ok()?;
    let object = &data.object;
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let (resource, action) = event.r#type.split_once('.')?;
    let name = || text("name").unwrap_or_default();
    let what = match resource {
        "client" => format!("Client {}", name()),
        "project" => format!("Project {}", name()),
        "task" => format!("Task {}", name()),
        "member" => name().to_owned(),
        "organization" => "The organization".to_owned(),
        "invoice" => match text("number") {
            Some(number) => format!("Invoice {number}"),
            None => "A draft invoice".to_owned(),
        },
        "time_entry" => {
            let seconds = object.get("duration_seconds").and_then(Value::as_i64);
            let what = seconds.map_or_else(|| "A timer".to_owned(), in_hours);
            match text("description") {
                Some(description) if !description.is_empty() => format!("{what} · {description}"),
                _ => what,
            }
        }
        "expense" => {
            let (amount, currency) = (text("amount")?, text("currency")?);
            let category = text("category").unwrap_or("Expense");
            format!("{category} · {}", format::money(amount, currency))
        }
        "webhook_endpoint" => "A webhook endpoint".to_owned(),
        _ => return None,
    };
    let true_in = |of: &Map<String, Value>, name| of.get(name) == Some(&Value::Bool(true));
    let runs = true_in(object, "is_running");
    let ran = true_in(&data.previous_attributes, "is_running");
    let archived = true_in(object, "archived") && data.previous_attributes.contains_key("archived");
    let verb = match (resource, action) {
        ("time_entry", "created") if runs => "was started",
        ("time_entry", "created") => "was logged",
        ("expense", "created") => "was added",
        ("invoice", "created") => "was begun",
        ("webhook_endpoint", "failing") => "does not answer",
        ("webhook_endpoint", "recovered") => "answers again",
        ("webhook_endpoint", "disabled") => "was switched off",
        ("time_entry", "updated") if ran => "was logged",
        (_, "updated") if archived => "was archived",
        (_, "created") => "was created",
        (_, "updated") => "was changed",
        (_, "deleted") => DELETED,
        (_, "completed") => "is done",
        (_, "reopened") => "is open again",
        (_, "sent") => "was sent",
        (_, "paid") => "is paid",
        (_, "voided") => "was voided",
        (_, "added") => "joined",
        (_, "removed") => "left",
        _ => return None,
    };
    let folder = match resource {
        "client" => Some("clients"),
        "project" => Some("projects"),
        "task" => Some("tasks"),
        "invoice" => Some("invoices"),
        "time_entry" => Some("time"),
        "expense" => Some("expenses"),
        _ => None,
    };
    let path = folder
        .zip(text("id"))
        .map(|(folder, id)| format!("/app/{folder}/{id}"));
    Some(Happened {
        what,
        path,
        verb,
        when: format::day_and_month(zone.day_of(event.created_at)),
        at: event.created_at.to_string(),
    })
}

fn in_hours(seconds: i64) -> String {
    format!("{} h", format::hours(seconds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, object: &Value) -> Event {
        let event = json!({
            "id": "evt_0199c3a27b7e7d10a1f4d2f6b8a94c31",
            "type": kind,
            "created_at": "2026-11-24T23:30:00Z",
            "organization_id": "0199c3a2-7d1b-7341-b07c-5f2e8d9a6c04",
            "sequence": 1,
            "api_version": "v1",
            "data": { "object": object, "previous_attributes": { "is_running": true } },
        });
        serde_json::from_str(&event.to_string()).unwrap()
    }

    #[test]
    fn events_read_as_people_say_it() {
        let of = |kind: &str, object: Value| {
            let told = told(&event(kind, &object), "Europe/Berlin".parse().unwrap())?;
            assert_eq!(told.when, "25 Nov");
            Some((format!("{} {}", told.what, told.verb), told.path))
        };
        let entry = json!({ "id": "7", "duration_seconds": 5400, "description": "Sketches" });
        let logged = (
            "1:30 h · Sketches was logged".to_owned(),
            Some("/app/time/7".to_owned()),
        );
        assert_eq!(of("time_entry.created", entry), Some(logged));
        let timer = json!({ "id": "7", "duration_seconds": null, "is_running": true });
        let (words, _) = of("time_entry.created", timer).unwrap();
        assert_eq!(words, "A timer was started");
        let stopped = json!({ "id": "7", "duration_seconds": 60, "is_running": false });
        let (words, _) = of("time_entry.updated", stopped).unwrap();
        assert_eq!(words, "0:01 h was logged");
        let client = json!({ "id": "7", "name": "Atlas" });
        let (words, _) = of("client.deleted", client).unwrap();
        assert_eq!(words, "Client Atlas was deleted");
        let expense = json!({ "id": "7", "amount": "42.50", "currency": "EUR", "category": null });
        let added = (
            "Expense · 42.50 EUR was added".to_owned(),
            Some("/app/expenses/7".to_owned()),
        );
        assert_eq!(of("expense.created", expense), Some(added));
        assert_eq!(of("comet.sighted", json!({})), None);
    }

    #[test]
    fn what_was_deleted_is_no_link() {
        let (atlas, nord) = (
            json!({ "id": "7", "name": "Atlas" }),
            json!({ "id": "8", "name": "Nord" }),
        );
        let events = [
            event("client.deleted", &atlas),
            event("client.created", &nord),
            event("client.updated", &atlas),
            event("client.created", &atlas),
        ];
        let told = all(&events, "Europe/Berlin".parse().unwrap());
        let paths: Vec<Option<&str>> = told.iter().map(|one| one.path.as_deref()).collect();
        assert_eq!(paths, [None, Some("/app/clients/8"), None, None]);
    }
}
