//! Members who are invited, changed and removed, on both engines and at once: one link makes one member,
//! and an owner stays.

mod bound;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use hoursmith_bus::{Head, Subject, Verdict, subjects};
use hoursmith_domain::{
    CallerAuthority, Code, Door, InvitationSecret, OrganizationId, Plan, RequestId, Role, Scope,
    TokenId, UserId,
};
use hoursmith_kit::testing::Rig;
use hoursmith_kit::{Asker, Clock as _, RunningPlugin};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{fetch_all, fetch_optional};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::admin::{Admin, NewOrganization};

hoursmith_store::statements! {
    PEOPLE = "SELECT m.id, u.email, u.name, m.role, m.status, u.password_hash FROM members m \
        JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1 ORDER BY u.email";
    EVENTS = "SELECT type, data FROM events WHERE organization_id = $1 AND resource_id = $2 ORDER BY position";
    USER = "SELECT id FROM users WHERE email = $1";
}

const OWNER: &str = "ann@acme.example";
const GUEST: &str = "ben@acme.example";

#[derive(Debug, PartialEq)]
struct PersonRow {
    id: Uuid,
    email: String,
    name: String,
    role: String,
    status: String,
    password_hash: Option<String>,
}

type PersonTuple = (Uuid, String, String, String, String, Option<String>);

/// The actor at work, and an operator beside it.
struct Bench {
    rig: Rig,
    admin: Admin,
    organization: OrganizationId,
    _running: RunningPlugin,
    _db: TestDb,
}

/// Who asks, and how they came in.
#[derive(Clone, Copy)]
struct By(MemberId, Role, Door);

impl Bench {
    async fn start(db: TestDb) -> Self {
        let rig = Rig::new(db.db().clone());
        let running = crate::plugin().start(rig.host.clone()).await.unwrap();
        let admin = Admin {
            db: db.db().clone(),
            clock: Arc::clone(&rig.host.clock),
            random: Arc::clone(&rig.host.random),
        };
        let bench = Self {
            organization: organization(&admin, "acme", OWNER).await,
            rig,
            admin,
            _running: running,
            _db: db,
        };
        assert_eq!(bench.people().await.len(), 1);
        bench
    }

    /// Adds an active member, who may ask in the app.
    async fn member(&self, email: &str, role: Role) -> By {
        let name = "Person".to_owned();
        let email = email.to_owned();
        let new = NewMember { name, email, role };
        let id = self.admin.add_member("acme", new).await.unwrap();
        By(id, role, Door::App)
    }

    async fn owner(&self) -> By {
        let (_, id) = self.admin.member("acme", OWNER).await.unwrap();
        By(id, Role::Owner, Door::App)
    }

    /// Asks for an operation.
    async fn ask(&self, by: By, id: &str, member: Option<Uuid>, body: Value) -> (u16, Value) {
        let deadline = self.rig.clock.now().plus(Duration::from_secs(60));
        let request = RequestId(self.rig.host.random.uuid_v7(self.rig.clock.now()));
        let mut head = Head::new(request, id, "/app");
        head.path_params = member
            .map(|member| ("member_id".to_owned(), member.to_string()))
            .into_iter()
            .collect();
        let By(caller, role, door) = by;
        head.caller = Some(CallerAuthority::new(self.rig.host.keys.clone()).vouch(
            request,
            deadline,
            self.organization,
            UserId(caller.0),
            caller,
            TokenId(Uuid::nil()),
            role,
            Plan::Free,
            Scope::Write,
            door,
        ));
        let subject = Subject::new(&hoursmith_routes::subject(id).unwrap()).unwrap();
        let asker = Asker::of(&self.rig.host);
        let body = body.to_string().into();
        match asker.ask(&subject, head, body, deadline).await.unwrap() {
            Verdict::Respond(response) => (
                response.status,
                serde_json::from_slice(&response.body).unwrap_or_default(),
            ),
            other => panic!("{other:?}"),
        }
    }

    /// Invites, and gives the link's secret.
    async fn invite(&self, by: By, email: &str, role: &str) -> InvitationSecret {
        let body = json!({ "email": email, "role": role });
        let (status, body) = self.ask(by, "member.invite", None, body).await;
        assert_eq!(status, 201, "{body}");
        secret(body["link"].as_str().unwrap())
    }

