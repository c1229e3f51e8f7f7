//! One attempt: the request that is made of an event, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hoursmith_domain::webhook::{Outcome, SigningSecrets, parse_retry_after};
use hoursmith_domain::{EventId, Keys, Timestamp, is_plain};
use hoursmith_kit::{Clock, Failure};
use hoursmith_outbound::{Answer, Client, Error, Phase, Policy, PoolKey, Post};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::body::Nothing;
use super::claim::Receiver;
use crate::secret::{self, PREVIOUS_SECRET, SECRET};

/// Who is calling.
pub(super) const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("Hoursmith-Webhooks/", env!("CARGO_PKG_VERSION")));

/// Characters of an answer that are kept: enough for a framework's message of its error.
const EXCERPT: usize = 1_000;

/// What came of an attempt.
#[derive(Debug, Clone)]
pub(super) struct Report {
    /// When it began.
    pub(super) at: Timestamp,
    /// When it ended.
    pub(super) ended_at: Timestamp,
    /// Where it went.
    pub(super) url: String,
    /// The answer's status, if there was one.
    pub(super) status_code: Option<u16>,
    /// How long it took.
    pub(super) duration: Duration,
    /// Why there was no answer, in a word.
    pub(super) error: Option<&'static str>,
    /// What the answer began with.
    pub(super) response_excerpt: Option<String>,
    /// What it means.
    pub(super) outcome: Outcome,
    /// What the receiver asked for.
    pub(super) retry_after: Option<Duration>,
}

/// The words of outcomes in metrics, and the one of an attempt that another process has repeated.
pub(super) const OUTCOMES: [&str; 5] = ["delivered", "failed", "gone", "internal", "superseded"];

impl Report {
    /// Of an attempt that came to nothing at once.
    fn new(receiver: &Receiver, at: Timestamp) -> Self {
        Self {
            at,
            ended_at: at,
            url: receiver.url.clone(),
            status_code: None,
            duration: Duration::ZERO,
            error: None,
            response_excerpt: None,
            outcome: Outcome::Failed,
            retry_after: None,
        }
    }

    /// The word of the outcome in metrics.
    pub(super) fn word(&self) -> &'static str {
        match self.outcome {
            Outcome::Delivered => "delivered",
            Outcome::Failed => "failed",
            Outcome::Gone => "gone",
            Outcome::Unsent | Outcome::Void => "internal",
        }
    }
}

/// Makes attempts.
pub(super) struct Sender {
    pub(super) client: Client,
    pub(super) policy: Policy,
    pub(super) keys: Keys,
    pub(super) clock: Arc<dyn Clock>,
}

/// Why there was no exchange.
enum NotSent {
    /// It could not be made. What that means stands in the error's word.
    Outbound(Error),
    /// It could not be signed.
    Unsigned(Failure),
}

impl Sender {
    /// Signs an event and sends it. Always comes to an end, in the client's time or with `out`,
    /// which is when its place is needed.
    pub(super) async fn send(
        &self,
        receiver: &Receiver,
        event: EventId,
        body: Bytes,
        out: impl Future<Output = ()>,
    ) -> Report {
        let (at, started) = (self.clock.now(), self.clock.monotonic());
        let answer = tokio::select! {
            answer = self.exchange(receiver, event, body, at) => answer,
            () = out => Err(NotSent::Outbound(Error::Timeout(Phase::Answer))),
        };
        let ended_at = self.clock.now();
        let mut report = Report {
            ended_at,
            duration: self.clock.monotonic().saturating_sub(started),
            ..Report::new(receiver, at)
        };
        match answer {
            Ok(answer) => {
                report.outcome = Outcome::of_status(answer.status.as_u16());
                report.status_code = Some(answer.status.as_u16());
                report.response_excerpt = excerpt(&answer.body);
                let asked = answer.headers.get(RETRY_AFTER);
                let asked = asked.and_then(|value| value.to_str().ok());
                report.retry_after = asked.and_then(|value| parse_retry_after(value, ended_at));
            }
            Err(NotSent::Outbound(error)) => {
                tracing::debug!(
                    plugin.name = crate::actor::NAME,
                    webhook_endpoint.id = %receiver.id,
                    error = &error as &dyn std::error::Error,
                    "A webhook was not answered."
                );
                report.error = Some(error.word());
            }
            Err(NotSent::Unsigned(failure)) => {
                // The operator's to put right; the owner of the endpoint can do nothing about it.
                tracing::error!(
                    plugin.name = crate::actor::NAME,
                    webhook_endpoint.id = %receiver.id,
                    error = &failure as &dyn std::error::Error,
                    "A webhook could not be signed; it is tried again."
                );
                report.error = Some("internal");
                report.outcome = Outcome::Unsent;
            }
        }
        report
    }

