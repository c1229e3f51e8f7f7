//! The suite: what a client may rely on, whatever the bus and the database.
//!
//! A case makes an organization of its own and leaves nothing that another would see.

mod access;
mod answers;
mod clients;
mod expenses;
mod expenses_seen;
mod idempotency;
mod lists;
mod tasks;
mod tasks_seen;

pub use access::*;
pub use answers::*;
pub use clients::*;
pub use expenses::*;
pub use expenses_seen::*;
pub use idempotency::*;
pub use lists::*;
pub use tasks::*;
pub use tasks_seen::*;
