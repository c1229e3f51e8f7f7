//! The layer that writes log lines.
//!
//! It takes events alone. A span's fields beside every line would repeat what the line says, and a
//! layer that wants spans keeps all of them alive.

use std::io::{self, IsTerminal as _};

use hoursmith_settings::{LogFormat, LogSettings};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, ParseError, Targets, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// The layer, to standard error.
pub(crate) fn layer(settings: &LogSettings) -> Result<impl Layer<Registry> + use<>, ParseError> {
    let filter: Targets = settings.filter.parse()?;
    let terminal = io::stderr().is_terminal();
    let text = match settings.format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let lines = if text {
        text_lines(io::stderr, terminal).boxed()
    } else {
        json_lines(io::stderr).boxed()
    };
    Ok(lines.with_filter(filter.and(filter_fn(may_be_shown))))
}

/// What no setting brings into the log, of the events of `async-nats`: at `trace` it writes down
/// every message with its body and the token's digest, and at `info` it repeats what the room that
/// uses it has logged in its own words.
fn may_be_shown(metadata: &Metadata<'_>) -> bool {
    let withheld = [Level::TRACE, Level::INFO].contains(metadata.level())
        && metadata.target().starts_with("async_nats");
    metadata.is_event() && !withheld
}

fn text_lines<S, W>(writer: W, colour: bool) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fmt::layer().with_writer(writer).with_ansi(colour)
}

/// One object a line, the event's fields beside `timestamp`, `level`, `target` and `message`.
fn json_lines<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fmt::layer()
        .with_writer(writer)
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt as _;

    #[test]
    fn the_nats_client_shows_no_messages_and_says_nothing_twice() {
        let lines = Lines::default();
        let kept = lines.clone();
        let shown = json_lines(move || kept.clone()).with_filter(filter_fn(may_be_shown));
        tracing::subscriber::with_default(Registry::default().with(shown), || {
            tracing::trace!(target: "async_nats::connection", "a message");
            tracing::info!(target: "async_nats", "event: disconnected");
            tracing::warn!(target: "async_nats", "slow consumer");
            tracing::info!(target: "hoursmith_nats", "ours");
        });
        let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 2, "{written}");
        assert!(
            written.contains("slow consumer") && written.contains("ours"),
            "{written}"
        );
    }

    /// Log lines, kept.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        /// A subscriber that keeps its lines here, as JSON.
        pub(crate) fn subscriber(&self) -> impl Subscriber + Send + Sync + use<> {
            let lines = self.clone();
            Registry::default().with(json_lines(move || lines.clone()))
        }

        /// What was written.
        pub(crate) fn text(&self) -> String {
            let bytes = self.0.lock().expect("no writer panicked").clone();
            String::from_utf8(bytes).expect("lines are UTF-8")
        }
    }

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .lock()
                .expect("no writer panicked")
                .extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_json_line_has_its_fields_beside_the_message() {
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.subscriber(), || {
            let _entered = tracing::info_span!("noise", secret = "hunter2").entered();
            tracing::warn!(
                request.id = "req_1",
                attempts = 3,
                "The receiver does not answer"
            );
        });
        let line: serde_json::Value = serde_json::from_str(&lines.text()).unwrap();
        assert_eq!(line["message"], "The receiver does not answer");
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["request.id"], "req_1");
        assert_eq!(line["attempts"], 3);
        assert!(line["timestamp"].is_string() && line["target"].is_string());
        assert!(!lines.text().contains("hunter2"));
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        let settings = |filter: &str| LogSettings {
            filter: filter.to_owned(),
            format: LogFormat::Json,
        };
        assert!(layer(&settings("info,hoursmith_gateway=debug")).is_ok());
        assert!(layer(&settings("hoursmith_gateway=loud")).is_err());
    }
}
