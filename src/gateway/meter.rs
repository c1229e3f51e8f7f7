//! What is counted of requests. Handles are made once per route, so that counting a request hashes
//! no label.

use std::time::Duration;

use hoursmith_telemetry::names;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// Counters of one route. Telemetry is to be set up before: a handle made earlier counts nothing.
pub(crate) struct RouteMeter {
    route: &'static str,
    /// By class of status: 1xx (never), 2xx, 3xx, 4xx, 5xx.
    classes: [Counter; 5],
    duration: Histogram,
}

/// Counters of the door.
pub(crate) struct DoorMeter {
    pub(crate) in_flight: Gauge,
    pub(crate) connections: Gauge,
    pub(crate) overload: Counter,
    pub(crate) connection_limit: Counter,
    pub(crate) address_limit: Counter,
    pub(crate) failed_open: Counter,
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl RouteMeter {
    pub(crate) fn new(route: &'static str, method: &'static str) -> Self {
        Self {
            route,
            classes: CLASSES.map(|status| {
                counter!(names::HTTP_REQUESTS, "route" => route, "method" => method, "status" => status)
            }),
            duration: histogram!(names::HTTP_REQUEST_DURATION, "route" => route),
        }
    }

    /// The path's template.
    pub(crate) fn route(&self) -> &'static str {
        self.route
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(counter) = self.classes.get(class) {
            counter.increment(1);
        }
        self.duration.record(took);
    }
}

impl DoorMeter {
    pub(crate) fn new() -> Self {
        Self {
            in_flight: gauge!(names::HTTP_REQUESTS_IN_FLIGHT),
            connections: gauge!(names::HTTP_CONNECTIONS),
            overload: counter!(names::HTTP_REFUSED, "reason" => "overload"),
            connection_limit: counter!(names::HTTP_REFUSED, "reason" => "connection_limit"),
            address_limit: counter!(names::HTTP_REFUSED, "reason" => "address_limit"),
            failed_open: counter!(names::RATE_LIMITER_FAILED_OPEN),
        }
    }
}

impl std::fmt::Debug for RouteMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouteMeter")
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for DoorMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DoorMeter")
    }
}
