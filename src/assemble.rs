//! Starting and stopping a process's parts, in the order that their needs give.
//!
//! Start: keys, database and migrations, bus, actors, then the gateway: whatever a part asks is
//! there before the part. Stop: the other way round, so that what was taken in is answered.

use std::net::SocketAddr;
use std::sync::Arc;

use hoursmith_bus::Bus;
use hoursmith_domain::Keys;
use hoursmith_gateway::{Gateway, GatewayHost, GatewaySettings, admin};
use hoursmith_kit::{
    Clock, Host, Plugin, Random, RunningPlugin, StartError, SystemClock, SystemRandom,
};
use hoursmith_settings::{ExposeSecret as _, Settings};
use hoursmith_store::{Db, OpenOptions, Target};

use crate::components::Components;
use crate::join::{Joined, join_bus};
use crate::plugins::plugins;
use crate::ready::Readiness;

/// What a process is made of beside the product's own: what a test may replace, and further actors.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Actors beside those of [`plugins`](crate::plugins::plugins()), started after them where the
    /// components name them.
    pub plugins: Vec<Arc<dyn Plugin>>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
            plugins: Vec::new(),
        }
    }
}

/// Why a process could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting, or the secret key.
    #[error("the settings cannot be used")]
    Settings(#[from] hoursmith_settings::Error),
    /// The database's address.
    #[error("`database_url` cannot be used")]
    Target(#[source] hoursmith_store::TargetError),
    /// The database.
    #[error("the database {database} cannot be used")]
    Open {
        /// Where it is, without its password.
        database: String,
        /// Why.
        #[source]
        source: hoursmith_store::OpenError,
    },
    /// Its schema.
    #[error("the database cannot be migrated")]
    Migrate(#[source] hoursmith_store::MigrationError),
    /// NATS.
    #[error("the bus cannot be joined")]
    Bus(#[source] hoursmith_nats::ConnectError),
    /// Some parts alone, with nobody to ask the others.
    #[error("`--only` needs `NATS_URL`: the parts of different processes meet on NATS")]
    OnlyWithoutNats,
    /// A name in `nats.remote` that is no part's.
    #[error("`nats.remote` names `{0}`, which is no actor")]
    Remote(String),
    /// An actor.
    #[error("an actor cannot start")]
    Plugin(#[source] StartError),
    /// The HTTP server.
    #[error("the gateway cannot start")]
    Gateway(#[source] hoursmith_gateway::Error),
}

/// The running parts of a process.
#[derive(Debug)]
pub struct Running {
    gateway: Option<Gateway>,
    admin: admin::Admin,
    plugins: Vec<RunningPlugin>,
    bus: Arc<dyn Bus>,
    db: Option<Db>,
}

/// Starts the components. When this returns, they serve.
pub async fn serve(
    settings: Settings,
    components: &Components,
    parts: Parts,
) -> Result<Running, ServeError> {
    if !components.is_all() && settings.nats_url.is_none() {
        return Err(ServeError::OnlyWithoutNats);
    }
    let settings = Arc::new(settings);
    let keys = keys(&settings, parts.random.as_ref())?;
    let db = match components.has_actors() {
        true => Some(open_database(&settings, parts.clock.as_ref()).await?),
        false => None,
    };
    let Joined { bus, stream } = join_bus(&settings, components, &parts).await?;
    let mut running = Vec::new();
    if let Some(db) = &db {
        let host = Host {
            bus: Arc::clone(&bus),
            stream,
            db: db.clone(),
            clock: Arc::clone(&parts.clock),
            random: Arc::clone(&parts.random),
            keys: keys.clone(),
            settings: Arc::clone(&settings),
            instance: parts.random.uuid_v7(parts.clock.now()),
        };
        let further = parts.plugins.iter().cloned();
        for plugin in plugins()
            .into_iter()
            .chain(further)
            .filter(|plugin| components.has(plugin.name()))
        {
            running.push(
                plugin
                    .start(host.clone())
                    .await
                    .map_err(ServeError::Plugin)?,
            );
        }
    }
    let gateway = match components.has_gateway() {
        true => Some(start_gateway(&settings, &bus, keys, &parts).await?),
        false => None,
    };
    let limiters = gateway.as_ref().map(Gateway::watch_limiters);
    let readiness = Readiness {
        bus: Arc::clone(&bus),
        needs_bus: !components.is_all() || !settings.nats.remote.is_empty(),
        db: db.clone(),
        limiters,
    };
    let ready: admin::Readiness = Arc::new(move || {
        let readiness = readiness.clone();
        Box::pin(async move { readiness.check().await })
    });
    let admin = admin::start(settings.admin_listen, ready)
        .await
        .map_err(ServeError::Gateway)?;
    Ok(Running {
        gateway,
        admin,
        plugins: running,
        bus,
        db,
    })
}

/// Opens the database that the settings name, and brings its schema up to date.
pub async fn open_database(settings: &Settings, clock: &dyn Clock) -> Result<Db, ServeError> {
    settings.make_data_dir()?;
    let url = settings.effective_database_url();
    let target = Target::parse(url.expose_secret()).map_err(ServeError::Target)?;
    let db = Db::open(&target, OpenOptions::default())
        .await
        .map_err(|source| ServeError::Open {
            database: target.display(),
            source,
        })?;
    let report = db.migrate(clock.now()).await.map_err(ServeError::Migrate)?;
    if !report.applied.is_empty() {
        tracing::info!(
            migration.count = report.applied.len(),
            db.system.name = db.engine(),
            "The database was migrated."
        );
    }
    Ok(db)
}

/// The keys of the deployment.
pub fn keys(settings: &Settings, random: &dyn Random) -> Result<Keys, ServeError> {
    let secret = settings.secret_key(|| {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        bytes
    })?;
    Ok(Keys::derive(&secret))
}

async fn start_gateway(
    settings: &Settings,
    bus: &Arc<dyn Bus>,
    keys: Keys,
    parts: &Parts,
) -> Result<Gateway, ServeError> {
    let host = GatewayHost {
        bus: Arc::clone(bus),
        clock: Arc::clone(&parts.clock),
        random: Arc::clone(&parts.random),
        keys,
    };
    Gateway::start(GatewaySettings::of(settings), host)
        .await
        .map_err(ServeError::Gateway)
}

impl Running {
    /// Where the API listens, if this process runs the gateway.
    pub fn api_addr(&self) -> Option<SocketAddr> {
        self.gateway.as_ref().map(Gateway::local_addr)
    }

    /// Where `/metrics`, `/healthz` and `/readyz` are.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin.local_addr()
    }

    /// The database, if this process uses it.
    pub fn db(&self) -> Option<&Db> {
        self.db.as_ref()
    }

    /// The bus.
    pub fn bus(&self) -> &Arc<dyn Bus> {
        &self.bus
    }

    /// Stops: no new requests, what is in work is answered, then everything ends. True when
    /// nothing had to be cut off.
    pub async fn stop(self) -> bool {
        self.admin.stopping();
        let whole = match self.gateway {
            Some(gateway) => gateway.stop().await.cut == 0,
            None => true,
        };
        for plugin in self.plugins.into_iter().rev() {
            plugin.stop().await;
        }
        self.bus.drain().await;
        if let Some(db) = &self.db {
            db.close().await;
        }
        self.admin.stop().await;
        whole
    }
}
