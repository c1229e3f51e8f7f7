//! The patience of a connection: how long a client may keep us waiting, by what we wait for.
//!
//! hyper has one timer, which runs from the moment it begins to wait for a head, so it cannot tell
//! a client that is idle between two requests (fine for [`idle`](Patience::idle)) from one that
//! drips a head byte by byte (fine for [`head`](Patience::head) alone). This stream can: it sees
//! the first byte. It also ends a connection whose client takes nothing of its answer, for which
//! hyper has no timer at all. A body's time is kept where it is read, in `body`.
//!
//! Timers exist only while a read or a write waits, so a request that arrives whole costs none.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For a head from its first byte, and for the first byte of a connection.
    pub(crate) head: Duration,
    /// For the next request, and for taking more of an answer, from the last that was taken.
    pub(crate) idle: Duration,
}

/// How long a connection that we close is still read from, so that what the client was sending
/// does not reset the connection before it has read the answer; and how much of it.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 2 * 1024 * 1024;

/// What a connection is doing. Set by the service, read by the stream.
#[derive(Debug)]
pub(crate) struct Phase {
    now: AtomicU8,
    lingers: AtomicBool,
}

const HEAD: u8 = 0;
const BUSY: u8 = 1;
const IDLE: u8 = 2;

impl Phase {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            now: AtomicU8::new(HEAD),
            lingers: AtomicBool::new(false),
        })
    }

    /// A request is in work.
    pub(crate) fn busy(&self) {
        self.lingers.store(false, Ordering::Relaxed);
        self.now.store(BUSY, Ordering::Relaxed);
    }

    /// Its answer is made.
    pub(crate) fn idle(&self) {
        self.now.store(IDLE, Ordering::Relaxed);
    }

    /// The connection may close after this answer, before the client has sent all.
    pub(crate) fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }
}

/// A stream that loses patience.
#[derive(Debug)]
pub(crate) struct PacedStream {
    stream: TcpStream,
    phase: Arc<Phase>,
    patience: Patience,
    read_timer: Option<Pin<Box<Sleep>>>,
    /// The phase that the read timer runs for.
    timed: u8,
    write_timer: Option<Pin<Box<Sleep>>>,
    /// What is left to read of a connection that lingers; `None` until it is shut down.
    lingering: Option<usize>,
}

impl PacedStream {
    pub(crate) fn new(stream: TcpStream, patience: Patience) -> (Self, Arc<Phase>) {
        let phase = Phase::new();
        let paced = Self {
            stream,
            phase: Arc::clone(&phase),
            patience,
            read_timer: None,
            timed: HEAD,
            write_timer: None,
            lingering: None,
        };
        (paced, phase)
    }

    /// Reads and drops until the client has closed, for at most [`LINGER`].
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0u8; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) => {
                    let read = buffer.filled().len();
                    let left = self.lingering.unwrap_or_default().saturating_sub(read);
                    if read == 0 || left == 0 {
                        return Poll::Ready(());
                    }
                    self.lingering = Some(left);
                }
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return poll_timer(&mut self.read_timer, LINGER, cx),
            }
        }
    }
}

/// Starts the timer if it does not run. Ready when it has run out.
fn poll_timer(
    timer: &mut Option<Pin<Box<Sleep>>>,
    patience: Duration,
    cx: &mut Context<'_>,
) -> Poll<()> {
    timer
        .get_or_insert_with(|| Box::pin(sleep(patience)))
        .as_mut()
        .poll(cx)
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client is too slow")
}

