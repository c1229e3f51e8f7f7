//! Time entries.

mod access;
mod days;
mod entries;
mod lists;
mod locks;
mod rates;
mod studio;
mod timers;
mod totals;

pub use access::*;
pub use days::*;
pub use entries::*;
pub use lists::*;
pub use locks::*;
pub use rates::*;
pub use timers::*;
pub use totals::*;
