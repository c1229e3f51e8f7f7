//! The resource actor: everything that `/api/v1` reads and writes.
//!
//! It answers `hoursmith.v1.resource.*.*`: one subject per route, one folder per resource, all of the
//! same form. What is common lives once: `write` runs an effect with its idempotency record and
//! its event in one transaction, `base` is what every row has and how a change is counted, `list`
//! pages, `condition` compares entity tags, `sight` says which rows and which fields a grant shows.
//!
//! This room knows domain, bus, kit, routes and store. It must not know another actor, the gateway
//! or HTTP types; SQL stands in `sql.rs` files alone.

mod actor;
pub mod admin;
mod base;
#[cfg(test)]
mod bench;
mod client;
mod condition;
mod error;
mod event;
mod expense;
mod invoice;
mod list;
mod me;
mod member;
mod organization;
mod project;
mod project_member;
mod reference;
mod request;
mod seen;
mod settings;
mod sight;
mod task;
mod time_entry;
mod wake;
mod work;
mod write;

pub use actor::plugin;