    /// Accepts as accounts asks it: the code of the refusal, if any.
    async fn accept(&self, secret: &InvitationSecret, by: Value) -> Result<Value, Code> {
        let body = json!({ "invitation": secret.digest(&self.rig.host.keys), "by": by });
        let head = Head {
            route: "accept".to_owned(),
            ..self.rig.head("")
        };
        let deadline = self.rig.clock.now().plus(Duration::from_secs(60));
        let asker = Asker::of(&self.rig.host);
        let subject = subjects::accept_invitation();
        let verdict = asker.ask(&subject, head, body.to_string().into(), deadline);
        match verdict.await.unwrap() {
            Verdict::Respond(response) => Ok(serde_json::from_slice(&response.body).unwrap()),
            Verdict::Refuse(problem) => Err(problem.code),
            Verdict::Continue(_) => panic!("a gate's answer"),
        }
    }

    async fn people(&self) -> Vec<PersonRow> {
        let mut conn = self.admin.db.read().await.unwrap();
        let rows = fetch_all!(&mut conn, PEOPLE as PersonTuple, self.organization.0).unwrap();
        let of = |(id, email, name, role, status, password_hash): PersonTuple| PersonRow {
            id,
            email,
            name,
            role,
            status,
            password_hash,
        };
        rows.into_iter().map(of).collect()
    }

    async fn person(&self, email: &str) -> PersonRow {
        let mut people = self.people().await.into_iter();
        people.find(|person| person.email == email).unwrap()
    }

    /// What was told of a member: the type, and the status and name that it had then.
    async fn told(&self, id: Uuid) -> Vec<(String, String, String)> {
        let mut conn = self.admin.db.read().await.unwrap();
        let rows = fetch_all!(
            &mut conn,
            EVENTS as (String, String),
            self.organization.0,
            id
        );
        let told = |(kind, data): (String, String)| {
            let data: Value = serde_json::from_str(&data).unwrap();
            let text = |field: &str| data["object"][field].as_str().unwrap().to_owned();
            (kind, text("status"), text("name"))
        };
        rows.unwrap().into_iter().map(told).collect()
    }

    async fn user(&self, email: &str) -> Value {
        let mut conn = self.admin.db.read().await.unwrap();
        let row = fetch_optional!(&mut conn, USER as (Uuid,), email).unwrap();
        json!(row.unwrap().0)
    }
}

fn secret(link: &str) -> InvitationSecret {
    InvitationSecret::parse(link.rsplit('/').next().unwrap()).unwrap()
}

fn new_as(name: &str, hash: &str) -> Value {
    json!({ "new": { "name": name, "password_hash": hash } })
}

async fn organization(admin: &Admin, slug: &str, owner: &str) -> OrganizationId {
    let new = NewOrganization {
        name: slug.to_owned(),
        slug: slug.to_owned(),
        plan: Plan::Free,
        currency: "EUR".parse().unwrap(),
        timezone: "UTC".to_owned(),
    };
    let owner = NewMember {
        name: "Ann".to_owned(),
        email: owner.to_owned(),
        role: Role::Owner,
    };
    admin.create_organization(new, owner).await.unwrap().0
}

fn is(events: &[(String, String, String)], expected: &[(&str, &str, &str)]) {
    let events: Vec<_> = events
        .iter()
        .map(|(kind, status, name)| (kind.as_str(), status.as_str(), name.as_str()))
        .collect();
    assert_eq!(events, expected);
}

