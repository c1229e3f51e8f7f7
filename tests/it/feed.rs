//! The feed rebuilds the state: whoever reads `GET /api/v1/events` from the first event on has, at
//! the end, every object as its own `GET` shows it.
//!
//! A random history by parallel writers, over every kind of object in [`KINDS`]. To add a kind: one
//! entry there, with a function that makes one random operation.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use hoursmith_domain::{Plan, Role};
use hoursmith_resource::admin::NewMember;
use serde_json::{Map, Value, json};

use crate::cases::{feed, path};
use crate::dice::Dice;
use crate::http::Answer;
use crate::world::{Bus, Org, Store, World};

const OPERATIONS: usize = 500;
const WRITERS: usize = 8;

/// Far more than it takes.
const LONGEST: Duration = Duration::from_secs(120);

/// A kind of object.
struct Kind {
    /// What its events' types have before the dot.
    name: &'static str,
    /// Where its objects are shown in the end. A route that the router does not have is passed by.
    shown: Shown,
    /// Does something random to some object of the kind, or makes one. What the API refuses is
    /// part of the history.
    operate: for<'a> fn(&'a Story<'a>, &'a mut Dice) -> BoxFuture<'a, ()>,
    /// Takes out of an object, or computes anew, what changes without an event of its own because
    /// it follows from other objects: totals, locks, the lines of a draft.
    derived: fn(&mut Map<String, Value>),
}

/// Where objects are shown.
enum Shown {
    /// Each one below its list.
    List(&'static str),
    /// There is one, here.
    One(&'static str),
}

const KINDS: &[Kind] = &[
    Kind {
        name: "client",
        shown: Shown::List("/api/v1/clients"),
        operate: |story, dice| Box::pin(client(story, dice)),
        derived: nothing,
    },
    Kind {
        name: "member",
        shown: Shown::List("/api/v1/members"),
        operate: |story, dice| Box::pin(member(story, dice)),
        derived: nothing,
    },
    Kind {
        name: "organization",
        shown: Shown::One("/api/v1/organization"),
        operate: |story, dice| Box::pin(organization(story, dice)),
        derived: nothing,
    },
];

/// Where every change has its event.
fn nothing(_: &mut Map<String, Value>) {}

/// A history in the making.
struct Story<'w> {
    world: &'w World,
    org: &'w Org,
    /// Ids of the objects that were made, by kind; some are gone again.
    made: Mutex<BTreeMap<&'static str, Vec<String>>>,
}

impl Story<'_> {
    /// Some object of a kind, if one was made.
    fn some(&self, kind: &str, dice: &mut Dice) -> Option<String> {
        let made = self.made.lock().unwrap();
        dice.one_of(made.get(kind)?).cloned()
    }

    /// Asks as the owner. Whatever the answer is, it is no failure of the server.
    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
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
        answer
    }

    /// Makes an object, and remembers it if it came to be.
    async fn make(&self, kind: &'static str, list: &str, body: &Value) {
        let answer = self.ask("POST", list, Some(body)).await;
        if answer.status == 201 {
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            self.made.lock().unwrap().entry(kind).or_default().push(id);
        }
    }
}

async fn client(story: &Story<'_>, dice: &mut Dice) {
    let body = |dice: &mut Dice| {
        let mut body = json!({
            // Few, so that some are taken.
            "name": format!("client {}", dice.below(60)),
            "notes": format!("note {}", dice.below(1_000_000)),
            "billable_rate": format!("{}.{:02}", dice.below(300), dice.below(100)),
            "archived": dice.below(4) == 0,
            "address": {"city": format!("city {}", dice.below(5))},
            "metadata": {format!("key {}", dice.below(3)): "value"},
        });
        let fields = body.as_object_mut().unwrap();
        for name in ["notes", "billable_rate", "archived", "address", "metadata"] {
            if dice.below(2) == 0 {
                fields.remove(name);
            }
        }
        body
    };
    let Some(id) = story.some("client", dice) else {
        return story.make("client", "/api/v1/clients", &body(dice)).await;
    };
    match dice.below(10) {
        0..4 => story.make("client", "/api/v1/clients", &body(dice)).await,
        4..8 => {
            let mut change = body(dice);
            if dice.below(3) > 0 {
                change.as_object_mut().unwrap().remove("name");
            }
            story.ask("PATCH", &path(&id), Some(&change)).await;
        }
        8 => {
            let clear = json!({"address": null, "notes": null, "metadata": null});
            story.ask("PATCH", &path(&id), Some(&clear)).await;
        }
        _ => drop(story.ask("DELETE", &path(&id), None).await),
    }
}

/// Members come, change and go by an operator's commands.
async fn member(story: &Story<'_>, dice: &mut Dice) {
    let (operator, slug) = (story.world.operator(), &story.org.slug);
    let email = format!("person-{}@{slug}.example", dice.below(8));
    let role = *dice
        .one_of(&[Role::Admin, Role::Manager, Role::Member])
        .unwrap();
    let done = match dice.below(3) {
        0 => {
            let new = NewMember {
                name: "Person".to_owned(),
                email,
                role,
            };
            operator.add_member(slug, new).await.map(drop)
        }
        1 => operator.set_role(slug, &email, role).await,
        _ => operator.remove_member(slug, &email).await,
    };
    // Who is there already, or not there, is refused.
    drop(done);
}

