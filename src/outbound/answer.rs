//! The answer to a request, as much of it as is wanted.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// Bytes of the head of an answer: status line and headers. Beyond it the answer is refused.
pub const MAX_HEAD_BYTES: usize = 16_384;

/// Bytes of the body that are read. Beyond them the connection is closed: the rest could be endless.
pub const MAX_BODY_BYTES: usize = 16_384;

/// What the receiver answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status, a redirect's included.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's first bytes, as they came: not decompressed, perhaps not text.
    pub body: Bytes,
    /// Whether `body` is all of it. It is not when it was longer, did not end in time or broke off;
    /// the receiver has answered all the same.
    pub is_whole: bool,
    /// Where it came from.
    pub peer: SocketAddr,
}

/// Reads a body into `kept` until its end (true) or its bound (false). It may be dropped at any
/// wait; what has been read is in `kept`.
pub(crate) async fn read(mut body: Incoming, kept: &mut BytesMut) -> bool {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let room = MAX_BODY_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(data.get(..room).unwrap_or(data));
        if data.len() > room {
            return false;
        }
    }
    true
}
