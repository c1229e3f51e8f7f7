//! What a time entry looks like on the wire.

use std::borrow::Cow;

use hoursmith_domain::{Day, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::common::{
    ExternalReference, ExternalReferenceInput, LINE, Metadata, MetadataInputSchema, MetadataSchema,
};
use crate::words::{LockedReasonWord, RateSourceWord};

/// Time that a member spent, or is spending, on a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimeEntry {
    /// Id.
    #[schema(example = "0199c3a2-9d41-7c08-b2e6-5f10c9ab7d52")]
    pub id: Uuid,
    /// Whose time it is.
    #[schema(example = "0199c3a2-7c02-7a55-9e3b-41c07d8f2a16")]
    pub member_id: Uuid,
    /// What it was spent on.
    #[schema(example = "0199c3a2-8b1e-7f64-a0c3-9d2e51f7b840")]
    pub project_id: Uuid,
    /// Whom the project is for; null when it has no client.
    #[schema(required = true, example = "0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31")]
    pub client_id: Option<Uuid>,
    /// The task of the project.
    #[schema(required = true, example = "0199c3a2-90d3-7b29-8c11-3e7a64f0d95b")]
    pub task_id: Option<Uuid>,
    /// What was done.
    #[schema(
        required = true,
        max_length = 5000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "Moved the shop to the new design"
    )]
    pub description: Option<String>,
    /// When it began; null when only a duration is known.
    #[schema(value_type = Option<String>, required = true, format = DateTime, max_length = 40, example = "2026-11-24T09:00:00Z")]
    pub started_at: Option<Timestamp>,
    /// When it ended; null while it runs, and when only a duration is known.
    #[schema(value_type = Option<String>, required = true, format = DateTime, max_length = 40, example = "2026-11-24T10:40:00Z")]
    pub ended_at: Option<Timestamp>,
    /// The day it counts for.
    #[schema(value_type = String, format = Date, max_length = 10, example = "2026-11-24")]
    pub spent_on: Day,
    /// Whole seconds, rounded down; null while it runs.
    #[schema(required = true, minimum = 0, example = 6000)]
    pub duration_seconds: Option<i64>,
    /// The duration as the organization rounds it, which is what is billed; null while it runs.
    #[schema(required = true, minimum = 0, example = 6300)]
    pub rounded_seconds: Option<i64>,
    /// Whether its timer runs.
    #[schema(example = false)]
    pub is_running: bool,
    /// Whether it is to be billed.
    #[schema(example = true)]
    pub billable: bool,
    /// Its own rate per hour, which goes before every other; null if none is set, and for those who
    /// may not see rates.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18
    )]
    pub billable_rate: Option<String>,
    /// The rate per hour that applies, fixed when it was written; null when it is not billed by the
    /// hour, when there is no rate, and for those who may not see rates.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "120.00"
    )]
    pub rate: Option<String>,
    /// Where `rate` came from; null with it.
    #[schema(value_type = Option<RateSourceWord>, required = true)]
    pub rate_source: Option<String>,
    /// `rate` times `rounded_seconds`, rounded half up once to the currency's minor unit; null while
    /// it runs, and when `rate` is.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "210.00"
    )]
    pub amount: Option<String>,
    /// ISO 4217 code: the client's, or the organization's when there is no client.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "EUR")]
    pub currency: String,
    /// Words to find it by, in the order they were given.
    #[schema(value_type = Vec<TagSchema>, max_items = 20)]
    pub tags: Vec<String>,
    /// Whether it can be changed no more.
    #[schema(example = true)]
    pub is_locked: bool,
    /// Why it is locked; null when it is not.
    #[schema(value_type = Option<LockedReasonWord>, required = true)]
    pub locked_reason: Option<String>,
    /// The sent invoice that bills it.
    #[schema(required = true, example = "0199c3a2-a5f0-7e19-9b04-c8d1530ef276")]
    pub invoice_id: Option<Uuid>,
    /// Counterpart in another system.
    #[schema(required = true)]
    pub external_reference: Option<ExternalReference>,
    /// The integration's own pairs.
    #[schema(value_type = MetadataSchema)]
    pub metadata: Metadata,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-24T09:00:00Z")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-24T10:40:00Z")]
    pub updated_at: Timestamp,
}

