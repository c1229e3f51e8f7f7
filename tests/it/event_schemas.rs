//! Events held to the `webhooks` of the OpenAPI document: what a receiver generates its types from is
//! what is sent.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use hoursmith_domain::EventType;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Fails unless an event has the form that the document gives its type.
pub fn check(event: &Value) {
    let errors = errors(event);
    assert!(errors.is_empty(), "{errors:#?} in {event:#}");
}

/// Where an event differs from it.
fn errors(event: &Value) -> Vec<String> {
    static SCHEMAS: OnceLock<BTreeMap<&str, Validator>> = OnceLock::new();
    let schemas = SCHEMAS.get_or_init(validators);
    let kind = event["type"].as_str().unwrap();
    let schema = schemas
        .get(kind)
        .unwrap_or_else(|| panic!("no schema for {kind}"));
    schema
        .iter_errors(event)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn validators() -> BTreeMap<&'static str, Validator> {
    let text = hoursmith_routes::openapi::json("http://127.0.0.1:8080");
    let mut document: Map<String, Value> = serde_json::from_str(&text).unwrap();
    // Only what the entries need, and stricter than what receivers must be: nothing unforeseen.
    document.remove("paths");
    document.values_mut().for_each(close);
    EventType::WORDS
        .iter()
        .map(|kind| {
            let at = format!("#/webhooks/{kind}/post/requestBody/content/application~1json/schema");
            let mut root = document.clone();
            root.insert("$ref".to_owned(), json!(at));
            let validator = jsonschema::draft202012::options()
                .should_validate_formats(true)
                .build(&root.into());
            (*kind, validator.unwrap())
        })
        .collect()
}

/// Lets objects have the properties alone that they name.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("properties").is_some_and(Value::is_object) {
                object
                    .entry("additionalProperties")
                    .or_insert(Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[test]
fn what_the_document_does_not_promise_is_refused() {
    let text = hoursmith_routes::openapi::json("http://127.0.0.1:8080");
    let document: Value = serde_json::from_str(&text).unwrap();
    let example = |kind: &str| {
        let entry = &document["webhooks"][kind]["post"]["requestBody"];
        entry["content"]["application/json"]["example"].clone()
    };
    let is_refused = |event: &Value| !errors(event).is_empty();
    for kind in EventType::WORDS {
        let event = example(kind);
        check(&event);
        let mut unforeseen = event.clone();
        unforeseen["data"]["object"]["colour"] = json!("red");
        assert!(is_refused(&unforeseen), "{kind}");
        let mut renamed = event.clone();
        let is_client = kind.starts_with("client.");
        renamed["type"] = json!(if is_client {
            "task.created"
        } else {
            "client.created"
        });
        assert!(is_refused(&renamed), "{kind}");
        let mut previous = event.clone();
        previous["data"]["previous_attributes"] = json!({"updated_at": "2026-11-24T09:30:00Z"});
        assert!(is_refused(&previous), "{kind}");
    }
}
