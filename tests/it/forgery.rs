//! A stranger on the bus: whatever it makes, alters or repeats elsewhere is refused.

use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Envelope, ErrorKind, Head, Now, Service, Subject, Verdict};
use hoursmith_domain::{
    CallerAuthority, Door, Keys, Plan, RequestId, Role, Scope, SealedCaller, SecretKey, Timestamp,
    TokenId, UserId,
};
use hoursmith_kit::{Clock as _, Random as _, SystemRandom};
use hoursmith_nats::{NatsBus, NatsSettings};
use serde_json::json;
use tokio::sync::mpsc;

use crate::cases::created;
use crate::world::{Bus, Org, SECRET, Store, World};

const LIST: &str = "hoursmith.v1.resource.client.list";
const CREATE: &str = "hoursmith.v1.resource.client.create";
const DELETE: &str = "hoursmith.v1.resource.client.delete";

/// What the stranger speaks through.
type Rogue = Arc<dyn hoursmith_bus::Bus>;

fn keys(secret: [u8; 32]) -> Keys {
    Keys::derive(&SecretKey::from_bytes(secret))
}

/// A request that somebody makes up, under keys that are right or wrong.
struct Forge<'a> {
    world: &'a World,
    org: &'a Org,
    deadline: Timestamp,
    request: RequestId,
}

impl<'a> Forge<'a> {
    fn new(world: &'a World, org: &'a Org) -> Self {
        let now = world.clock.now();
        let request = RequestId(SystemRandom.uuid_v7(now));
        Self {
            world,
            org,
            deadline: now.plus(Duration::from_secs(10)),
            request,
        }
    }

    fn caller(&self, keys: &Keys, role: Role) -> SealedCaller {
        let id = || SystemRandom.uuid_v7(self.world.clock.now());
        CallerAuthority::new(keys.clone()).vouch(
            self.request,
            self.deadline,
            self.org.id,
            UserId(id()),
            self.org.owner.id,
            TokenId(id()),
            role,
            Plan::Agency,
            Scope::Write,
            Door::Api,
        )
    }

    /// An envelope without a seal.
    fn envelope(&self, subject: &str, caller: Option<SealedCaller>) -> Envelope {
        let route = subject.strip_prefix("hoursmith.v1.resource.").unwrap();
        let mut head = Head::new(self.request, route, "/api/v1/clients");
        head.caller = caller;
        let body = match subject {
            CREATE => json!({"name": "Forged"}).to_string(),
            _ => String::new(),
        };
        Envelope::new(self.deadline, head.encode(), body)
    }
}

async fn ask(rogue: &Rogue, subject: &str, envelope: Envelope) -> Result<u16, ErrorKind> {
    let subject = Subject::new(subject).unwrap();
    let answer = rogue
        .request(subject.clone(), envelope)
        .await
        .map_err(|error| error.kind())?;
    match Verdict::from_envelope(answer, &subject).unwrap() {
        Verdict::Respond(response) => Ok(response.status),
        other => panic!("{other:?}"),
    }
}

/// Everything that a write would leave.
async fn rows(world: &World, org: &Org) -> [i64; 3] {
    let mut rows = [0; 3];
    for (count, table) in rows
        .iter_mut()
        .zip(["clients", "events", "idempotency_records"])
    {
        *count = world.count(table, org.id).await;
    }
    rows
}

