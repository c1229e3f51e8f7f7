//! Whether a process can do its work: what `/readyz` asks.

use std::sync::Arc;

use hoursmith_bus::Bus;
use hoursmith_store::Db;

/// The parts whose state decides.
#[derive(Clone)]
pub(crate) struct Readiness {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) db: Option<Db>,
    /// How many rate limiters the gateway knows, where there is a gateway.
    pub(crate) limiters: Option<Arc<dyn Fn() -> usize + Send + Sync>>,
}

impl Readiness {
    /// `Err` says in a sentence what is missing.
    pub(crate) async fn check(&self) -> Result<(), String> {
        self.bus.health().await.map_err(|error| error.to_string())?;
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
