//! The product's words: ids, roles, plans, access, money, time, problems, JSON input, keys, webhooks.
//!
//! This room knows nothing of ours and does no I/O: no async, no clock, no randomness, no SQL,
//! no HTTP status. Whatever needs the present moment or random bytes takes them as arguments.
//! Types here cannot hold a wrong value: each has a fallible constructor with its own refusal.

mod access;
mod billing;
pub mod bytes32;
mod caller;
mod cursor;
mod day;
mod event;
mod fields;
mod id;
mod invitation;
mod json;
mod keys;
mod money;
mod patch;
mod problem;
mod role;
mod seal;
mod secret;
mod session;
mod text;
mod time;
mod token;
pub mod webhook;

pub use access::{Access, Grant, Refusal};
pub use billing::{RateSource, Rates, Rounding, RoundingMode, amount_of_time};
pub use caller::{Caller, CallerAuthority, Door, SealedCaller};
pub use cursor::{Cursor, CursorScope};
pub use day::{Day, DayError, Month, Zone, ZoneError};
pub use event::EventType;
pub use fields::Fields;
pub use id::{
    ClientId, EventId, ExpenseId, IdError, InvoiceId, MemberId, OrganizationId, ProjectId,
    RequestId, TaskId, TimeEntryId, TokenId, UserId, WebhookDeliveryId, WebhookEndpointId,
};
pub use invitation::{
    INVITATION_LIFE, INVITATIONS, InvitationDigest, InvitationSecret, without_invitation,
};
pub use json::{Document, JsonError, MAX_DEPTH};
pub use keys::{Keys, SecretKey};
pub use money::{Amount, AmountError, Currency, CurrencyError};
pub use patch::Patch;
pub use problem::{Code, FieldError, Location, Problem};
pub use role::{Plan, Role, Scope, UnknownWord};
pub use seal::{SEAL_NONCE_BYTES, SealError, Sealer};
pub use session::{SessionDigest, SessionSecret, session_cookie};
pub use text::{EMAIL_MAX, TextError, check_email, check_text, fold, is_plain};
pub use time::{Timestamp, TimestampError};
pub use token::{Token, TokenDigest, TokenError};
