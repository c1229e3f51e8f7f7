//! The suite: what a client may rely on, whatever the bus and the database.
//!
//! A case makes an organization of its own and leaves nothing that another would see.

mod access;
mod clients;
mod events;
mod idempotency;
mod lists;
mod members;
pub mod projects;

pub use access::*;
pub use clients::*;
pub use events::*;
pub use idempotency::*;
pub use lists::*;
pub use projects::*;
