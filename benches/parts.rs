//! What the parts of a request cost by themselves. `benches/system` says what that comes to.

#![expect(clippy::unwrap_used, reason = "a measurement that fails panics")]

use std::hint::black_box;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use hoursmith_bus::{Ask, Envelope, Head, MemoryBus, Pattern, Response, Subject, Verdict};
use hoursmith_domain::{
    CallerAuthority, Cursor, CursorScope, Document, Door, Keys, MemberId, OrganizationId, Plan,
    RequestId, Role, Scope, SecretKey, Timestamp, TokenId, UserId,
};
use hoursmith_kit::{
    Clock, Failure, Host, Pool, PoolSpec, Random as _, RestartPolicy, Routing, SystemClock,
    SystemRandom, Worker,
};
use hoursmith_rate_limiter::{Horizon, Limiter, Owner, Tier};
use hoursmith_settings::Settings;
use hoursmith_store::testing::TestDb;
use tokio::runtime::Runtime;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(3600);

fn keys() -> Keys {
    Keys::derive(&SecretKey::from_bytes([42; 32]))
}

/// A head as the resource actor gets it.
fn head(keys: &Keys, deadline: Timestamp) -> Head {
    let id = Uuid::from_u128;
    let request = RequestId(id(1 << 64));
    let mut head = Head::new(
        request,
        "client.read",
        "/api/v1/clients/0198c0de-0000-7000-8000-000000000001",
    );
    head.path_params = vec![("client_id".to_owned(), id(7 << 70).to_string())];
    let authority = CallerAuthority::new(keys.clone());
    head.caller = Some(authority.vouch(
        request,
        deadline,
        OrganizationId(id(2 << 64)),
        UserId(id(3 << 64)),
        MemberId(id(4 << 64)),
        TokenId(id(5 << 64)),
        Role::Owner,
        Plan::Agency,
        Scope::Write,
        Door::Api,
    ));
    head
}

struct Echo;

impl Worker for Echo {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        Ok(Verdict::Respond(Response::json(200, ask.body)))
    }
}

/// From a sealed envelope to the verdict of a worker: bus, admission, seals, an actor's mailbox.
fn bus_hop(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (bus, keys, deadline, _running) = runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let db = TestDb::sqlite().await;
        let of_bus = Arc::clone(&clock);
        let host = Host {
            bus: MemoryBus::new(Arc::new(move || of_bus.now())),
            stream: None,
            db: db.db().clone(),
            clock: Arc::clone(&clock),
            random: Arc::new(SystemRandom),
            keys: keys(),
            settings: Arc::new(Settings::default()),
            instance: SystemRandom.uuid_v7(clock.now()),
        };
        let spec = PoolSpec {
            plugin: "bench",
            workers: const { NonZeroUsize::new(8).unwrap() },
            queue: 64,
            routing: Routing::Any,
            restart: RestartPolicy::default(),
        };
        let pool = Pool::start(&host, spec, |_| Echo).await.unwrap();
        let served = pool
            .serve(&*host.bus, Pattern::new("bench.>").unwrap())
            .await
            .unwrap();
        (
            host.bus,
            host.keys,
            clock.now().plus(PATIENCE),
            (pool, served, db),
        )
    });
    let subject = Subject::new("bench.echo").unwrap();
    let head = Arc::new(head(&keys, deadline));
    c.bench_function("bus hop to a worker, in process", |b| {
        b.to_async(&runtime).iter(|| async {
            let envelope =
                Envelope::asking(deadline, Arc::clone(&head), "").sealed(&subject, &keys);
            let answer = bus.request(subject.clone(), envelope).await.unwrap();
            Verdict::from_envelope(answer, &subject).unwrap()
        });
    });
}

fn envelopes(c: &mut Criterion) {
    let (keys, deadline) = (keys(), Timestamp::from_micros(1 << 50));
    let subject = Subject::new("hoursmith.v1.resource.client.read").unwrap();
    let head = head(&keys, deadline);
    let bytes = head.encode();
    c.bench_function("seal and verify an envelope", |b| {
        b.iter(|| {
            let sealed = Envelope::new(deadline, bytes.clone(), "").sealed(&subject, &keys);
            sealed.verify(&subject, &keys).unwrap();
        });
    });
    c.bench_function("seal, write and verify an envelope", |b| {
        b.iter(|| {
            let sealed = Envelope::new(deadline, bytes.clone(), "").sealed(&subject, &keys);
            sealed.written().verify(&subject, &keys).unwrap();
        });
    });
    c.bench_function("encode a head", |b| b.iter(|| black_box(&head).encode()));
    c.bench_function("decode a head", |b| {
        b.iter(|| Head::decode(black_box(&bytes)).unwrap())
    });
}

/// A check that spends, of a ring that is full to its sustained limit.
fn rate_limit(c: &mut Criterion) {
    let tier = |limit, seconds| Tier {
        limit: NonZeroU32::new(limit).unwrap(),
        window: Duration::from_secs(seconds),
    };
    let tiers = [tier(60, 10), tier(1_200, 60)];
    let horizon = Horizon {
        window: tiers[1].window,
        admissions: tiers[1].limit,
    };
    let mut limiter = Limiter::new(NonZeroUsize::MIN, horizon);
    let owner = Owner::Token(TokenId(Uuid::from_u128(1)));
    let mut now = Duration::from_secs(1);
    c.bench_function("rate limiter check", |b| {
        b.iter(|| {
            now += Duration::from_millis(200);
            limiter.spend(owner.clone(), &tiers, now)
        });
    });
}

fn json(c: &mut Criterion) {
    let notes = "a word and ".repeat(70);
    let body = format!(
        r#"{{"name":"Atlas Coffee Roasters","number":"C-0001","billable_rate":"120.00","address":{{"city":"Berlin","country":"DE"}},"payment_terms_days":30,"notes":"{notes}"}}"#
    );
    c.bench_function(
        &format!("decode and digest JSON of {} bytes", body.len()),
        |b| {
            b.iter(|| {
                let mut bytes = body.clone().into_bytes();
                Document::parse(&mut bytes).unwrap().canonical_digest()
            });
        },
    );
}

fn cursor(c: &mut Criterion) {
    let keys = keys();
    let scope = CursorScope {
        organization: OrganizationId(Uuid::from_u128(2)),
        route: "client.list",
        filters: "8:archived=5:false;",
    };
    let cursor = Cursor {
        sort: 1 << 50,
        id: Uuid::from_u128(9),
    };
    c.bench_function("seal and open a cursor", |b| {
        b.iter(|| Cursor::open(&cursor.seal(&keys, &scope), &keys, &scope).unwrap());
    });
}

criterion_group! {
    name = parts;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = bus_hop, envelopes, rate_limit, json, cursor
}
criterion_main!(parts);
