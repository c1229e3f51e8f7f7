//! Wire types that every resource shares.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType};
use utoipa::openapi::{RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Pattern of one line of text, as [`hoursmith_domain::check_text`] has it: no control characters,
/// nothing that turns the direction of text.
pub(crate) const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$";

/// Pattern of text that may have line breaks and tabs.
pub(crate) const LINES: &str =
    r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$";

/// Pattern of a calendar day of the years 1970 to 2999.
pub(crate) const DAY: &str = "^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

/// The resource's counterpart in another system. Set by the integration that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExternalReference {
    /// The other system, such as `xero`.
    #[schema(min_length = 1, max_length = 255, example = "xero")]
    pub service: String,
    /// The id over there; lists filter by it.
    #[schema(min_length = 1, max_length = 255, example = "INV-2041")]
    pub id: String,
    /// Where a person finds it.
    #[schema(
        required = true,
        min_length = 8,
        max_length = 2048,
        pattern = "^https?://[!#-;=?-\\[\\]-_a-~]*$",
        example = "https://go.xero.com/contacts/2041"
    )]
    pub url: Option<String>,
}

/// The counterpart to set; null clears it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalReferenceInput {
    /// The other system, such as `xero`.
    #[schema(min_length = 1, max_length = 255, example = "xero")]
    pub service: String,
    /// The id over there; lists filter by it.
    #[schema(min_length = 1, max_length = 255, example = "INV-2041")]
    pub id: String,
    /// Where a person finds it.
    #[schema(
        min_length = 8,
        max_length = 2048,
        pattern = "^https?://[!#-;=?-\\[\\]-_a-~]*$",
        example = "https://go.xero.com/contacts/2041"
    )]
    pub url: Option<String>,
}

/// Up to 50 pairs of the integration's own; never interpreted.
pub type Metadata = BTreeMap<String, String>;

/// Lists of fields that exist on every resource and cannot be written.
pub const READ_ONLY: &[&str] = &["id", "created_at", "updated_at"];

/// Schema of [`Metadata`].
#[derive(Debug)]
pub(crate) struct MetadataSchema;

/// Schema of [`Metadata`] in a request, where null removes a pair (RFC 7396).
#[derive(Debug)]
pub(crate) struct MetadataInputSchema;

impl PartialSchema for MetadataSchema {
    fn schema() -> RefOr<Schema> {
        pairs(
            "Pairs of the integration's own; never interpreted.",
            Type::String,
        )
    }
}

impl ToSchema for MetadataSchema {
    fn name() -> Cow<'static, str> {
        "Metadata".into()
    }
}

impl PartialSchema for MetadataInputSchema {
    fn schema() -> RefOr<Schema> {
        pairs(
            "Pairs to set; a null value removes its pair.",
            SchemaType::from_iter([Type::String, Type::Null]),
        )
    }
}

impl ToSchema for MetadataInputSchema {
    fn name() -> Cow<'static, str> {
        "MetadataInput".into()
    }
}

fn pairs(description: &str, value: impl Into<SchemaType>) -> RefOr<Schema> {
    let text = |of: SchemaType, min, max, pattern| {
        ObjectBuilder::new()
            .schema_type(of)
            .min_length(Some(min))
            .max_length(Some(max))
            .pattern(Some(pattern))
    };
    ObjectBuilder::new()
        .description(Some(description))
        .property_names(Some(text(Type::String.into(), 1, 40, LINE)))
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(
            text(value.into(), 0, 500, LINES).into(),
        ))))
        .max_properties(Some(50))
        .examples([json!({"segment": "retail"})])
        .into()
}
