//! The stages of the chain: what they are called, what their failure does, and how they are asked.

use std::sync::Arc;

use bytes::Bytes;
use hoursmith_bus::{Bus, Error, Head, Subject, Verdict};
use hoursmith_domain::{Keys, Timestamp};
use hoursmith_kit::Clock;
use hoursmith_telemetry::{TRACE_TARGET, names};
use metrics::{Histogram, counter, histogram};
use tracing::Instrument as _;

/// One stage, by its name in metrics, logs and traces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stage {
    pub(crate) name: &'static str,
}

/// Fails closed: without it nobody knows who calls.
pub(crate) const TOKEN_AUTH: Stage = Stage { name: "token-auth" };

/// Fails open: without it a tenant may ask too much for a while; refusing everybody would be the
/// worse harm.
pub(crate) const RATE_LIMITER: Stage = Stage {
    name: "rate-limiter",
};

/// Fails closed: without it a repeated request would have its effect twice. Asked only where a key
/// was sent.
pub(crate) const IDEMPOTENCY: Stage = Stage {
    name: "idempotency",
};

/// Fails closed: the work itself; its subject is the route's.
pub(crate) const ACTOR: Stage = Stage { name: "actor" };

/// Fails closed: the app's pages.
pub(crate) const CONSOLE: Stage = Stage { name: "console" };

/// Asks a stage and waits for its verdict, at most until the deadline, which the bus keeps.
pub(crate) async fn ask(
    line: &Line<'_>,
    stage: &Stage,
    subject: &Subject,
    head: &Arc<Head>,
    body: Bytes,
) -> Result<Verdict, Error> {
    let span = tracing::debug_span!(
        target: TRACE_TARGET,
        "ask",
        "otel.name" = stage.name,
        "otel.kind" = "client",
        "messaging.destination.name" = %subject,
    );
    let started = line.clock.monotonic();
    let head = Arc::clone(head);
    let answer = hoursmith_kit::ask(line.bus, line.keys, subject, head, body, line.deadline)
        .instrument(span)
        .await;
    let took = line.clock.monotonic().saturating_sub(started);
    match &answer {
        Ok(_) => line.meters.of(stage).record(took),
        Err(error) => {
            let kind = error.kind().as_str();
            counter!(names::BUS_ERRORS, "kind" => kind).increment(1);
            histogram!(names::STAGE_DURATION, "stage" => stage.name, "outcome" => kind)
                .record(took);
        }
    }
    answer
}

/// What a request asks its stages with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) bus: &'a dyn Bus,
    pub(crate) keys: &'a Keys,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) meters: &'a StageMeters,
    pub(crate) deadline: Timestamp,
}

/// Times of answered calls, by stage; failed ones are rare and look their meter up.
pub(crate) struct StageMeters([(&'static str, Histogram); 5], Histogram);

impl StageMeters {
    pub(crate) fn new() -> Self {
        let of = |stage: Stage| {
            (
                stage.name,
                histogram!(names::STAGE_DURATION, "stage" => stage.name, "outcome" => "answered"),
            )
        };
        Self(
            [TOKEN_AUTH, RATE_LIMITER, IDEMPOTENCY, ACTOR, CONSOLE].map(of),
            Histogram::noop(),
        )
    }

    fn of(&self, stage: &Stage) -> &Histogram {
        let found = self.0.iter().find(|(name, _)| *name == stage.name);
        found.map_or(&self.1, |(_, histogram)| histogram)
    }
}

impl std::fmt::Debug for StageMeters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StageMeters")
    }
}
