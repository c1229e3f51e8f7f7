//! Publishes what is public: to the stream where there is one, else to whoever listens on the bus.
//!
//! By a state of its own, so that nothing is forgotten: an event waits until it was marked, and is
//! marked once the stream has it. A crash in between sends it again under the same id. The API shows
//! an event whether or not it could be published, so this is a task of its own, which numbering does
//! not wait for.
//!
//! The events of one organization go out one after another, each once the one before is kept; so
//! their order holds when one fails. Organizations go side by side, and each gets its turn however much
//! another has: one that imports thousands of rows holds nobody back for longer than a batch.

mod sql;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use hoursmith_bus::{Bus, Envelope, ErrorKind, EventStream, Subject, TraceParent, subjects};
use hoursmith_domain::{Keys, OrganizationId, Timestamp};
use hoursmith_kit::{Bell, Clock, Failure, Host};
use hoursmith_routes::event::Event;
use hoursmith_store::{Db, Statement};
use hoursmith_telemetry::names;
use metrics::{counter, gauge};
use tokio::time::{Interval, MissedTickBehavior};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::NAME;
use crate::post::{Post, Standing};

/// Events of one organization's turn: read at once, and as many at most go out before another's turn.
const BATCH: u32 = 50;

/// Organizations whose events are on their way at a time, and marked in one transaction, which has a
/// statement for each.
const SIDE_BY_SIDE: usize = 16;

/// Time between two rounds for which the bell rings, at least. They have a turn each with numbering, for which
/// webhooks wait as well.
const ROUNDS_APART: Duration = Duration::from_millis(10);

/// How long an event on the bus is news. On the stream it is kept for as long as that says.
const NEWS_FOR: Duration = Duration::from_secs(5);

/// Time between two looks after the stream. A stream that was deleted is there again after this,
/// even if nothing happens meanwhile.
const TEND_EVERY: Duration = Duration::from_secs(5);

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