    /// What there is to record of an attempt for which there was nothing to send.
    pub(super) fn nothing_to_send(&self, receiver: &Receiver, nothing: &Nothing) -> Report {
        let (outcome, failure) = match nothing {
            Nothing::Gone => {
                tracing::warn!(
                    plugin.name = crate::actor::NAME,
                    webhook_endpoint.id = %receiver.id,
                    "An event for a webhook is there no more; its delivery is given up."
                );
                (Outcome::Void, None)
            }
            Nothing::Unreadable(failure) => (Outcome::Unsent, Some(failure)),
        };
        if let Some(failure) = failure {
            tracing::error!(
                plugin.name = crate::actor::NAME,
                webhook_endpoint.id = %receiver.id,
                error = failure as &dyn std::error::Error,
                "An event could not be sent to a webhook; it is tried again."
            );
        }
        let now = self.clock.now();
        Report {
            error: Some("internal"),
            outcome,
            ..Report::new(receiver, now)
        }
    }

    async fn exchange(
        &self,
        receiver: &Receiver,
        event: EventId,
        body: Bytes,
        at: Timestamp,
    ) -> Result<Answer, NotSent> {
        // The URL was judged when it was saved; what is permitted may have changed since.
        let target = self
            .policy
            .check(&receiver.url)
            .map_err(|refused| NotSent::Outbound(refused.into()))?;
        let secrets = self.secrets(receiver, at).map_err(NotSent::Unsigned)?;
        let signatures = secrets.sign(&event.to_string(), at, &body);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in signatures.headers() {
            let value = HeaderValue::from_str(value)
                .map_err(|source| NotSent::Unsigned(Failure::internal("write a header", source)))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let post = Post {
            target,
            headers,
            body,
            endpoint: PoolKey(receiver.id.0.as_u128()),
        };
        self.client.post(post).await.map_err(NotSent::Outbound)
    }

    /// The secrets that sign at a moment: for a day after a rotation, the one before as well.
    fn secrets(&self, receiver: &Receiver, at: Timestamp) -> Result<SigningSecrets, Failure> {
        let (organization, id) = (receiver.organization, receiver.id);
        let open = |column, sealed| secret::open(&self.keys, organization, id, column, sealed);
        let counts = receiver
            .previous_secret_until
            .is_some_and(|until| at < until);
        let previous = receiver.previous_secret.as_deref().filter(|_| counts);
        Ok(SigningSecrets {
            current: open(SECRET, &receiver.secret)?,
            previous: previous
                .map(|sealed| open(PREVIOUS_SECRET, sealed))
                .transpose()?,
        })
    }
}

/// The beginning of an answer as text that can be stored and shown: what controls a terminal is
/// taken out, and what breaks lines or turns their direction; whatever is no UTF-8 is replaced.
/// Nothing where nothing is left.
fn excerpt(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let shown = |c: &char| is_plain(*c) && !matches!(c, '\r' | '\u{2028}' | '\u{2029}');
    let text: String = text.chars().filter(shown).take(EXCERPT).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_can_be_stored_and_shown() {
        assert_eq!(excerpt(b""), None);
        assert_eq!(excerpt(b"\x00\x1b \r\n"), None);
        assert_eq!(
            excerpt(b"\x1b[31mno\x00\r\n\tway\x07 "),
            Some("[31mno\n\tway".to_owned())
        );
        assert_eq!(
            excerpt("no\u{202E}w\u{2028}a\u{2066}y".as_bytes()),
            Some("noway".to_owned())
        );
        assert_eq!(
            excerpt(b"\xffok\xc3"),
            Some("\u{fffd}ok\u{fffd}".to_owned())
        );
        assert_eq!(
            excerpt("é".repeat(5_000).as_bytes()),
            Some("é".repeat(1_000))
        );
    }
}
