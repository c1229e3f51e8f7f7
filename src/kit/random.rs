//! Randomness and ids, behind a trait, so that a simulation can be repeated.

use std::fmt;

use hoursmith_domain::Timestamp;
use rand::Rng as _;
use uuid::Uuid;

/// A source of random bytes that nobody can guess.
pub trait Random: Send + Sync + fmt::Debug + 'static {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);

    /// A UUIDv7 of the given moment (RFC 9562, section 5.7): 48 bits of milliseconds, then 74
    /// random bits.
    fn uuid_v7(&self, now: Timestamp) -> Uuid {
        let mut random = [0u8; 10];
        self.fill(&mut random);
        let millis = u64::try_from(now.as_micros() / 1000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// The thread's generator: ChaCha, seeded and reseeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one source of randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}
