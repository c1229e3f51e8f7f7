//! Who may do what, tried: every row of the access table by every kind of caller on every kind of
//! target.
//!
//! `tests/contract/access.tsv` is read as it is; nothing here knows the code's own table. For each
//! row, plan, role and scope, and for targets that are the caller's own, a colleague's in the same
//! project, one apart in another project, another organization's, and one that never existed, the
//! answer must be the one that the row says. All refusals of a row are sent between two looks at
//! the whole database, which must not differ.

mod calls;
mod scene;

use std::collections::BTreeMap;

use hoursmith_domain::{Plan, Role};
use hoursmith_store::testing::contents;

use crate::cases::essence;
use crate::contract;
use crate::http::{Answer, Connection};
use crate::world::{Bus, Store, World};
use calls::{call, success};
use scene::{Caller, Scene};

/// A row of the access table.
#[derive(Debug, Clone)]
pub struct Row {
    pub resource: &'static str,
    pub action: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    pub scope: &'static str,
    pub min_plan: Plan,
    grants: BTreeMap<&'static str, &'static str>,
}

/// What a request is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The caller's own, in a project that the caller was added to.
    Own,
    /// A colleague's, in the same project.
    Colleague,
    /// Another member's, in a project that the caller was not added to.
    Apart,
    /// Another organization's.
    Foreign,
    /// Nobody's.
    Never,
}

impl Target {
    pub const ALL: [Self; 5] = [
        Self::Own,
        Self::Colleague,
        Self::Apart,
        Self::Foreign,
        Self::Never,
    ];

    /// Whether a grant reaches it.
    fn is_within(self, grant: &str) -> bool {
        match (grant, self) {
            (_, Self::Foreign | Self::Never) => false,
            ("all", _) => true,
            ("projects", Self::Own | Self::Colleague) => true,
            ("projects", Self::Apart) => false,
            ("own" | "assigned" | "self", target) => target == Self::Own,
            (other, _) => panic!("no grant {other}"),
        }
    }
}

impl Row {
    /// Every row.
    fn all() -> Vec<Self> {
        contract::rows(include_str!("../contract/access.tsv"))
            .into_iter()
            .map(|row| Self {
                resource: row["resource"],
                action: row["action"],
                method: row["method"],
                path: row["path"],
                scope: row["scope"],
                min_plan: row["min_plan"].parse().unwrap(),
                grants: ["owner", "admin", "manager", "member"]
                    .into_iter()
                    .map(|role| (role, row[role]))
                    .collect(),
            })
            .collect()
    }

