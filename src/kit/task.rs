//! Background tasks with a name, which do not die unheard.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;

/// A running task; dropping it ends the task.
#[derive(Debug)]
pub struct Task {
    handle: JoinHandle<()>,
}

impl Task {
    /// Runs a future until it ends or the returned task is dropped. A panic in it is logged.
    pub fn start(name: &'static str, future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            handle: spawn(name, future),
        }
    }

    /// As [`Task::start`], for work that others rely on: when the future panics, it is made and run
    /// anew after a pause.
    pub fn kept<F>(
        name: &'static str,
        pause: Duration,
        make: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start(name, async move {
            loop {
                // Ended with this one, when that is dropped.
                let mut task = Self::start(name, make());
                if (&mut task.handle).await.is_ok() {
                    return;
                }
                tokio::time::sleep(pause).await;
            }
        })
    }

    /// Waits until the task has ended by itself.
    pub async fn join(mut self) {
        // A panic was logged where it happened; being stopped is what a task expects.
        let _ = (&mut self.handle).await;
    }

    /// Ends the task at its next wait and returns once it is gone.
    pub async fn end(mut self) {
        self.handle.abort();
        let _ = (&mut self.handle).await;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

/// Runs a future to its end, whoever stops waiting for the handle. A panic in it is logged under
/// the name; whoever joins the handle sees it too.
#[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
pub fn spawn<T: Send + 'static>(
    name: &'static str,
    future: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(async move {
        let report = PanicReport { name };
        let result = future.await;
        std::mem::forget(report);
        result
    })
}

struct PanicReport {
    name: &'static str,
}

impl Drop for PanicReport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(task.name = self.name, "A background task panicked.");
        }
    }
}
