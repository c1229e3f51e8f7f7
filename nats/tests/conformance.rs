//! The contract, kept by the bus over NATS, alone and behind `LocalFirst`.

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::sync::Arc;

use hoursmith_bus::conformance::{Clock, Rig};
use hoursmith_bus::{Bus, LocalFirst, MemoryBus, Placement};
use hoursmith_nats::testing::TestNats;
use hoursmith_nats::{NatsBus, NatsSettings};

async fn connect(nats: &TestNats, name: &str, clock: &Arc<Clock>) -> Arc<dyn Bus> {
    NatsBus::connect(NatsSettings::new(nats.url(), name), clock.now())
        .await
        .unwrap()
}

async fn behind_local_first(nats: &TestNats, name: &str, clock: &Arc<Clock>) -> Arc<dyn Bus> {
    let remote = connect(nats, name, clock).await;
    LocalFirst::new(MemoryBus::new(clock.now()), remote, Placement::new())
}

/// Asked over a connection of its own.
mod nats {
    use super::*;

    async fn start(clock: Arc<Clock>) -> Rig {
        let nats = TestNats::start();
        let near = connect(&nats, "near", &clock).await;
        let far = connect(&nats, "far", &clock).await;
        Rig {
            near,
            far,
            clock,
            keep: Box::new(nats),
        }
    }

    hoursmith_bus::bus_conformance!(start);
}

/// Asked in the process that serves, though another could.
mod local_first_inside {
    use super::*;

    async fn start(clock: Arc<Clock>) -> Rig {
        let nats = TestNats::start();
        let near = behind_local_first(&nats, "near", &clock).await;
        Rig {
            far: Arc::clone(&near),
            near,
            clock,
            keep: Box::new(nats),
        }
    }

    hoursmith_bus::bus_conformance!(start);
}

/// Asked from another process.
mod local_first_outside {
    use super::*;

    async fn start(clock: Arc<Clock>) -> Rig {
        let nats = TestNats::start();
        let near = behind_local_first(&nats, "near", &clock).await;
        let far = behind_local_first(&nats, "far", &clock).await;
        Rig {
            near,
            far,
            clock,
            keep: Box::new(nats),
        }
    }

    hoursmith_bus::bus_conformance!(start);
}