async fn a_link_makes_one_member_once(db: TestDb) {
    let bench = Bench::start(db).await;
    let owner = bench.owner().await;
    let link = bench.invite(owner, GUEST, "manager").await;
    let invited = bench.person(GUEST).await;
    assert_eq!(
        (invited.status.as_str(), invited.name.as_str()),
        ("invited", "ben")
    );

    let hashes: Vec<String> = (0..8).map(|number| format!("hash {number}")).collect();
    let tries = hashes
        .iter()
        .map(|hash| bench.accept(&link, new_as("Ben", hash)));
    let done = join_all(tries).await;
    let won: Vec<usize> = (0..8).filter(|at| done[*at].is_ok()).collect();
    assert_eq!(won.len(), 1, "{done:?}");
    assert!(
        done.iter()
            .all(|one| matches!(one, Ok(_) | Err(Code::NotFound))),
        "{done:?}"
    );
    let accepted = done[won[0]].as_ref().unwrap();
    assert_eq!(accepted["organization_id"], json!(bench.organization));
    let member = bench.person(GUEST).await;
    assert_eq!(
        member.password_hash.as_ref(),
        Some(&hashes[won[0]]),
        "the winner's"
    );
    assert_eq!(
        (member.role.as_str(), member.status.as_str()),
        ("manager", "active")
    );
    assert_eq!(bench.people().await.len(), 2);
    is(
        &bench.told(member.id).await,
        &[
            ("member.added", "invited", "ben"),
            ("member.updated", "active", "Ben"),
        ],
    );
    let again = json!({ "email": GUEST, "role": "member" });
    let (status, body) = bench.ask(owner, "member.invite", None, again).await;
    assert_eq!(
        (status, &body["errors"][0]["pointer"]),
        (422, &json!("#/email"))
    );
}

async fn a_link_ends_by_time_a_newer_one_and_removal(db: TestDb) {
    let bench = Bench::start(db).await;
    let owner = bench.owner().await;
    let first = bench.invite(owner, GUEST, "member").await;
    let second = bench.invite(owner, GUEST, "admin").await;
    assert_eq!(
        bench.accept(&first, new_as("B", "h")).await,
        Err(Code::NotFound)
    );
    assert_eq!(bench.person(GUEST).await.role, "admin");

    let id = bench.person(GUEST).await.id;
    let (status, _) = bench.ask(owner, "member.remove", Some(id), json!({})).await;
    assert_eq!(status, 204);
    assert_eq!(
        bench.accept(&second, new_as("B", "h")).await,
        Err(Code::NotFound)
    );
    let third = bench.invite(owner, GUEST, "member").await;
    assert_eq!(
        bench.person(GUEST).await.id,
        id,
        "who was removed comes back"
    );
    bench
        .rig
        .clock
        .advance(Duration::from_secs(7 * 24 * 60 * 60));
    assert_eq!(
        bench.accept(&third, new_as("B", "h")).await,
        Err(Code::NotFound)
    );
    assert_eq!(bench.person(GUEST).await.password_hash, None);
    let fourth = bench.invite(owner, GUEST, "member").await;
    bench.accept(&fourth, new_as("B", "h")).await.unwrap();
    let kinds: Vec<String> = bench.told(id).await.into_iter().map(|one| one.0).collect();
    assert_eq!(
        kinds,
        ["added", "updated", "removed", "added", "updated"].map(|kind| format!("member.{kind}"))
    );
}

/// Whoever invites has the link in hand, which must not open what was somebody's before.
async fn a_link_opens_nothing_that_is_somebodys(db: TestDb) {
    let bench = Bench::start(db).await;
    let owner = bench.owner().await;
    organization(&bench.admin, "other", GUEST).await;
    let link = bench.invite(owner, GUEST, "member").await;
    // Without a password, and at work elsewhere.
    assert_eq!(
        bench.accept(&link, new_as("B", "h")).await,
        Err(Code::Conflict)
    );
    let stranger = json!({ "known": bench.user(OWNER).await });
    assert_eq!(bench.accept(&link, stranger).await, Err(Code::Conflict));

    // The operator's link gives one, and keeps the name; the invitation is still good.
    let keys = &bench.rig.host.keys;
    let operators = bench.admin.link(keys, "other", GUEST).await.unwrap().secret;
    bench
        .accept(&operators, new_as("B", "first"))
        .await
        .unwrap();
    let person = bench.person(GUEST).await;
    assert_eq!(
        (
            person.name.as_str(),
            person.password_hash.as_deref(),
            person.status.as_str()
        ),
        ("Ann", Some("first"), "invited")
    );
    assert_eq!(
        bench.accept(&link, new_as("B", "h")).await,
        Err(Code::Conflict)
    );
    let known = json!({ "known": bench.user(GUEST).await });
    bench.accept(&link, known.clone()).await.unwrap();
    assert_eq!(bench.accept(&link, known).await, Err(Code::NotFound));

    // One who lost it gets another in the same way, and stays what they are.
    let again = bench.admin.link(keys, "acme", GUEST).await.unwrap().secret;
    bench.accept(&again, new_as("B", "second")).await.unwrap();
    let person = bench.person(GUEST).await;
    assert_eq!(
        (person.name.as_str(), person.password_hash.as_deref()),
        ("Ann", Some("second"))
    );
    assert!(bench.admin.can_log_in("acme", GUEST).await.unwrap());
}

