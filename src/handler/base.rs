//! What every stored resource has, and the one form in which it is changed.
//!
//! A handler that changes a row does four things in this order: it holds the row and checks
//! `If-Match` ([`held`]), applies the input to a copy, counts the change ([`settle`]), and saves the
//! copy with its event. What differs between resources is the copy and its SQL.

mod sql;

use hoursmith_bus::Conditions;
use hoursmith_domain::{Code, Cursor, FieldError, Fields, Patch, Problem, Timestamp};
use hoursmith_routes::common::{ExternalReference, Metadata, READ_ONLY};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::condition;
use crate::list::Page;
use crate::reference::{
    ExternalReferencePatch, MetadataPatch, merge_external_reference, merge_metadata,
    read_external_reference, read_metadata,
};
use crate::write::{Stamp, changed_fields};
pub use sql::{BaseRow, base_columns, base_names};

/// Counterpart, metadata, version and moments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The counterpart in another system.
    pub external_reference: Option<ExternalReference>,
    /// The integration's own pairs.
    pub metadata: Metadata,
    /// Counts the changes, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a body says of them.
#[derive(Debug, Clone, Default)]
pub struct BaseInput {
    external_reference: Patch<ExternalReferencePatch>,
    metadata: MetadataPatch,
}

/// A resource as it is stored.
pub trait Stored: Clone {
    /// Its id.
    fn id(&self) -> Uuid;

    /// What it has in common with the others.
    fn base(&self) -> &Base;

    /// The same, to change.
    fn base_mut(&mut self) -> &mut Base;

    /// What events carry: the resource as an owner sees it.
    fn to_event(&self) -> Value;
}

impl Base {
    /// Of a resource that is made now.
    pub fn new(now: Timestamp) -> Self {
        Self {
            external_reference: None,
            metadata: Metadata::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Takes a change in, and tells what only the merged whole can show to be wrong.
    pub fn apply(&mut self, input: BaseInput) -> Vec<FieldError> {
        let reference = input.external_reference;
        let mut errors = merge_external_reference(&mut self.external_reference, reference)
            .err()
            .unwrap_or_default();
        if !merge_metadata(&mut self.metadata, input.metadata) {
            let detail = "must have at most 50 pairs after the change";
            errors.push(FieldError::pointer("#/metadata", "too_many", detail));
        }
        errors
    }

    /// Counts a change.
    pub fn touch(&mut self, now: Timestamp) {
        self.version = self.version.saturating_add(1);
        self.updated_at = now;
    }
}

impl BaseInput {
    /// Reads `external_reference` and `metadata`, and refuses what every resource has read-only.
    pub fn read(fields: &mut Fields<'_>) -> Self {
        fields.read_only(READ_ONLY);
        Self {
            external_reference: read_external_reference(fields),
            metadata: read_metadata(fields),
        }
    }
}

/// The refusal of a change that is wrong as a whole, if it is.
pub fn refuse_any(errors: Vec<FieldError>) -> Result<(), Problem> {
    if errors.is_empty() {
        return Ok(());
    }
    let mut problem = Problem::new(Code::ValidationFailed, "The change as a whole is invalid.");
    problem.errors = errors;
    Err(problem)
}

/// A row that a body refers to and that is not there, or not for this caller: both alike.
pub fn missing(field: &str) -> Problem {
    Problem::not_found().with_error(FieldError::pointer(
        format!("#/{field}"),
        "not_found",
        "names nothing that you can see",
    ))
}

/// The row that is to be changed, held by the transaction: found, and of the version that
/// `If-Match` names. The stamp's moment is taken anew, after the row's last change.
pub fn held<R: Stored>(
    found: Option<R>,
    conditions: &Conditions,
    stamp: &mut Stamp,
) -> Result<R, Problem> {
    let row = found.ok_or_else(Problem::not_found)?;
    condition::check(row.base().version, conditions)?;
    stamp.renew(row.base().updated_at);
    Ok(row)
}

/// Counts a change and gives what the changed fields were before; nothing when nothing changed, so
/// that a repeated PATCH is no event.
pub fn settle<R: Stored>(before: &R, after: &mut R, now: Timestamp) -> Option<Map<String, Value>> {
    let previous = changed_fields(&before.to_event(), &after.to_event());
    if previous.is_empty() {
        return None;
    }
    after.base_mut().touch(now);
    Some(previous)
}

/// Where a row stands in a list that is newest first, or oldest change first.
pub fn place<R: Stored>(page: &Page, row: &R) -> Cursor {
    let base = row.base();
    let at = if page.updated_since.is_some() {
        base.updated_at
    } else {
        base.created_at
    };
    Cursor {
        sort: at.as_micros(),
        id: row.id(),
    }
}

/// When something that is now archived was first; nothing when it is not.
pub fn archived_at(
    archived: bool,
    current: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    archived.then(|| current.unwrap_or(now))
}
