//! The AsyncAPI 3.0 document: what a subscriber to events on NATS is told.
//!
//! Made from the same types as the OpenAPI document, with the schemas that events lead to and no
//! others. Where NATS is stands nowhere in it: that is between the operator and the subscriber.

use std::collections::{BTreeMap, BTreeSet};

use hoursmith_domain::EventType;
use serde_json::{Map, Value, json};

use crate::openapi;

/// Where the schemas stand.
const SCHEMAS: &str = "#/components/schemas/";

/// What an event is, whatever its type.
const EVENT: &str = "Event";

const DESCRIPTION: &str = include_str!("asyncapi/description.md");

/// The document of a product that is reached at `public_url` (without a slash at the end), as JSON,
/// compact, in a stable order.
pub fn json(public_url: &str) -> String {
    document(public_url).to_string()
}

fn document(public_url: &str) -> Value {
    let all = schemas();
    let messages: Map<String, Value> = EventType::ALL
        .iter()
        .map(|kind| (kind.as_str().to_owned(), message(*kind)))
        .collect();
    let of_channel: Map<String, Value> = messages
        .keys()
        .map(|kind| (kind.clone(), reference("#/components/messages/", kind)))
        .collect();
    let schemas = needed(&Value::from(messages.clone()), &all);
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:hoursmith:events",
        "info": {
            "title": "Hoursmith events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION.replace("{{public_url}}", public_url),
            "contact": {"name": "The operator of this server", "url": public_url},
            "license": {"name": env!("CARGO_PKG_LICENSE"), "url": "https://spdx.org/licenses/"},
            "tags": [{"name": "Events", "description": "What changed, as it happens."}],
            "externalDocs": {"description": "The API itself.", "url": format!("{public_url}/api-docs")},
        },
        "defaultContentType": "application/json",
        "channels": {"events": {
            "address": "hoursmith.events.{organization}.{type}",
            "title": "Events of an organization",
            "description": "A subject for each organization and type. On NATS all of them are kept in \
                            the JetStream stream `HOURSMITH_EVENTS`.",
            "parameters": {
                "organization": {
                    "description": "Id of the organization.",
                    "examples": ["0199c3a2-7d1b-7341-b07c-5f2e8d9a6c04"],
                },
                "type": {
                    "description": "The event's type. Its dot separates two tokens of the subject: \
                                    `client.*` is all that happens to clients.",
                    "enum": EventType::WORDS,
                },
            },
            "messages": of_channel,
        }},
        "operations": {"publishEvents": {
            "action": "send",
            "title": "Publish events",
            "summary": "Hoursmith tells subscribers what changed.",
            "description": "At least once, and in the order of `sequence` in each organization. An event \
                            that comes twice has the same `id`.",
            "channel": {"$ref": "#/channels/events"},
        }},
        "components": {"messages": messages, "schemas": schemas},
    })
}

/// Every schema of the API, by name.
fn schemas() -> BTreeMap<String, Value> {
    openapi::schemas()
        .into_iter()
        // Plain data with string names, whose serialization cannot fail.
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect()
}

fn message(kind: EventType) -> Value {
    let narrowed = json!({
        "type": {"const": kind.as_str()},
        "data": reference(SCHEMAS, &openapi::data_of(openapi::object_of(kind))),
    });
    json!({
        "name": kind.as_str(),
        "title": kind.as_str(),
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "properties": {
                "Nats-Msg-Id": {
                    "type": "string",
                    "description": "The event's `id`, by which NATS knows it again.",
                },
            },
        },
        "payload": {"allOf": [reference(SCHEMAS, EVENT), {"properties": narrowed}]},
    })
}

fn reference(to: &str, name: &str) -> Value {
    json!({"$ref": format!("{to}{name}")})
}

/// The schemas that something refers to, and those that they do.
fn needed(from: &Value, schemas: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let mut needed = BTreeMap::new();
    let mut open = BTreeSet::new();
    referred(from, &mut open);
    while let Some(name) = open.pop_first() {
        if let Some(schema) = schemas.get(&name).filter(|_| !needed.contains_key(&name)) {
            referred(schema, &mut open);
            needed.insert(name, schema.clone());
        }
    }
    needed
}

fn referred(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            names.extend(target.and_then(|to| Some(to.strip_prefix(SCHEMAS)?.to_owned())));
            members.values().for_each(|value| referred(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| referred(value, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Value {
        serde_json::from_str(&json("http://127.0.0.1:8080")).unwrap()
    }

    #[test]
    fn every_type_is_a_message_about_its_object() {
        let document = made();
        let messages = document["components"]["messages"].as_object().unwrap();
        for kind in EventType::WORDS {
            assert_eq!(messages[*kind]["name"], *kind);
        }
        assert_eq!(messages.len(), EventType::WORDS.len());
        for (kind, object) in [
            ("time_entry.updated", "TimeEntry"),
            ("ping", "WebhookEndpoint"),
        ] {
            let narrowed = &messages[kind]["payload"]["allOf"][1]["properties"];
            assert_eq!(narrowed["type"]["const"], kind);
            let data = format!("{SCHEMAS}{object}EventData");
            assert_eq!(narrowed["data"]["$ref"], data);
            let properties =
                &document["components"]["schemas"][format!("{object}EventData")]["properties"];
            assert_eq!(properties["object"]["$ref"], format!("{SCHEMAS}{object}"));
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_nothing_else_is_there() {
        let document = made();
        let mut names = BTreeSet::new();
        referred(&document, &mut names);
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let there: BTreeSet<String> = schemas.keys().cloned().collect();
        assert_eq!(names, there);
        assert!(there.contains("Event") && !there.contains("ClientCreate"));
    }
}
