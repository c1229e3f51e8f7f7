//! Which workers of a pool have nothing to do.
//!
//! The one that became idle last is taken first. Taken in turn, as a channel would give them, a
//! hundred workers would each find their memory gone from the processor's caches; and what a
//! quiet pool does not need stays untouched.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Semaphore;

/// The idle workers, by index.
#[derive(Debug)]
pub(crate) struct Idle {
    /// As many permits as `workers` has entries, or is about to.
    count: Semaphore,
    workers: Mutex<Vec<usize>>,
}

impl Idle {
    pub(crate) fn new() -> Self {
        Self {
            count: Semaphore::new(0),
            workers: Mutex::default(),
        }
    }

    /// A worker has nothing to do.
    pub(crate) fn add(&self, index: usize) {
        self.workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(index);
        self.count.add_permits(1);
    }

    /// An idle worker, if there is one and nobody waits for it.
    pub(crate) fn take_now(&self) -> Option<usize> {
        self.count.try_acquire().ok()?.forget();
        self.pop()
    }

    /// Waits for an idle worker; who waits longest comes first. `None` once the pool has stopped.
    pub(crate) async fn take(&self) -> Option<usize> {
        self.count.acquire().await.ok()?.forget();
        self.pop()
    }

    fn pop(&self) -> Option<usize> {
        self.workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    /// Gives no worker any more.
    pub(crate) fn close(&self) {
        self.count.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn the_last_comes_first_and_nobody_is_given_twice() {
        let idle = Idle::new();
        let mut waits = Box::pin(idle.take());
        assert_eq!((&mut waits).now_or_never(), None);
        idle.add(1);
        assert_eq!(waits.now_or_never(), Some(Some(1)));
        idle.add(2);
        idle.add(3);
        assert_eq!(idle.take_now(), Some(3));
        assert_eq!(idle.take().now_or_never(), Some(Some(2)));
        assert_eq!(idle.take_now(), None);
        assert_eq!(idle.take().now_or_never(), None);
        idle.close();
        assert_eq!(idle.take().now_or_never(), Some(None));
    }
}
