//! What holds on both engines.

pub(crate) mod events;
pub(crate) mod idempotency;
pub(crate) mod leases;
pub(crate) mod writes;
