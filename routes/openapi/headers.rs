//! Response headers, each described once.

use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat};
use utoipa::openapi::{Header, Ref, RefOr, Response, Type};

/// What every answer carries.
const EVERY: &[&str] = &[
    "X-Request-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "RateLimit",
    "RateLimit-Policy",
    "Access-Control-Allow-Origin",
];

/// Largest value of a point in time in epoch seconds: the end of the year 9999.
const MAX_EPOCH_SECONDS: usize = 253_402_300_799;

/// Adds to a response what every answer carries, and headers of its own.
pub(super) fn add(response: &mut Response, own: &[&'static str]) {
    for name in own.iter().chain(EVERY) {
        let reference = Ref::new(format!("#/components/headers/{name}"));
        response
            .headers
            .insert((*name).to_owned(), RefOr::Ref(reference));
    }
}

/// Every header, by name.
pub(super) fn components() -> impl Iterator<Item = (String, RefOr<Header>)> {
    let text = |pattern, max, example: &str| (string(pattern, max), json!(example));
    let count = |max, example: usize| (integer(max), json!(example));
    [
        ("X-Request-Id", "Id of this request; quote it to support.",
            text("^req_[0-9a-f]{32}$", 36, "req_0199c3a27b7e7d10a1f4d2f6b8a94c31")),
        ("X-RateLimit-Limit", "Requests that the binding tier (the one with the fewest left) allows in its window.",
            count(1_000_000, 30)),
        ("X-RateLimit-Remaining", "Requests left in the binding tier.",
            count(1_000_000, 12)),
        ("X-RateLimit-Reset", "When the binding tier is whole again, in epoch seconds.",
            count(MAX_EPOCH_SECONDS, 1_795_512_609)),
        ("RateLimit", "What is left (`r`) in each tier, and seconds until more (`t`).",
            text("^[ -~]+$", 256, r#""burst";r=12;t=4, "sustained";r=540;t=33"#)),
        ("RateLimit-Policy", "Quota (`q`) and window in seconds (`w`) of each tier.",
            text("^[ -~]+$", 256, r#""burst";q=30;w=10, "sustained";q=600;w=60"#)),
        ("Access-Control-Allow-Origin", "Any origin may read the answer.",
            text(r"^\*$", 1, "*")),
        ("ETag", "Strong validator of this version of the resource, for `If-None-Match` and `If-Match`.",
            text("^\"[!#-~]+\"$", 128, "\"42\"")),
        ("Location", "Where the new resource is.",
            text(
                "^https?://[!-~]+$",
                2048,
                "https://hours.northlight.example/api/v1/clients/0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31",
            )),
        ("Link", "The next page, with `rel=\"next\"` and every filter; absent on the last.",
            text("^[ -~]+$", 16_384, "<https://hours.northlight.example/api/v1/clients?cursor=AZnDont-fRCh9NL2>; rel=\"next\"")),
        ("Idempotent-Replayed", "`true` on an answer that is the first one's again.",
            text("^true$", 4, "true")),
        ("Retry-After", "Whole seconds to wait.",
            count(86_400, 4)),
        ("WWW-Authenticate", "How to authenticate (RFC 6750).",
            text("^Bearer [ -~]+$", 256, "Bearer realm=\"hoursmith\"")),
        ("Accept", "The media type that a body may have.",
            text("^[ -~]+$", 128, "application/json")),
        ("Accept-Patch", "The media types that a patch may have (RFC 5789).",
            text("^[ -~]+$", 128, "application/merge-patch+json, application/json")),
    ]
    .into_iter()
    .map(|(name, description, (schema, example))| {
        (name.to_owned(), header(description, schema, example).into())
    })
}

fn header(description: &str, schema: ObjectBuilder, example: Value) -> Header {
    HeaderBuilder::new()
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(example))
        .build()
}

fn string(pattern: &str, max: usize) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .max_length(Some(max))
}

fn integer(max: usize) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0_usize))
        .maximum(Some(max))
}
