//! Parameters: of the path, of the query, and the request headers.
//!
//! Optional ones have no `example`: the reference's console and tools that try examples would send
//! it, and a cursor or an entity tag out of a book is refused. Where one helps it is in the words.

use serde_json::json;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat};
use utoipa::openapi::{Ref, RefOr, Required, Schema, Type};

use super::{schemas, webhooks};
use crate::common::{DAY, LINE};
use crate::route::LIST;
use crate::{DEFAULT_LIMIT, Form, MAX_CONDITION_LENGTH, Method, Route, Shape};

/// Most values of a parameter that may be repeated.
const MAX_REPEATS: usize = 50;

/// Longest text of an instant that is read.
const MAX_INSTANT_LENGTH: usize = 40;

/// Ids in paths that are a prefix and 32 hex digits.
const PREFIXES: &[(&str, &str)] = &[("event_id", "evt_"), ("webhook_delivery_id", "whd_")];

/// An id for examples.
const EXAMPLE_ID: &str = "0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31";

/// The parameters that many operations share, by component name.
pub(super) fn components() -> impl Iterator<Item = (String, RefOr<Parameter>)> {
    let list = LIST
        .iter()
        .map(|parameter| (component_name(parameter.name), query(parameter).into()));
    let headers = [
        header(
            "Idempotency-Key",
            "Makes a retry safe: for 24 hours the same request with the same key is done once and \
             answered alike. A UUID made anew for each operation is a good key.",
            text("^[!-~]+$", 1, 255),
        ),
        header(
            "If-Match",
            "Do it only if the resource still is the version with this `ETag`, such as `\"42\"`; \
             else 412.",
            text(ENTITY_TAGS, 1, MAX_CONDITION_LENGTH),
        ),
        header(
            "If-None-Match",
            "Answer 304 without a body if the resource still is the version with this `ETag`, such \
             as `\"42\"`.",
            text(ENTITY_TAGS, 1, MAX_CONDITION_LENGTH),
        ),
    ]
    .map(|parameter| (component_name(&parameter.name), parameter.into()));
    let signing = webhooks::headers();
    let signing = signing.map(|header| (component_name(&header.name), header.into()));
    list.chain(headers).chain(signing)
}

/// The parameters of a route: references to those it shares, its own in place.
pub(super) fn of(route: &Route) -> Vec<RefOr<Parameter>> {
    let path = path_names(route.path).map(|name| path(name).into());
    let query = route.query().map(|parameter| {
        if LIST.contains(parameter) {
            reference(parameter.name)
        } else {
            query(parameter).into()
        }
    });
    let headers: &[&str] = match (route.method, route.shape) {
        (Method::Post, _) => &["Idempotency-Key"],
        (Method::Patch | Method::Put | Method::Delete, _) => &["If-Match"],
        (Method::Get, Shape::Read { .. }) => &["If-None-Match"],
        (Method::Get, _) => &[],
    };
    path.chain(query)
        .chain(headers.iter().copied().map(reference))
        .collect()
}

/// Names of the parameters in a path.
pub(super) fn path_names(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// What a header with entity tags may hold; the server compares, it does not parse.
const ENTITY_TAGS: &str = "^[!-~]([ -~]*[!-~])?$";

fn path(name: &str) -> Parameter {
    let of = name.strip_suffix("_id").unwrap_or(name).replace('_', " ");
    let prefix = PREFIXES.iter().find(|(of, _)| *of == name);
    let (schema, example): (Schema, String) = match prefix {
        Some((_, prefix)) => {
            let hex = EXAMPLE_ID.replace('-', "");
            (prefixed_id(prefix).into(), format!("{prefix}{hex}"))
        }
        None => (schemas::id(), EXAMPLE_ID.to_owned()),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(format!("Id of the {of}.")))
        .schema(Some(schema))
        .example(Some(json!(example)))
        .build()
}

fn query(parameter: &crate::Parameter) -> Parameter {
    let builder = ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(format!(
            "{}{}",
            parameter.description,
            hint(parameter.form)
        )));
    let builder = if parameter.repeatable {
        let values = ArrayBuilder::new()
            .items(form(parameter))
            .min_items(Some(1))
            .max_items(Some(MAX_REPEATS));
        builder
            .schema(Some(values))
            .style(Some(ParameterStyle::Form))
            .explode(Some(true))
    } else {
        builder.schema(Some(form(parameter)))
    };
    builder.build()
}

pub(super) fn header(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// An example in words; see the module's header.
fn hint(form: Form) -> &'static str {
    match form {
        Form::Instant => " For example `2026-11-01T00:00:00Z`.",
        Form::Day => " For example `2026-11-01`.",
        Form::Currency => " For example `EUR`.",
        Form::Text { .. }
        | Form::Boolean
        | Form::Id
        | Form::PrefixedId(_)
        | Form::Integer { .. }
        | Form::OneOf(_) => "",
    }
}

fn form(parameter: &crate::Parameter) -> RefOr<Schema> {
    let schema: Schema = match parameter.form {
        Form::Text { max } if parameter.name == "cursor" => text("^[A-Za-z0-9_-]+$", 1, max).into(),
        Form::Text { max } => text(LINE, 1, max).into(),
        Form::Boolean => ObjectBuilder::new().schema_type(Type::Boolean).into(),
        Form::Id => schemas::id(),
        Form::PrefixedId(prefix) => prefixed_id(prefix).into(),
        Form::Day => ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .pattern(Some(DAY))
            .max_length(Some(10))
            .into(),
        Form::Instant => ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .max_length(Some(MAX_INSTANT_LENGTH))
            .into(),
        Form::Integer { min, max } => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(min))
            .maximum(Some(max))
            .default((parameter.name == "limit").then(|| json!(DEFAULT_LIMIT)))
            .into(),
        Form::Currency => return schemas::reference("Currency").into(),
        Form::OneOf(words) => ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(words.iter().copied()))
            .into(),
    };
    schema.into()
}

fn prefixed_id(prefix: &str) -> ObjectBuilder {
    let length = prefix.len().saturating_add(32);
    text(&format!("^{prefix}[0-9a-f]{{32}}$"), length, length)
}

pub(super) fn text(pattern: &str, min: usize, max: usize) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .min_length(Some(min))
        .max_length(Some(max))
}

/// `updated_since` and `If-Match` become `UpdatedSince` and `IfMatch`.
fn component_name(name: &str) -> String {
    name.split(['_', '-'])
        .flat_map(|part| {
            let mut letters = part.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
        })
        .collect()
}

pub(super) fn reference(name: &str) -> RefOr<Parameter> {
    RefOr::Ref(Ref::new(format!(
        "#/components/parameters/{}",
        component_name(name)
    )))
}
