//! What all requests share, and the way of one request from hyper to hyper.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use hoursmith_bus::{Bus, Subject, TraceParent};
use hoursmith_domain::{Keys, Problem, RequestId, Timestamp, without_invitation};
use hoursmith_kit::{Clock, Random};
use hoursmith_routes::{app, problem};
use hoursmith_settings::IpNet;
use hoursmith_telemetry::{TRACE_TARGET, set_parent};
use http::request::Parts;
use http::{HeaderMap, Method};
use hyper::body::Incoming;
use metrics::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::answer::{self, Answer};
use crate::body::Bounds;
use crate::chain::Walk;
use crate::limiter::Throttle;
use crate::meter::DoorMeter;
use crate::owners::Owners;
use crate::router::{Router, Target};
use crate::stage::{Line, Stage, StageMeters};
use crate::{GatewaySettings, address};

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) settings: GatewaySettings,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) keys: Keys,
    pub(crate) router: Router,
    pub(crate) owners: Arc<Owners>,
    pub(crate) token_auth: Subject,
    pub(crate) idempotency: Subject,
    pub(crate) console: Subject,
    pub(crate) stage_meters: StageMeters,
    pub(crate) door: DoorMeter,
    /// `max_concurrent_requests`; a request that finds no permit is refused at once.
    pub(crate) places: Arc<Semaphore>,
    /// Connections, and the work of clients that have left.
    pub(crate) tasks: TaskTracker,
    /// Finish what you do.
    pub(crate) stop: CancellationToken,
    /// End now.
    pub(crate) cut: CancellationToken,
    pub(crate) open_log: Throttle,
}

/// A request as the chain sees it, but for its body.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: RequestId,
    pub(crate) deadline: Timestamp,
    pub(crate) head: Parts,
    /// Whose limit it spends without a token: the client's address.
    pub(crate) budget: String,
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.head.uri.path()
    }
}

impl Edge {
    /// Answers a request. Never fails, and never panics: a panic is a 500.
    pub(crate) async fn handle(
        self: &Arc<Self>,
        request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> Answer {
        let now = self.clock.now();
        let id = RequestId(self.random.uuid_v7(now));
        let (head, incoming) = request.into_parts();
        let uri = head.uri.clone();
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            // Not even the limiter is asked: this refusal must cost nothing, so it alone has no
            // rate headers.
            self.door.overload.increment(1);
            let problem = Problem::unavailable("The server has its hands full.");
            return self.refuse(&problem, &[], id, uri.path());
        };
        let place = Place::new(place, self.door.in_flight.clone());
        let budget = address::budget(address::client(
            peer,
            &head.headers,
            &self.settings.trusted_proxies,
        ));
        let is_safe = matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let request = Request {
            id,
            deadline: now.plus(self.settings.deadline),
            head,
            budget,
        };
        let trace = trace(peer, &request.head.headers, &self.settings.trusted_proxies);
        let span = span(&request, trace.as_ref());
        // Boxed: it is several kilobytes, and would be moved with each layer around it.
        let work = Box::pin(Arc::clone(self).work(request, incoming, place));
        let work = AssertUnwindSafe(work.instrument(span));
        // hyper drops this future when the client leaves. A write must then go on: half an effect
        // is worse than an answer that nobody reads. A read may end.
        let done = if is_safe {
            work.catch_unwind().await.ok()
        } else {
            let work = self.tasks.track_future(work.catch_unwind());
            hoursmith_kit::spawn("gateway request", work)
                .await
                .ok()
                .and_then(Result::ok)
        };
        done.unwrap_or_else(|| {
            tracing::error!(request.id = %id, "A request panicked in the gateway.");
            self.refuse(&Problem::internal(), &[], id, uri.path())
        })
    }

    async fn work(self: Arc<Self>, request: Request, incoming: Incoming, _place: Place) -> Answer {
        let started = self.clock.monotonic();
        let target = self.router.find(&request.head.method, request.path());
        let mut walk = Walk::new(&self, &request);
        let result = walk.run(&target, incoming).await;
        walk.peek().await;
        let answer = match result {
            Ok(response) => {
                answer::finish(response, &walk.rate_headers, request.id, request.path())
            }
            Err(problem) => self.refuse(&problem, &walk.rate_headers, request.id, request.path()),
        };
        self.account(&request, &target, answer.status().as_u16(), started);
        answer
    }

