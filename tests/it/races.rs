//! Writers at once: what stands on something that another changes meanwhile, and many of all kinds
//! on one project.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use hoursmith_domain::Plan;
use hoursmith_store::{Error, execute, fetch_one};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::dice::Dice;
use crate::history::Story;
use crate::scene::{get, send};
use crate::world::{Bus, Org, Store, World};

hoursmith_store::statements! {
    /// The server never finds that this transaction is in a circle, only that the other one is.
    LOOK_AWAY = "SET LOCAL deadlock_timeout = '60s'";
    HOLD_TOTALS = "UPDATE project_months SET tracked_seconds = tracked_seconds WHERE organization_id = $1";
    HOLD_ENTRIES = "UPDATE time_entries SET version = version WHERE organization_id = $1";
    COUNT_WAITING = "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    HOLD_ORGANIZATION = "UPDATE organizations SET version = version WHERE id = $1";
    WAITING_SINCE = "SELECT CAST(EXTRACT(EPOCH FROM MAX(xact_start)) * 1000000 AS BIGINT) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
}

const OPERATIONS: usize = 1_600;
const WRITERS: usize = 16;

/// Far more than it takes; a deadlock alone would be seen after a second.
const LONGEST: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn writers_on_one_project_never_stand_in_each_others_way_for_good() {
    let world = World::start(Bus::Memory, Store::Postgres).await;
    let org = world.org().await;
    let story = Story::begin(&world, &org, 2).await;
    let mut dice = Dice::new();
    let history = story.go_on(&mut dice, WRITERS, OPERATIONS);
    // Every answer is looked at as it comes.
    tokio::time::timeout(LONGEST, history)
        .await
        .expect("an answer to everything");
    println!("{:#?}", story.tally());
    assert!(world.stop().await, "nothing was cut off");
}

/// A stranger holds the totals, a change of an entry waits for them with the entry in hand, and then
/// the stranger wants the entry. The server ends the change, for the circle or, when it saw none yet,
/// for the length of its wait; and it is made again.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_the_server_ended_for_a_deadlock_is_made_again() {
    let world = World::start(Bus::Memory, Store::Postgres).await;
    let org = world.org().await;
    let project = made(&world, &org, "/projects", &json!({"name": "wanted by two"})).await;
    let membership = format!(
        "/projects/{}/members/{}",
        project.as_str().unwrap(),
        org.owner.id
    );
    send(&world, &org.owner, "PUT", &membership, &json!({}))
        .await
        .expect(201);
    let entry = json!({"project_id": project, "duration_seconds": 3600});
    let entry = made(&world, &org, "/time_entries", &entry).await;
    let entry = format!("/time_entries/{}", entry.as_str().unwrap());

    let (held, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait, organization) = (Arc::clone(&held), Arc::clone(&go_on), org.id.0);
    let stranger = world.db.db().write::<_, Error>(move |conn| {
        Box::pin(async move {
            execute!(conn, LOOK_AWAY)?;
            execute!(conn, HOLD_TOTALS, organization)?;
            tell.notify_one();
            wait.notified().await;
            execute!(conn, HOLD_ENTRIES, organization)
        })
    });
    let change = async {
        held.notified().await;
        let body = json!({"duration_seconds": 7200});
        let change = send(&world, &org.owner, "PATCH", &entry, &body);
        let then = async {
            let mut conn = world.db.db().read().await.unwrap();
            while fetch_one!(&mut conn, COUNT_WAITING as (i64,)).unwrap().0 == 0 {}
            go_on.notify_one();
        };
        tokio::join!(change, then).0
    };
    let (stranger, change) = tokio::join!(stranger, change);
    assert_eq!(stranger.unwrap(), 1, "the stranger was let through");
    let shown = change.expect(200).json();
    assert_eq!(shown["duration_seconds"], 7200);
    assert!(world.stop().await, "nothing was cut off");
}

/// A stranger holds the organization for longer than a transaction waits for a lock. The operator's
/// command is tried again, and done once the stranger lets go.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_others_stand_in_the_way_of_is_made_again() {
    let world = World::start(Bus::Memory, Store::Postgres).await;
    let org = world.org().await;
    let (held, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait, organization) = (Arc::clone(&held), Arc::clone(&go_on), org.id.0);
    let stranger = world.db.db().write::<_, Error>(move |conn| {
        Box::pin(async move {
            execute!(conn, HOLD_ORGANIZATION, organization)?;
            tell.notify_one();
            wait.notified().await;
            Ok(())
        })
    });
    let operator = world.operator();
    let command = async {
        held.notified().await;
        let command = operator.set_plan(&org.slug, Plan::Studio);
        let then = async {
            let mut conn = world.db.db().read().await.unwrap();
            let (mut first, mut latest) = (None, None);
            while first.is_none() || latest == first {
                let (since,) = fetch_one!(&mut conn, WAITING_SINCE as (Option<i64>,)).unwrap();
                latest = since.or(latest);
                first = first.or(since);
            }
            go_on.notify_one();
        };
        tokio::join!(command, then).0
    };
    let (stranger, command) = tokio::join!(stranger, command);
    stranger.unwrap();
    command.unwrap();
    let shown = get(&world, &org.owner, "/organization").await;
    assert_eq!(shown.expect(200).json()["plan"], "studio");
    assert!(world.stop().await, "nothing was cut off");
}

