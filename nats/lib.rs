//! The bus between processes: [`hoursmith_bus::Bus`] over NATS.
//!
//! NATS carries questions and wake-ups; it owns nothing, and losing it with its disk loses no
//! data. `async-nats` connects, reconnects and matches answers to requests. What it does not
//! promise is added here: calls that end by their deadline, refusals at once, nothing executed
//! late. `nats-server.conf` and `subjects.md` beside this file are the other half: who may speak
//! on which subject.
//!
//! Beside the bus, on its connection, stands the stream of public events ([`JetStream`]): a copy for
//! subscribers that come later.
//!
//! Alone in the workspace this room knows `async-nats`. It must not know what the envelopes hold,
//! a plugin, a store or HTTP.

mod bus;
mod connect;
mod link;
mod station;
mod stream;
mod wire;

#[cfg(feature = "testing")]
pub mod testing;

pub use bus::NatsBus;
pub use connect::{ConnectError, Credentials, NatsSettings};
pub use stream::{JetStream, STREAM, StreamSettings};
