//! Starting and stopping the gateway.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hoursmith_bus::{Bus, Subscription, subjects};
use hoursmith_domain::Keys;
use hoursmith_kit::{Clock, Random, Task, spawn};
use hoursmith_routes::docs::Documents;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{self, End};
use crate::edge::Edge;
use crate::guests::Guests;
use crate::limiter::Throttle;
use crate::meter::DoorMeter;
use crate::owners::Owners;
use crate::router::Router;
use crate::stage::StageMeters;
use crate::{Error, GatewaySettings, accept};

/// What the gateway runs on.
#[derive(Debug)]
pub struct GatewayHost {
    /// Where the stages are asked.
    pub bus: Arc<dyn Bus>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Request ids.
    pub random: Arc<dyn Random>,
    /// The deployment's keys.
    pub keys: Keys,
}

/// A running gateway. Stop it with [`Gateway::stop`]; dropped, it stops accepting and leaves the
/// rest to the end of the runtime.
#[derive(Debug)]
pub struct Gateway {
    local_addr: SocketAddr,
    pub(crate) edge: Arc<Edge>,
    accepting: Task,
    cut: Arc<AtomicUsize>,
    heartbeats: Subscription,
}

/// How stopping went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were cut with a request in work, when the time to finish was over.
    pub cut: usize,
}

impl Gateway {
    /// Binds and serves. When this returns, connections are accepted.
    pub async fn start(settings: GatewaySettings, host: GatewayHost) -> Result<Self, Error> {
        let owners = Owners::new(
            Arc::clone(&host.bus),
            Arc::clone(&host.clock),
            host.keys.clone(),
        );
        let gateway = host.random.uuid_v7(host.clock.now());
        let heartbeats = owners.listen(gateway).await.map_err(Error::Bus)?;
        let listener = accept::bind(settings.listen).await?;
        let local_addr = listener.local_addr().map_err(|source| Error::Bind {
            address: settings.listen,
            source,
        })?;
        let edge = Arc::new(Edge {
            router: Router::new(
                hoursmith_routes::routes(),
                Documents::new(&settings.public_url),
            )?,
            owners,
            token_auth: subjects::token_auth_check(),
            idempotency: subjects::idempotency_check(),
            console: subjects::console_page(),
            stage_meters: StageMeters::new(),
            door: DoorMeter::new(),
            places: places(settings.max_concurrent_requests),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            cut: CancellationToken::new(),
            open_log: Throttle::default(),
            bus: host.bus,
            clock: host.clock,
            random: host.random,
            keys: host.keys,
            settings,
        });
        let cut = Arc::new(AtomicUsize::new(0));
        let accepting = Task::start(
            "gateway accept",
            accept_connections(listener, Arc::clone(&edge), Arc::clone(&cut)),
        );
        tracing::info!(server.address = %local_addr, "The API is served.");
        Ok(Self {
            local_addr,
            edge,
            accepting,
            cut,
            heartbeats,
        })
    }

    /// The address that is listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// How many rate limiters have been heard of in the last seconds. With none, requests go
    /// unlimited, so a gateway is not ready before there is one.
    pub fn limiters_known(&self) -> usize {
        self.edge.owners.count()
    }

    /// [`Gateway::limiters_known`] for whoever asks later, without holding the gateway.
    pub fn watch_limiters(&self) -> Arc<dyn Fn() -> usize + Send + Sync> {
        let edge = Arc::clone(&self.edge);
        Arc::new(move || edge.owners.count())
    }

    /// Stops: closes the listener, lets every request in work finish and be answered, for at most
    /// the shutdown timeout, then cuts what is left.
    pub async fn stop(self) -> Stopped {
        self.edge.stop.cancel();
        // The listener is closed when the task has ended; only then is nobody let in any more.
        self.accepting.join().await;
        self.edge.tasks.close();
        let patience = self.edge.settings.shutdown_timeout;
        if tokio::time::timeout(patience, self.edge.tasks.wait())
            .await
            .is_err()
        {
            self.edge.cut.cancel();
            // Connections end at once now. A write whose client left may still run; it ends by its
            // own deadline, and the process does not wait for it.
            let _ = tokio::time::timeout(CUT_PATIENCE, self.edge.tasks.wait()).await;
        }
        self.heartbeats.drain().await;
        let stopped = Stopped {
            cut: self.cut.load(Ordering::Relaxed),
        };
        tracing::info!(connections.cut = stopped.cut, "The API has stopped.");
        stopped
    }
}

/// How long the cut connections take at most to see it.
const CUT_PATIENCE: Duration = Duration::from_secs(1);

async fn accept_connections(listener: TcpListener, edge: Arc<Edge>, cut: Arc<AtomicUsize>) {
    let limit = places(edge.settings.max_connections);
    let guests = Guests::new(
        edge.settings.max_connections_per_address,
        edge.settings.trusted_proxies.clone(),
    );
    let shared = Arc::clone(&edge);
    let admit = move |peer| {
        let Ok(place) = Arc::clone(&limit).try_acquire_owned() else {
            shared.door.connection_limit.increment(1);
            return None;
        };
        let guest = guests.admit(peer);
        if guest.is_none() {
            shared.door.address_limit.increment(1);
        }
        guest.map(|guest| (place, guest))
    };
    let stop = edge.stop.clone();
    let serve = move |stream, peer, place| {
        let (edge, cut) = (Arc::clone(&edge), Arc::clone(&cut));
        let tasks = edge.tasks.clone();
        let connection = async move {
            edge.door.connections.increment(1.0);
            let open = edge.door.connections.clone();
            if connection::serve(edge, stream, peer).await == End::Cut {
                cut.fetch_add(1, Ordering::Relaxed);
            }
            open.decrement(1.0);
            drop(place);
        };
        // Ends by itself: each wait of a connection is bounded.
        drop(spawn("gateway connection", tasks.track_future(connection)));
    };
    accept::run(listener, stop, admit, serve).await;
}

fn places(count: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)))
}