/// What changes under the feet of those who write time and expenses.
#[derive(Clone, Copy)]
enum Change {
    /// The currency of the project's client.
    Currency,
    /// The project's client.
    Client,
    /// The project has no client any more.
    NoClient,
    /// A project that had none has a client.
    FirstClient,
}

const CHANGES: [Change; 4] = [
    Change::Currency,
    Change::Client,
    Change::NoClient,
    Change::FirstClient,
];

/// Rounds of each change.
const ROUNDS: usize = 3;

/// Makes something; its id.
async fn made(world: &World, org: &Org, list: &str, body: &Value) -> Value {
    let answer = send(world, &org.owner, "POST", list, body).await;
    answer.expect(201).json()["id"].clone()
}

/// Whether 50 who write time, and 10 who write expenses, all stand on the same ground in the end,
/// which changed under them or did not.
async fn stands_on_one_ground(world: &World, org: &Org, change: Change, round: usize) {
    let name = |what: &str| format!("{what} {} {round}", change as usize);
    let client = json!({"name": name("euro"), "currency": "EUR"});
    let client = made(world, org, "/clients", &client).await;
    let other = json!({"name": name("dollar"), "currency": "USD"});
    let other = made(world, org, "/clients", &other).await;
    let first = match change {
        Change::FirstClient => Value::Null,
        _ => client.clone(),
    };
    let project = json!({"name": name("project"), "client_id": first, "billable_rate": "100"});
    let project = made(world, org, "/projects", &project).await;
    let project_path = format!("/projects/{}", project.as_str().unwrap());
    let membership = format!("{project_path}/members/{}", org.owner.id);
    let put = send(world, &org.owner, "PUT", &membership, &json!({})).await;
    put.expect(201);

    let (at, body) = match change {
        Change::Currency => (
            format!("/clients/{}", client.as_str().unwrap()),
            json!({"currency": "USD"}),
        ),
        Change::Client | Change::FirstClient => (project_path.clone(), json!({"client_id": other})),
        Change::NoClient => (project_path.clone(), json!({"client_id": null})),
    };
    let entry = json!({"project_id": project, "duration_seconds": 3600});
    let expense = json!({"project_id": project, "amount": "10"});
    let mut calls: Vec<(&str, &str, &Value)> = vec![("POST", "/time_entries", &entry); 50];
    calls.extend([("POST", "/expenses", &expense); 10]);
    // A different place each time, since who comes first mostly wins.
    calls.insert(round * 2, ("PATCH", &at, &body));
    let sent = calls
        .into_iter()
        .map(|(method, path, body)| send(world, &org.owner, method, path, body));
    let answers = join_all(sent).await;
    let changed = answers[round * 2].status == 200;
    for answer in &answers {
        assert!([200, 201, 409].contains(&answer.status), "{answer:?}");
    }

    let shown = get(world, &org.owner, &project_path).await.json();
    let moved = shown["client_id"] != first || shown["currency"] == "USD";
    assert_eq!(moved, changed);
    for list in ["/time_entries", "/expenses"] {
        let id = project.as_str().unwrap();
        let page = get(
            world,
            &org.owner,
            &format!("{list}?project_id={id}&limit=100"),
        )
        .await;
        for row in page.expect(200).json()["data"].as_array().unwrap() {
            let ground = |of: &Value| (of["client_id"].clone(), of["currency"].clone());
            assert_eq!(ground(row), ground(&shown), "changed: {changed}");
        }
    }
}

async fn whatever_is_written_stands_on_one_ground(store: Store) {
    let world = World::start(Bus::Memory, store).await;
    let org = world.org().await;
    for round in 0..ROUNDS {
        for change in CHANGES {
            stands_on_one_ground(&world, &org, change, round).await;
        }
    }
    assert!(world.stop().await, "nothing was cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_written_stands_on_one_ground_on_sqlite() {
    whatever_is_written_stands_on_one_ground(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_written_stands_on_one_ground_on_postgres() {
    whatever_is_written_stands_on_one_ground(Store::Postgres).await;
}
