//! Identifiers: UUIDv7, made in the application (RFC 9562, section 5.7), one type per thing.
//!
//! Resources read as plain UUIDs; events and requests carry a prefix and 32 hex digits, so that a
//! person who pastes one into a support mail shows what it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id")]
pub struct IdError {
    /// What was expected, such as `client`.
    pub kind: &'static str,
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident, $kind:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Accepts the hyphenated form alone, in either case; braces and bare hex are refused,
            /// so that one id has one spelling in logs and caches.
            fn from_str(text: &str) -> Result<Self, IdError> {
                if text.len() != 36 {
                    return Err(IdError { kind: $kind });
                }
                Uuid::try_parse(text).map(Self).map_err(|_| IdError { kind: $kind })
            }
        }
    )+};
}

uuid_ids! {
    /// An organization: the tenant. Every other id belongs to exactly one.
    OrganizationId, "organization";
    /// A person, who may be a member of several organizations.
    UserId, "user";
    /// A user's membership in one organization, with a role.
    MemberId, "member";
    /// An API token (the row, never the secret).
    TokenId, "token";
    /// A client that is billed.
    ClientId, "client";
    /// A project: work for a client, or of the organization's own.
    ProjectId, "project";
    /// A task of a project.
    TaskId, "task";
    /// Time that a member spent, or is spending.
    TimeEntryId, "time entry";
    /// An expense.
    ExpenseId, "expense";
    /// An invoice.
    InvoiceId, "invoice";
    /// Where events are sent.
    WebhookEndpointId, "webhook endpoint";
}

macro_rules! prefixed_ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let refused = IdError { kind: $kind };
                let hex = text.strip_prefix($prefix).ok_or(refused.clone())?;
                if hex.len() != 32 {
                    return Err(refused);
                }
                Uuid::try_parse(hex).map(Self).map_err(|_| refused)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

prefixed_ids! {
    /// One HTTP request, `req_` and 32 hex digits; also in every problem and log line.
    RequestId, "req_", "request";
    /// One entry of the change feed, `evt_` and 32 hex digits.
    EventId, "evt_", "event";
    /// What is sent of an event to an endpoint, `whd_` and 32 hex digits.
    WebhookDeliveryId, "whd_", "webhook delivery";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_has_one_spelling() {
        let text = "01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";
        assert_eq!(text.parse::<ClientId>().unwrap().to_string(), text);
        for wrong in [
            "",
            "x",
            "01931f7e3c517c3a9a536f0d2a3b4c5d",
            "{01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d}",
        ] {
            assert_eq!(wrong.parse::<ClientId>(), Err(IdError { kind: "client" }));
        }
        let request = "req_01931f7e3c517c3a9a536f0d2a3b4c5d";
        assert_eq!(request.parse::<RequestId>().unwrap().to_string(), request);
        assert!(
            "evt_01931f7e3c517c3a9a536f0d2a3b4c5d"
                .parse::<RequestId>()
                .is_err()
        );
    }
}
