//! What is kept of events for subscribers.

use std::str::FromStr;

use hoursmith_domain::OrganizationId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stream on NATS (JetStream) that keeps public events for subscribers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventsSettings {
    /// How long an event is kept, in hours. What is older is read from `GET /api/v1/events`.
    #[schemars(range(min = 1, max = 87_600))]
    pub max_age_h: u32,
    /// How much is kept, in bytes; the oldest goes first. NATS sets as much of its disk aside.
    #[schemars(range(min = 1_048_576, max = 1_099_511_627_776_u64))]
    pub max_bytes: u64,
    /// How long NATS knows an event again, in seconds, so that one that is published twice is kept
    /// once. Each takes NATS some hundred bytes of memory for as long.
    #[schemars(range(min = 1, max = 3_600))]
    pub duplicate_window_s: u32,
    /// On how many servers of a NATS cluster each event is kept.
    #[schemars(range(min = 1, max = 5))]
    pub replicas: u8,
    /// Who reads it: `name=organization id` for each, the name being that of the subscriber's
    /// durable consumer and of its identity on NATS. It is given that organization's events alone.
    #[schemars(with = "Vec<String>")]
    pub subscribers: Vec<Subscriber>,
}

/// A subscriber to events.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subscriber {
    /// Letters, digits, `-` and `_`: a token of a subject.
    pub name: String,
    /// Whose events it is given.
    pub organization: OrganizationId,
}

/// Text that names no subscriber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no subscriber: `name=organization id`, the name of letters, digits, `-` and `_`")]
pub struct NoSubscriber(String);

impl Default for EventsSettings {
    fn default() -> Self {
        Self {
            max_age_h: 7 * 24,
            max_bytes: 1024 * 1024 * 1024,
            duplicate_window_s: 600,
            replicas: 1,
            subscribers: Vec::new(),
        }
    }
}

impl FromStr for Subscriber {
    type Err = NoSubscriber;

    fn from_str(text: &str) -> Result<Self, NoSubscriber> {
        let refused = || NoSubscriber(text.to_owned());
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let (name, organization) = text.split_once('=').ok_or_else(refused)?;
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_token) {
            return Err(refused());
        }
        Ok(Self {
            name: name.to_owned(),
            organization: organization.parse().map_err(|_| refused())?,
        })
    }
}

impl TryFrom<String> for Subscriber {
    type Error = NoSubscriber;

    fn try_from(text: String) -> Result<Self, NoSubscriber> {
        text.parse()
    }
}

impl From<Subscriber> for String {
    fn from(subscriber: Subscriber) -> Self {
        format!("{}={}", subscriber.name, subscriber.organization)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_has_a_name_and_an_organization() {
        let text = "books=0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31";
        let subscriber: Subscriber = text.parse().unwrap();
        assert_eq!(subscriber.name, "books");
        assert_eq!(String::from(subscriber), text);
        let id = "0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31";
        for wrong in [
            "",
            "books",
            "books=",
            "books=1",
            &format!("={id}"),
            &format!("a.b={id}"),
            &format!("a >={id}"),
        ] {
            assert!(wrong.parse::<Subscriber>().is_err(), "{wrong}");
        }
    }
}
