//! What is measured of writes.
//!
//! `telemetry`, which describes these names and their buckets, stands above this room; an
//! end-to-end test sees them at `/metrics`. Time that decides anything is a parameter here; this
//! is measured and decides nothing.

use std::time::Instant;

/// Since when a write waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting(Instant);

impl Waiting {
    /// From now on.
    #[expect(
        clippy::disallowed_methods,
        reason = "`kit`, whose clock it would be, stands above this room"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// It is the write's turn.
    pub(crate) fn end(self) {
        metrics::histogram!("hoursmith_db_write_wait_seconds").record(self.0.elapsed());
    }
}

/// This many writes were committed together.
pub(crate) fn committed(writes: usize) {
    // Far below where a float loses whole numbers.
    metrics::histogram!("hoursmith_db_write_batch_size").record(writes as f64);
}
