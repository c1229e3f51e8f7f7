//! Whether a process can do its work: what `/readyz` asks.

use std::sync::Arc;

use hoursmith_bus::Bus;
use hoursmith_store::Db;

/// The parts whose state decides.
#[derive(Clone)]
pub(crate) struct Readiness {
    pub(crate) bus: Arc<dyn Bus>,
    /// Whether anything that this process does needs another one. A process that runs everything
    /// itself works on while NATS is away.
    pub(crate) needs_bus: bool,
    pub(crate) db: Option<Db>,
    /// How many rate limiters the gateway knows, where there is a gateway.
    pub(crate) limiters: Option<Arc<dyn Fn() -> usize + Send + Sync>>,
}

impl Readiness {
    /// `Err` says in a sentence what is missing.
    pub(crate) async fn check(&self) -> Result<(), String> {
        if self.needs_bus {
            self.bus.health().await.map_err(|error| error.to_string())?;
        }
        if let Some(db) = &self.db {
            db.ping().await.map_err(|error| error.to_string())?;
        }
        match &self.limiters {
            Some(limiters) if limiters() == 0 => {
                Err("no rate limiter has announced itself".to_owned())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoursmith_bus::MemoryBus;
    use hoursmith_kit::{Clock as _, SystemClock};

    #[tokio::test]
    async fn a_bus_that_is_away_counts_where_it_is_needed() {
        let clock = SystemClock::new();
        let away = MemoryBus::new(Arc::new(move || clock.now()));
        away.drain().await;
        let ready = |needs_bus| Readiness {
            bus: Arc::clone(&away) as Arc<dyn Bus>,
            needs_bus,
            db: None,
            limiters: Some(Arc::new(|| 1)),
        };
        assert!(ready(false).check().await.is_ok());
        assert!(ready(true).check().await.is_err());
    }
}
