//! What a plugin is made of and runs on.
//!
//! A [`Plugin`] is one concern of the product: it is given a [`Host`] and starts pools of
//! supervised actors ([`Pool`]) that answer bus subjects. The kit sees to what must be the same for
//! all of them: seals are verified, work is admitted before it reaches a mailbox, a panic answers
//! its caller and restarts the worker, time and randomness come from outside ([`Clock`],
//! [`Random`]), and failures are logged once, here.
//!
//! This room knows bus, store, settings, telemetry and domain. It must not know a plugin, the
//! gateway or the routes. It is the one room that may read the clock, take randomness and spawn.

mod bell;
mod clock;
mod failure;
mod idle;
mod plugin;
mod pool;
mod question;
mod random;
mod restart;
mod slot;
mod supervisor;
mod task;
mod wake;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use bell::Bell;
pub use clock::{Clock, ManualClock, SystemClock};
pub use failure::Failure;
pub use plugin::{ActorSettings, Host, Plugin, RunningPlugin, StartError};
pub use pool::{Pool, PoolSpec, Routing};
pub use question::{Asker, ask};
pub use random::{Random, SystemRandom};
pub use restart::RestartPolicy;
pub use slot::Worker;
pub use task::{Task, spawn};
pub use wake::WakeUp;