    fn grant(&self, role: Role) -> &'static str {
        self.grants[role.as_str()]
    }

    /// Whether the row has targets: an id in its path, or in the body of a creation.
    fn has_targets(&self) -> bool {
        self.path.contains('{')
            || (self.action == "create" && !matches!(self.resource, "client" | "webhook_endpoint"))
    }

    /// What must come of it: the refusal's status and code, or nothing when it is let through.
    fn refusal(&self, caller: &Caller, plan: Plan, target: Target) -> Option<(u16, &'static str)> {
        let grant = self.grant(caller.role);
        if plan < self.min_plan {
            Some((402, "plan_required"))
        } else if self.scope == "write" && !caller.may_write {
            Some((403, "scope_insufficient"))
        } else if grant == "deny" {
            Some((403, "role_forbidden"))
        } else if self.has_targets() && !target.is_within(grant) {
            Some((404, "not_found"))
        } else {
            None
        }
    }

    fn targets(&self) -> &'static [Target] {
        if self.has_targets() {
            &Target::ALL
        } else {
            &Target::ALL[..1]
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_kept_on_sqlite() {
    every_row_is_kept(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_kept_on_postgres() {
    every_row_is_kept(Store::Postgres).await;
}

async fn every_row_is_kept(store: Store) {
    let world = World::start(Bus::Memory, store).await;
    let mut line = Connection::open(world.address).await;
    for plan in [Plan::Agency, Plan::Studio, Plan::Free] {
        let scene = Scene::set(&world, plan).await;
        for row in Row::all() {
            let before = look(&world, &scene).await;
            let refused = refuse(&scene, &mut line, &row, plan).await;
            assert!(refused > 0);
            assert_eq!(
                look(&world, &scene).await,
                before,
                "a refused {} {} changed something",
                row.method,
                row.path
            );
            allow(&world, &scene, &mut line, &row, plan).await;
        }
    }
    assert!(world.stop().await);
}

/// Everything that is stored, but for what moves by itself: the feed is being numbered, tokens note
/// their use, and what an allowed request queued is being sent. Of endpoints all that a request sets.
async fn look(world: &World, scene: &Scene) -> (BTreeMap<String, String>, i64) {
    let moving = [
        "api_tokens",
        "counters",
        "events",
        "leases",
        "webhook_attempts",
        "webhook_deliveries",
        "webhook_endpoints",
    ];
    let mut stored = contents(world.db.db(), &moving).await;
    stored.insert("endpoints".to_owned(), scene::endpoints(world).await);
    (stored, world.count("events", scene.org.id).await)
}

/// Sends everything that the row refuses.
async fn refuse(scene: &Scene, line: &mut Connection, row: &Row, plan: Plan) -> usize {
    let mut sent = 0;
    for (name, token, code) in &scene.strangers {
        let mut request = call(scene, line, row, &scene.callers[0], Target::Own, None);
        if let Some(token) = token {
            request = request.token(token);
        }
        let answer = line.send(request).await;
        assert_eq!(
            (answer.status, answer.code()),
            (401, (*code).to_owned()),
            "{name}: {row:?}"
        );
        sent += 1;
    }
    for caller in &scene.callers {
        let mut foreign: Option<(Answer, String)> = None;
        for target in row.targets() {
            let Some((status, code)) = row.refusal(caller, plan, *target) else {
                continue;
            };
            let request = call(scene, line, row, caller, *target, None).token(&caller.token);
            let answer = line.send(request).await;
            assert_eq!(
                (answer.status, answer.code()),
                (status, code.to_owned()),
                "{caller:?} {target:?}: {row:?} {answer:?}"
            );
            sent += 1;
            let id = scene.id(row, caller, *target);
            match (*target, foreign.take()) {
                (Target::Foreign, _) => foreign = Some((answer, id)),
                (Target::Never, Some((other, other_id))) => assert_eq!(
                    strip(&other, &other_id, scene),
                    strip(&answer, &id, scene),
                    "what is another organization's differs from what never existed: {row:?}"
                ),
                _ => {}
            }
        }
    }
    sent
}

/// An answer without its own ids.
fn strip(answer: &Answer, id: &str, scene: &Scene) -> (u16, Vec<(String, String)>, String) {
    let (status, headers, body) = essence(answer, id);
    let body = scene.paired.iter().fold(body, |body, (foreign, never)| {
        body.replace(foreign, "ID").replace(never, "ID")
    });
    (status, headers, body)
}

/// Sends everything that the row lets through, each on a target of its own.
async fn allow(world: &World, scene: &Scene, line: &mut Connection, row: &Row, plan: Plan) {
    for caller in &scene.callers {
        for target in row.targets() {
            if row.refusal(caller, plan, *target).is_some() {
                continue;
            }
            let fresh = scene.fresh(world, row, caller, *target).await;
            let request = call(scene, line, row, caller, *target, fresh.as_deref());
            let answer = line.send(request.token(&caller.token)).await;
            let expected = success(row);
            assert!(
                expected.contains(&answer.status),
                "{caller:?} {target:?}: {row:?} {answer:?}"
            );
            if row.action == "list" && !row.path.contains('{') {
                scene.compare(row, caller, row.grant(caller.role), &answer.json());
                scene.filter_by_strangers(line, row, caller).await;
            }
            scene.restore(world, row).await;
        }
    }
}