async fn organization(story: &Story<'_>, dice: &mut Dice) {
    let plan = *dice.one_of(&[Plan::Studio, Plan::Agency]).unwrap();
    let operator = story.world.operator();
    operator.set_plan(&story.org.slug, plan).await.unwrap();
}

/// Objects by id.
type Objects = BTreeMap<String, Map<String, Value>>;

/// What the feed says that there is, by kind. Each event must fit what was before it.
fn rebuilt(events: &[Value]) -> BTreeMap<&'static str, Objects> {
    let mut all: BTreeMap<&'static str, Objects> = BTreeMap::new();
    for (event, wanted) in events.iter().zip(1_i64..) {
        assert_eq!(event["sequence"], wanted, "no gap");
        let (name, verb) = event["type"].as_str().unwrap().split_once('.').unwrap();
        let kind = KINDS.iter().find(|kind| kind.name == name);
        let kind = kind.unwrap_or_else(|| panic!("no entry for {name} in KINDS"));
        let objects = all.entry(kind.name).or_default();
        let mut object = event["data"]["object"].as_object().unwrap().clone();
        let id = object["id"].as_str().unwrap().to_owned();
        (kind.derived)(&mut object);
        if let Some(before) = objects.get(&id) {
            let previous = event["data"]["previous_attributes"].as_object();
            fits(
                kind,
                event,
                before,
                previous.cloned().unwrap_or_default(),
                &object,
            );
        }
        if verb == "deleted" {
            assert!(objects.remove(&id).is_some(), "{event}");
        } else {
            objects.insert(id, object);
        }
    }
    all
}

/// Whether the fields that an event calls changed are those that differ, and were what it says.
/// A member that comes back is added anew: that event has no fields from before.
fn fits(
    kind: &Kind,
    event: &Value,
    before: &Map<String, Value>,
    mut previous: Map<String, Value>,
    after: &Map<String, Value>,
) {
    (kind.derived)(&mut previous);
    if event["type"] == "member.added" {
        return;
    }
    let differs = |name: &&String| *name != "updated_at" && before.get(*name) != after.get(*name);
    let changed: Map<String, Value> = before
        .keys()
        .filter(differs)
        .map(|name| (name.clone(), before[name].clone()))
        .collect();
    assert_eq!(changed, previous, "{event} after {before:?}");
}

/// What the API shows in the end, by id; nothing where the router has no such route.
async fn shown(story: &Story<'_>, kind: &Kind) -> Option<Objects> {
    let (Shown::List(at) | Shown::One(at)) = kind.shown;
    hoursmith_routes::routes().find(|route| route.path == at)?;
    let mut objects = Objects::new();
    let mut add = |object: Value| {
        let Value::Object(mut object) = object else {
            panic!("{object}")
        };
        (kind.derived)(&mut object);
        objects.insert(object["id"].as_str().unwrap().to_owned(), object);
    };
    if let Shown::One(_) = kind.shown {
        add(story.ask("GET", at, None).await.expect(200).json());
        return Some(objects);
    }
    let mut page = format!("{at}?limit=200");
    loop {
        let listed = story.ask("GET", &page, None).await.expect(200).json();
        for item in listed["data"].as_array().unwrap() {
            let one = format!("{at}/{}", item["id"].as_str().unwrap());
            let read = story.ask("GET", &one, None).await.expect(200).json();
            assert_eq!(read.to_string(), item.to_string());
            add(read);
        }
        match listed["next_cursor"].as_str() {
            Some(cursor) => page = format!("{at}?limit=200&cursor={cursor}"),
            None => return Some(objects),
        }
    }
}

async fn the_feed_rebuilds_the_state(store: Store) {
    let world = World::start(Bus::Memory, store).await;
    let org = world.org().await;
    let story = Story {
        world: &world,
        org: &org,
        made: Mutex::default(),
    };
    let mut dice = Dice::new();
    join_all((0..WRITERS).map(|writer| {
        let (story, mut dice) = (&story, dice.fork());
        async move {
            for _ in (writer..OPERATIONS).step_by(WRITERS) {
                (dice.one_of(KINDS).unwrap().operate)(story, &mut dice).await;
            }
        }
    }))
    .await;
    // Where no chance has changed it, the feed cannot know it.
    for plan in [Plan::Studio, Plan::Agency] {
        world.operator().set_plan(&org.slug, plan).await.unwrap();
    }
    let events = feed(&world, &org).await;
    assert_eq!(events.len() as i64, world.count("events", org.id).await);
    let mut rebuilt = rebuilt(&events);
    for kind in KINDS {
        let from_feed = rebuilt.remove(kind.name).unwrap_or_default();
        println!(
            "{} events, {} of {}",
            events.len(),
            from_feed.len(),
            kind.name
        );
        let Some(shown) = shown(&story, kind).await else {
            continue;
        };
        let ids = |objects: &Objects| objects.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&from_feed), ids(&shown), "{}", kind.name);
        for (id, object) in &shown {
            let (from_feed, shown) = (json!(from_feed[id]), json!(object));
            assert_eq!(from_feed.to_string(), shown.to_string(), "to the byte");
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
