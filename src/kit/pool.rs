//! A pool of supervised workers behind a bus subject.
//!
//! The way of a request: bus → admission → (an idle worker | the key's worker) → mailbox → answer.
//! ractor's mailboxes are unbounded, so the bound stands in front of them: a request that finds no
//! permit is refused at once, and under [`Routing::Any`] a mailbox never holds more than the one
//! job its idle worker was taken for.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use hoursmith_bus::{
    Ask, Bus, Envelope, Error, ErrorKind, Handler, Pattern, Service, Subject, Subscription, Verdict,
};
use hoursmith_domain::Keys;
use ractor::{Actor, ActorCell};
use tokio::sync::{Semaphore, oneshot};

use crate::idle::Idle;
use crate::slot::{Job, Resting, Slot, Worker};
use crate::supervisor::{Make, Supervisor, SupervisorState};
use crate::{Clock, Host, RestartPolicy, StartError};

/// Which worker gets a request.
#[derive(Debug, Clone, Copy)]
pub enum Routing {
    /// Whichever is idle: for workers that wait on I/O and keep nothing.
    Any,
    /// The one that owns the key, so that its state needs no lock: the same key always meets the
    /// same worker.
    ByKey(fn(&Ask) -> u64),
}

/// The shape of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolSpec {
    /// The plugin's name, for logs and metrics.
    pub plugin: &'static str,
    /// How many workers, hence how many requests are worked on at a time.
    pub workers: NonZeroUsize,
    /// How many requests may wait beside those: in all under [`Routing::Any`], for each worker
    /// under [`Routing::ByKey`]. One more is answered 503 at once.
    pub queue: usize,
    /// Which worker gets a request.
    pub routing: Routing,
    /// When a failed worker is started again.
    pub restart: RestartPolicy,
}

/// A running pool. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    spec: PoolSpec,
    slots: Arc<[Arc<Slot>]>,
    idle: Arc<Idle>,
    resting: Arc<Resting>,
    /// One for the pool under [`Routing::Any`], one for each worker under [`Routing::ByKey`].
    admission: Vec<Arc<Semaphore>>,
    supervisor: ActorCell,
    clock: Arc<dyn Clock>,
    keys: Keys,
}

impl Pool {
    /// Starts the workers; `make` is called for each, and again for each restart.
    pub async fn start<W: Worker>(
        host: &Host,
        spec: PoolSpec,
        make: impl Fn(usize) -> W + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let workers = spec.workers.get();
        let slots: Arc<[Arc<Slot>]> = (0..workers).map(|_| Arc::new(Slot::default())).collect();
        let idle = Arc::new(Idle::new());
        let (idle_in, admission) = match spec.routing {
            Routing::Any => {
                let places = workers.saturating_add(spec.queue);
                (
                    Some(Arc::clone(&idle)),
                    vec![Arc::new(Semaphore::new(places))],
                )
            }
            // Nobody looks for an idle worker there.
            Routing::ByKey(_) => {
                let places = || Arc::new(Semaphore::new(spec.queue.saturating_add(1)));
                (None, (0..workers).map(|_| places()).collect())
            }
        };
        let resting = Arc::new(Resting::new());
        let make: Make<W> = Arc::new(make);
        let state = SupervisorState {
            plugin: spec.plugin,
            make,
            slots: Arc::clone(&slots),
            idle: idle_in,
            resting: Arc::clone(&resting),
            policy: spec.restart,
            clock: Arc::clone(&host.clock),
            running: HashMap::with_capacity(workers),
        };
        let (supervisor, _) = Actor::spawn(None, Supervisor::<W>::new(), state)
            .await
            .map_err(|source| StartError::new(spec.plugin, "start its workers", source))?;
        Ok(Self {
            inner: Arc::new(Inner {
                spec,
                slots,
                idle,
                resting,
                admission,
                supervisor: supervisor.get_cell(),
                clock: Arc::clone(&host.clock),
                keys: host.keys.clone(),
            }),
        })
    }

    /// Answers the subjects of a pattern, in the plugin's queue group.
    pub async fn serve(&self, bus: &dyn Bus, pattern: Pattern) -> Result<Subscription, StartError> {
        let pool = self.clone();
        let handler: Handler = Arc::new(move |subject, envelope| {
            let pool = pool.clone();
            Box::pin(async move { pool.answer(subject, envelope).await })
        });
        let service = Service {
            pattern,
            group: self.inner.spec.plugin.to_owned(),
            capacity: self.capacity(),
            handler,
        };
        bus.serve(service)
            .await
            .map_err(|source| StartError::new(self.inner.spec.plugin, "serve its subject", source))
    }

    /// Stops the workers. Drain the subscriptions first: what is still in a mailbox is dropped.
    pub async fn stop(&self) {
        self.inner.idle.close();
        // Told to stop or stopped already; a supervisor that takes long is left behind.
        let _ = self
            .inner
            .supervisor
            .stop_and_wait(None, Some(std::time::Duration::from_secs(5)))
            .await;
    }

