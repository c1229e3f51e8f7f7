//! The resource actor: everything that `/api/v1` reads and writes.
//!
//! It answers `hoursmith.v1.resource.*.*`: one subject per route or operation, one folder per resource,
//! all of the same form. What they do alike stands in `handler`. Beside it are the two questions of
//! `guarded`, which no member asks.
//!
//! This room knows domain, bus, kit, routes, store and handler. It must not know another actor, the gateway
//! or HTTP types; SQL stands in `sql.rs` files alone.

mod actor;
pub mod admin;
#[cfg(test)]
mod bench;
mod client;
mod event;
mod expense;
mod found;
mod guarded;
mod invoice;
mod me;
mod member;
mod organization;
mod project;
mod project_member;
mod seen;
mod settings;
mod task;
mod time_entry;
mod work;

pub use actor::plugin;

use hoursmith_handler::{base, condition, error, list, reference, request, sight, write};
