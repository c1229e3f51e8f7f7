//! What a webhook is before anything is sent: which events it wants, how a delivery is signed, and
//! when it is tried again.
//!
//! Pure, as all of this room: the moment, the random numbers and the bytes are arguments. Who sends
//! (`hoursmith-outbound`) and what is kept of it are decided elsewhere; nothing here knows HTTP
//! beyond the names and values of headers.

mod explain;
mod filter;
mod outcome;
mod schedule;
mod secret;
mod signature;
mod verify;

pub use explain::{BodyChange, Cause, Report, SecretChange, explain};
pub use filter::{EventFilter, EventFilterError, EventFilters, MAX_EVENT_FILTERS};
pub use outcome::{Next, Outcome, after_attempt};
pub use schedule::{MAX_ATTEMPTS, RETRY_DELAYS, parse_retry_after, retry_at};
pub use secret::{ROTATION_OVERLAP, WebhookSecret, WebhookSecretError};
pub use signature::{Signatures, SigningSecrets};
pub use verify::{Family, HeaderFault, TOLERANCE};
