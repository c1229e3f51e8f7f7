//! Putting the layers together, once a process.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hoursmith_settings::{LogSettings, TelemetrySettings};
use metrics_exporter_prometheus::BuildError;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;
use tracing::dispatcher::SetGlobalDefaultError;
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::{TRACE_TARGET, export, log, metrics};

/// Telemetry that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `log.filter` cannot be read.
    #[error("cannot read `log.filter` as levels by module")]
    Filter(#[source] ParseError),
    /// The OTLP exporter cannot be built.
    #[error("cannot export traces to `telemetry.otlp_endpoint`")]
    Exporter(#[source] ExporterBuildError),
    /// Someone else has set up logging in this process.
    #[error("cannot install the log subscriber: the process has one")]
    Subscriber(#[source] SetGlobalDefaultError),
    /// Someone else has set up metrics in this process.
    #[error("cannot install the metrics recorder")]
    Recorder(#[source] BuildError),
}

/// The telemetry of this process. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// What the first `init` installed.
static INSTALLED: Mutex<Option<Telemetry>> = Mutex::new(None);

/// Longest wait for the last spans at the end of the process.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Sets up logs, traces and metrics for the whole process, under the name of a component.
///
/// A process has one of each, so the first call decides; later ones, from further servers in one
/// test process, get the same telemetry whatever their settings say.
pub fn init(
    log: &LogSettings,
    telemetry: &TelemetrySettings,
    component: &str,
) -> Result<Telemetry, Error> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(telemetry) = &*installed {
        return Ok(telemetry.clone());
    }
    let (telemetry, dispatch) = Telemetry::scoped(log, telemetry, component)?;
    metrics::install(component).map_err(Error::Recorder)?;
    tracing::dispatcher::set_global_default(dispatch).map_err(Error::Subscriber)?;
    *installed = Some(telemetry.clone());
    Ok(telemetry)
}

impl Telemetry {
    /// Logs and traces that are not installed: for a test that has a receiver of its own, and
    /// enters the dispatch on its thread with `tracing::dispatcher::set_default`.
    pub fn scoped(
        log: &LogSettings,
        telemetry: &TelemetrySettings,
        component: &str,
    ) -> Result<(Self, Dispatch), Error> {
        let log = log::layer(log).map_err(Error::Filter)?;
        let provider = telemetry
            .otlp_endpoint
            .as_deref()
            .map(|endpoint| export::provider(endpoint, telemetry, component))
            .transpose()
            .map_err(Error::Exporter)?;
        let lines = Registry::default().with(log);
        // Without traces the layer is left out altogether. An `Option` of a layer that is `None`
        // makes `tracing` ask at every callsite anew, and take a span for wanted.
        let Some(provider) = provider else {
            return Ok((Self { provider: None }, Dispatch::new(lines)));
        };
        // Nothing here reads OpenTelemetry's own current context, so it is not kept up to date;
        // and of what `tracing` knows of a span, its place in the source and its thread would
        // cost more bytes than all the rest.
        let traces = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("hoursmith"))
            .with_context_activation(false)
            .with_tracked_inactivity(false)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_filter(filter_fn(|metadata| {
                metadata.is_span() && metadata.target().starts_with(TRACE_TARGET)
            }));
        Ok((
            Self {
                provider: Some(provider),
            },
            Dispatch::new(lines.with(traces)),
        ))
    }

    /// Sends what has been traced so far. Blocks, for at most 5 s.
    pub fn flush(&self) {
        if let Some(provider) = &self.provider {
            late("flush", provider.force_flush());
        }
    }

    /// Sends what has been traced, and traces nothing more. Blocks, for at most 5 s; to be called
    /// when the servers have stopped, outside the runtime or on one of its blocking threads.
    pub fn shutdown(&self) {
        if let Some(provider) = &self.provider {
            late(
                "shut down",
                provider.shutdown_with_timeout(SHUTDOWN_TIMEOUT),
            );
        }
    }
}

/// Logs an end that came too late. Other failures are the exporter's, which has logged its own.
fn late(operation: &str, result: Result<(), OTelSdkError>) {
    if let Err(OTelSdkError::Timeout(after)) = result {
        tracing::warn!(
            operation,
            after_ms = after.as_millis() as u64,
            "the last traces are lost: the OTLP receiver is too slow"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{current_trace_parent, metrics_text, set_parent};
    use hoursmith_bus::TraceParent;
    use hoursmith_settings::LogFormat;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::Span;
    use prost::Message as _;
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread::{self, JoinHandle};
    use tracing::{dispatcher, info_span};

    const REMOTE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn log() -> LogSettings {
        LogSettings {
            filter: "off".to_owned(),
            format: LogFormat::Json,
        }
    }

    /// An OTLP/HTTP receiver for one export.
    fn receiver() -> (TelemetrySettings, JoinHandle<Vec<Span>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = TelemetrySettings {
            otlp_endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
            ..TelemetrySettings::default()
        };
        (
            settings,
            thread::spawn(move || receive(listener.accept().unwrap().0)),
        )
    }

    fn receive(stream: TcpStream) -> Vec<Span> {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
        let length = head.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        let mut body = vec![0; length.unwrap()];
        reader.read_exact(&mut body).unwrap();
        reader
            .into_inner()
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        let service = &request.resource_spans[0]
            .resource
            .as_ref()
            .unwrap()
            .attributes;
        assert!(
            service
                .iter()
                .any(|attribute| attribute.key == "service.name"),
            "{service:?}"
        );
        request
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    // In a runtime of one thread, where an exporter that needs the runtime would never finish.
    #[tokio::test]
    async fn a_trace_goes_on_from_a_remote_parent_to_the_receiver() {
        let (settings, received) = receiver();
        let (telemetry, dispatch) = Telemetry::scoped(&log(), &settings, "test").unwrap();
        let sent = dispatcher::with_default(&dispatch, || {
            let span = info_span!(target: TRACE_TARGET, "stage", "bus.subject" = "a.b");
            set_parent(&span, TraceParent::parse(REMOTE).as_ref());
            let _entered = span.entered();
            let _noise = info_span!("noise").entered();
            let _inner = info_span!(target: "hoursmith::trace::store", "statement").entered();
            current_trace_parent().unwrap()
        });
        telemetry.shutdown();
        let spans = received.join().unwrap();
        let find = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
        let (stage, statement) = (find("stage"), find("statement"));
        assert_eq!(spans.len(), 2, "{spans:?}");
        assert_eq!(hex(&stage.trace_id), &REMOTE[3..35]);
        assert_eq!(hex(&stage.parent_span_id), &REMOTE[36..52]);
        assert_eq!(statement.parent_span_id, stage.span_id);
        assert_eq!(
            sent.as_str(),
            format!("00-{}-{}-01", &REMOTE[3..35], hex(&statement.span_id))
        );
        assert_eq!(
            stage
                .attributes
                .iter()
                .filter(|attribute| attribute.key == "bus.subject")
                .count(),
            1
        );
    }

    #[test]
    fn whoever_began_the_trace_decides_whether_it_is_recorded() {
        // Nothing is recorded here, and so nothing connects.
        let settings = TelemetrySettings {
            otlp_endpoint: Some("http://127.0.0.1:1".to_owned()),
            sample_ratio: 0.0,
            ..TelemetrySettings::default()
        };
        let (_telemetry, dispatch) = Telemetry::scoped(&log(), &settings, "test").unwrap();
        let flags = |remote: Option<&str>| {
            dispatcher::with_default(&dispatch, || {
                let span = info_span!(target: TRACE_TARGET, "stage");
                set_parent(&span, remote.and_then(TraceParent::parse).as_ref());
                let _entered = span.entered();
                current_trace_parent().unwrap().as_str()[53..].to_owned()
            })
        };
        assert_eq!(flags(None), "00", "by the ratio");
        assert_eq!(
            flags(Some(&REMOTE.replace("-01", "-00"))),
            "00",
            "by the parent"
        );
    }

    #[test]
    fn the_first_init_decides_for_the_process() {
        let settings = TelemetrySettings::default();
        let before = metrics_text();
        assert_eq!(before, "");
        init(&log(), &settings, "first").unwrap();
        init(
            &LogSettings {
                filter: "x=loud".to_owned(),
                ..log()
            },
            &settings,
            "second",
        )
        .unwrap();
        let text = metrics_text();
        assert!(
            text.contains("component=\"first\"") && !text.contains("component=\"second\""),
            "{text}"
        );
        ::metrics::counter!(crate::names::EVENTS_APPENDED).increment(3);
        assert!(metrics_text().contains("hoursmith_events_appended_total 3"));
    }
}
