//! Typed settings: defaults, then a file, then the environment, then the command line.
//!
//! Settings are values, read once and handed down; nothing else in the product looks at the
//! environment. A setting that is not known is refused with the place it came from, because a
//! misspelt limit that is silently ignored is found out in production. The doc comments of the
//! types are the text of the reference, and the ranges in their schema are the checks, so that
//! neither can say something else than the program does.
//!
//! This room knows the domain alone: no clock, no randomness (the caller brings the bytes of a new
//! secret key), no logging, and of the actors nothing but the names it is given.

mod check;
mod error;
mod events;
mod keys;
mod layer;
mod limits;
mod load;
mod model;
mod outbound;
mod redact;
mod reference;
mod request;
mod secret_key;
mod sources;

pub use error::Error;
pub use events::{EventsSettings, NoSubscriber, Subscriber};
pub use limits::{Limit, LimitSettings};
pub use load::FILE_NAME;
pub use model::{LogFormat, LogSettings, NatsSettings, Settings, TelemetrySettings};
pub use outbound::OutboundSettings;
pub use reference::reference;
pub use request::RequestSettings;
pub use sources::Sources;

pub use ipnet::IpNet;
pub use secrecy::{ExposeSecret, SecretString};