/// A page of time entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimeEntryList {
    /// The time entries.
    #[schema(max_items = 200)]
    pub data: Vec<TimeEntry>,
    /// Whether there is another page. A short page proves nothing; this does.
    #[schema(example = true)]
    pub has_more: bool,
    /// The cursor of the next page; null on the last.
    #[schema(
        required = true,
        max_length = 200,
        pattern = "^[A-Za-z0-9_-]+$",
        example = "AZnDont-fRCh9NL2uKlMMQ"
    )]
    pub next_cursor: Option<String>,
}

/// What may be set; only `project_id` is required.
// The schema of a change, `TimeEntryUpdate`, is this one with nothing required.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeEntryCreate {
    /// Whose time it is; the caller's if absent on creation.
    #[schema(nullable = false, example = "0199c3a2-7c02-7a55-9e3b-41c07d8f2a16")]
    pub member_id: Option<Uuid>,
    /// What it was spent on: a project that the member is in.
    #[schema(example = "0199c3a2-8b1e-7f64-a0c3-9d2e51f7b840")]
    pub project_id: Uuid,
    /// A task of the project.
    #[schema(example = "0199c3a2-90d3-7b29-8c11-3e7a64f0d95b")]
    pub task_id: Option<Uuid>,
    /// What was done.
    #[schema(
        max_length = 5000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "Moved the shop to the new design"
    )]
    pub description: Option<String>,
    /// When it began; now if neither it nor a duration is given on creation.
    #[schema(
        value_type = Option<String>,
        format = DateTime,
        max_length = 40,
        pattern = "^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
        example = "2026-11-24T09:00:00Z"
    )]
    pub started_at: Option<Timestamp>,
    /// When it ended, not before it began; null lets it run.
    #[schema(
        value_type = Option<String>,
        format = DateTime,
        max_length = 40,
        pattern = "^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
        example = "2026-11-24T10:40:00Z"
    )]
    pub ended_at: Option<Timestamp>,
    /// The day it counts for: the member's local day of `started_at`, which is the default, or a
    /// day next to it. Today if there is only a duration.
    #[schema(value_type = Option<String>, format = Date, max_length = 10, example = "2026-11-24")]
    pub spent_on: Option<Day>,
    /// Whole seconds, in place of one instant or of both.
    #[schema(minimum = 0, maximum = 31_622_400, example = 6000)]
    pub duration_seconds: Option<i64>,
    /// Whether it is to be billed; if absent on creation, as the task or else the project has it.
    #[schema(nullable = false, example = true)]
    pub billable: Option<bool>,
    /// A rate per hour of its own, at least 0. Not for those who may not see rates.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "120.00"
    )]
    pub billable_rate: Option<String>,
    /// Words to find it by, each once.
    #[schema(value_type = Option<Vec<TagSchema>>, max_items = 20)]
    pub tags: Option<Vec<String>>,
    /// Counterpart in another system.
    #[schema(value_type = Option<ExternalReferenceInput>)]
    pub external_reference: Option<ExternalReference>,
    /// Pairs to set; a null value removes its pair, null for all removes all.
    #[schema(value_type = Option<MetadataInputSchema>)]
    pub metadata: Option<Metadata>,
}

/// Schema of a tag.
#[derive(Debug)]
pub(crate) struct TagSchema;

impl PartialSchema for TagSchema {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A word to find time by; upper and lower case differ."))
            .min_length(Some(1))
            .max_length(Some(50))
            .pattern(Some(LINE))
            .examples([json!("design")])
            .into()
    }
}

impl ToSchema for TagSchema {
    fn name() -> Cow<'static, str> {
        "Tag".into()
    }
}