#[derive(Debug)]
pub(crate) struct Publisher {
    db: Db,
    clock: Arc<dyn Clock>,
    keys: Keys,
    bus: Arc<dyn Bus>,
    stream: Option<Arc<dyn EventStream>>,
    post: Arc<Post>,
    numbered: Arc<Bell>,
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("read or mark what is to be published")]
    Store(#[from] hoursmith_store::Error),
    #[error("read an event that is to be published")]
    Event(#[from] Failure),
    #[error("publish an event")]
    Bus(#[from] hoursmith_bus::Error),
}

/// An event and the trace that it came from.
struct News {
    event: Event,
    trace: Option<TraceParent>,
}

/// Some of an organization's events, in order.
struct Run {
    organization: OrganizationId,
    news: Vec<News>,
}

/// How far a run has come.
struct Progress {
    organization: OrganizationId,
    /// Sequences of the first and the last that are done with, none between left out.
    done: Option<(i64, i64)>,
    error: Option<hoursmith_bus::Error>,
}

impl Publisher {
    pub(crate) fn new(host: &Host, post: Arc<Post>, numbered: Arc<Bell>) -> Self {
        Self {
            db: host.db.clone(),
            clock: Arc::clone(&host.clock),
            keys: host.keys.clone(),
            bus: Arc::clone(&host.bus),
            stream: host.stream.clone(),
            post,
            numbered,
        }
    }

    /// Works for good: when something was numbered, and every so often.
    pub(crate) async fn run(self: Arc<Self>, look_every: Duration) {
        let (mut looks, mut tending) = (ticks(look_every), ticks(TEND_EVERY));
        let (mut well, mut tended) = (true, true);
        loop {
            let tend = tokio::select! {
                _ = tending.tick() => true,
                _ = looks.tick() => false,
                () = self.numbered.rung_apart(ROUNDS_APART) => false,
            };
            if tend {
                tended = self.tend(tended).await;
                continue;
            }
            let span = tracing::debug_span!(target: "hoursmith::trace", "relay.publish");
            let result = self.round().instrument(span).await;
            // The first failure in a row is told; the next looks try again.
            if let (Err(error), true) = (&result, well) {
                tracing::warn!(
                    plugin.name = NAME,
                    error = error as &dyn std::error::Error,
                    "Events could not be published; they wait."
                );
            }
            well = result.is_ok();
        }
    }

    /// Publishes what waits, until nothing waits or another relay is at work.
    pub(crate) async fn round(&self) -> Result<(), Error> {
        while self.sweep().await? {}
        Ok(())
    }

    /// Gives each organization that waits one turn; tells whether more of one may wait.
    async fn sweep(&self) -> Result<bool, Error> {
        let (mut after, mut oldest) = (OrganizationId(Uuid::nil()), None);
        let mut more = false;
        loop {
            let waiting = self.next(after).await?;
            let since = waiting.iter().map(|(_, since)| *since);
            oldest = oldest.into_iter().chain(since).min();
            self.show_age(oldest);
            // Only now are events read: whoever stands by reads none.
            let Some((last, _)) = waiting.last() else {
                return Ok(more);
            };
            if !self.post.is_held().await? {
                return Ok(false);
            }
            after = *last;
            let runs = self.read(&waiting).await?;
            let full = |run: &Run| u32::try_from(run.news.len()).is_ok_and(|news| news >= BATCH);
            more |= runs.iter().any(full);
            self.publish_runs(runs).await?;
            if waiting.len() < SIDE_BY_SIDE {
                return Ok(more);
            }
        }
    }

    /// The organizations after one of which something waits, as many as go side by side.
    async fn next(
        &self,
        mut after: OrganizationId,
    ) -> Result<Vec<(OrganizationId, Timestamp)>, hoursmith_store::Error> {
        let mut conn = self.db.read().await?;
        let mut waiting = Vec::new();
        while waiting.len() < SIDE_BY_SIDE
            && let Some(next) = sql::next(&mut conn, after).await?
        {
            after = next.0;
            waiting.push(next);
        }
        Ok(waiting)
    }

    /// The first events of each, in their order.
    async fn read(&self, waiting: &[(OrganizationId, Timestamp)]) -> Result<Vec<Run>, Error> {
        let mut conn = self.db.read().await?;
        let mut runs = Vec::with_capacity(waiting.len());
        for (organization, _) in waiting {
            let organization = *organization;
            let events = sql::to_publish(&mut conn, organization, BATCH).await?;
            let news = events.into_iter().map(News::of).collect::<Result<_, _>>()?;
            runs.push(Run { organization, news });
        }
        Ok(runs)
    }

    /// Publishes runs side by side, and marks what went out.
    async fn publish_runs(&self, runs: Vec<Run>) -> Result<(), Error> {
        let failed = AtomicBool::new(false);
        let progress: Vec<Progress> = stream::iter(runs)
            .map(|run| self.publish_run(run, &failed))
            .buffer_unordered(SIDE_BY_SIDE)
            .collect()
            .await;
        self.mark(&progress).await?;
        match progress.into_iter().find_map(|progress| progress.error) {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// Looks after the stream; tells whether it is well. Whoever is not at work leaves it alone.
    async fn tend(&self, was_well: bool) -> bool {
        let Some(stream) = self.stream.as_ref() else {
            return true;
        };
        if self.post.standing() == Standing::Elsewhere {
            return true;
        }
        let tended = stream.tend().await;
        if let (Err(error), true) = (&tended, was_well) {
            tracing::warn!(
                plugin.name = NAME,
                error = error as &dyn std::error::Error,
                "The stream of events could not be looked after."
            );
        }
        tended.is_ok()
    }

    /// Publishes an organization's events until one fails, here or elsewhere: what is away is so for
    /// all, and each would wait for it.
    async fn publish_run(&self, run: Run, failed: &AtomicBool) -> Progress {
        let mut progress = Progress {
            organization: run.organization,
            done: None,
            error: None,
        };
        for news in run.news {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            let sequence = news.event.sequence;
            match self.publish(&news).await {
                Ok(()) => {
                    let first = progress.done.map_or(sequence, |(first, _)| first);
                    progress.done = Some((first, sequence));
                }
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    progress.error = Some(error);
                }
            }
        }
        progress
    }

    /// Publishes an event. One that can never be published is passed by: subscribers see the gap in
    /// the sequences and read the event from the API.
    async fn publish(&self, news: &News) -> Result<(), hoursmith_bus::Error> {
        let id = news.event.id.to_string();
        let pass_by = |error: &(dyn std::error::Error + 'static)| {
            tracing::error!(
                plugin.name = NAME,
                event.id = id,
                error,
                "An event cannot be published; subscribers find it in the API alone."
            );
        };
        let published = match self.message(news) {
            Ok((subject, envelope)) => match &self.stream {
                Some(stream) => stream.put(subject, &id, envelope).await,
                None => self.bus.publish(subject, envelope).await,
            },
            Err(error) => {
                pass_by(error.as_ref());
                return Ok(());
            }
        };
        match published {
            Err(error) if error.kind() == ErrorKind::TooLarge => pass_by(&error),
            Err(error) => return Err(error),
            Ok(()) => counter!(names::EVENTS_PUBLISHED).increment(1),
        }
        Ok(())
    }

    /// One message for both ways: whoever listens on the bus finds an envelope like any other. Its
    /// body is that of `GET /api/v1/events/{event_id}`.
    fn message(
        &self,
        News { event, trace }: &News,
    ) -> Result<(Subject, Envelope), Box<dyn std::error::Error + Send + Sync>> {
        let subject = subjects::event(OrganizationId(event.organization_id), &event.r#type)?;
        let until = self.clock.now().plus(NEWS_FOR);
        let mut envelope = Envelope::new(until, "", serde_json::to_vec(event)?);
        envelope.trace.clone_from(trace);
        let envelope = envelope.sealed(&subject, &self.keys);
        Ok((subject, envelope))
    }

    async fn mark(&self, progress: &[Progress]) -> Result<(), hoursmith_store::Error> {
        let done: Vec<_> = progress
            .iter()
            .filter_map(|progress| Some((progress.organization, progress.done?)))
            .collect();
        if done.is_empty() {
            return Ok(());
        }
        // Without the lease: the stream has them, whoever put them there.
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    for (organization, (first, last)) in done {
                        sql::mark_published(conn, organization, first, last).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    fn show_age(&self, oldest: Option<Timestamp>) {
        let age = oldest.map_or(Duration::ZERO, |oldest| oldest.until(self.clock.now()));
        gauge!(names::EVENTS_OLDEST_UNPUBLISHED).set(age.as_secs_f64());
    }
}

impl News {
    fn of(waiting: sql::Waiting) -> Result<Self, Failure> {
        let trace = waiting.trace_parent.as_deref().and_then(TraceParent::parse);
        let event = waiting.event.into_wire()?;
        Ok(Self { event, trace })
    }
}

/// Ticks that are not made up for when one was late.
pub(crate) fn ticks(every: Duration) -> Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
