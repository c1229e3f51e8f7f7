//! Sending spans to an OTLP receiver without ever being slowed by it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hoursmith_settings::TelemetrySettings;
use opentelemetry::KeyValue;
use opentelemetry_otlp::{ExporterBuildError, Protocol, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter,
};

use crate::names;

/// Finished spans that wait for export: some seconds of a busy server, a few megabytes. Beyond it
/// spans are dropped; a request never waits for its trace.
const QUEUE_SPANS: usize = 8_192;

/// Spans in one export request, OpenTelemetry's own default.
const BATCH_SPANS: usize = 512;

/// Longest wait of a finished span for its batch to fill.
const BATCH_DELAY: Duration = Duration::from_secs(1);

/// Longest export, retries included. Meanwhile spans wait in the queue.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// A provider that exports in the background.
///
/// Exporter and its HTTP client run on a thread of their own, with a blocking client: the async
/// one needs a runtime that outlives the last span, and blocks for ever when that runtime is the
/// single thread that waits for the flush. Further `OTEL_EXPORTER_OTLP_…` variables (headers,
/// for one) are read by the exporter itself.
pub(crate) fn provider(
    endpoint: &str,
    settings: &TelemetrySettings,
    component: &str,
) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE_SPANS)
        .with_max_export_batch_size(BATCH_SPANS)
        .with_scheduled_delay(BATCH_DELAY)
        .build();
    let resource = Resource::builder()
        .with_service_name(settings.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("hoursmith.component", component.to_owned()))
        .build();
    // Whoever began the trace has decided whether to record; the ratio is for those that begin
    // here. What strangers send is no trace context: the gateway takes it from its proxies alone.
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio)));
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(sampler)
        .with_span_processor(
            BatchSpanProcessor::builder(Watched::new(exporter))
                .with_batch_config(config)
                .build(),
        )
        .build())
}

/// Counts what is lost, and logs when that begins and ends: an exporter that fails does so with
/// every batch, and a line each would bury the log.
#[derive(Debug)]
struct Watched<E> {
    exporter: E,
    failing: AtomicBool,
}

impl<E> Watched<E> {
    fn new(exporter: E) -> Self {
        Self {
            exporter,
            failing: AtomicBool::new(false),
        }
    }
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.exporter.export(batch).await;
        match &result {
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("traces are exported again");
                }
            }
            Err(error) => {
                ::metrics::counter!(names::TRACE_SPANS_LOST).increment(spans as u64);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "traces are lost: the OTLP receiver does not take them");
                }
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::Lines;
    use opentelemetry_sdk::error::OTelSdkError;
    use std::pin::pin;
    use std::task::{Context, Waker};

    /// Refuses while it is told to.
    #[derive(Debug)]
    struct Receiver {
        refuses: AtomicBool,
    }

    impl SpanExporter for Receiver {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            match self.refuses.load(Ordering::Relaxed) {
                true => Err(OTelSdkError::InternalFailure("refused".to_owned())),
                false => Ok(()),
            }
        }
    }

    #[test]
    fn a_receiver_that_fails_is_logged_once_each_way() {
        let watched = Watched::new(Receiver {
            refuses: AtomicBool::new(true),
        });
        let export = |refuses| {
            watched.exporter.refuses.store(refuses, Ordering::Relaxed);
            let poll =
                pin!(watched.export(Vec::new())).poll(&mut Context::from_waker(Waker::noop()));
            assert!(poll.is_ready());
        };
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.subscriber(), || {
            [false, true, true, true, false, false]
                .into_iter()
                .for_each(export);
        });
        let text = lines.text();
        assert_eq!(text.matches("traces are lost").count(), 1, "{text}");
        assert_eq!(
            text.matches("traces are exported again").count(),
            1,
            "{text}"
        );
        assert_eq!(text.lines().count(), 2, "{text}");
    }
}
