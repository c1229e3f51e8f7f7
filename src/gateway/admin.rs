//! The operators' listener: `/metrics`, `/healthz`, `/readyz`. Not for the public, so it is bound
//! to the loopback address by default, and knows neither tokens nor limits.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use hoursmith_kit::{Task, spawn};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::pace::{PacedStream, Patience};
use crate::{Error, accept};

/// Says whether the process can do its work, with the reason if not.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Scrapers and probes are few; more than these are turned away.
const CONNECTIONS: usize = 64;

/// A probe that waits longer has its answer: not ready.
const READINESS_PATIENCE: Duration = Duration::from_secs(2);

const PATIENCE: Patience = Patience {
    head: Duration::from_secs(5),
    idle: Duration::from_secs(60),
};

/// The running listener.
#[derive(Debug)]
pub struct Admin {
    local_addr: SocketAddr,
    state: Arc<State>,
    accepting: Task,
}

struct State {
    readiness: Readiness,
    stopping: AtomicBool,
    stop: CancellationToken,
}

/// Binds and serves.
pub async fn start(address: SocketAddr, readiness: Readiness) -> Result<Admin, Error> {
    let listener = accept::bind(address).await?;
    let local_addr = listener
        .local_addr()
        .map_err(|source| Error::Bind { address, source })?;
    let state = Arc::new(State {
        readiness,
        stopping: AtomicBool::new(false),
        stop: CancellationToken::new(),
    });
    let shared = Arc::clone(&state);
    let serve = move |stream: TcpStream, _peer: SocketAddr, place| {
        let state = Arc::clone(&shared);
        let connection = async move {
            serve(state, stream).await;
            drop(place);
        };
        drop(spawn("admin connection", connection));
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let admit = move |_| Arc::clone(&places).try_acquire_owned().ok();
    let accepting = Task::start(
        "admin accept",
        accept::run(listener, state.stop.clone(), admit, serve),
    );
    Ok(Admin {
        local_addr,
        state,
        accepting,
    })
}

impl Admin {
    /// The address that is listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Turns `/readyz` red, so that a balancer sends nobody here any more. To be called before the
    /// gateway stops.
    pub fn stopping(&self) {
        self.state.stopping.store(true, Ordering::Relaxed);
    }

    /// Stops. Nothing of worth is in work here, so nothing is waited for.
    pub async fn stop(self) {
        self.state.stop.cancel();
        self.accepting.join().await;
    }
}

async fn serve(state: Arc<State>, stream: TcpStream) {
    let (stream, phase) = PacedStream::new(stream, PATIENCE);
    let stop = state.stop.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        phase.busy();
        let (state, phase) = (Arc::clone(&state), Arc::clone(&phase));
        async move {
            let answer = answer(&state, &request).await;
            phase.idle();
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        // See `connection`: the stream keeps time, and needs hyper's timer to be asked to.
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE.idle.saturating_add(PATIENCE.head))
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // An error is the client's.
        _ended = connection => {}
        () = stop.cancelled() => {}
    }
}

async fn answer(state: &State, request: &http::Request<Incoming>) -> http::Response<Full<Bytes>> {
    if !matches!(request.method(), &Method::GET | &Method::HEAD) {
        return text(
            StatusCode::METHOD_NOT_ALLOWED,
            "GET and HEAD alone.\n".to_owned(),
        );
    }
    match request.uri().path() {
        "/metrics" => text(StatusCode::OK, hoursmith_telemetry::metrics_text()),
        "/healthz" => text(StatusCode::OK, "ok\n".to_owned()),
        "/readyz" => match readiness(state).await {
            Ok(()) => text(StatusCode::OK, "ready\n".to_owned()),
            Err(why) => text(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("not ready: {why}\n"),
            ),
        },
        _ => text(
            StatusCode::NOT_FOUND,
            "/metrics, /healthz, /readyz\n".to_owned(),
        ),
    }
}

async fn readiness(state: &State) -> Result<(), String> {
    if state.stopping.load(Ordering::Relaxed) {
        return Err("stopping".to_owned());
    }
    match tokio::time::timeout(READINESS_PATIENCE, (state.readiness)()).await {
        Ok(ready) => ready,
        Err(_elapsed) => Err("the check takes too long".to_owned()),
    }
}

/// `text/plain; version=0.0.4` is what Prometheus reads, and plain text to all else.
fn text(status: StatusCode, body: String) -> http::Response<Full<Bytes>> {
    let mut response = http::Response::new(Full::from(body));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("stopping", &self.stopping)
            .finish_non_exhaustive()
    }
}
