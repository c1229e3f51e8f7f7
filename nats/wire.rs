//! Envelopes as NATS messages.
//!
//! The payload is the head and then the body; `Hs-Head-Bytes` says where the one ends. The head is
//! no header, although it would fit: headers hold no line breaks, are trimmed and parsed line by
//! line, and would grow by a third in base64, while a payload takes any bytes as they are. So an
//! envelope that passes in one process passes between two, and arrives without a copy.

use std::str::FromStr as _;

use async_nats::header::{HeaderMap, HeaderName, HeaderValue, NATS_MESSAGE_ID};
use async_nats::{Message, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{BufMut as _, Bytes, BytesMut};
use hoursmith_bus::{Envelope, Error, ErrorKind, Seal, Subject, TraceParent};
use hoursmith_domain::Timestamp;

/// Microseconds since the epoch.
const DEADLINE: HeaderName = HeaderName::from_static("Hs-Deadline");
/// How many bytes of the payload are the head; absent for none.
const HEAD_BYTES: HeaderName = HeaderName::from_static("Hs-Head-Bytes");
/// Base64 of the seal.
const SEAL: HeaderName = HeaderName::from_static("Hs-Seal");
/// The trace, under its standard name (W3C Trace Context), so that NATS' own tracing sees it.
const TRACE: HeaderName = HeaderName::from_static("traceparent");
/// The word of an [`ErrorKind`], on an answer that is none.
const ERROR: HeaderName = HeaderName::from_static("Hs-Error");
/// How NATS services tell an error (ADR-32), for tools that know no better.
const SERVICE_ERROR: HeaderName = HeaderName::from_static("Nats-Service-Error");
const SERVICE_ERROR_CODE: HeaderName = HeaderName::from_static("Nats-Service-Error-Code");

/// The headers and the payload of an envelope's message.
pub(crate) fn message(envelope: Envelope) -> (HeaderMap, Bytes) {
    let envelope = envelope.written();
    let head = envelope.head.bytes();
    let mut headers = HeaderMap::new();
    headers.insert(DEADLINE, HeaderValue::from(envelope.deadline.as_micros()));
    if !head.is_empty() {
        headers.insert(HEAD_BYTES, HeaderValue::from(head.len()));
    }
    if let Some(seal) = &envelope.seal {
        headers.insert(SEAL, BASE64.encode(seal.to_bytes()));
    }
    if let Some(trace) = &envelope.trace {
        headers.insert(TRACE, trace.as_str());
    }
    (headers, payload(head, envelope.body))
}

fn payload(head: Bytes, body: Bytes) -> Bytes {
    match (head.is_empty(), body.is_empty()) {
        (true, _) => body,
        (_, true) => head,
        (false, false) => {
            let mut payload = BytesMut::with_capacity(head.len().saturating_add(body.len()));
            payload.put(head);
            payload.put(body);
            payload.freeze()
        }
    }
}

/// The headers of an answer that says what went wrong.
pub(crate) fn error_headers(error: &Error) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ERROR, error.kind().as_str());
    // A handler's error may hold any text; what fits into no header is not worth one.
    if let Ok(text) = HeaderValue::from_str(&error.to_string()) {
        headers.insert(SERVICE_ERROR, text);
    }
    headers.insert(
        SERVICE_ERROR_CODE,
        HeaderValue::from(service_code(error.kind())),
    );
    headers
}

/// The number that ADR-32 wants beside the text, in the manner of HTTP. Ours read `Hs-Error`.
fn service_code(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::Refused => 400,
        ErrorKind::TooLarge => 413,
        ErrorKind::HandlerFailed => 500,
        ErrorKind::DeadlineExceeded => 504,
        ErrorKind::NoResponders
        | ErrorKind::Overloaded
        | ErrorKind::Closed
        | ErrorKind::Unavailable => 503,
    }
}

/// Where an answer is wanted. A message that goes into a stream has somebody who waits as well, for
/// the stream's own word that it is kept; an answer of ours would be taken for it.
pub(crate) fn reply_to(message: &Message) -> Option<async_nats::Subject> {
    let headers = message.headers.as_ref();
    let is_kept = headers.is_some_and(|headers| headers.get(NATS_MESSAGE_ID).is_some());
    message.reply.clone().filter(|_| !is_kept)
}

/// Reads a question or a publication.
pub(crate) fn read(message: Message) -> Result<(Subject, Envelope), Error> {
    let subject = Subject::new(&message.subject).map_err(|source| {
        Error::new(ErrorKind::Refused, "read", &message.subject).with_source(source)
    })?;
    let envelope =
        envelope(message).ok_or_else(|| Error::new(ErrorKind::Refused, "read", &subject))?;
    Ok((subject, envelope))
}

/// Reads the answer to a question on `subject`: an envelope, or the error that it tells.
pub(crate) fn read_answer(message: Message, subject: &Subject) -> Result<Envelope, Error> {
    let told = message
        .headers
        .as_ref()
        .and_then(|headers| headers.get(ERROR));
    if let Some(word) = told {
        // A word that a newer release says and we do not know is a failure all the same.
        let kind = ErrorKind::from_word(word.as_str()).unwrap_or(ErrorKind::HandlerFailed);
        return Err(Error::new(kind, "request", subject));
    }
    if message
        .status
        .is_some_and(|status| status != StatusCode::OK)
    {
        return Err(Error::new(ErrorKind::Unavailable, "request", subject));
    }
    envelope(message).ok_or_else(|| Error::new(ErrorKind::Refused, "read the answer of", subject))
}

/// `None` when a part is missing or malformed. Anybody who reaches the server may have sent it.
fn envelope(message: Message) -> Option<Envelope> {
    let headers = message.headers?;
    let deadline = headers.get(DEADLINE)?.as_str().parse().ok()?;
    let head_bytes = match headers.get(HEAD_BYTES) {
        Some(bytes) => bytes.as_str().parse().ok()?,
        None => 0,
    };
    let seal = match headers.get(SEAL) {
        Some(seal) => Some(Seal::from_bytes(
            BASE64.decode(seal.as_str()).ok()?.try_into().ok()?,
        )),
        None => None,
    };
    // A trace that cannot be read begins anew (W3C Trace Context, section 3.2).
    let trace = headers
        .get(TRACE)
        .and_then(|trace| TraceParent::parse(trace.as_str()));
    let mut body = message.payload;
    if head_bytes > body.len() {
        return None;
    }
    let head = body.split_to(head_bytes);
    Some(Envelope {
        deadline: Timestamp::from_micros(deadline),
        trace,
        seal,
        head: head.into(),
        body,
    })
}
