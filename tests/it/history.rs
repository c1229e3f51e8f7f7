//! A random history of an organization: what may happen to every kind of object, in any order and by
//! many at once. What the API refuses is part of it; a failure of the server is not.
//!
//! To add a kind: one entry in [`KINDS`], with a function that makes one random operation.

mod billing;
mod people;
mod work;

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures::future::{BoxFuture, join_all};
use hoursmith_resource::admin::AdminError;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::http::Answer;
use crate::world::{Org, World};

/// A kind of object.
pub struct Kind {
    /// What its events' types have before the dot.
    pub name: &'static str,
    /// Where its objects are shown in the end.
    pub shown: Shown,
    /// Does something random to some object of the kind, or makes one.
    operate: for<'a> fn(&'a Story<'a>, &'a mut Dice) -> BoxFuture<'a, ()>,
    /// How often, against the other kinds.
    weight: usize,
    /// What changes without an event of its own because it follows from other objects.
    pub derived: &'static [&'static str],
}

/// Where objects are shown.
pub enum Shown {
    /// Each one below its list.
    List(&'static str),
    /// There is one, here.
    One(&'static str),
    /// In a list below each project, and known by the events of projects.
    Links,
}

/// What a lock says, which follows from invoice, period and project.
const LOCK: &[&str] = &["is_locked", "locked_reason"];

pub const KINDS: &[Kind] = &[
    Kind {
        name: "client",
        shown: Shown::List("/api/v1/clients"),
        operate: |story, dice| Box::pin(billing::client(story, dice)),
        weight: 3,
        derived: &[],
    },
    Kind {
        name: "member",
        shown: Shown::List("/api/v1/members"),
        operate: |story, dice| Box::pin(people::member(story, dice)),
        weight: 2,
        derived: &[],
    },
    Kind {
        name: "organization",
        shown: Shown::One("/api/v1/organization"),
        operate: |story, dice| Box::pin(people::organization(story, dice)),
        weight: 1,
        derived: &[],
    },
    Kind {
        name: "project",
        shown: Shown::List("/api/v1/projects"),
        operate: |story, dice| Box::pin(work::project(story, dice)),
        weight: 4,
        derived: &[
            "currency",
            "tracked_seconds",
            "billable_amount",
            "budget_used",
        ],
    },
    Kind {
        name: "project_member",
        shown: Shown::Links,
        operate: |story, dice| Box::pin(people::project_member(story, dice)),
        weight: 4,
        derived: &[],
    },
    Kind {
        name: "task",
        shown: Shown::List("/api/v1/tasks"),
        operate: |story, dice| Box::pin(work::task(story, dice)),
        weight: 5,
        derived: &["currency", "tracked_seconds"],
    },
    Kind {
        name: "time_entry",
        shown: Shown::List("/api/v1/time_entries"),
        operate: |story, dice| Box::pin(work::time_entry(story, dice)),
        weight: 14,
        derived: LOCK,
    },
    Kind {
        name: "expense",
        shown: Shown::List("/api/v1/expenses"),
        operate: |story, dice| Box::pin(billing::expense(story, dice)),
        weight: 5,
        derived: LOCK,
    },
    Kind {
        name: "invoice",
        shown: Shown::List("/api/v1/invoices"),
        operate: |story, dice| Box::pin(billing::invoice(story, dice)),
        weight: 3,
        // Of a draft; what was sent is as its events say.
        derived: &[
            "period_start",
            "period_end",
            "subtotal",
            "total",
            "balance",
            "lines",
        ],
    },
];

/// A history in the making.
pub struct Story<'w> {
    pub world: &'w World,
    pub org: &'w Org,
    /// Most objects of a kind that others stand on: few of them are fought over.
    most: usize,
    /// Ids of the objects that were made, by kind; some are gone again.
    made: Mutex<BTreeMap<&'static str, Vec<String>>>,
    /// How often each kind of request was answered with each status.
    answers: Mutex<BTreeMap<(String, u16), usize>>,
}

impl<'w> Story<'w> {
    /// A story that begins with a client and a project, in which everybody is.
    pub async fn begin(world: &'w World, org: &'w Org, most: usize) -> Self {
        let story = Self {
            world,
            org,
            most,
            made: Mutex::default(),
            answers: Mutex::default(),
        };
        let people = [&org.owner, &org.admin, &org.manager, &org.member];
        for person in people {
            story.remember("member", person.id.to_string());
        }
        let client = json!({"name": "the client", "billable_rate": "80"});
        story.make("client", "/api/v1/clients", &client).await;
        let client = story.some("client", &mut Dice::new());
        let project = json!({"name": "the project", "client_id": client});
        let project = story.make("project", "/api/v1/projects", &project).await;
        let project = project.expect("a first project");
        for person in people {
            let path = format!("/api/v1/projects/{project}/members/{}", person.id);
            story.ask("PUT", &path, Some(&json!({}))).await.expect(201);
        }
        story
    }

