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
    /// For the next request, and for taking more of an answer.
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
    /// Hands on what a write came to, and loses patience with one that waits.
    fn paced_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(result) => {
                self.write_timer = None;
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
