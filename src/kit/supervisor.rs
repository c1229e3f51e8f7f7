//! The actor that starts a pool's workers and starts them again.
//!
//! Why not ractor's default: it stops the supervisor with its first failed child. Why not its
//! factory: it restarts without backoff, and its queue is a second hop for every job.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};

use crate::idle::Idle;
use crate::slot::{Resting, Slot, Start, Worker, WorkerActor};
use crate::{Clock, RestartPolicy};

/// Makes the worker of a slot.
pub(crate) type Make<W> = Arc<dyn Fn(usize) -> W + Send + Sync>;

pub(crate) struct Supervisor<W>(PhantomData<fn() -> W>);

impl<W> Supervisor<W> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

pub(crate) struct SupervisorState<W> {
    pub(crate) plugin: &'static str,
    pub(crate) make: Make<W>,
    pub(crate) slots: Arc<[Arc<Slot>]>,
    pub(crate) idle: Option<Arc<Idle>>,
    pub(crate) resting: Arc<Resting>,
    pub(crate) policy: RestartPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) running: HashMap<ActorId, usize>,
}

/// Start the worker of a slot.
#[derive(Debug)]
pub(crate) struct StartWorker {
    index: usize,
    /// Whether it comes out of a backoff.
    rested: bool,
}

impl<W: Worker> SupervisorState<W> {
    async fn start(&mut self, index: usize, myself: &ActorRef<StartWorker>) {
        let Some(slot) = self.slots.get(index).map(Arc::clone) else {
            return;
        };
        // Making a worker runs the plugin's code; a panic there is one more failure of the slot.
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (self.make)(index)));
        let Ok(worker) = made else {
            self.failed(index, "its constructor panicked", myself);
            return;
        };
        let start = Start {
            worker,
            index,
            slot: Arc::clone(&slot),
            idle: self.idle.clone(),
            clock: Arc::clone(&self.clock),
        };
        match Actor::spawn_linked(None, WorkerActor::<W>::new(), start, myself.get_cell()).await {
            Ok((actor, _)) => {
                self.running.insert(actor.get_id(), index);
                slot.fill(actor);
                if let Some(idle) = &self.idle {
                    idle.add(index);
                }
            }
            Err(error) => self.failed(index, &error.to_string(), myself),
        }
    }

    fn failed(&self, index: usize, why: &str, myself: &ActorRef<StartWorker>) {
        let Some(slot) = self.slots.get(index) else {
            return;
        };
        let failures = slot.fail();
        let delay = self.policy.delay(failures);
        metrics::counter!(hoursmith_telemetry::names::WORKER_RESTARTS, "plugin" => self.plugin)
            .increment(1);
        tracing::error!(
            plugin.name = self.plugin,
            worker.index = index,
            worker.failures = failures,
            restart.delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            error.causes = why,
            "A worker failed and is started again."
        );
        if delay.is_zero() {
            // To ourselves, while we are alive: cannot fail.
            let _ = myself.send_message(StartWorker {
                index,
                rested: false,
            });
        } else {
            self.resting.begin();
            drop(myself.send_after(delay, move || StartWorker {
                index,
                rested: true,
            }));
        }
    }
}

impl<W: Worker> Actor for Supervisor<W> {
    type Msg = StartWorker;
    type State = SupervisorState<W>;
    type Arguments = SupervisorState<W>;

    async fn pre_start(
        &self,
        myself: ActorRef<StartWorker>,
        mut state: SupervisorState<W>,
    ) -> Result<SupervisorState<W>, ActorProcessingErr> {
        for index in 0..state.slots.len() {
            state.start(index, &myself).await;
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<StartWorker>,
        StartWorker { index, rested }: StartWorker,
        state: &mut SupervisorState<W>,
    ) -> Result<(), ActorProcessingErr> {
        state.start(index, &myself).await;
        // After the start: one that failed again has begun its next rest by now, so that the count
        // does not dip in between.
        if rested {
            state.resting.end();
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<StartWorker>,
        event: SupervisionEvent,
        state: &mut SupervisorState<W>,
    ) -> Result<(), ActorProcessingErr> {
        let (who, why) = match event {
            SupervisionEvent::ActorFailed(who, error) => (who, error.to_string()),
            SupervisionEvent::ActorTerminated(who, _, _) => (who, "it ended".to_owned()),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {
                return Ok(());
            }
        };
        if let Some(index) = state.running.remove(&who.get_id()) {
            state.failed(index, &why, &myself);
        }
        Ok(())
    }
}
