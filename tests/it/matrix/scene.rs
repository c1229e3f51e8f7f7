//! The stage of the matrix: an organization on a plan with a caller of each role and scope, things
//! of every kind that are theirs, a colleague's, and apart, and another organization with the same.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hoursmith_domain::{MemberId, Plan, Role, Scope};
use hoursmith_kit::{Clock as _, Random as _, SystemRandom};
use hoursmith_resource::admin::NewMember;
use hoursmith_store::{execute, fetch_all};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Row, Target};
use crate::cases::{Written, deliver, made_id};
use crate::http::{Call, Connection};
use crate::world::{Org, Person, World};

/// An id that nobody has.
const NEVER: &str = "01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";

hoursmith_store::statements! {
    NEW_ENDPOINT = "INSERT INTO webhook_endpoints (organization_id, id, url, events, status, secret, created_at, \
        updated_at) VALUES ($1, $2, 'https://hooks.acme.example/', '[\"invoice.voided\"]', 'enabled', $3, 0, 0)";
    FAIL_AGAIN = "UPDATE webhook_deliveries SET status = 'failed', skip_reason = NULL, next_attempt_at = NULL, \
        lease_token = lease_token + 1 WHERE organization_id = $1";
    LIST_ALL_ENDPOINTS = "SELECT id, url, description, events, secret, metadata, status = 'disabled' \
        FROM webhook_endpoints WHERE deleted_at IS NULL ORDER BY id";
}

/// Who calls: a role by a token of a scope.
#[derive(Debug, Clone)]
pub struct Caller {
    pub role: Role,
    pub member: MemberId,
    pub token: String,
    pub may_write: bool,
}

/// The things of one organization.
struct Things {
    /// The project that callers and the colleague are in, and its client.
    shared: String,
    shared_client: String,
    /// The project that only the outsider is in, and its client.
    hidden: String,
    hidden_client: String,
    /// Ids by resource and the member whose they are.
    theirs: BTreeMap<(&'static str, String), String>,
    invoice: String,
    event: String,
    endpoint: String,
    delivery: String,
}

pub struct Scene {
    pub org: Org,
    pub callers: Vec<Caller>,
    /// Name, token, and code of the refusal.
    pub strangers: Vec<(&'static str, Option<String>, &'static str)>,
    /// Another organization's ids, each with the one that stands for it in a comparison.
    pub paired: Vec<(String, String)>,
    colleague: Person,
    outsider: Person,
    things: Things,
    other: Org,
    foreign: Things,
    names: AtomicU64,
}

impl Scene {
    pub async fn set(world: &World, plan: Plan) -> Self {
        let (org, other) = (world.org().await, world.org().await);
        let colleague = join(world, &org, "colleague").await;
        let outsider = join(world, &org, "outsider").await;
        let people = [
            &org.owner,
            &org.admin,
            &org.manager,
            &org.member,
            &colleague,
        ];
        let things = furnish(world, &org, &people, &outsider).await;
        let foreign = furnish(world, &other, &[&other.owner], &other.admin).await;
        let roles = [
            (Role::Owner, &org.owner),
            (Role::Admin, &org.admin),
            (Role::Manager, &org.manager),
            (Role::Member, &org.member),
        ];
        let mut callers = Vec::new();
        for (role, person) in roles {
            for scope in [Scope::Read, Scope::Write] {
                callers.push(Caller {
                    role,
                    member: person.id,
                    token: world.token(org.id, person.id, scope, None).await,
                    may_write: scope == Scope::Write,
                });
            }
        }
        let strangers = strangers(world, &org).await;
        let mut paired: Vec<(String, String)> = foreign
            .theirs
            .values()
            .chain([&foreign.shared, &foreign.shared_client, &foreign.invoice])
            .chain([&foreign.endpoint])
            .map(|id| (id.clone(), NEVER.to_owned()))
            .collect();
        paired.push((other.owner.id.to_string(), NEVER.to_owned()));
        paired.push((foreign.event.clone(), event_never()));
        paired.push((foreign.delivery.clone(), delivery_never()));
        world.operator().set_plan(&org.slug, plan).await.unwrap();
        Self {
            org,
            callers,
            strangers,
            paired,
            colleague,
            outsider,
            things,
            other,
            foreign,
            names: AtomicU64::new(0),
        }
    }

