//! Trace context in and out of envelopes and requests: W3C Trace Context, read and written by
//! OpenTelemetry's own propagator.

use std::collections::HashMap;

use hoursmith_bus::TraceParent;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const HEADER: &str = "traceparent";

/// The current span, to be sent along. `None`, at the price of a thread-local look, where nothing
/// is traced.
pub fn current_trace_parent() -> Option<TraceParent> {
    let span = Span::current();
    if span.is_disabled() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    TraceParent::parse(carrier.get(HEADER)?)
}

/// Makes a new span a child of the span that was sent along. To be called before the span is
/// entered; later, or where nothing is traced, it does nothing.
pub fn set_parent(span: &Span, trace: Option<&TraceParent>) {
    let Some(trace) = trace.filter(|_| !span.is_disabled()) else {
        return;
    };
    let carrier = HashMap::from([(HEADER.to_owned(), trace.as_str().to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    // Refused only for a span that has started or that no trace wants; both lose the link alone.
    let _ = span.set_parent(context);
}