async fn owners_are_for_owners(db: TestDb) {
    let bench = Bench::start(db).await;
    let owner = bench.owner().await;
    let admin = bench.member("adm@acme.example", Role::Admin).await;
    let member = bench.member("mem@acme.example", Role::Member).await;
    let (of_owner, of_member) = (Some(owner.0.0), Some(member.0.0));
    let body = json!({ "email": GUEST, "role": "owner" });
    for (by, id, whom, body) in [
        (admin, "member.invite", None, body.clone()),
        (admin, "member.update", of_member, json!({"role": "owner"})),
        (admin, "member.update", of_owner, json!({"role": "admin"})),
        (admin, "member.remove", of_owner, json!({})),
        (member, "member.update", of_member, json!({"role": "admin"})),
        (member, "member.invite", None, body.clone()),
        // A token begets nobody.
        (
            By(owner.0, Role::Owner, Door::Api),
            "member.invite",
            None,
            body,
        ),
    ] {
        let before = bench.people().await;
        let (status, told) = bench.ask(by, id, whom, body).await;
        assert!(matches!(status, 402 | 403), "{id}: {status} {told}");
        assert_eq!(bench.people().await, before);
    }
    let rates = json!({ "billable_rate": "95.5", "weekly_capacity_seconds": 72_000 });
    let (status, told) = bench.ask(admin, "member.update", of_owner, rates).await;
    assert_eq!(
        (status, &told["billable_rate"]),
        (200, &json!("95.50")),
        "{told}"
    );
    let (status, _) = bench
        .ask(owner, "member.update", of_owner, json!({"role": "admin"}))
        .await;
    assert_eq!(status, 409, "the last owner");
    let (status, _) = bench.ask(owner, "member.remove", of_owner, json!({})).await;
    assert_eq!(status, 409, "the last owner");
    let (status, _) = bench
        .ask(owner, "member.update", of_member, json!({"role": "boss"}))
        .await;
    assert_eq!(status, 422);
}

async fn owners_that_demote_one_another_leave_one(db: TestDb) {
    let bench = Bench::start(db).await;
    let mut owners = vec![bench.owner().await];
    for number in 0..4 {
        let email = format!("owner-{number}@acme.example");
        owners.push(bench.member(&email, Role::Owner).await);
    }
    let demotions = owners
        .iter()
        .zip(owners.iter().cycle().skip(1))
        .map(|(by, whom)| {
            let body = json!({ "role": "member" });
            bench.ask(*by, "member.update", Some(whom.0.0), body)
        });
    let done = join_all(demotions).await;
    let refused: Vec<u16> = done
        .into_iter()
        .map(|(status, _)| status)
        .filter(|status| *status != 200)
        .collect();
    assert_eq!(refused, [409], "the last one");
    let owners = bench.people().await;
    assert_eq!(
        owners
            .iter()
            .filter(|person| person.role == "owner")
            .count(),
        1
    );
}

macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite { $(#[tokio::test] async fn $case() { super::$case(super::TestDb::sqlite().await).await; })+ }
        mod postgres { $(#[tokio::test] async fn $case() { super::$case(super::TestDb::postgres().await).await; })+ }
    };
}

on_both! {
    a_link_makes_one_member_once,
    a_link_ends_by_time_a_newer_one_and_removal,
    a_link_opens_nothing_that_is_somebodys,
    owners_are_for_owners,
    owners_that_demote_one_another_leave_one,
}
