//! The edge: HTTP in, the chain of stages over the bus, HTTP out.
//!
//! A connection is accepted (`accept`), paced (`pace`) and parsed by hyper (`connection`); a
//! request walks the chain, whose order is written once, in `chain`; whatever comes out gets what
//! every answer carries (`answer`). What `chain` asks for lives in one file each: `framing`,
//! `router`, `query`, `body`, `idempotency`, `limiter`.
//!
//! What hyper itself refuses never reaches the chain and is a bare 400, 414 or 431 without a
//! problem body and without our headers, and the connection closes: heads that cannot be parsed,
//! two different lengths, a URI over 65,534 bytes, more than 100 headers or about 100 KB of them.
//! Our own bounds are far below those and answer as problems (400 `malformed_request`). A
//! connection that opens with HTTP/2's preface is closed without an answer, and one beyond the
//! limit of connections, of all or of its address, gets a bare 503.
//!
//! This room knows the bus, the routes and the domain. It must not know an actor, a store, SQL or
//! ractor; it asks on subjects, and who answers is not its business.

mod accept;
mod address;
pub mod admin;
mod answer;
mod app;
mod body;
mod chain;
mod conditions;
mod connection;
mod documents;
mod edge;
mod error;
mod framing;
mod guests;
mod idempotency;
mod limiter;
mod meter;
mod owners;
mod pace;
mod query;
mod refusal;
mod router;
mod server;
mod settings;
mod stage;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use server::{Gateway, GatewayHost, Stopped};
pub use settings::GatewaySettings;