    /// A name that nothing has yet.
    pub fn name(&self) -> String {
        format!("Thing {}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// A project and a member of it.
    pub fn membership(&self, caller: &Caller, target: Target) -> (String, String) {
        let (project, member) = match target {
            Target::Own => (&self.things.shared, caller.member.to_string()),
            Target::Colleague => (&self.things.shared, self.colleague.id.to_string()),
            Target::Apart => (&self.things.hidden, self.outsider.id.to_string()),
            Target::Foreign => (&self.foreign.shared, self.other.owner.id.to_string()),
            Target::Never => return (NEVER.to_owned(), NEVER.to_owned()),
        };
        (project.clone(), member)
    }

    /// The client of the target's project.
    pub fn client(&self, target: Target) -> String {
        match target {
            Target::Own | Target::Colleague => self.things.shared_client.clone(),
            Target::Apart => self.things.hidden_client.clone(),
            Target::Foreign => self.foreign.shared_client.clone(),
            Target::Never => NEVER.to_owned(),
        }
    }

    /// The id that a row's path is given for a target.
    pub fn id(&self, row: &Row, caller: &Caller, target: Target) -> String {
        let (project, member) = self.membership(caller, target);
        let things = match target {
            Target::Foreign => &self.foreign,
            _ => &self.things,
        };
        match (row.resource, target) {
            ("event", Target::Never) => event_never(),
            ("webhook_delivery", Target::Never) => delivery_never(),
            (_, Target::Never) => NEVER.to_owned(),
            ("member", _) => member,
            ("client", _) => self.client(target),
            ("project" | "project_member", _) => project,
            ("invoice", _) => things.invoice.clone(),
            ("event", _) => things.event.clone(),
            ("webhook_endpoint", _) => things.endpoint.clone(),
            ("webhook_delivery", _) => things.delivery.clone(),
            ("me" | "organization", _) => String::new(),
            (resource, _) => things.theirs[&(resource, member)].clone(),
        }
    }

    /// Makes a thing for a request that would use a standing one up; gives its id.
    pub async fn fresh(
        &self,
        world: &World,
        row: &Row,
        caller: &Caller,
        target: Target,
    ) -> Option<String> {
        let (project, member) = self.membership(caller, target);
        let owner = &self.org.owner;
        match (row.resource, row.action) {
            ("client", "delete") => Some(client(world, owner, &self.name()).await),
            ("project", "delete") => {
                let client = self.client(target);
                Some(self::project(world, owner, &self.name(), &client).await)
            }
            ("task", "delete") => Some(task(world, owner, &self.name(), &project, &member).await),
            ("time_entry", "delete") => Some(time_entry(world, owner, &project, &member).await),
            ("expense", "delete") => Some(expense(world, owner, &project, &member).await),
            ("time_entry", "stop") => {
                let body = json!({"project_id": project, "member_id": member});
                Some(
                    make(
                        world,
                        owner,
                        "/api/v1/time_entries?stop_running=true",
                        &body,
                    )
                    .await,
                )
            }
            ("webhook_endpoint", "delete") => Some(new_endpoint(world, &self.org).await),
            ("webhook_delivery", "replay") => {
                fail_again(world, &self.org).await;
                None
            }
            _ => None,
        }
    }

    /// Puts back what an allowed request took from the standing things.
    pub async fn restore(&self, world: &World, row: &Row) {
        if (row.resource, row.action) != ("project_member", "delete") {
            return;
        }
        let owner = &self.org.owner;
        let people = [
            owner,
            &self.org.admin,
            &self.org.manager,
            &self.org.member,
            &self.colleague,
        ];
        for person in people {
            add(world, owner, &self.things.shared, person.id).await;
        }
        add(world, owner, &self.things.hidden, self.outsider.id).await;
        for ((resource, member), id) in &self.things.theirs {
            if *resource == "task" {
                world
                    .call("PATCH", &format!("/api/v1/tasks/{id}"))
                    .token(&owner.token)
                    .json(&json!({"assignee_ids": [member]}))
                    .send()
                    .await
                    .expect(200);
            }
        }
    }

    /// A list shows exactly what the grant reaches.
    pub fn compare(&self, row: &Row, caller: &Caller, grant: &str, page: &Value) {
        let listed: Vec<&str> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap())
            .collect();
        for target in [
            Target::Own,
            Target::Colleague,
            Target::Apart,
            Target::Foreign,
        ] {
            let id = self.id(row, caller, target);
            assert_eq!(
                listed.contains(&id.as_str()),
                target.is_within(grant),
                "{caller:?} {target:?}: {row:?} {listed:?}"
            );
        }
    }

    /// Filters by what the caller cannot see find nothing, whatever the reason.
    pub async fn filter_by_strangers(&self, line: &mut Connection, row: &Row, caller: &Caller) {
        let filters: &[&str] = match row.resource {
            "member" => &["project_id"],
            "project" => &["client_id", "member_id"],
            "task" => &["project_id", "assignee_id"],
            "time_entry" => &["member_id", "client_id", "project_id", "task_id"],
            "expense" => &["member_id", "client_id", "project_id"],
            "invoice" => &["client_id"],
            "event" => &["resource_id"],
            "webhook_delivery" => &["endpoint_id", "event_id"],
            _ => &[],
        };
        for filter in filters {
            let mut seen = Vec::new();
            for target in [Target::Foreign, Target::Never] {
                let (project, member) = self.membership(caller, target);
                let id = match *filter {
                    "project_id" => project,
                    "member_id" | "assignee_id" => member,
                    "client_id" | "resource_id" => self.client(target),
                    "event_id" if target == Target::Never => event_never(),
                    "event_id" => self.foreign.event.clone(),
                    _ if target == Target::Never => NEVER.to_owned(),
                    "endpoint_id" => self.foreign.endpoint.clone(),
                    _ => self.foreign.theirs[&("task", member)].clone(),
                };
                let path = format!("{}?{filter}={id}", row.path);
                let request = Call::new(line.address(), "GET", &path).token(&caller.token);
                let answer = line.send(request).await.expect(200);
                assert_eq!(answer.json()["data"], json!([]), "{path}");
                seen.push(answer.body);
            }
            assert_eq!(seen[0], seen[1]);
        }
    }
}

fn event_never() -> String {
    format!("evt_{}", NEVER.replace('-', ""))
}

fn delivery_never() -> String {
    format!("whd_{}", NEVER.replace('-', ""))
}

/// Callers without a good token.
async fn strangers(world: &World, org: &Org) -> Vec<(&'static str, Option<String>, &'static str)> {
    let operator = world.operator();
    let expires = world.clock.now().plus(Duration::from_secs(60));
    let expired = world
        .token(org.id, org.owner.id, Scope::Write, Some(expires))
        .await;
    world.clock.advance(Duration::from_secs(61));
    let revoked = world.token(org.id, org.owner.id, Scope::Write, None).await;
    let me = world.call("GET", "/api/v1/me").token(&revoked).send().await;
    let id = me.expect(200).json()["token"]["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let now = world.clock.now();
    assert!(
        hoursmith_token_auth::revoke_token(world.db.db(), now, org.id, id)
            .await
            .unwrap()
    );
    let gone = join(world, org, "gone").await;
    operator
        .remove_member(&org.slug, &gone.email)
        .await
        .unwrap();
    vec![
        ("anonymous", None, "token_missing"),
        ("expired", Some(expired), "token_invalid"),
        ("revoked", Some(revoked), "token_invalid"),
        ("removed", Some(gone.token), "token_invalid"),
    ]
}

/// A further member of the role member.
async fn join(world: &World, org: &Org, who: &str) -> Person {
    let email = format!("{who}@{}.example", org.slug);
    let new = NewMember {
        name: who.to_owned(),
        email: email.clone(),
        role: Role::Member,
    };
    let id = world.operator().add_member(&org.slug, new).await.unwrap();
    Person {
        id,
        email,
        token: world.token(org.id, id, Scope::Write, None).await,
    }
}

/// Makes things of every kind: a set of each person's in a shared project, the outsider's apart.
async fn furnish(world: &World, org: &Org, people: &[&Person], outsider: &Person) -> Things {
    let owner = &org.owner;
    let shared_client = client(world, owner, "Shared client").await;
    let hidden_client = client(world, owner, "Hidden client").await;
    let shared = project(world, owner, "Shared", &shared_client).await;
    let hidden = project(world, owner, "Hidden", &hidden_client).await;
    let mut theirs = BTreeMap::new();
    let whose = people.iter().map(|person| (*person, &shared));
    for (person, project) in whose.chain([(outsider, &hidden)]) {
        add(world, owner, project, person.id).await;
        let member = person.id.to_string();
        let name = format!("Task of {member}");
        let task = task(world, owner, &name, project, &member).await;
        let entry = time_entry(world, owner, project, &member).await;
        let expense = expense(world, owner, project, &member).await;
        theirs.insert(("task", member.clone()), task);
        theirs.insert(("time_entry", member.clone()), entry);
        theirs.insert(("expense", member), expense);
    }
    let path = format!("/api/v1/invoices?client_id={shared_client}");
    let invoices = world.get(&path, owner).send().await.expect(200).json();
    let invoice = invoices["data"][0]["id"].as_str().unwrap().to_owned();
    let event = first_event(world, owner).await;
    let endpoint = made_id(world, owner).await;
    let failed = Written {
        endpoint: &endpoint,
        event: event[4..].parse().unwrap(),
        status: "failed",
        attempts: 8,
    };
    let delivery = deliver(world, org, failed).await;
    Things {
        shared,
        shared_client,
        hidden,
        hidden_client,
        theirs,
        invoice,
        event,
        endpoint,
        delivery,
    }
}

/// An endpoint that is there to be deleted: the API makes none below Agency.
async fn new_endpoint(world: &World, org: &Org) -> String {
    let (organization, id) = (org.id.0, SystemRandom.uuid_v7(world.clock.now()));
    let made = world.db.db().write(move |conn| {
        Box::pin(
            async move { execute!(conn, NEW_ENDPOINT, organization, id, b"sealed".as_slice()) },
        )
    });
    assert_eq!(made.await.unwrap(), 1);
    id.to_string()
}

/// Has the organization's deliveries given up, whatever became of the last replay.
async fn fail_again(world: &World, org: &Org) {
    let organization = org.id.0;
    let failed = world
        .db
        .db()
        .write(move |conn| Box::pin(async move { execute!(conn, FAIL_AGAIN, organization) }));
    assert!(failed.await.unwrap() > 0);
}

/// What requests set on endpoints, of all organizations.
pub async fn endpoints(world: &World) -> String {
    let mut conn = world.db.db().read().await.unwrap();
    type Row = (Uuid, String, Option<String>, String, Vec<u8>, String, bool);
    let rows = fetch_all!(&mut conn, LIST_ALL_ENDPOINTS as Row).unwrap();
    format!("{rows:?}")
}

/// The first event, once it is numbered.
async fn first_event(world: &World, owner: &Person) -> String {
    let seen = async {
        loop {
            let page = world.get("/api/v1/events", owner).send().await.expect(200);
            if let Some(id) = page.json()["data"][0]["id"].as_str() {
                return id.to_owned();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), seen)
        .await
        .expect("an event in time")
}

async fn make(world: &World, owner: &Person, path: &str, body: &Value) -> String {
    let answer = world.post(path, owner).json(body).send().await.expect(201);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn client(world: &World, owner: &Person, name: &str) -> String {
    make(world, owner, "/api/v1/clients", &json!({ "name": name })).await
}

async fn project(world: &World, owner: &Person, name: &str, client: &str) -> String {
    let body = json!({"name": name, "client_id": client, "billable_rate": "90.00"});
    make(world, owner, "/api/v1/projects", &body).await
}

async fn add(world: &World, owner: &Person, project: &str, member: MemberId) {
    let path = format!("/api/v1/projects/{project}/members/{member}");
    let answer = world
        .call("PUT", &path)
        .token(&owner.token)
        .json(&json!({}))
        .send()
        .await;
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
}

async fn task(world: &World, owner: &Person, name: &str, project: &str, member: &str) -> String {
    let body = json!({"name": name, "project_id": project, "assignee_ids": [member]});
    make(world, owner, "/api/v1/tasks", &body).await
}

async fn time_entry(world: &World, owner: &Person, project: &str, member: &str) -> String {
    let body = json!({
        "project_id": project, "member_id": member,
        "spent_on": "2026-11-02", "duration_seconds": 3600,
    });
    make(world, owner, "/api/v1/time_entries", &body).await
}

async fn expense(world: &World, owner: &Person, project: &str, member: &str) -> String {
    let body = json!({
        "project_id": project, "member_id": member, "spent_on": "2026-11-02", "amount": "20.00",
    });
    make(world, owner, "/api/v1/expenses", &body).await
}
