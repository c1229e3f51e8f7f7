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
        "ProjectCreate",
        "ProjectUpdate",
        "ProjectMemberPut",
        "BudgetInput",
        "BudgetPatch",
    ] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
    let client: &[&str] = &["name", "currency", "archived"];
    let project: &[&str] = &["name", "billable", "billing_method", "archived"];
    let task: &[&str] = &["name", "project_id", "status", "billable"];
    let expense: &[&str] = &[
        "member_id",
        "project_id",
        "spent_on",
        "amount",
        "currency",
        "billable",
        "reimbursable",
    ];
    let budget: &[&str] = &["kind", "amount", "period"];
    for (name, never_null) in [
        ("ClientCreate", client),
        ("ClientUpdate", client),
        ("ProjectCreate", project),
        ("ProjectUpdate", project),
        ("ProjectMemberPut", &[]),
        ("BudgetInput", budget),
        ("BudgetPatch", budget),
        ("TaskCreate", task),
        ("TaskUpdate", task),
        ("ExpenseCreate", expense),
        ("ExpenseUpdate", expense),
    ] {
        let schema = &schemas[name];
        for (field, property) in schema["properties"].as_object().unwrap() {
            let target = property["$ref"].as_str().map(|to| &to[1..]);
            let schema = target.map_or(property, |to| document.pointer(to).unwrap());
            let nullable = schema["type"].to_string().contains("\"null\"");
            let expected = !never_null.contains(&field.as_str());
            assert_eq!(nullable, expected, "{name}.{field}");
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
    let page = at("/api/v1/events", "get", "200");
    let read: crate::event::EventList = serde_json::from_value(page.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), page);
    let data = page["data"][0]["data"].clone();
    let read: crate::event::EventData = serde_json::from_value(data.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), data);
    let project = at("/api/v1/projects", "post", "201");
    let read: crate::project::Project = serde_json::from_value(project.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), project);
    let link = at(
        "/api/v1/projects/{project_id}/members/{member_id}",
        "put",
        "201",
    );
    let read: crate::project_member::ProjectMember = serde_json::from_value(link.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), link);
    let members = at("/api/v1/members", "get", "200");
    let read: crate::member::MemberList = serde_json::from_value(members.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), members);
    let invoice = at("/api/v1/invoices/{invoice_id}", "get", "200");
    let read: crate::invoice::Invoice = serde_json::from_value(invoice.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), invoice);
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

/// The media types of a request or response, with where they stand.
fn contents<'d>(document: &'d Value, part: &'d Value) -> Vec<(&'d String, &'d Value)> {
    let part = match part.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => part,
    };
    let content = part.get("content").and_then(Value::as_object);
    content.into_iter().flatten().collect()
}

#[test]
fn every_operation_is_described_and_exemplified() {
    let document = read();
    for route in routes() {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        for words in ["summary", "description"] {
            assert_ne!(
                operation[words].as_str().unwrap_or(""),
                "",
                "{} {words}",
                route.id
            );
        }
        assert_eq!(
            operation.get("requestBody").is_some(),
            route.shape.takes_body(),
            "{}",
            route.id
        );
        let body = operation.get("requestBody");
        let responses = operation["responses"].as_object().unwrap();
        for part in body.into_iter().chain(responses.values()) {
            for (media_type, content) in contents(&document, part) {
                let example = content.get("example").or_else(|| content.get("examples"));
                let empty = example.is_none_or(|example| {
                    example.is_null() || example.as_object().is_some_and(serde_json::Map::is_empty)
                });
                assert!(!empty, "{} {media_type}", route.id);
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = match parameter["$ref"].as_str() {
                Some(reference) => document.pointer(&reference[1..]).unwrap(),
                None => parameter,
            };
            assert!(
                parameter["description"].is_string(),
                "{} {parameter}",
                route.id
            );
        }
    }
}

#[test]
fn every_field_is_described() {
    let document = read();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name}");
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let target = property["$ref"].as_str().map(|to| &to[1..]);
            let target = target.and_then(|to| document.pointer(to));
            let described = [Some(property), target]
                .into_iter()
                .flatten()
                .any(|schema| schema["description"].is_string());
            assert!(described, "{name}.{field}");
        }
    }
}

/// A success has a status that its shape promises, with what its method needs to go on.
#[test]
fn successes_carry_what_their_shape_promises() {
    let document = read();
    for route in routes() {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        let expected: &[(&str, &[&str])] = match route.shape {
            Shape::List { .. } | Shape::Links { .. } | Shape::Feed { .. } => &[("200", &["Link"])],
            Shape::Read { .. } => &[("200", &["ETag"]), ("304", &["ETag"])],
            Shape::Create { .. } => &[("201", &["ETag", "Location", "Idempotent-Replayed"])],
            Shape::Update { .. } => &[("200", &["ETag"])],
            Shape::Put { .. } => &[("200", &["ETag"]), ("201", &["ETag"])],
            Shape::Act { .. } => &[("200", &["ETag", "Idempotent-Replayed"])],
            Shape::Delete => &[("204", &[])],
        };
        let responses = operation["responses"].as_object().unwrap();
        let successes: Vec<&str> = responses
            .keys()
            .map(String::as_str)
            .filter(|status| !status.starts_with(['4', '5']))
            .collect();
        let statuses: Vec<&str> = expected.iter().map(|(status, _)| *status).collect();
        assert_eq!(successes, statuses, "{}", route.id);
        for (status, headers) in expected {
            for header in *headers {
                assert!(
                    responses[*status]["headers"].get(header).is_some(),
                    "{} {header}",
                    route.id
                );
            }
        }
    }
}

/// What is made or listed can be reached from there, by every operation that takes its id alone.
#[test]
fn links_lead_from_what_is_made_and_listed_to_what_can_be_done_with_it() {
    let document = read();
    let links = |route: &crate::Route, status: &str| -> BTreeSet<String> {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        let links = operation["responses"][status]["links"].as_object();
        links
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect()
    };
    for route in routes() {
        let below: BTreeSet<String> = routes()
            .filter(|one| {
                let rest = one
                    .path
                    .strip_prefix(route.path)
                    .and_then(|rest| rest.strip_prefix("/{"));
                rest.is_some_and(|rest| !rest.contains('{'))
            })
            .filter(|one| match route.shape {
                Shape::List { .. } | Shape::Feed { .. } => matches!(one.shape, Shape::Read { .. }),
                Shape::Create { .. } | Shape::Links { .. } => true,
                _ => false,
            })
            .map(|one| one.id.replace('.', "_"))
            .collect();
        let status = if matches!(route.shape, Shape::Create { .. }) {
            "201"
        } else {
            "200"
        };
        let links = links(route, status);
        assert!(
            links.is_superset(&below),
            "{}: {links:?} {below:?}",
            route.id
        );
    }
    let create = crate::route("client.create").unwrap();
    assert!(links(create, "201").is_superset(&BTreeSet::from(
        ["client_read", "client_update", "client_delete"].map(str::to_owned)
    )));
}
