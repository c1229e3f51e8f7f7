//! What the fields of one body say about each other, as far as JSON Schema can say it: `if`, `then`
//! and `else`, which generators of types pass over, where a union would give them a type for each
//! way to fill the body.
//!
//! Added to the JSON, since utoipa's schemas have no words for it. Orders of days and instants, sums,
//! and what other rows say cannot be stated; the descriptions tell them.

use serde_json::{Value, json};

/// Puts the rules into the document.
pub(super) fn add(document: &mut Value) {
    for (name, rule) in rules() {
        let schema = document.pointer_mut(&format!("/components/schemas/{name}"));
        let schema = schema.and_then(Value::as_object_mut);
        if let (Some(schema), Value::Object(rule)) = (schema, rule) {
            schema.extend(rule);
        }
    }
}

/// The rules, by schema.
fn rules() -> [(&'static str, Value); 3] {
    [
        // A fee goes with `fixed` alone, and `none` with what is not billable.
        (
            "ProjectCreate",
            json!({
                "if": all(json!({"billing_method": {"const": "fixed"}})),
                "else": {
                    "additionalProperties": true,
                    "properties": {"fixed_fee": nothing()},
                    "if": all(json!({"billing_method": {"const": "none"}})),
                    "then": {
                        "additionalProperties": true,
                        "properties": {"billable": {"const": false}},
                    },
                },
            }),
        ),
        // An end needs a beginning, or a duration to count back from.
        (
            "TimeEntryCreate",
            json!({
                "if": {
                    "additionalProperties": true,
                    "properties": {"ended_at": text(), "duration_seconds": nothing()},
                    "required": ["ended_at"],
                },
                "then": all(json!({"started_at": text()})),
            }),
        ),
        // What was paid is said in exactly one of two ways.
        (
            "ExpenseCreate",
            json!({
                "if": all(json!({"amount": text()})),
                "then": {
                    "additionalProperties": true,
                    "properties": {"quantity": nothing(), "unit_price": nothing()},
                },
                "else": all(json!({"quantity": text(), "unit_price": text()})),
            }),
        ),
    ]
}

/// All of these fields, each as said, whatever else there is: that is the schema's own to say.
fn all(fields: Value) -> Value {
    let names: Vec<&String> = fields
        .as_object()
        .map(|fields| fields.keys().collect())
        .unwrap_or_default();
    json!({"additionalProperties": true, "required": names, "properties": fields})
}

fn nothing() -> Value {
    json!({"type": "null"})
}

/// Not null; what the text may be is the property's own to say.
fn text() -> Value {
    json!({"type": "string", "maxLength": 40, "pattern": "."})
}
