//! Hoursmith: the REST API of a time-tracking and billing product.
//!
//! This crate puts the rooms together: [`serve`] starts the parts that a process runs, and is what
//! the command line, the tests and the benches start. `docs/ARCHITECTURE.md` is the map.

mod assemble;
pub mod components;
mod join;
pub mod plugins;
mod ready;

pub use assemble::{Parts, Running, ServeError, keys, open_database, serve};
pub use components::Components;
pub use join::{Joined, join_bus};
