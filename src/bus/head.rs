//! What a stage of the request chain is told: everything about the request but its body.
//!
//! Gates decide on the head alone; the last stage gets the body beside it. Between processes the
//! head travels as JSON, so that a rolling upgrade may add a field and a person may read the bus.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hoursmith_domain::{
    Caller, Document, InvitationDigest, JsonError, MemberId, OrganizationId, RequestId,
    SealedCaller, SessionDigest, Timestamp, TokenDigest,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Room for the JSON of most heads and verdicts, so that writing one does not move it again and
/// again.
pub(crate) const USUAL_BYTES: usize = 768;

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The request's id, in every answer and log line.
    pub request_id: RequestId,
    /// The route's id, `<resource>.<action>`, such as `client.create`; empty where none matched.
    pub route: String,
    /// The path as sent, without the query.
    pub path: String,
    /// The values of the path's parameters, in order, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path_params: Vec<(String, String)>,
    /// The query's parameters, decoded, in the order sent. No name occurs twice unless the route
    /// allows it; the gateway saw to that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// The token, for token-auth alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenDigest>,
    /// The caller, from token-auth, for all stages behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<SealedCaller>,
    /// Whose budget the request uses, for the rate-limiter alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<Visitor>,
    /// Asks the rate-limiter for the headers alone: nothing is spent and nothing is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub peek: bool,
    /// What `Idempotency-Key` and the request amount to, for the idempotency gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyed: Option<KeyedRequest>,
    /// The gate's permission to record the answer, for the last stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<IdempotencyTicket>,
    /// Conditional headers, for the last stage.
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// What a request to the app says beside its path, for the console and for accounts alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<Visit>,
}

/// A request to the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Whether it may change something: a POST. Else it is a GET or a HEAD.
    pub post: bool,
    /// Whether the browser says that one of our own pages sent it. Nothing is changed otherwise.
    pub same_origin: bool,
    /// The session of its cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionDigest>,
    /// The invitation of its path, which the head's path leaves out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationDigest>,
    /// The query as sent, at most 8 KiB.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// The client's address; IPv6 by its /64 network. Guesses of a password are counted by it.
    pub address: String,
    /// What the browser says it is, at most 256 visible ASCII characters; empty when it says nothing.
    /// A person is shown it beside the session that began with it, and nothing is decided by it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
}

/// Whose rate limit applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visitor {
    /// A caller, by its token; the plan gives the limits.
    Caller,
    /// An address, for whoever has no valid token. IPv6 by its /64 network, since a subscriber
    /// commands all of it.
    Address(String),
    /// The same of a request to the app, which has a budget of its own there.
    App(String),
}

/// A POST with an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedRequest {
    /// The key, 1..=255 visible ASCII characters, without quotes.
    pub key: String,
    /// SHA-256 of what was asked for: see [`KeyedRequest::of`].
    #[serde(with = "hoursmith_domain::bytes32")]
    pub fingerprint: [u8; 32],
}

/// Permission to run the effect and record its answer under the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyTicket {
    /// Scope of the key, with the member: one tenant's keys never meet another's.
    pub organization: OrganizationId,
    /// Scope of the key: a colleague's key is another key.
    pub member: MemberId,
    /// The key and the fingerprint.
    pub request: KeyedRequest,
    /// How long the record counts, in seconds: the gate's setting, which whoever records follows.
    pub retention_s: u32,
}

impl KeyedRequest {
    /// The key with the fingerprint of a POST: over method, path, sorted query and body digest, each
    /// preceded by its length.
    pub fn of(
        key: String,
        path: &str,
        query: &[(String, String)],
        body_digest: Option<[u8; 32]>,
    ) -> Self {
        let mut sorted: Vec<_> = query.iter().collect();
        sorted.sort();
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(b"POST");
        part(path.as_bytes());
        for (name, value) in sorted {
            part(name.as_bytes());
            part(value.as_bytes());
        }
        part(body_digest.as_ref().map_or(&[], <[u8; 32]>::as_slice));
        Self {
            key,
            fingerprint: hash.finalize().into(),
        }
    }
}

impl IdempotencyTicket {
    /// How long the record counts.
    pub fn retention(&self) -> Duration {
        Duration::from_secs(self.retention_s.into())
    }
}

/// `If-Match` and `If-None-Match` as sent (RFC 9110, section 13.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// `If-Match`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
    /// `If-None-Match`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_none_match: Option<String>,
}

impl Conditions {
    /// Whether neither header was sent.
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }
}

impl Head {
    /// A head that says only which request it belongs to.
    pub fn new(request_id: RequestId, route: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            request_id,
            route: route.into(),
            path: path.into(),
            path_params: Vec::new(),
            query: Vec::new(),
            token: None,
            caller: None,
            visitor: None,
            peek: false,
            keyed: None,
            ticket: None,
            conditions: Conditions::default(),
            visit: None,
        }
    }

    /// The value of a path parameter.
    pub fn path_param(&self, name: &str) -> Option<&str> {
        self.path_params
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a query parameter.
    pub fn query_param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    /// The values of a query parameter that may be given more than once, in the order sent.
    pub fn query_params<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query
            .iter()
            .filter(move |(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    /// JSON, for an envelope.
    pub fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        // A head holds strings, numbers and ids, whose serialization cannot fail.
        let _ = serde_json::to_writer(&mut bytes, self);
        bytes.into()
    }

    /// Reads an envelope's head. `None` when it is none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// A request as a stage gets it: read, in time, and with its seals verified.
#[derive(Debug)]
pub struct Ask {
    /// The head; in one process the asker's own.
    pub head: Arc<Head>,
    /// The body; empty at the gates.
    pub body: Bytes,
    /// The caller, opened; `None` before token-auth.
    pub caller: Option<Caller>,
    /// When nobody waits any more.
    pub deadline: Timestamp,
}

impl Ask {
    /// Parses the body anew and reads it. The gateway has refused what is no JSON, so an error
    /// here means an empty body.
    pub fn with_document<T>(&self, read: impl FnOnce(&Document<'_>) -> T) -> Result<T, JsonError> {
        let mut body = self.body.to_vec();
        Document::parse(&mut body).map(|document| read(&document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_of_all_parts() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let print = |path, query: &[(String, String)], digest| {
            KeyedRequest::of("k".to_owned(), path, query, digest).fingerprint
        };
        let base = print("/a", &[pair("x", "1"), pair("y", "2")], Some([1; 32]));
        assert_eq!(
            base,
            print("/a", &[pair("y", "2"), pair("x", "1")], Some([1; 32]))
        );
        assert_ne!(
            base,
            print("/b", &[pair("x", "1"), pair("y", "2")], Some([1; 32]))
        );
        assert_ne!(base, print("/a", &[pair("x", "1")], Some([1; 32])));
        assert_ne!(
            base,
            print("/a", &[pair("x", "1"), pair("y", "2")], Some([2; 32]))
        );
        assert_ne!(base, print("/a", &[pair("x", "1"), pair("y", "2")], None));
    }
}
