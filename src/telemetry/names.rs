//! Every metric there is: its name, its labels, its help text, its buckets.
//!
//! Names follow Prometheus: the unit at the end, `_total` on counters. A label takes few values and
//! none that a client chooses: the route is the path's template, never the path.

use metrics::Unit;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Samples in buckets, given by their upper bounds.
    Histogram(&'static [f64]),
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Name.
    pub name: &'static str,
    /// Help text.
    pub help: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Names of its labels.
    pub labels: &'static [&'static str],
}

/// Seconds, from half a millisecond to the default deadline of a request.
const REQUEST_SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0,
];

/// Seconds, from ten microseconds: a stage in this process takes a few, one over NATS a hundred.
const STAGE_SECONDS: &[f64] = &[
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0,
];

/// Statements in one transaction.
const BATCH_SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

macro_rules! names {
    ($($(#[doc = $help:literal])+ $constant:ident = $name:literal, $kind:expr, [$($label:literal),*];)+) => {
        $($(#[doc = $help])+ pub const $constant: &str = $name;)+

        /// Every metric, in the order of declaration.
        pub const ALL: &[Metric] = &[$(Metric {
            name: $name,
            help: concat!($($help),+).trim_ascii(),
            kind: $kind,
            labels: &[$($label),*],
        },)+];
    };
}

names! {
    /// HTTP requests answered, by route, method and class of status, such as 2xx.
    HTTP_REQUESTS = "hoursmith_http_requests_total", Kind::Counter, ["route", "method", "status"];
    /// Time from a request's head to the end of its answer, by route.
    HTTP_REQUEST_DURATION = "hoursmith_http_request_duration_seconds", Kind::Histogram(REQUEST_SECONDS), ["route"];
    /// HTTP requests in work.
    HTTP_REQUESTS_IN_FLIGHT = "hoursmith_http_requests_in_flight", Kind::Gauge, [];
    /// Open HTTP connections.
    HTTP_CONNECTIONS = "hoursmith_http_connections", Kind::Gauge, [];
    /// Connections and requests refused at the door, by reason.
    HTTP_REFUSED = "hoursmith_http_refused_total", Kind::Counter, ["reason"];
    /// Time of one call of a stage over the bus, by stage and outcome.
    STAGE_DURATION = "hoursmith_stage_duration_seconds", Kind::Histogram(STAGE_SECONDS), ["stage", "outcome"];
    /// Calls on the bus that failed, by kind.
    BUS_ERRORS = "hoursmith_bus_errors_total", Kind::Counter, ["kind"];
    /// Envelopes that an actor had no room for, by plugin.
    ADMISSION_REFUSED = "hoursmith_admission_refused_total", Kind::Counter, ["plugin"];
    /// Workers started anew after a panic, by plugin.
    WORKER_RESTARTS = "hoursmith_worker_restarts_total", Kind::Counter, ["plugin"];
    /// Requests let through because no rate limiter answered.
    RATE_LIMITER_FAILED_OPEN = "hoursmith_rate_limiter_failed_open_total", Kind::Counter, [];
    /// Visitors forgotten to make room for new ones; each has a whole budget again.
    RATE_LIMITER_EVICTIONS = "hoursmith_rate_limiter_evictions_total", Kind::Counter, [];
    /// Requests answered from an idempotency record.
    IDEMPOTENCY_REPLAYS = "hoursmith_idempotency_replays_total", Kind::Counter, [];
    /// Requests refused for the use of their idempotency key.
    IDEMPOTENCY_CONFLICTS = "hoursmith_idempotency_conflicts_total", Kind::Counter, [];
    /// Writes that share one commit, on SQLite.
    DB_WRITE_BATCH_SIZE = "hoursmith_db_write_batch_size", Kind::Histogram(BATCH_SIZES), [];
    /// Time that a write waits for its turn in a transaction.
    DB_WRITE_WAIT = "hoursmith_db_write_wait_seconds", Kind::Histogram(STAGE_SECONDS), [];
    /// Events written to the log of events.
    EVENTS_APPENDED = "hoursmith_events_appended_total", Kind::Counter, [];
    /// Events given their sequence, from when on they are public.
    EVENTS_SEQUENCED = "hoursmith_events_sequenced_total", Kind::Counter, [];
    /// How long the oldest event has waited for its sequence, when a relay last looked.
    EVENTS_OLDEST_WAITING = "hoursmith_events_oldest_waiting_seconds", Kind::Gauge, [];
    /// Events published to subscribers.
    EVENTS_PUBLISHED = "hoursmith_events_published_total", Kind::Counter, [];
    /// How long the oldest public event has waited to be published, when a relay last looked.
    EVENTS_OLDEST_UNPUBLISHED = "hoursmith_events_oldest_unpublished_seconds", Kind::Gauge, [];
    /// Spans that the OTLP receiver did not take.
    TRACE_SPANS_LOST = "hoursmith_trace_spans_lost_total", Kind::Counter, [];
    /// Always 1; the labels say what runs.
    BUILD_INFO = "hoursmith_build_info", Kind::Gauge, ["version", "component"];
}

/// Gives the recorder units and help texts.
pub fn describe_all() {
    for Metric {
        name, help, kind, ..
    } in ALL.iter().copied()
    {
        let unit = if name.ends_with("_seconds") {
            Unit::Seconds
        } else {
            Unit::Count
        };
        match kind {
            Kind::Counter => metrics::describe_counter!(name, unit, help),
            Kind::Gauge => metrics::describe_gauge!(name, unit, help),
            Kind::Histogram(_) => metrics::describe_histogram!(name, unit, help),
        }
    }
}

/// Shows what has no labels from the start: an alert on the growth of a counter that is not there
/// yet misses its first step.
pub(crate) fn start_at_zero() {
    for metric in ALL.iter().filter(|metric| metric.labels.is_empty()) {
        match metric.kind {
            Kind::Counter => metrics::counter!(metric.name).increment(0),
            Kind::Gauge => metrics::gauge!(metric.name).increment(0.0),
            Kind::Histogram(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_follow_prometheus() {
        let mut seen = HashSet::new();
        for metric in ALL {
            let Metric {
                name, kind, help, ..
            } = metric;
            assert!(seen.insert(name), "{name} twice");
            assert!(name.starts_with("hoursmith_"), "{name}");
            assert!(
                name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'_')),
                "{name}"
            );
            assert_eq!(
                name.ends_with("_total"),
                matches!(kind, Kind::Counter),
                "{name}"
            );
            assert!(
                help.ends_with('.') && !help.starts_with(' '),
                "{name}: {help}"
            );
            if let Kind::Histogram(buckets) = kind {
                assert!(buckets.is_sorted(), "{name}");
            }
        }
    }

    /// Names in a text, a histogram's series under its own name.
    fn named_in(text: &str) -> HashSet<&str> {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .filter(|word| word.starts_with("hoursmith_"))
            .map(|word| {
                let series = ["_bucket", "_count", "_sum"]
                    .iter()
                    .find_map(|end| word.strip_suffix(end));
                series.unwrap_or(word)
            })
            .collect()
    }

    #[test]
    fn the_files_for_operators_name_only_what_there_is() {
        let known: HashSet<&str> = ALL.iter().map(|metric| metric.name).collect();
        for (file, text) in [
            (
                "grafana-dashboard.json",
                include_str!("../../ops/grafana-dashboard.json"),
            ),
            ("alerts.yml", include_str!("../../ops/alerts.yml")),
        ] {
            let named = named_in(text);
            assert!(!named.is_empty(), "{file}");
            let unknown: Vec<_> = named.difference(&known).collect();
            assert!(unknown.is_empty(), "{file}: {unknown:?}");
        }
        let dashboard: Result<serde_json::Value, _> =
            serde_json::from_str(include_str!("../../ops/grafana-dashboard.json"));
        assert!(dashboard.is_ok(), "{dashboard:?}");
    }
}
