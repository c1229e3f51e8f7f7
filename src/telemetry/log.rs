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
    let may_be_shown = filter_fn(|metadata| metadata.is_event() && !shows_messages(metadata));
    Ok(lines.with_filter(filter.and(may_be_shown)))
}

/// At `trace`, `async-nats` writes down every message with its body and the token's digest. No
/// setting may bring secrets and bodies into the log.
fn shows_messages(metadata: &Metadata<'_>) -> bool {
    *metadata.level() == Level::TRACE && metadata.target().starts_with("async_nats")
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
