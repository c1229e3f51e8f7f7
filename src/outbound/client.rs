//! One request, one answer, in bounded time.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hoursmith_kit::Task;
use hoursmith_settings::OutboundSettings;
use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep, timeout};

use crate::answer::{Answer, read};
use crate::dial::Dialer;
use crate::error::{Error, Phase, SetupError};
use crate::policy::Policy;
use crate::pool::{Connection, Pool, PoolKey, SWEEPS};
use crate::resolve::Resolve;
use crate::target::Target;
use crate::tls;

/// How long a kept connection may take to be ready, which it is unless its receiver answered without
/// taking the whole request; such a one is not waited for.
const READY: Duration = Duration::from_millis(50);

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Resolving the name.
    pub resolve: Duration,
    /// Connecting, TLS included, over all addresses of the host.
    pub connect: Duration,
    /// Everything, from the first look-up to the last byte of the body that is read.
    pub total: Duration,
    /// How long a connection is kept without a request, at most.
    pub idle: Duration,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where it goes.
    pub target: Target,
    /// Its headers. `Host`, `User-Agent` and `Content-Length` are added.
    pub headers: HeaderMap,
    /// Its body, sent byte for byte.
    pub body: Bytes,
    /// The endpoint, which connections are kept for.
    pub endpoint: PoolKey,
}

/// Sends requests to addresses that strangers chose. It bounds each request, not how many there are
/// at a time: that is for whoever knows whose they are.
pub struct Client {
    dialer: Dialer,
    agent: HeaderValue,
    pool: Arc<Pool>,
    _sweeper: Task,
}

impl Client {
    /// A client for this process, with connections of its own, that calls itself `agent`. Must be made
    /// in a runtime.
    pub fn new(
        settings: &OutboundSettings,
        resolver: Arc<dyn Resolve>,
        limits: Limits,
        agent: HeaderValue,
    ) -> Result<Self, SetupError> {
        let pool = Arc::new(Pool::default());
        let sweeper = Task::start(
            "idle outbound connections",
            sweep(
                Arc::downgrade(&pool),
                limits.idle.div_f64(f64::from(SWEEPS)),
            ),
        );
        Ok(Self {
            dialer: Dialer {
                policy: Policy::new(settings),
                resolver,
                tls: tls::connector(settings.ca_file.as_deref())?,
                limits,
            },
            agent,
            pool,
            _sweeper: sweeper,
        })
    }

    /// Sends a request. An answer of any status is `Ok`, also a redirect, which is not followed.
    /// Once the head of the answer is in, the receiver has decided: a body that then drips, breaks
    /// off or never ends makes the answer not whole, not an error.
    ///
    /// The request is sent once. A connection that was kept and turns out to be closed before any
    /// of it was written is replaced by a new one.
    pub async fn post(&self, post: Post) -> Result<Answer, Error> {
        let mut deadline = pin!(sleep(self.dialer.limits.total));
        let exchange = tokio::select! {
            exchange = self.exchange(&post) => exchange?,
            () = deadline.as_mut() => return Err(Error::Timeout(Phase::Answer)),
        };
        Ok(self.finish(post, exchange, deadline).await)
    }

    fn request(&self, post: &Post) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(post.target.path().clone())
            .body(Full::new(post.body.clone()))?;
        let headers = request.headers_mut();
        headers.extend(post.headers.clone());
        headers.insert(USER_AGENT, self.agent.clone());
        headers.insert(HOST, post.target.authority()?);
        Ok(request)
    }

    /// Sends the request and waits for the head of the answer.
    async fn exchange(&self, post: &Post) -> Result<(Connection, Response<Incoming>), Error> {
        let mut request = self.request(post).map_err(Error::Request)?;
        let origin = post.target.origin();
        while let Some(mut kept) = self.pool.take(post.endpoint, &origin) {
            if !matches!(timeout(READY, kept.sender.ready()).await, Ok(Ok(()))) {
                continue;
            }
            match kept.sender.try_send_request(request).await {
                Ok(response) => return Ok((kept, response)),
                Err(mut error) => match error.take_message() {
                    // Closed while it was idle: nothing of the request was written.
                    Some(unsent) => request = unsent,
                    None => return Err(failed(error.into_error())),
                },
            }
        }
        let mut connection = self.dialer.dial(&post.target).await?;
        let response = connection.sender.send_request(request).await;
        Ok((connection, response.map_err(failed)?))
    }

    /// Reads the body as far as it is wanted, and keeps the connection if it can be used again.
    async fn finish(
        &self,
        post: Post,
        (connection, response): (Connection, Response<Incoming>),
        deadline: Pin<&mut Sleep>,
    ) -> Answer {
        let (head, body) = response.into_parts();
        let mut kept = BytesMut::new();
        let is_whole = tokio::select! {
            is_whole = read(body, &mut kept) => is_whole,
            () = deadline => false,
        };
        let peer = connection.peer;
        if is_whole {
            self.pool
                .keep(post.endpoint, post.target.origin(), connection);
        }
        Answer {
            status: head.status,
            headers: head.headers,
            body: kept.freeze(),
            is_whole,
            peer,
        }
    }
}

fn failed(error: hyper::Error) -> Error {
    if error.is_parse_too_large() {
        Error::TooLarge
    } else {
        Error::Protocol(error)
    }
}

/// Sweeps the pool as long as it is there.
async fn sweep(pool: Weak<Pool>, interval: Duration) {
    loop {
        sleep(interval).await;
        match pool.upgrade() {
            Some(pool) => pool.sweep(),
            None => return,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(5),
            connect: Duration::from_secs(5),
            total: Duration::from_secs(15),
            // Under the 5 s after which Node's server closes an idle connection: whoever closes
            // first should be the one that would otherwise write into it.
            idle: Duration::from_secs(4),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("policy", &self.dialer.policy)
            .field("limits", &self.dialer.limits)
            .finish_non_exhaustive()
    }
}
