//! An event as everybody outside gets it: what `GET` shows, what the feed lists and what a webhook
//! carries is one form, to the byte.

mod sql;

pub use sql::{EventRow, event_by_id, event_columns};
