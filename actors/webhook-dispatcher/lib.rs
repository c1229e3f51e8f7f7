//! The webhook dispatcher: sends public events to the endpoints that organizations chose.
//!
//! Two halves that meet in the database alone. `actor` answers the API's questions, by `endpoint`
//! and `delivery`; `dispatch` makes a delivery of each event for each endpoint and sends what is
//! due. Nothing is remembered here that a restart could lose.
//!
//! This room knows domain, bus, store, kit, routes, handler and outbound. It must not know another
//! actor, or what an event tells.

mod actor;
mod delivery;
mod dispatch;
mod endpoint;
mod feed;
mod ledger;
mod secret;
mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use actor::{delivery_retention, plugin};
pub use ledger::{Ledger, ledger};
