//! The feed rebuilds the state: whoever reads `GET /api/v1/events` from the first event on has, at
//! the end, every object as its own `GET` shows it.
//!
//! Over a random history by parallel writers ([`crate::history`]), of every kind of object. What
//! follows from other objects is worked out anew from those that were rebuilt ([`derived`]).

mod derived;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hoursmith_domain::Plan;
use hoursmith_kit::Clock as _;
use serde_json::{Map, Value, json};

use crate::cases::feed;
use crate::dice::Dice;
use crate::history::{KINDS, Kind, Shown, Story};
use crate::world::{Bus, Store, World};

const OPERATIONS: usize = 500;
const WRITERS: usize = 8;

/// Most clients and projects: enough that they move among each other.
const MOST: usize = 8;

/// Far more than it takes.
const LONGEST: Duration = Duration::from_secs(120);

/// Objects by id; links by project and member.
type Objects = BTreeMap<String, Map<String, Value>>;

/// What the feed says that there is, by kind.
#[derive(Default)]
struct Replay {
    objects: BTreeMap<&'static str, Objects>,
}

impl Replay {
    /// Takes the events in, in their order. Each must fit what was before it.
    fn of(events: &[Value]) -> Self {
        let mut replay = Self::default();
        for (event, wanted) in events.iter().zip(1_i64..) {
            assert_eq!(event["sequence"], wanted, "no gap");
            replay.take(event);
        }
        replay
    }

    fn take(&mut self, event: &Value) {
        let (name, verb) = event["type"].as_str().unwrap().split_once('.').unwrap();
        let kind = KINDS.iter().find(|kind| kind.name == name);
        let kind = kind.unwrap_or_else(|| panic!("no entry for {name} in KINDS"));
        let mut object = event["data"]["object"].as_object().unwrap().clone();
        let id = object["id"].as_str().unwrap().to_owned();
        let objects = self.objects.entry(kind.name).or_default();
        // A write of a task's status and of other fields is told by an event for each, which show
        // the task as both left it. The one of the status comes next.
        if let (Some(known), "task.updated") = (objects.get(&id), event["type"].as_str().unwrap()) {
            for name in ["status", "completed_at"] {
                object[name] = known[name].clone();
            }
        }
        let before = if verb == "deleted" {
            let gone = objects.remove(&id);
            assert!(gone.is_some(), "{event}");
            gone
        } else {
            objects.insert(id, object.clone())
        };
        if let Some(before) = &before {
            let previous = event["data"]["previous_attributes"].as_object();
            fits(kind, event, before, previous.cloned(), &object);
        }
        if name == "project" {
            let after = (verb != "deleted").then_some(&object);
            self.relink(event, before.as_ref(), after);
        }
    }

    /// What an event of a project says of who is in it: added, rated anew, removed.
    fn relink(
        &mut self,
        event: &Value,
        before: Option<&Map<String, Value>>,
        after: Option<&Map<String, Value>>,
    ) {
        let rates = |project: Option<&Map<String, Value>>| -> BTreeMap<String, Value> {
            let members = project.and_then(|project| project["members"].as_array());
            let members = members.into_iter().flatten();
            members
                .map(|one| {
                    let id = one["member_id"].as_str().unwrap().to_owned();
                    (id, one["billable_rate"].clone())
                })
                .collect()
        };
        let (before, after) = (rates(before), rates(after));
        let project = &event["data"]["object"]["id"];
        let links = self.objects.entry("project_member").or_default();
        let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for member in all {
            let key = format!("{}/{member}", project.as_str().unwrap());
            let (was, is) = (before.get(member), after.get(member));
            let Some(rate) = is else {
                links.remove(&key);
                continue;
            };
            if was != is {
                let now = &event["created_at"];
                let since = links.get(&key).map(|link| link["created_at"].clone());
                let link = json!({
                    "project_id": project,
                    "member_id": member,
                    "billable_rate": rate,
                    "created_at": since.unwrap_or_else(|| now.clone()),
                    "updated_at": now,
                });
                links.insert(key, link.as_object().unwrap().clone());
            }
        }
    }

    fn all(&self, kind: &str) -> impl Iterator<Item = &Map<String, Value>> {
        self.objects.get(kind).into_iter().flat_map(Objects::values)
    }

    fn one(&self, kind: &str, id: &Value) -> &Map<String, Value> {
        &self.objects[kind][id.as_str().unwrap()]
    }
}