    fn account(&self, request: &Request, target: &Target<'_>, status: u16, started: Duration) {
        let took = self.clock.monotonic().saturating_sub(started);
        let meter = self.router.meter(target);
        meter.answered(status, took);
        let span = tracing::Span::current();
        span.record("http.route", meter.route());
        span.record("http.response.status_code", status);
        tracing::debug!(
            target: "hoursmith::access",
            {
                request.id = %request.id,
                http.method = %request.head.method,
                http.route = meter.route(),
                http.status = status,
                client.budget = request.budget,
                duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            },
            "A request was answered."
        );
    }

    fn refuse(
        &self,
        problem: &Problem,
        rate_headers: &[(String, String)],
        id: RequestId,
        path: &str,
    ) -> Answer {
        if app::has(path) {
            return answer::finish(app::refusal(problem, id), rate_headers, id, path);
        }
        let context = problem::Context {
            public_url: &self.settings.public_url,
            request_id: id,
            instance: path,
        };
        answer::finish(problem::render(problem, &context), rate_headers, id, path)
    }

    pub(crate) fn line(&self, deadline: Timestamp) -> Line<'_> {
        Line {
            bus: &*self.bus,
            keys: &self.keys,
            clock: &*self.clock,
            meters: &self.stage_meters,
            deadline,
        }
    }

    /// The bounds of a body: its own time, or what the request has left.
    pub(crate) fn body_bounds(&self, deadline: Timestamp) -> Bounds {
        let left = self.clock.now().until(deadline);
        Bounds {
            max_bytes: self.settings.max_body_bytes,
            time: self.settings.body_timeout.min(left),
        }
    }

    /// Says that a stage was passed by.
    pub(crate) fn failed_open(&self, stage: &Stage, why: &'static str) {
        self.door.failed_open.increment(1);
        if self.open_log.admits(self.clock.monotonic()) {
            tracing::warn!(
                stage.name = stage.name,
                error.kind = why,
                "Requests go on without a stage that cannot be asked."
            );
        }
    }

    /// Says that a request failed for a stage.
    pub(crate) fn stage_failed(&self, stage: &Stage, id: RequestId, error: &hoursmith_bus::Error) {
        let cause = std::error::Error::source(error)
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::warn!(
            stage.name = stage.name,
            request.id = %id,
            error.kind = error.kind().as_str(),
            error.causes = cause,
            "A request failed for a stage: {error}."
        );
    }
}

/// The trace that a request is part of. Believed from trusted proxies alone: a trace's flags decide
/// whether it is recorded, which no stranger may.
fn trace(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<TraceParent> {
    if !address::is_trusted(peer, trusted) {
        return None;
    }
    TraceParent::parse(headers.get("traceparent")?.to_str().ok()?)
}

/// The trace's first span of ours.
fn span(request: &Request, trace: Option<&TraceParent>) -> tracing::Span {
    let span = tracing::debug_span!(
        target: TRACE_TARGET,
        "http.request",
        "otel.kind" = "server",
        "http.request.method" = %request.head.method,
        "url.path" = without_invitation(request.path()),
        "request.id" = %request.id,
        "http.route" = tracing::field::Empty,
        "http.response.status_code" = tracing::field::Empty,
    );
    set_parent(&span, trace);
    span
}

/// A request's place among those in work; dropping it gives the place back.
struct Place {
    in_flight: Gauge,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    fn new(permit: OwnedSemaphorePermit, in_flight: Gauge) -> Self {
        in_flight.increment(1.0);
        Self {
            in_flight,
            _permit: permit,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.in_flight.decrement(1.0);
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn only_a_trusted_proxys_trace_goes_on() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut headers = HeaderMap::new();
        let of = |peer: &str, headers: &HeaderMap| {
            let trusted = ["10.0.0.0/8".parse().unwrap()];
            trace(peer.parse().unwrap(), headers, &trusted)
        };
        assert!(of("10.0.0.1", &headers).is_none());
        headers.insert("traceparent", http::HeaderValue::from_static(text));
        for proxy in ["10.0.0.1", "::ffff:10.0.0.1"] {
            assert_eq!(of(proxy, &headers).unwrap().as_str(), text);
        }
        assert!(of("203.0.113.9", &headers).is_none());
    }
}