impl AsyncRead for PacedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let phase = this.phase.now.load(Ordering::Relaxed);
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                // The first byte of a head. Its timer runs from here to its last byte.
                if phase == IDLE {
                    this.phase.now.store(HEAD, Ordering::Relaxed);
                    this.read_timer = None;
                }
                Poll::Ready(result)
            }
            Poll::Pending => {
                if this.timed != phase {
                    this.timed = phase;
                    this.read_timer = None;
                }
                let patience = match phase {
                    HEAD => this.patience.head,
                    IDLE => this.patience.idle,
                    // A request is in work: its own deadline bounds it.
                    _ => return Poll::Pending,
                };
                ready!(poll_timer(&mut this.read_timer, patience, cx));
                Poll::Ready(Err(too_slow()))
            }
        }
    }
}

impl PacedStream {
    /// Begins the wait for the next request anew. hyper looks for the client's end while it writes,
    /// which starts that wait with the answer's first byte; it is due from its last.
    fn renew_idle(&mut self, cx: &mut Context<'_>) {
        if self.timed == IDLE && self.read_timer.take().is_some() {
            // Polled, since only so does it wake us; a new timer has not run out.
            let _ = poll_timer(&mut self.read_timer, self.patience.idle, cx);
        }
    }

    /// Hands on what a write came to, and loses patience with one that waits.
    fn paced_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(result) => {
                self.write_timer = None;
                self.renew_idle(cx);
                Poll::Ready(result)
            }
            Poll::Pending => {
                ready!(poll_timer(&mut self.write_timer, self.patience.idle, cx));
                Poll::Ready(Err(too_slow()))
            }
        }
    }
}

impl AsyncWrite for PacedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.paced_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.paced_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            this.read_timer = None;
            this.lingering = Some(LINGER_BYTES);
        }
        if this.phase.lingers.load(Ordering::Relaxed) {
            ready!(this.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod unit {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpSocket;

    const SHORT: Duration = Duration::from_millis(200);
    const ANSWER_BYTES: usize = 256 * 1024;

    /// A connection whose buffers hold little of an answer.
    async fn tight_pair() -> (TcpStream, TcpStream) {
        let (server, client) = (TcpSocket::new_v4().unwrap(), TcpSocket::new_v4().unwrap());
        server.set_send_buffer_size(4096).unwrap();
        client.set_recv_buffer_size(4096).unwrap();
        server.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = server.listen(1).unwrap();
        let client = client.connect(listener.local_addr().unwrap());
        let (accepted, client) = tokio::join!(listener.accept(), client);
        (accepted.unwrap().0, client.unwrap())
    }

    /// Writes an answer as hyper does, with an eye on the client's end.
    async fn answer(mut stream: PacedStream) -> io::Result<()> {
        let mut left = vec![b'x'; ANSWER_BYTES];
        poll_fn(|cx| {
            let mut nothing = [0; 1];
            let mut nothing = ReadBuf::new(&mut nothing);
            if let Poll::Ready(read) = Pin::new(&mut stream).poll_read(cx, &mut nothing) {
                return Poll::Ready(read);
            }
            while !left.is_empty() {
                let written = ready!(Pin::new(&mut stream).poll_write(cx, &left))?;
                left.drain(..written);
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    #[tokio::test]
    async fn a_client_that_reads_slowly_gets_its_answer() {
        let (server, mut client) = tight_pair().await;
        let patience = Patience {
            head: SHORT,
            idle: SHORT,
        };
        let (stream, phase) = PacedStream::new(server, patience);
        phase.idle();
        let reading = async {
            // The client's own pace: in all far longer than it may take nothing.
            let mut pace = tokio::time::interval(SHORT / 8);
            let (mut read, mut ticks) = (0, 0u32);
            let mut buffer = vec![0; ANSWER_BYTES / 32];
            while read < ANSWER_BYTES {
                pace.tick().await;
                ticks += 1;
                match client.read(&mut buffer).await.unwrap() {
                    0 => break,
                    bytes => read += bytes,
                }
            }
            (read, ticks)
        };
        let (written, (read, ticks)) = tokio::join!(answer(stream), reading);
        written.unwrap();
        assert_eq!(read, ANSWER_BYTES);
        assert!(ticks > 16, "not slow: {ticks}");
    }
}