    /// Opens an envelope, has its request answered, and seals the answer into another.
    async fn answer(&self, subject: Subject, envelope: Envelope) -> Result<Envelope, Error> {
        let request = match self.open(&subject, &envelope) {
            Ok(ask) => ask,
            Err(error) => {
                // Nobody of ours sends such a thing: someone else speaks on our bus.
                tracing::error!(
                    plugin.name = self.inner.spec.plugin,
                    bus.subject = %subject,
                    security.event = "forged_envelope",
                    "An envelope with a wrong seal was refused."
                );
                return Err(error);
            }
        };
        let span = tracing::debug_span!(
            target: "hoursmith::trace",
            "stage",
            "otel.name" = self.inner.spec.plugin,
            "otel.kind" = "server",
            "messaging.destination.name" = %subject,
            "request.id" = %request.head.request_id,
        );
        hoursmith_telemetry::set_parent(&span, envelope.trace.as_ref());
        let request_id = request.head.request_id;
        let verdict = match self.ask(request, span).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(failure)) => Verdict::Refuse(failure.report(self.inner.spec.plugin, request_id)),
            Err(kind) => return Err(Error::new(kind, "answer", &subject)),
        };
        let answer = verdict.into_envelope(&envelope);
        Ok(answer.sealed_answer(&subject, &envelope, &self.inner.keys))
    }

    fn open(&self, subject: &Subject, envelope: &Envelope) -> Result<Ask, Error> {
        let refused = || Error::new(ErrorKind::Refused, "open the envelope of", subject);
        envelope.verify(subject, &self.inner.keys)?;
        let head = envelope.question().ok_or_else(refused)?;
        let caller = match &head.caller {
            None => None,
            Some(sealed) => {
                let opened = sealed.open(&self.inner.keys, head.request_id, envelope.deadline);
                Some(opened.ok_or_else(refused)?)
            }
        };
        Ok(Ask {
            head,
            body: envelope.body.clone(),
            caller,
            deadline: envelope.deadline,
        })
    }

    /// Admits a request, hands it to a worker and waits for the answer.
    async fn ask(
        &self,
        ask: Ask,
        span: tracing::Span,
    ) -> Result<Result<Verdict, crate::Failure>, ErrorKind> {
        let inner = &self.inner;
        let deadline = ask.deadline;
        let (gate, index) = match inner.spec.routing {
            Routing::Any => (0, None),
            Routing::ByKey(key) => {
                let workers = u64::try_from(inner.slots.len()).unwrap_or(u64::MAX);
                let index = usize::try_from(key(&ask) % workers).unwrap_or_default();
                (index, Some(index))
            }
        };
        let admission = inner.admission.get(gate).ok_or(ErrorKind::Closed)?;
        let Ok(permit) = Arc::clone(admission).try_acquire_owned() else {
            metrics::counter!(hoursmith_telemetry::names::ADMISSION_REFUSED, "plugin" => inner.spec.plugin)
                .increment(1);
            return Err(ErrorKind::Overloaded);
        };
        let index = match index {
            Some(index) => index,
            None => self.idle_worker().await?,
        };
        let slot = inner.slots.get(index).ok_or(ErrorKind::Closed)?;
        // A key's worker that is being restarted: refused at once, not queued for its return.
        let actor = slot.actor().ok_or(ErrorKind::Overloaded)?;
        let (reply, answer) = oneshot::channel();
        let job = Job {
            ask,
            span,
            reply,
            permit,
        };
        actor.send_message(job).map_err(|_| ErrorKind::Overloaded)?;
        match answer.await {
            Ok(answer) => answer,
            // The worker went down before the job's turn came, or the deadline passed.
            Err(_) if inner.clock.now() < deadline => Err(ErrorKind::Overloaded),
            Err(_) => Err(ErrorKind::DeadlineExceeded),
        }
    }

    /// Waits for an idle worker, unless all of them are down: then nobody would come for longer
    /// than a request should wait to hear it.
    async fn idle_worker(&self) -> Result<usize, ErrorKind> {
        let inner = &self.inner;
        if let Some(index) = inner.idle.take_now() {
            return Ok(index);
        }
        tokio::select! {
            biased;
            index = inner.idle.take() => index.ok_or(ErrorKind::Closed),
            () = inner.resting.all(inner.slots.len()) => Err(ErrorKind::Overloaded),
        }
    }

    fn capacity(&self) -> NonZeroUsize {
        let permits: usize = self
            .inner
            .admission
            .iter()
            .map(|gate| gate.available_permits())
            .sum();
        // The bus's own bound stands just behind ours, so that ours gives the answer.
        NonZeroUsize::new(permits.saturating_add(1)).unwrap_or(NonZeroUsize::MIN)
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