async fn what_is_forged_is_refused(world: &World, rogue: &Rogue) {
    let org = world.org().await;
    created(world, &org.owner, "Real").await;
    let before = rows(world, &org).await;
    let (ours, theirs) = (keys(SECRET), keys([7; 32]));
    for name in [LIST, CREATE] {
        let subject = Subject::new(name).unwrap();
        let forge = Forge::new(world, &org);
        let (vouched, foreign) = (
            forge.caller(&ours, Role::Owner),
            forge.caller(&theirs, Role::Owner),
        );
        let member = forge
            .envelope(name, Some(forge.caller(&ours, Role::Member)))
            .sealed(&subject, &ours);
        let right = forge
            .envelope(name, Some(vouched.clone()))
            .sealed(&subject, &ours);
        let promoted = String::from_utf8(member.head.bytes().to_vec())
            .unwrap()
            .replace("\"member\"", "\"owner\"");
        let promoted = Envelope {
            head: promoted.into(),
            ..member.clone()
        };
        assert_ne!(promoted.head, member.head);
        let later = Envelope {
            deadline: right.deadline.plus(Duration::from_secs(1)),
            ..right.clone()
        };
        let other_body = Envelope {
            body: json!({"name": "Other"}).to_string().into(),
            ..right.clone()
        };
        let moved = Forge::new(world, &org).envelope(name, Some(vouched.clone()));
        let forged = [
            ("no seal", forge.envelope(name, Some(vouched.clone()))),
            ("an altered head", promoted.clone()),
            (
                "an altered head, sealed under other keys",
                promoted.sealed(&subject, &theirs),
            ),
            ("an altered deadline", later),
            ("an altered body", other_body),
            (
                "all under other keys",
                forge
                    .envelope(name, Some(foreign.clone()))
                    .sealed(&subject, &theirs),
            ),
            // The worst case: the envelope's key is known, the right to vouch is not.
            (
                "a caller vouched under other keys",
                forge.envelope(name, Some(foreign)).sealed(&subject, &ours),
            ),
            ("another request's caller", moved.sealed(&subject, &ours)),
            (
                "another subject's seal",
                right.clone().sealed(&Subject::new(DELETE).unwrap(), &ours),
            ),
        ];
        for (what, envelope) in forged {
            assert_eq!(
                ask(rogue, name, envelope).await,
                Err(ErrorKind::Refused),
                "{name}: {what}"
            );
        }
    }
    assert_eq!(rows(world, &org).await, before);

    // The same envelope with nothing wrong about it is taken, so each refusal had its own reason.
    let forge = Forge::new(world, &org);
    let subject = Subject::new(CREATE).unwrap();
    let right = forge
        .envelope(CREATE, Some(forge.caller(&ours, Role::Owner)))
        .sealed(&subject, &ours);
    assert_eq!(
        ask(rogue, DELETE, right.clone()).await,
        Err(ErrorKind::Refused),
        "sent elsewhere"
    );
    assert_eq!(rows(world, &org).await, before);
    assert_eq!(ask(rogue, CREATE, right).await, Ok(201));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forged_in_the_process_is_refused() {
    let world = World::start(Bus::Memory, Store::Sqlite).await;
    what_is_forged_is_refused(&world, world.running().bus()).await;
}

/// Somebody with an address of NATS and no key.
async fn rogue(world: &World) -> Rogue {
    let clock = Arc::clone(&world.clock);
    let now: Now = Arc::new(move || clock.now());
    let settings = NatsSettings::new(world.nats.as_ref().unwrap().url(), "rogue");
    NatsBus::connect(settings, now).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forged_on_nats_is_refused() {
    let world = World::start(Bus::Nats, Store::Sqlite).await;
    what_is_forged_is_refused(&world, &rogue(&world).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_captured_on_nats_is_refused_elsewhere() {
    let world = World::start(Bus::Nats, Store::Sqlite).await;
    let org = world.org().await;
    let client = created(&world, &org.owner, "Real").await;
    let rogue = rogue(&world).await;
    let (captured_in, mut captured) = mpsc::unbounded_channel();
    let listen = rogue.serve(Service {
        pattern: hoursmith_bus::Pattern::new("hoursmith.v1.resource.client.*").unwrap(),
        // In a group of its own it hears what the right group hears.
        group: "rogue".to_owned(),
        // It hears what is sent below as well, and must not be the one who refuses it.
        capacity: 1024.try_into().unwrap(),
        handler: Arc::new(move |subject, envelope| {
            captured_in.send((subject, envelope)).unwrap();
            // It never answers, so that the right answer is the only one.
            Box::pin(std::future::pending())
        }),
    });
    let _listening = listen.await.unwrap();
    world
        .get("/api/v1/clients", &org.owner)
        .send()
        .await
        .expect(200);
    world
        .get(&crate::cases::path(&client), &org.owner)
        .send()
        .await
        .expect(200);
    let sent = [
        captured.recv().await.unwrap(),
        captured.recv().await.unwrap(),
    ];
    let before = rows(&world, &org).await;
    for (subject, envelope) in sent {
        assert!(envelope.seal.is_some(), "captured as it was sent");
        for other in [
            LIST,
            CREATE,
            DELETE,
            "hoursmith.v1.token-auth.check",
            "hoursmith.v1.idempotency.check",
        ] {
            if other != subject.as_str() {
                let asked = ask(&rogue, other, envelope.clone()).await;
                assert_eq!(asked, Err(ErrorKind::Refused), "from {subject} to {other}");
            }
        }
        let posed = Envelope {
            body: json!({"name": "Forged"}).to_string().into(),
            ..envelope
        };
        assert_eq!(
            ask(&rogue, subject.as_str(), posed).await,
            Err(ErrorKind::Refused),
            "another body"
        );
    }
    assert_eq!(rows(&world, &org).await, before);
}