/// Whether the fields that an event calls changed are those that differ, and were what it says. A
/// member that comes back is added anew, and what is deleted changes no more: those events have no
/// fields from before.
fn fits(
    kind: &Kind,
    event: &Value,
    before: &Map<String, Value>,
    previous: Option<Map<String, Value>>,
    after: &Map<String, Value>,
) {
    // What was sent follows from nothing any more.
    let is_derived =
        |name: &str| kind.derived.contains(&name) && before.get("status") != Some(&json!("sent"));
    let mut changed = Map::new();
    for (name, value) in before {
        if name != "updated_at" && !is_derived(name) && after.get(name) != Some(value) {
            changed.insert(name.clone(), value.clone());
        }
    }
    if event["type"] == "member.added" {
        return;
    }
    if event["type"].as_str().unwrap().ends_with(".deleted") {
        assert_eq!((previous, changed), (None, Map::new()), "{event}");
        return;
    }
    let mut previous = previous.unwrap_or_else(|| panic!("{event} says what was before"));
    previous.retain(|name, _| !is_derived(name));
    assert_eq!(changed, previous, "{event} after {before:?}");
}

/// Every page of a list.
async fn pages(story: &Story<'_>, list: &str) -> Vec<Value> {
    let (mut items, mut page) = (Vec::new(), format!("{list}?limit=200"));
    loop {
        let listed = story.ask("GET", &page, None).await.expect(200).json();
        items.extend(listed["data"].as_array().unwrap().iter().cloned());
        match listed["next_cursor"].as_str() {
            Some(cursor) => page = format!("{list}?limit=200&cursor={cursor}"),
            None => return items,
        }
    }
}

/// What the API shows in the end.
async fn shown(story: &Story<'_>, kind: &Kind) -> Objects {
    let mut objects = Objects::new();
    let mut add = |key: String, object: Value| {
        let Value::Object(object) = object else {
            panic!("{object}")
        };
        objects.insert(key, object);
    };
    let id = |object: &Value| object["id"].as_str().unwrap().to_owned();
    match kind.shown {
        Shown::One(at) => {
            let object = story.ask("GET", at, None).await.expect(200).json();
            add(id(&object), object);
        }
        Shown::List(at) => {
            for item in pages(story, at).await {
                let one = format!("{at}/{}", id(&item));
                let read = story.ask("GET", &one, None).await.expect(200).json();
                assert_eq!(read.to_string(), item.to_string());
                add(id(&read), read);
            }
        }
        Shown::Links => {
            for project in pages(story, "/api/v1/projects").await {
                let list = format!("/api/v1/projects/{}/members", id(&project));
                for link in pages(story, &list).await {
                    let member = link["member_id"].as_str().unwrap();
                    add(format!("{}/{member}", id(&project)), link);
                }
            }
        }
    }
    objects
}

async fn the_feed_rebuilds_the_state(store: Store) {
    let world = World::start(Bus::Memory, store).await;
    let org = world.org().await;
    let mut dice = Dice::new();
    let story = Story::begin(&world, &org, MOST).await;
    story.go_on(&mut dice, WRITERS, OPERATIONS).await;
    // Where no chance has changed it, the feed cannot know it.
    for plan in [Plan::Studio, Plan::Agency] {
        world.operator().set_plan(&org.slug, plan).await.unwrap();
    }
    println!("{:#?}", story.tally());
    let events = feed(&world, &org).await;
    assert_eq!(events.len() as i64, world.count("events", org.id).await);
    let replay = Replay::of(&events);
    for kind in KINDS {
        let shown = shown(&story, kind).await;
        let from_feed = replay.completed(kind.name, world.clock.now());
        let name = kind.name;
        println!("{} events, {} of {name}", events.len(), from_feed.len());
        let ids = |objects: &Objects| objects.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&from_feed), ids(&shown), "{name}");
        for (id, object) in &shown {
            let mut object = object.clone();
            if name == "invoice" {
                derived::without_what_no_event_tells(&mut object);
            }
            let (from_feed, shown) = (json!(from_feed[id]), json!(object));
            assert_eq!(from_feed.to_string(), shown.to_string(), "{name}");
        }
    }
    assert!(world.stop().await, "nothing was cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_rebuilds_the_state_on_sqlite() {
    let test = the_feed_rebuilds_the_state(Store::Sqlite);
    tokio::time::timeout(LONGEST, test)
        .await
        .expect("every event became public");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_rebuilds_the_state_on_postgres() {
    let test = the_feed_rebuilds_the_state(Store::Postgres);
    tokio::time::timeout(LONGEST, test)
        .await
        .expect("every event became public");
}
