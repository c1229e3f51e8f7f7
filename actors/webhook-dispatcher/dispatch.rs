//! Sends what is due.
//!
//! Two loops that meet in the database. [`fan_out`] makes a delivery of each public event for each
//! endpoint that wants it; [`worker`] claims what is due, sends it and records what came of it. Both
//! are woken at once when there is something to do, and look by themselves as well: a wake-up that
//! is lost costs one interval. Any number of processes do this side by side.
//!
//! A delivery is sent at least once. It is sent twice only where a process ended, or could not reach
//! the database, between a receiver's answer and its record.
//!
//! - `wanted`: which events an endpoint gets
//! - `fan_out`: from events to deliveries
//! - `claim`: leases on what is due
//! - `lanes`, `pace`: how much is sent at a time, and to one endpoint in a second
//! - `body`, `send`: one attempt
//! - `record`, `health`: what follows from it
//! - `retention`, `survey`: what goes, and what operators watch

mod body;
mod claim;
mod fan_out;
mod health;
mod lanes;
mod pace;
mod record;
mod recorder;
mod retention;
mod send;
mod survey;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod wanted;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::subjects;
use hoursmith_kit::{Bell, Host, RunningPlugin, StartError, Task, WakeUp};
use hoursmith_outbound::{Client, Limits, Policy, SystemResolver};
use hoursmith_store::Statement;
use hoursmith_telemetry::names;
use metrics::counter;
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::actor::NAME;
use crate::settings::WebhookSettings;
use body::Bodies;
use fan_out::FanOut;
use lanes::Lanes;
use pace::Pace;
use recorder::Recorder;
use retention::Retention;
use send::{OUTCOMES, Sender};
pub(crate) use wanted::Wanted;
use worker::{Stage, Worker};

/// Rounds of fan-out in a row that may fail before the next one waits.
const TRIES: u32 = 3;

/// Time between two rounds of fan-out for which the bell rings, at least. A round for one event costs nearly what one
/// for ten costs, and holds the rows of the endpoints that whoever sends needs as well.
const FAN_OUT_APART: Duration = Duration::from_millis(5);

pub(crate) fn statements() -> Vec<Statement> {
    [
        body::statements(),
        claim::statements(),
        claim::due::statements(),
        fan_out::statements(),
        record::statements(),
        retention::statements(),
        survey::statements(),
    ]
    .concat()
}

/// Starts what sends, as part of a plugin. When that stops, what is being sent may end. `wake_up` wakes
/// the relays.
pub(crate) async fn start(
    host: &Host,
    settings: &WebhookSettings,
    wake_up: Arc<WakeUp>,
    running: RunningPlugin,
) -> Result<RunningPlugin, StartError> {
    settings
        .check()
        .map_err(|source| StartError::new(NAME, "use its settings", source))?;
    // Shown from the start, so that an alert on their growth sees the first step.
    for outcome in OUTCOMES {
        counter!(names::WEBHOOK_ATTEMPTS, "outcome" => outcome).increment(0);
    }
    let worker = Arc::new(worker(host, settings, wake_up)?);
    let bell = Arc::new(Bell::default());
    let hearing = bell
        .hang(host, NAME, &subjects::webhook_wake())
        .await
        .map_err(|source| StartError::new(NAME, "listen for its wake-ups", source))?;
    let fan_out = FanOut {
        db: host.db.clone(),
        clock: Arc::clone(&host.clock),
        random: Arc::clone(&host.random),
        holder: host.instance,
        batch: settings.fan_out_batch,
        lanes: Arc::clone(&worker.lanes),
        terms: worker.terms(),
    };
    let retention = Retention {
        db: host.db.clone(),
        clock: Arc::clone(&host.clock),
        holder: host.instance,
        every: settings.retention_every(),
        batch: settings.retention_batch,
        deliveries: settings.delivery_retention(),
        events: settings.event_retention(),
    };
    let look_every = settings.look_every();
    let fanning_out = {
        let worker = Arc::clone(&worker);
        Task::kept("webhook fan-out", look_every, move || {
            fan_out_for_good(
                fan_out.clone(),
                Arc::clone(&bell),
                Arc::clone(&worker),
                look_every,
            )
        })
    };
    let claiming = {
        let worker = Arc::clone(&worker);
        Task::kept("webhook dispatch", look_every, move || {
            Arc::clone(&worker).run()
        })
    };
    let surveying = survey::run(host.db.clone(), Arc::clone(&host.clock));
    let stop = settings.stop();
    let running = running
        .with_task(Task::start("webhook retention", retention.run()))
        .with_task(Task::start("webhook survey", surveying));
    Ok(running.with_farewell(move || async move {
        drop(hearing);
        drop(fanning_out);
        worker.stop(stop).await;
        claiming.join().await;
    }))
}

fn worker(
    host: &Host,
    settings: &WebhookSettings,
    wake_up: Arc<WakeUp>,
) -> Result<Worker, StartError> {
    let outbound = &host.settings.outbound;
    let limits = Limits {
        total: settings.timeout(),
        ..Limits::default()
    };
    let client = SystemResolver::new()
        .and_then(|resolver| Client::new(outbound, Arc::new(resolver), limits, send::AGENT))
        .map_err(|source| StartError::new(NAME, "set up the way out", source))?;
    let bell = Arc::new(Bell::default());
    Ok(Worker {
        db: host.db.clone(),
        clock: Arc::clone(&host.clock),
        recorder: Recorder::new(
            host.db.clone(),
            Arc::clone(&host.clock),
            Arc::clone(&host.random),
            wake_up,
            Arc::clone(&bell),
        ),
        bodies: Bodies::new(host.db.clone()),
        sender: Sender {
            client,
            policy: Policy::new(outbound),
            keys: host.keys.clone(),
            clock: Arc::clone(&host.clock),
        },
        lanes: Arc::new(Lanes::new(
            settings.concurrency,
            settings.patient_concurrency,
        )),
        at_a_time: settings.endpoint_concurrency,
        pace: Pace::new(settings.endpoint_rate_per_second),
        lease: settings.lease(),
        timeout: settings.timeout(),
        look_every: settings.look_every(),
        bell,
        stage: watch::Sender::new(Stage::Working),
    })
}

/// Fans out for good: when the bell rings, and every so often.
async fn fan_out_for_good(
    fan_out: FanOut,
    bell: Arc<Bell>,
    worker: Arc<Worker>,
    look_every: Duration,
) {
    let mut failures = 0_u32;
    loop {
        let span = tracing::debug_span!(target: "hoursmith::trace", "webhook.fan_out");
        let passed = {
            let worker = Arc::clone(&worker);
            move |turn| worker.take_on(turn)
        };
        let round = fan_out.round(passed).instrument(span).await;
        if let (Some(error), 0) = (&round.failed, failures) {
            tracing::warn!(
                plugin.name = NAME,
                error = error as &dyn std::error::Error,
                "Events could not be given their deliveries; they wait."
            );
        }
        failures = match round.failed {
            // What it had kept places for is not sent from them.
            Some(_) => {
                worker.bell.ring();
                failures.saturating_add(1)
            }
            None => 0,
        };
        // Others who held what was needed are mostly done by now.
        let again = round.passed || (1..TRIES).contains(&failures);
        // A ring that is lost costs as much as it takes to look by itself. One that was not for
        // events is for deliveries that were queued again.
        let rung = bell.rung_apart(FAN_OUT_APART);
        if !again && tokio::time::timeout(look_every, rung).await.is_ok() {
            worker.bell.ring();
        }
    }
}
