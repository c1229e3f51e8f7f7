//! A running Hoursmith with its database and bus, and what a test needs to set the scene.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hoursmith::{Components, Parts, Running};
use hoursmith_domain::{MemberId, OrganizationId, Plan, Role, Scope, SecretKey, Timestamp};
use hoursmith_kit::{Clock, ManualClock, Plugin, SystemRandom};
use hoursmith_nats::testing::TestNats;
use hoursmith_resource::admin::{Admin, NewMember, NewOrganization};
use hoursmith_settings::{SecretString, Settings};
use hoursmith_store::testing::TestDb;
use hoursmith_token_auth::{NewToken, mint_token};

use crate::http::Call;
use crate::processes::{Process, strict_nats};

/// The secret key of every test deployment.
pub const SECRET: [u8; 32] = [42; 32];

/// Where the parts run and meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// One process, in-process bus.
    Memory,
    /// One process that joins NATS, every stage called over it.
    Nats,
    /// A process for each part, on NATS with an identity for each.
    Split,
    /// One process of the built program, in-process bus.
    Process,
}

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Sqlite,
    Postgres,
}

/// A running deployment.
pub struct World {
    pub address: SocketAddr,
    pub admin_address: SocketAddr,
    pub clock: Arc<ManualClock>,
    pub store: Store,
    pub db: TestDb,
    pub nats: Option<TestNats>,
    /// What the deployment was started with, to start more of it.
    pub settings: Settings,
    /// Where it runs outside this process, the gateway last.
    pub processes: Vec<Process>,
    running: Option<Running>,
}

/// An organization of one test's own, with a member and a token per role.
pub struct Org {
    pub id: OrganizationId,
    pub slug: String,
    pub owner: Person,
    pub admin: Person,
    pub manager: Person,
    pub member: Person,
}

/// A member and a write token of its own.
#[derive(Clone)]
pub struct Person {
    pub id: MemberId,
    pub email: String,
    pub token: String,
}

impl World {
    /// Starts a deployment with limits that no test runs into.
    pub async fn start(bus: Bus, store: Store) -> Self {
        Self::start_with(bus, store, generous).await
    }

    /// Starts a deployment with settings of the test's own.
    pub async fn start_with(bus: Bus, store: Store, adjust: impl FnOnce(&mut Settings)) -> Self {
        Self::start_beside(bus, store, adjust, Vec::new()).await
    }

    /// Starts a deployment, in this process, with actors beside the product's own.
    pub async fn start_beside(
        bus: Bus,
        store: Store,
        adjust: impl FnOnce(&mut Settings),
        plugins: Vec<Arc<dyn Plugin>>,
    ) -> Self {
        let db = match store {
            Store::Sqlite => TestDb::sqlite().await,
            Store::Postgres => TestDb::postgres().await,
        };
        Self::start_on(bus, (store, db), adjust, plugins).await
    }

    /// Starts a deployment on a database of the test's own.
    pub async fn start_on(
        bus: Bus,
        (store, db): (Store, TestDb),
        adjust: impl FnOnce(&mut Settings),
        plugins: Vec<Arc<dyn Plugin>>,
    ) -> Self {
        let nats = match bus {
            Bus::Memory | Bus::Process => None,
            Bus::Nats => Some(TestNats::start()),
            Bus::Split => Some(strict_nats()),
        };
        let mut settings = Settings::default();
        settings.listen.set_port(0);
        settings.admin_listen.set_port(0);
        settings.database_url = Some(SecretString::from(db.url()));
        settings.nats_url = nats.as_ref().map(|nats| SecretString::from(nats.url()));
        settings.secret_key = Some(SecretString::from(SecretKey::from_bytes(SECRET).expose()));
        // Receivers of webhooks are on this machine, and nothing leaves it.
        settings.outbound.allow_http = true;
        settings.outbound.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
        if bus == Bus::Nats {
            settings.nats.remote = hoursmith::plugins::names()
                .into_iter()
                .map(str::to_owned)
                .collect();
        }
        adjust(&mut settings);
        let clock = Arc::new(ManualClock::new());
        let mut processes = Vec::new();
        let mut running = None;
        let (address, admin_address) = match bus {
            Bus::Memory | Bus::Nats => {
                let started = serve_beside(&settings, Arc::clone(&clock) as _, plugins).await;
                let addresses = (started.api_addr(), started.admin_addr());
                running = Some(started);
                addresses
            }
            Bus::Split | Bus::Process => {
                processes = match bus {
                    Bus::Split => Process::start_each(&settings).await,
                    _ => vec![Process::start(&settings, &[])],
                };
                let gateway = processes.last().unwrap();
                (gateway.api, gateway.admin)
            }
        };
        Self {
            address: address.expect("the gateway runs"),
            admin_address,
            clock,
            store,
            db,
            nats,
            settings,
            processes,
            running,
        }
    }

    /// Stops the server; true when nothing had to be cut off.
    pub async fn stop(mut self) -> bool {
        match self.running.take() {
            Some(running) => running.stop().await,
            None => true,
        }
    }

    /// Stops the server and starts it again, on another clock.
    pub async fn serve_again(&mut self, clock: Arc<dyn Clock>) {
        assert!(self.running.take().expect("one process").stop().await);
        let started = serve(&self.settings, clock).await;
        self.address = started.api_addr().unwrap();
        self.admin_address = started.admin_addr();
        self.running = Some(started);
    }

