//! The contract, kept by the in-process bus alone, and by two of them behind `LocalFirst`.

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::sync::Arc;

use hoursmith_bus::conformance::{Clock, Rig};
use hoursmith_bus::{Bus, LocalFirst, MemoryBus, Pattern, Placement};

fn rig(near: Arc<dyn Bus>, far: Arc<dyn Bus>, clock: Arc<Clock>) -> Rig {
    Rig {
        near,
        far,
        clock,
        keep: Box::new(()),
    }
}

mod memory {
    use super::*;

    async fn start(clock: Arc<Clock>) -> Rig {
        let bus = MemoryBus::new(clock.now());
        rig(Arc::clone(&bus) as Arc<dyn Bus>, bus, clock)
    }

    hoursmith_bus::bus_conformance!(start);
}

/// Asked in its own process, over the local bus.
mod local_first_inside {
    use super::*;

    async fn start(clock: Arc<Clock>) -> Rig {
        let (local, remote) = (MemoryBus::new(clock.now()), MemoryBus::new(clock.now()));
        let bus = LocalFirst::new(local, remote, Placement::new());
        rig(Arc::clone(&bus) as Arc<dyn Bus>, bus, clock)
    }

    hoursmith_bus::bus_conformance!(start);
}

/// Asked from another process, over the remote bus.
mod local_first_outside {
    use super::*;

    async fn start(clock: Arc<Clock>) -> Rig {
        let remote = MemoryBus::new(clock.now());
        let near = LocalFirst::new(
            MemoryBus::new(clock.now()),
            Arc::clone(&remote) as Arc<dyn Bus>,
            Placement::new(),
        );
        rig(near, remote, clock)
    }

    hoursmith_bus::bus_conformance!(start);
}

/// Asked in its own process, yet forced out.
mod local_first_forced {
    use super::*;

    async fn start(clock: Arc<Clock>) -> Rig {
        let (local, remote) = (MemoryBus::new(clock.now()), MemoryBus::new(clock.now()));
        let placement = Placement::new().force_remote(Pattern::new(">").unwrap());
        let bus = LocalFirst::new(local, remote, placement);
        rig(Arc::clone(&bus) as Arc<dyn Bus>, bus, clock)
    }

    hoursmith_bus::bus_conformance!(start);
}
