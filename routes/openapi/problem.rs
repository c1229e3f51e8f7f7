//! The schemas of a problem, which on the wire is put together and not serialized from one type.

use hoursmith_domain::Code;
use serde_json::json;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat};
use utoipa::openapi::{RefOr, Schema, Type};

use super::schemas::reference;
use crate::problem::word;

/// Most wrong fields that one answer names.
const MAX_ERRORS: usize = 100;

/// Most tiers that one answer names.
const MAX_POLICIES: usize = 10;

const ANY_VISIBLE: &str = "^[!-~]+$";

/// The schemas, by name.
pub(super) fn schemas() -> impl Iterator<Item = (String, RefOr<Schema>)> {
    [
        ("FieldError", field_error()),
        ("Problem", problem()),
        ("ProblemCode", code()),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), RefOr::T(schema.into())))
}

fn problem() -> ObjectBuilder {
    let status = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .minimum(Some(400))
        .maximum(Some(599))
        .description(Some("The status code, again."));
    let errors = ArrayBuilder::new()
        .items(reference("FieldError"))
        .min_items(Some(1))
        .max_items(Some(MAX_ERRORS))
        .description(Some("Every wrong field, where fields are what is wrong."));
    let policies = ArrayBuilder::new()
        .items(text("Name of a tier.", 64).pattern(Some("^[a-z_]+$")))
        .max_items(Some(MAX_POLICIES))
        .description(Some("Of `rate_limited`: the exhausted tiers."));
    ObjectBuilder::new()
        .description(Some("What went wrong (RFC 9457)."))
        .property("type", uri("Page about the problem; names its kind."))
        .required("type")
        .property(
            "title",
            text("Its name, the same for every occurrence.", 255),
        )
        .required("title")
        .property("status", status)
        .required("status")
        .property("detail", text("A sentence about this occurrence.", 5000))
        .required("detail")
        .property(
            "instance",
            text("Path of the request.", 8192).pattern(Some("^/[!-~]*$")),
        )
        .required("instance")
        .property("code", reference("ProblemCode"))
        .required("code")
        .property(
            "request_id",
            text("Id of the request, as in `X-Request-Id`.", 36)
                .pattern(Some("^req_[0-9a-f]{32}$")),
        )
        .required("request_id")
        .property("errors", errors)
        .property("current_plan", reference("Plan"))
        .property("required_plan", reference("Plan"))
        .property(
            "upgrade_url",
            uri("Of `plan_required`: where the plan is changed."),
        )
        .property(
            "locked_reason",
            text("Of `locked`: why.", 64).pattern(Some("^[a-z_]+$")),
        )
        .property("violated-policies", policies)
}

fn field_error() -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some(
            "One wrong field. Exactly one of `pointer`, `parameter` and `header` says where.",
        ))
        .property(
            "pointer",
            text(
                "JSON Pointer into the body, as a URI fragment (RFC 6901).",
                8192,
            )
            .examples([json!("#/address/city")]),
        )
        .property(
            "parameter",
            text("Name of the query parameter.", 8192).examples([json!("limit")]),
        )
        .property(
            "header",
            text("Name of the header.", 255)
                .pattern(Some(ANY_VISIBLE))
                .examples([json!("idempotency-key")]),
        )
        .property(
            "code",
            text("What is wrong, in one word.", 64)
                .pattern(Some("^[a-z_]+$"))
                .examples([json!("too_long")]),
        )
        .required("code")
        .property("detail", text("What is wrong, in a sentence.", 1000))
        .required("detail")
}

fn code() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The stable word of a problem; programs decide by it."))
        .enum_values(Some(Code::ALL.iter().map(|code| word(*code))))
}

fn text(description: &str, max: usize) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(max))
        .description(Some(description))
}

fn uri(description: &str) -> ObjectBuilder {
    text(description, 2048).format(Some(SchemaFormat::Custom("uri".to_owned())))
}
