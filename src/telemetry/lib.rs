//! What the process says of itself: log lines, traces, metrics.
//!
//! - **Logs** go to standard error; lines are events of `tracing`. A line is one sentence, with what
//!   varies in fields beside it. Field names are dotted, the thing before its
//!   property: `request.id`, `organization.id`, `plugin`, `bus.subject`, `error`. It is written
//!   once, where the thing is handled, and an error that is handed on is not logged on the way.
//!   Never in a line: a token, a key, a URL with a password, a body or a part of one.
//! - **Traces** are spans with the target [`TRACE_TARGET`], exported only where an OTLP endpoint is
//!   set. Without one no layer wants them, so `tracing` disables their callsites and a span costs
//!   a load and a branch. They do not appear in logs; `request.id` ties the two together.
//! - **Metrics** are counted with the `metrics` macros under the names of [`names`], and rendered
//!   as Prometheus text by [`metrics_text`].
//!
//! This room knows bus, domain and settings. It must not know who serves the text, nor any actor.

mod context;
mod export;
mod log;
mod metrics;
pub mod names;
mod setup;

pub use context::{current_trace_parent, set_parent};
pub use metrics::metrics_text;
pub use setup::{Error, Telemetry, init};

/// Target of every span that belongs to a trace:
/// `tracing::info_span!(target: hoursmith_telemetry::TRACE_TARGET, "chain")`.
pub const TRACE_TARGET: &str = "hoursmith::trace";
