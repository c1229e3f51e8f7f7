//! A process without an OTLP endpoint. In a binary of its own, since `tracing` asks all subscribers
//! of a process whether a callsite is wanted.

use hoursmith_bus::TraceParent;
use hoursmith_settings::{LogFormat, LogSettings, TelemetrySettings};
use hoursmith_telemetry::{TRACE_TARGET, current_trace_parent, init, set_parent};
use tracing::{Level, event_enabled, info_span};

#[test]
fn spans_are_disabled_and_lines_are_written() {
    let log = LogSettings {
        filter: "warn".to_owned(),
        format: LogFormat::Text,
    };
    let telemetry = init(&log, &TelemetrySettings::default(), "test").unwrap();
    let span = info_span!(target: TRACE_TARGET, "stage");
    assert!(span.is_disabled());
    set_parent(
        &span,
        TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").as_ref(),
    );
    let _entered = span.entered();
    assert_eq!(current_trace_parent(), None);
    assert!(event_enabled!(Level::WARN));
    assert!(!event_enabled!(Level::INFO));
    telemetry.flush();
    telemetry.shutdown();
}
