//! The suite: what a client may rely on, whatever the bus and the database.
//!
//! A case makes an organization of its own and leaves nothing that another would see.

mod access;
mod answers;
mod app;
mod clients;
mod events;
mod expenses;
mod expenses_seen;
mod idempotency;
mod invoices;
mod invoices_scene;
mod invoices_settle;
mod lists;
mod members;
mod project_members;
mod projects;
mod tasks;
mod tasks_seen;
mod time_entries;
mod webhook_deliveries;
mod webhook_endpoints;
mod webhook_journey;
mod webhook_secrets;

pub use access::*;
pub use app::*;
pub use clients::*;
pub use events::*;
pub use expenses::*;
pub use expenses_seen::*;
pub use idempotency::*;
pub use invoices::*;
pub use invoices_scene::{Scene, invoice};
pub use invoices_settle::*;
pub use lists::*;
pub use members::*;
pub use project_members::*;
pub use projects::*;
pub use tasks::*;
pub use tasks_seen::*;
pub use time_entries::*;
pub use webhook_deliveries::*;
pub use webhook_endpoints::*;
pub use webhook_journey::*;
pub use webhook_secrets::*;
