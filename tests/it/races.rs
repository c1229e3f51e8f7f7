//! Writers at once: what stands on something that another changes meanwhile, and many of all kinds
//! on one project.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::history::Story;
use crate::scene::{get, send};
use crate::world::{Bus, Org, Store, World};

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

#[tokio::test(flavor = "multi_thread")]
async fn measure_parallel_entries() {
    let world = World::start(Bus::Memory, Store::Postgres).await;
    let org = world.org().await;
    let client = made(&world, &org, "/clients", &json!({"name": "c"})).await;
    let project = json!({"name": "p", "client_id": client, "billable_rate": "100"});
    let project = made(&world, &org, "/projects", &project).await;
    let id = project.as_str().unwrap();
    let people = [&org.owner, &org.admin, &org.manager, &org.member];
    for person in people {
        let path = format!("/projects/{id}/members/{}", person.id);
        send(&world, &org.owner, "PUT", &path, &json!({}))
            .await
            .expect(201);
    }
    let task = made(
        &world,
        &org,
        "/tasks",
        &json!({"name": "t", "project_id": project}),
    )
    .await;
    let body = json!({"project_id": project, "task_id": task, "duration_seconds": 60});
    for _ in 0..6 {
        let start = std::time::Instant::now();
        join_all((0..8).map(|n| {
            let (world, body, person) = (&world, &body, people[n % 4]);
            async move {
                let mut line = crate::http::Connection::open(world.address).await;
                for _ in 0..100 {
                    let call = world.post("/api/v1/time_entries", person).json(body);
                    line.send(call).await.expect(201);
                }
            }
        }))
        .await;
        println!("MEASURE {:?} for 800", start.elapsed());
    }
}