    /// Lets so many writers do so many things.
    pub async fn go_on(&self, dice: &mut Dice, writers: usize, operations: usize) {
        let all: Vec<&Kind> = KINDS
            .iter()
            .flat_map(|kind| std::iter::repeat_n(kind, kind.weight))
            .collect();
        join_all((0..writers).map(|writer| {
            let (mut dice, all) = (dice.fork(), &all);
            async move {
                for _ in (writer..operations).step_by(writers) {
                    (dice.one_of(all).unwrap().operate)(self, &mut dice).await;
                }
            }
        }))
        .await;
    }

    /// How often each kind of request was answered with each status.
    pub fn tally(&self) -> BTreeMap<(String, u16), usize> {
        self.answers.lock().unwrap().clone()
    }

    /// Some object of a kind, if one was made.
    fn some(&self, kind: &str, dice: &mut Dice) -> Option<String> {
        let made = self.made.lock().unwrap();
        dice.one_of(made.get(kind)?).cloned()
    }

    /// Some object, or by chance none.
    fn perhaps(&self, kind: &str, dice: &mut Dice) -> Option<String> {
        (dice.below(2) == 0).then(|| self.some(kind, dice))?
    }

    /// Whether another object of a kind that others stand on may be made.
    fn has_room(&self, kind: &str) -> bool {
        let made = self.made.lock().unwrap();
        made.get(kind).map_or(0, Vec::len) < self.most
    }

    fn remember(&self, kind: &'static str, id: String) {
        self.made.lock().unwrap().entry(kind).or_default().push(id);
    }

    fn forget(&self, kind: &str, id: &str) {
        if let Some(ids) = self.made.lock().unwrap().get_mut(kind) {
            ids.retain(|known| known != id);
        }
    }

    fn count(&self, what: String, status: u16) {
        *self
            .answers
            .lock()
            .unwrap()
            .entry((what, status))
            .or_default() += 1;
    }

    /// Asks as the owner. Whatever the answer is, it is no failure of the server.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let call = self.world.call(method, path).token(&self.org.owner.token);
        let call = match body {
            Some(body) => call.json(body),
            None => call,
        };
        let answer = call.send().await;
        let may = [200, 201, 204, 403, 404, 409, 412, 422];
        assert!(
            may.contains(&answer.status),
            "{method} {path} {body:?}: {answer:?}"
        );
        let resource = path.split('/').nth(3).unwrap_or_default();
        let resource = resource.split('?').next().unwrap_or_default();
        self.count(format!("{method} {resource}"), answer.status);
        answer
    }

    /// Makes an object, and remembers it if it came to be.
    async fn make(&self, kind: &'static str, list: &str, body: &Value) -> Option<String> {
        let answer = self.ask("POST", list, Some(body)).await;
        if answer.status != 201 {
            return None;
        }
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        self.remember(kind, id.clone());
        Some(id)
    }

    /// Deletes an object, and forgets it once it is gone.
    async fn delete(&self, kind: &str, list: &str, id: &str) {
        let answer = self.ask("DELETE", &format!("{list}/{id}"), None).await;
        if answer.status == 204 {
            self.forget(kind, id);
        }
    }

    /// What an operator did: it may be refused, but not by the database.
    fn operated<T>(&self, what: &str, done: Result<T, AdminError>) -> Option<T> {
        match done {
            Err(AdminError::Store(error)) => panic!("{what}: {error:?}"),
            Err(AdminError::Stored(error)) => panic!("{what}: {error:?}"),
            Err(_) => {
                self.count(format!("operator {what}"), 409);
                None
            }
            Ok(done) => {
                self.count(format!("operator {what}"), 200);
                Some(done)
            }
        }
    }
}

/// Leaves each field of a body out by chance, but those that must be there.
fn thin(mut body: Value, required: &[&str], dice: &mut Dice) -> Value {
    let fields = body.as_object_mut().unwrap();
    fields.retain(|name, _| required.contains(&name.as_str()) || dice.below(2) == 0);
    body
}

/// A rate of a few cents' granularity.
fn rate(dice: &mut Dice) -> Value {
    match dice.below(5) {
        0 => Value::Null,
        _ => json!(format!("{}.{:02}", dice.below(200), dice.below(100))),
    }
}

/// A day of the two months around now.
fn day(dice: &mut Dice) -> String {
    format!("2026-{:02}-{:02}", 10 + dice.below(2), 1 + dice.below(24))
}
