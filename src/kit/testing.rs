//! What the tests of plugins start from: a host on the in-process bus, and a way to ask.

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Envelope, Error, Head, MemoryBus, Subject, Verdict};
use hoursmith_domain::{
    CallerAuthority, Door, Keys, MemberId, OrganizationId, Plan, RequestId, Role, Scope, SecretKey,
    Timestamp, TokenId, UserId,
};
use hoursmith_settings::Settings;
use hoursmith_store::Db;
use uuid::Uuid;

use crate::{Clock as _, Host, ManualClock, Random as _, SystemRandom};

/// A host, and the clock that it and its bus run on.
#[derive(Debug)]
pub struct Rig {
    /// The host.
    pub host: Host,
    /// Its clock.
    pub clock: Arc<ManualClock>,
}

/// The facts of a caller that a test makes up.
#[derive(Debug, Clone, Copy)]
pub struct Who {
    /// The organization.
    pub organization: OrganizationId,
    /// The member, who is also the user.
    pub member: MemberId,
    /// The token.
    pub token: TokenId,
    /// The role.
    pub role: Role,
    /// The plan.
    pub plan: Plan,
    /// The scope.
    pub scope: Scope,
}

/// The deadline of requests that must not need it.
const PATIENCE: Duration = Duration::from_secs(60);

impl Rig {
    /// A host with default settings.
    pub fn new(db: Db) -> Self {
        Self::with_settings(db, Settings::default())
    }

    /// A host.
    pub fn with_settings(db: Db, settings: Settings) -> Self {
        let clock = Arc::new(ManualClock::new());
        let of_bus = Arc::clone(&clock);
        let host = Host {
            bus: MemoryBus::new(Arc::new(move || of_bus.now())),
            stream: None,
            db,
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SystemRandom),
            keys: Keys::derive(&SecretKey::from_bytes([7; 32])),
            settings: Arc::new(settings),
            instance: SystemRandom.uuid_v7(clock.now()),
        };
        Self { host, clock }
    }

    /// The head of a new request to a path.
    pub fn head(&self, path: &str) -> Head {
        Head::new(
            RequestId(SystemRandom.uuid_v7(self.clock.now())),
            "test",
            path,
        )
    }

    /// An envelope as a gateway would send it: sealed, and with a caller if there is one.
    pub fn envelope(&self, subject: &Subject, head: Head, who: Option<Who>) -> Envelope {
        self.envelope_with(subject, head, who, String::new())
    }

    /// Asks.
    pub async fn ask(&self, subject: &str, head: Head, who: Option<Who>) -> Result<Verdict, Error> {
        Box::pin(self.ask_with(subject, head, who, String::new())).await
    }

    /// Asks with a body.
    pub async fn ask_with(
        &self,
        subject: &str,
        head: Head,
        who: Option<Who>,
        body: String,
    ) -> Result<Verdict, Error> {
        let subject = Subject::new(subject).unwrap();
        let envelope = self.envelope_with(&subject, head, who, body);
        let bus = &self.host.bus;
        let answer = bus.request(subject.clone(), envelope.clone()).await?;
        answer.verify_answer(&subject, &envelope, &self.host.keys)?;
        Verdict::from_envelope(answer, &subject)
    }

    fn envelope_with(
        &self,
        subject: &Subject,
        mut head: Head,
        who: Option<Who>,
        body: String,
    ) -> Envelope {
        let deadline = self.clock.now().plus(PATIENCE);
        if let Some(who) = who {
            head.caller = Some(who.vouched(&self.host.keys, head.request_id, deadline));
        }
        Envelope::asking(deadline, Arc::new(head), body).sealed(subject, &self.host.keys)
    }
}

impl Who {
    /// An owner with a write token, on Studio; `number` tells organizations apart.
    pub fn owner(number: u128) -> Self {
        Self {
            organization: OrganizationId(Uuid::from_u128(number << 64)),
            member: MemberId(Uuid::from_u128(number << 64 | 1)),
            token: TokenId(Uuid::from_u128(number << 64 | 2)),
            role: Role::Owner,
            plan: Plan::Studio,
            scope: Scope::Write,
        }
    }

    fn vouched(
        self,
        keys: &Keys,
        request: RequestId,
        deadline: Timestamp,
    ) -> hoursmith_domain::SealedCaller {
        CallerAuthority::new(keys.clone()).vouch(
            request,
            deadline,
            self.organization,
            UserId(self.member.0),
            self.member,
            self.token,
            self.role,
            self.plan,
            self.scope,
            Door::Api,
        )
    }
}