    /// The running server of one process.
    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("one process")
    }

    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.address, method, path)
    }

    pub fn get(&self, path: &str, person: &Person) -> Call {
        self.call("GET", path).token(&person.token)
    }

    pub fn post(&self, path: &str, person: &Person) -> Call {
        self.call("POST", path).token(&person.token)
    }

    /// What an operator would do from the command line.
    pub fn operator(&self) -> Admin {
        Admin {
            db: self.db.db().clone(),
            clock: Arc::clone(&self.clock) as _,
            random: Arc::new(SystemRandom),
        }
    }

    /// A new organization on Agency.
    pub async fn org(&self) -> Org {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let slug = format!("org-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let email = |who: &str| format!("{who}@{slug}.example");
        let operator = self.operator();
        let organization = NewOrganization {
            name: slug.clone(),
            slug: slug.clone(),
            plan: Plan::Agency,
            currency: "EUR".parse().unwrap(),
            timezone: "Europe/Berlin".to_owned(),
        };
        let person = |who: &str, role| NewMember {
            name: who.to_owned(),
            email: email(who),
            role,
        };
        let (id, owner) = operator
            .create_organization(organization, person("owner", Role::Owner))
            .await
            .unwrap();
        let add =
            async |who: &str, role| operator.add_member(&slug, person(who, role)).await.unwrap();
        let (admin, manager, member) = (
            add("admin", Role::Admin).await,
            add("manager", Role::Manager).await,
            add("member", Role::Member).await,
        );
        let with_token = async |member: MemberId, who: &str| Person {
            id: member,
            email: email(who),
            token: self.token(id, member, Scope::Write, None).await,
        };
        Org {
            id,
            owner: with_token(owner, "owner").await,
            admin: with_token(admin, "admin").await,
            manager: with_token(manager, "manager").await,
            member: with_token(member, "member").await,
            slug: slug.clone(),
        }
    }

    /// A token for a member.
    pub async fn token(
        &self,
        organization: OrganizationId,
        member: MemberId,
        scope: Scope,
        expires_at: Option<Timestamp>,
    ) -> String {
        let keys = hoursmith_domain::Keys::derive(&SecretKey::from_bytes(SECRET));
        let new = NewToken {
            organization,
            member,
            name: "test".to_owned(),
            scope,
            expires_at,
        };
        let minted = mint_token(self.db.db(), &SystemRandom, &keys, self.clock.now(), new)
            .await
            .unwrap();
        minted.token.expose().to_owned()
    }

    /// Rows of a table, for tests that look behind the API.
    pub async fn count(&self, table: &'static str, organization: OrganizationId) -> i64 {
        crate::world::count(self.db.db(), table, organization).await
    }
}

/// Serves everything in this process.
pub async fn serve(settings: &Settings, clock: Arc<dyn Clock>) -> Running {
    serve_beside(settings, clock, Vec::new()).await
}

/// Serves everything and these plugins in this process.
pub async fn serve_beside(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    plugins: Vec<Arc<dyn Plugin>>,
) -> Running {
    let components = plugins
        .iter()
        .fold(Components::all(), |components, plugin| {
            components.with(plugin.name())
        });
    let parts = Parts {
        clock,
        random: Arc::new(SystemRandom),
        plugins,
    };
    let running = hoursmith::serve(settings.clone(), &components, parts).await;
    running.expect("the server starts")
}

/// A clock that stands still, for what depends on a single moment.
#[derive(Debug)]
pub struct StoppedClock(Mutex<Timestamp>);

impl StoppedClock {
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(now)))
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus(by);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        Timestamp::from_micros(0).until(self.now())
    }
}

/// Limits that no test runs into by accident.
pub fn generous(settings: &mut Settings) {
    let limits = &mut settings.limits;
    for limit in [
        &mut limits.free,
        &mut limits.studio,
        &mut limits.agency,
        &mut limits.anonymous,
        &mut limits.app,
    ] {
        limit.burst_limit = 50_000;
        limit.sustained_limit = 100_000;
    }
}

/// Rows of a table that belong to an organization.
pub async fn count(
    db: &hoursmith_store::Db,
    table: &'static str,
    organization: OrganizationId,
) -> i64 {
    const CLIENTS: hoursmith_store::Statement = hoursmith_store::Statement {
        name: "COUNT_CLIENTS",
        sql: "SELECT COUNT(*) FROM clients WHERE organization_id = $1",
    };
    const EVENTS: hoursmith_store::Statement = hoursmith_store::Statement {
        name: "COUNT_EVENTS",
        sql: "SELECT COUNT(*) FROM events WHERE organization_id = $1",
    };
    const RECORDS: hoursmith_store::Statement = hoursmith_store::Statement {
        name: "COUNT_RECORDS",
        sql: "SELECT COUNT(*) FROM idempotency_records WHERE organization_id = $1",
    };
    const TIME_ENTRIES: hoursmith_store::Statement = hoursmith_store::Statement {
        name: "COUNT_TIME_ENTRIES",
        sql: "SELECT COUNT(*) FROM time_entries WHERE organization_id = $1",
    };
    let mut conn = db.read().await.unwrap();
    let (rows,) = match table {
        "time_entries" => {
            hoursmith_store::fetch_one!(&mut conn, TIME_ENTRIES as (i64,), organization.0)
        }
        "clients" => hoursmith_store::fetch_one!(&mut conn, CLIENTS as (i64,), organization.0),
        "events" => hoursmith_store::fetch_one!(&mut conn, EVENTS as (i64,), organization.0),
        "idempotency_records" => {
            hoursmith_store::fetch_one!(&mut conn, RECORDS as (i64,), organization.0)
        }
        other => panic!("no statement for {other}"),
    }
    .unwrap();
    rows
}

/// Waits until a process says that it is ready.
pub async fn until_ready(admin: SocketAddr) {
    let ready = async {
        loop {
            match Call::new(admin, "GET", "/readyz").try_send().await {
                Some(answer) if answer.status == 200 => return,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ready)
        .await
        .expect("ready in time");
}
