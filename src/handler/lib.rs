//! What every actor that answers API requests does alike, so that each resource is only its own.
//!
//! A [`request::Request`] is a question whose caller may ask it. [`write::write`] runs an effect with
//! its idempotency record and its event in one transaction, [`base`] is what every row has and how a
//! change is counted, [`list`] pages, [`condition`] compares entity tags, [`sight`] says which rows
//! and which fields a grant shows, [`mod@reference`] keeps external references and metadata,
//! [`event`] reads events as they are shown and sent, and [`wake`] tells the relays that there is
//! something to number.
//!
//! This room knows domain, bus, store, telemetry, kit and routes. It must not know an actor, the gateway or
//! HTTP types; SQL stands in `sql.rs` files alone.

pub mod base;
pub mod condition;
pub mod error;
pub mod event;
pub mod list;
pub mod reference;
pub mod request;
pub mod sight;
pub mod wake;
pub mod write;
