//! The store: one database, SQLite or PostgreSQL, behind one SQL text.
//!
//! [`Db`] reads from a pool and writes through jobs: [`Db::write`] takes a closure, runs it in a
//! transaction of its own and answers once that is durable. On SQLite one writer commits many
//! jobs with one flush (group commit); on PostgreSQL each job has its connection. Callers see no
//! difference: same statements ([`statements!`]), same row structs, same [`Error`].
//!
//! Why not a trait with two implementations: every statement would be written twice, and twins
//! drift. Why not `sqlx::Any`: it knows no UUID and no `$1` on SQLite. Only this room tells the
//! engines apart, in [`on_db!`] and the two modules named after them.
//!
//! This room knows `domain` alone. It must not know the bus, a plugin, HTTP, or what a row means
//! to the product, but for what must share a transaction with somebody's work: [`idempotency`],
//! [`events`] and [`leases`].

#[expect(unreachable_pub, reason = "`statements!` is made for other crates")]
mod conn;
mod db;
mod durability;
mod error;
pub mod events;
pub mod idempotency;
mod job;
pub mod leases;
mod meter;
#[expect(unreachable_pub, reason = "`statements!` is made for other crates")]
mod migrate;
mod postgres;
mod sqlite;
mod statement;
mod target;

#[cfg(feature = "testing")]
#[expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what helps a test fails by panicking"
)]
pub mod testing;

pub use conn::{Conn, ReadGuard};
pub use db::{Db, OpenError, OpenOptions};
pub use durability::{Durability, Setting};
pub use error::{Error, ErrorKind};
pub use migrate::{Migration, MigrationError, MigrationReport};
pub use statement::Statement;
pub use target::{Target, TargetError};

/// What the macros expand to; not for other use.
#[doc(hidden)]
pub mod macros {
    pub use crate::conn::Engine;
    pub use sqlx;
    pub use tracing::Instrument;
}

/// Every statement of this crate, for the test that prepares them on both engines.
pub fn statements() -> Vec<Statement> {
    [
        conn::statements(),
        migrate::statements(),
        idempotency::statements(),
        events::statements(),
        leases::statements(),
    ]
    .concat()
}
