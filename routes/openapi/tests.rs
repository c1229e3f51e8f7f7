use std::collections::{BTreeMap, BTreeSet};

use hoursmith_domain::Code;
use serde_json::Value;

use super::*;
use crate::problem::word;
use crate::{Shape, routes};

const PUBLIC_URL: &str = "http://127.0.0.1:8080";

fn read() -> Value {
    serde_json::from_str(&json(PUBLIC_URL)).unwrap()
}

/// Every value under a member of this name, anywhere.
fn all<'v>(name: &str, value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if key == name {
                    found.push(value);
                }
                all(name, value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| all(name, item, found)),
        _ => {}
    }
}

#[test]
fn the_document_is_the_reviewed_one() {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("openapi", format!("{:#}", read()));
    });
}

#[test]
fn the_document_is_the_same_every_time() {
    assert_eq!(json(PUBLIC_URL), json(PUBLIC_URL));
}

#[test]
fn operations_are_the_routes() {
    let document = read();
    let mut documented = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            documented.insert(id, format!("{} {path}", method.to_uppercase()));
        }
    }
    let expected = routes()
        .map(|route| {
            let line = format!("{} {}", route.method.as_str(), route.path);
            (route.id.replace('.', "_"), line)
        })
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn every_reference_leads_somewhere() {
    let document = read();
    let mut references = Vec::new();
    all("$ref", &document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn every_component_is_used() {
    let document = read();
    let mut references = Vec::new();
    all("$ref", &document, &mut references);
    let used: BTreeSet<&str> = references.iter().filter_map(|one| one.as_str()).collect();
    for kind in ["schemas", "responses", "parameters", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(used.contains(reference.as_str()), "{reference}");
        }
    }
}

#[test]
fn shapes_name_schemas_and_resources_have_a_group() {
    let document = read();
    let schemas = &document["components"]["schemas"];
    for route in routes() {
        let names = match route.shape {
            Shape::List { page } | Shape::Links { page } | Shape::Feed { page } => vec![page],
            Shape::Read { resource } | Shape::Act { resource } => vec![resource],
            Shape::Create { body, resource }
            | Shape::Update { body, resource }
            | Shape::Put { body, resource } => vec![body, resource],
            Shape::Delete => vec![],
        };
        for name in names {
            assert!(schemas.get(name).is_some(), "{}: {name}", route.id);
        }
        assert_ne!(document::tag_of(route.resource), route.resource);
    }
}

/// 405 is no answer of an operation; every other problem is documented somewhere.
#[test]
fn every_problem_is_documented() {
    let document = read();
    let responses = document["components"]["responses"].as_object().unwrap();
    let documented: BTreeSet<&str> = responses
        .values()
        .flat_map(|response| {
            let examples = &response["content"]["application/problem+json"]["examples"];
            examples.as_object().unwrap().keys().map(String::as_str)
        })
        .collect();
    for code in Code::ALL {
        let expected = *code != Code::MethodNotAllowed;
        assert_eq!(
            documented.contains(word(*code).as_str()),
            expected,
            "{code:?}"
        );
    }
}

#[test]
fn a_response_has_problems_of_its_status_alone() {
    let document = read();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let Some(reference) = response.get("$ref").and_then(Value::as_str) else {
                    continue;
                };
                let response = document.pointer(&reference[1..]).unwrap();
                let examples = &response["content"]["application/problem+json"]["examples"];
                for example in examples.as_object().unwrap().values() {
                    assert_eq!(&example["value"]["status"].to_string(), status);
                }
            }
        }
    }
}

#[test]
fn inputs_refuse_unknown_fields_and_null_where_it_clears_nothing() {
    let document = read();
    let schemas = &document["components"]["schemas"];
    for name in [
        "ClientCreate",
        "ClientUpdate",
        "TaskCreate",
        "TaskUpdate",
        "ExpenseCreate",
        "ExpenseUpdate",
        "AddressInput",
        "ExternalReferenceInput",
    ] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
    let client = "name currency archived";
    let task = "name project_id status billable";
    let expense = "member_id project_id spent_on amount currency billable reimbursable";
    for (name, never_null) in [
        ("ClientCreate", client),
        ("ClientUpdate", client),
        ("TaskCreate", task),
        ("TaskUpdate", task),
        ("ExpenseCreate", expense),
        ("ExpenseUpdate", expense),
    ] {
        let schema = &schemas[name];
        for (field, property) in schema["properties"].as_object().unwrap() {
            let nullable = property.to_string().contains("\"null\"");
            let never_null = never_null.split(' ').any(|never| never == field);
            assert_eq!(nullable, !never_null, "{name}.{field}");
        }
    }
    assert_eq!(
        schemas["ClientCreate"]["required"],
        serde_json::json!(["name"])
    );
    assert!(schemas["ClientUpdate"].get("required").is_none());
}

#[test]
fn me_is_a_member_and_more() {
    let document = read();
    let example = &document["paths"]["/api/v1/me"]["get"]["responses"]["200"]["content"]["application/json"]
        ["example"];
    let me: crate::me::Me = serde_json::from_value(example.clone()).unwrap();
    assert_eq!(&serde_json::to_value(me).unwrap(), example);
}

#[test]
fn examples_are_what_the_wire_types_write() {
    let document = read();
    let at = |path: &str, method: &str, status: &str| {
        document["paths"][path][method]["responses"][status]["content"]["application/json"]
            ["example"]
            .clone()
    };
    let client = at("/api/v1/clients", "post", "201");
    let read: crate::client::Client = serde_json::from_value(client.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), client);
    let page = at("/api/v1/clients", "get", "200");
    let read: crate::client::ClientList = serde_json::from_value(page.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), page);
    let page = at("/api/v1/tasks", "get", "200");
    let read: crate::task::TaskList = serde_json::from_value(page.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), page);
    let page = at("/api/v1/expenses", "get", "200");
    let read: crate::expense::ExpenseList = serde_json::from_value(page.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), page);
    let organization = at("/api/v1/organization", "get", "200");
    let read: crate::organization::Organization =
        serde_json::from_value(organization.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), organization);
}
