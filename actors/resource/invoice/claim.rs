//! How time and expenses become an invoice's, and are released again.
//!
//! A row is an invoice's by one guarded UPDATE that names no ids: everything unbilled up to the last
//! that the draft shows. Of two that want the same row the database lets one have it. The change is
//! counted and told by the resource whose row it is (`tell_of_invoice`), in the same transaction.

mod sql;

use hoursmith_store::Statement;
use uuid::Uuid;

pub(crate) use sql::{claim, hold_client, hold_projects, next_number, release};

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// The rows that an invoice took or released.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    pub(crate) entries: Vec<Uuid>,
    pub(crate) expenses: Vec<Uuid>,
}

impl Claimed {
    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.entries.len().saturating_add(self.expenses.len())
    }
}
