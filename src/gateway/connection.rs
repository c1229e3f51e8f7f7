//! One client connection: HTTP/1 and nothing else.
//!
//! hyper's plain `http1` server rather than `auto`, which would sniff for HTTP/2 and keeps silent
//! connections for good. No upgrades.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::edge::Edge;
use crate::pace::{PacedStream, Patience};
use crate::{GatewaySettings, answer};

/// hyper's own bound on the number of headers unless it is told another, held in place.
const HYPER_HEADERS: usize = 100;

/// hyper panics when told to keep less.
const HYPER_LEAST_BUFFER: usize = 8192;

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself.
    Done,
    /// With a request in work, when the time to finish was over.
    Cut,
}

/// Serves a connection until it ends.
pub(crate) async fn serve(edge: Arc<Edge>, stream: TcpStream, peer: SocketAddr) -> End {
    let patience = Patience {
        head: edge.settings.header_timeout,
        idle: edge.settings.idle_timeout,
    };
    let (stream, phase) = PacedStream::new(stream, patience);
    let requests = Arc::clone(&edge);
    let service = service_fn(move |request: http::Request<Incoming>| {
        phase.busy();
        let (edge, phase) = (Arc::clone(&requests), Arc::clone(&phase));
        async move {
            let has_body = !request.body().is_end_stream();
            let answer = edge.handle(request, peer.ip()).await;
            // hyper closes a connection whose request was refused with its body unread.
            if answer::closes(&answer) || (has_body && !answer.status().is_success()) {
                phase.linger();
            }
            phase.idle();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection =
        pin!(builder(&edge.settings).serve_connection(TokioIo::new(stream), service));
    // An error is the client's: it left, was too slow, or spoke no HTTP, which hyper has answered.
    tokio::select! {
        _ended = connection.as_mut() => return End::Done,
        () = edge.stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ended = connection => End::Done,
        () = edge.cut.cancelled() => End::Cut,
    }
}

/// The server of a connection. hyper's buffer is larger than our bound on heads, so that the
/// refusal is ours and reads as a problem.
///
/// Its timer never fires, since [`PacedStream`] loses patience before. It must be there all the
/// same: only with a timer does hyper look at the stream again when a connection becomes idle,
/// which is when the stream's own idle timer begins.
fn builder(settings: &GatewaySettings) -> http1::Builder {
    let head_bytes = settings
        .max_header_bytes
        .saturating_add(settings.max_uri_bytes);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(
            settings
                .idle_timeout
                .saturating_add(settings.header_timeout),
        )
        .max_buf_size(head_bytes.saturating_mul(4).max(HYPER_LEAST_BUFFER));
    if settings.max_headers >= HYPER_HEADERS {
        builder.max_headers(settings.max_headers.saturating_add(HYPER_HEADERS));
    }
    builder
}
