//! The accept loop of both listeners: bounded, and not ended by an error.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// The pause after an error of `accept`. Most of them (no file descriptor left, no memory) last a
/// while, and asking again at once would burn a core.
const PAUSE: Duration = Duration::from_millis(100);

/// What a client reads that came to a full house.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
content-length: 0\r\nconnection: close\r\n\r\n";

/// Listens; a failure names the address.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, crate::Error> {
    TcpListener::bind(address)
        .await
        .map_err(|source| crate::Error::Bind { address, source })
}

/// Accepts until told to stop, then closes the listener.
///
/// A connection that `admit` gives no place is accepted and gets a bare 503 and the end: left in the
/// kernel's queue it would neither know nor fail over. `serve` starts a task and returns.
pub(crate) async fn run<P>(
    listener: TcpListener,
    stop: CancellationToken,
    admit: impl Fn(IpAddr) -> Option<P>,
    serve: impl Fn(TcpStream, SocketAddr, P),
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match admit(peer.ip()) {
                Some(place) => {
                    // Answers are written whole; waiting to fill a segment only adds latency. A
                    // stream that refuses is broken and fails at its first read.
                    let _ = stream.set_nodelay(true);
                    serve(stream, peer, place);
                }
                None => turn_away(stream),
            },
            // The client left between its connection and our taking it.
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(
                    error.causes = %error,
                    retry.delay_ms = u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX),
                    "A connection cannot be accepted."
                );
                wait(PAUSE, &stop).await;
            }
        }
    }
}

fn is_the_clients(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::ConnectionAborted
            | std::io::ErrorKind::ConnectionReset
            | std::io::ErrorKind::ConnectionRefused
    )
}

async fn wait(pause: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(pause) => {}
    }
}

/// Writes what fits into the empty send buffer and closes, without ever waiting.
fn turn_away(stream: TcpStream) {
    use std::io::Write as _;
    // The client may have left; nothing is owed to it then.
    let _ = stream.into_std().and_then(|mut stream| stream.write(FULL));
}
