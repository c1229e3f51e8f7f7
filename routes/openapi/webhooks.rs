//! The document's `webhooks`: what is sent to endpoints, one entry for each type of event.
//!
//! An entry is the schema of `Event` with its type and its object's schema in place of the open ones,
//! so that a generator gives a receiver the types to read a delivery with. What changed is the same
//! schema with nothing required.

use hoursmith_domain::EventType;
use serde_json::{Value, json};
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder};
use utoipa::openapi::{
    Components, ContentBuilder, HttpMethod, Paths, RefOr, Required, Response, Schema, Type,
};

use super::document::tag_of;
use super::parameters::{header, reference, text};
use super::{example, schemas};

/// The group of the entries.
pub(super) const TAG: &str = "webhook";

/// The resource that events of a type carry, by its schema's name.
pub(crate) fn object_of(event: EventType) -> &'static str {
    match event {
        EventType::ClientCreated | EventType::ClientUpdated | EventType::ClientDeleted => "Client",
        EventType::ProjectCreated | EventType::ProjectUpdated | EventType::ProjectDeleted => {
            "Project"
        }
        EventType::TaskCreated
        | EventType::TaskUpdated
        | EventType::TaskCompleted
        | EventType::TaskReopened
        | EventType::TaskDeleted => "Task",
        EventType::TimeEntryCreated | EventType::TimeEntryUpdated | EventType::TimeEntryDeleted => {
            "TimeEntry"
        }
        EventType::ExpenseCreated | EventType::ExpenseUpdated | EventType::ExpenseDeleted => {
            "Expense"
        }
        EventType::InvoiceCreated
        | EventType::InvoiceSent
        | EventType::InvoicePaid
        | EventType::InvoiceVoided => "Invoice",
        EventType::MemberAdded | EventType::MemberUpdated | EventType::MemberRemoved => "Member",
        EventType::OrganizationUpdated => "Organization",
        EventType::WebhookEndpointFailing
        | EventType::WebhookEndpointRecovered
        | EventType::WebhookEndpointDisabled
        | EventType::Ping => "WebhookEndpoint",
    }
}

/// The schema of `data` in events about a resource, by the name of its schema.
pub(crate) fn data_of(object: &str) -> String {
    format!("{object}EventData")
}

fn previous_of(object: &str) -> String {
    format!("{object}PreviousAttributes")
}

/// The schemas of each resource's `data` and of what changed in it, made of the resources'.
pub(super) fn schemas_of(components: &[(String, RefOr<Schema>)]) -> Vec<(String, RefOr<Schema>)> {
    let mut objects: Vec<&str> = EventType::ALL.iter().map(|kind| object_of(*kind)).collect();
    objects.sort_unstable();
    objects.dedup();
    let mut made = Vec::new();
    for object in objects {
        let schema = components.iter().find(|(name, _)| name == object);
        let Some((_, RefOr::T(Schema::Object(schema)))) = schema else {
            continue;
        };
        let mut previous = schema.clone();
        previous.required.clear();
        previous.properties.shift_remove("updated_at");
        previous.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        previous.description = Some(format!(
            "Of the fields of a `{object}` that changed, the values before; without `updated_at`, \
             which always changes."
        ));
        previous.examples.clear();
        let data = ObjectBuilder::new()
            .description(Some(format!("The `{object}` that an event is about.")))
            .property("object", schemas::reference(object))
            .required("object")
            .property(
                "previous_attributes",
                schemas::reference(&previous_of(object)),
            );
        made.push((data_of(object), RefOr::T(data.into())));
        made.push((previous_of(object), RefOr::T(previous.into())));
    }
    made
}

/// The headers of a delivery, as components.
pub(super) fn headers() -> [Parameter; 4] {
    let digits = "[0-9]{10}";
    let hex = "v1=[0-9a-f]{64}";
    let base64 = "v1,[0-9A-Za-z+/]{43}=";
    [
        header(
            "Hoursmith-Signature",
            "Unix seconds, and the HMAC-SHA256 of them, a dot and the body under the whole secret, \
             in hexadecimal; for 24 hours after a rotation a second one under the secret before. The \
             libraries of Stripe verify it.",
            text(&format!("^t={digits},{hex}(,{hex})?$"), 80, 148),
        ),
        header(
            "webhook-id",
            "Id of the event, the same at every attempt: what was received already is known by it. \
             This header and the next two are those of Standard Webhooks.",
            text("^evt_[0-9a-f]{32}$", 36, 36),
        ),
        header(
            "webhook-timestamp",
            "Unix seconds of the attempt.",
            text(&format!("^{digits}$"), 10, 10),
        ),
        header(
            "webhook-signature",
            "The HMAC-SHA256 of id, timestamp and body, joined by dots, under the decoded secret, in \
             base64; for 24 hours after a rotation a second one.",
            text(&format!("^{base64}( {base64})?$"), 47, 95),
        ),
    ]
    .map(|mut parameter| {
        parameter.required = Required::True;
        parameter
    })
}

/// The entries, by type. The components must hold the schemas, for the examples.
pub(super) fn entries(components: &Components) -> Paths {
    let mut entries = PathsBuilder::new();
    for kind in EventType::ALL {
        let item = PathItem::new(HttpMethod::Post, operation(*kind, components));
        entries = entries.path(kind.as_str(), item);
    }
    entries.build()
}

fn operation(kind: EventType, components: &Components) -> Operation {
    let content = ContentBuilder::new()
        .schema(Some(schema(kind, components)))
        .example(Some(body(kind, components)))
        .build();
    let answer = |status: &str, description| (status.to_owned(), Response::new(description).into());
    let mut operation = OperationBuilder::new()
        .operation_id(Some(kind.as_str().replace('.', "_")))
        .tag(tag_of(TAG))
        .summary(Some(format!("`{kind}`")))
        .description(Some(kind.description()))
        .request_body(Some(
            RequestBodyBuilder::new()
                .required(Some(Required::True))
                .content("application/json", content)
                .build(),
        ))
        .build();
    operation.parameters = Some(
        headers()
            .iter()
            .map(|header| reference(&header.name))
            .collect(),
    );
    operation.responses.responses = [
        answer("2XX", "It was received. The body is not looked at."),
        answer("410", "Send nothing more: the endpoint is disabled."),
        answer(
            "default",
            "It was not received, and is sent again: after 5 seconds, 1 and 5 and 30 minutes, 2 and \
             6 and 24 hours. Redirects are not followed.",
        ),
    ]
    .into_iter()
    .collect();
    // Receivers are asked without a token.
    operation.security = Some(Vec::new());
    operation
}

/// The schema of an event of one type.
fn schema(kind: EventType, components: &Components) -> RefOr<Schema> {
    let Some(RefOr::T(Schema::Object(event))) = components.schemas.get("Event") else {
        return schemas::reference("Event").into();
    };
    let mut event = event.clone();
    // An enumeration of one: utoipa knows no `const`, and generators know this better.
    let only = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("What happened."))
        .enum_values(Some([kind.as_str()]));
    let data = schemas::reference(&data_of(object_of(kind)));
    event.properties.insert("type".to_owned(), only.into());
    event.properties.insert("data".to_owned(), data.into());
    event.description = Some(kind.description().to_owned());
    RefOr::T(event.into())
}

/// An example of an event of one type.
fn body(kind: EventType, components: &Components) -> Value {
    let mut event = example::of("Event", components);
    if let Some(event) = event.as_object_mut() {
        let object = example::of(object_of(kind), components);
        event.insert("type".to_owned(), json!(kind.as_str()));
        event.insert("data".to_owned(), json!({ "object": object }));
    }
    event
}
