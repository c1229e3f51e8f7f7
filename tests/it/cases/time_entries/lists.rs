//! Lists of time: every filter by itself and with others, held against the entries themselves.

use std::time::Duration;

use hoursmith_domain::{Timestamp, Zone};
use serde_json::{Value, json};

use super::studio::{ALL, ARCHIVE, SET_LOCK_BEFORE, SET_PROJECT_RATE, Studio, has, id};
use super::totals::Dice;
use crate::world::{Person, World};

/// Entries of the scene.
const ENTRIES: usize = 60;

/// A filter, and what it asks of an entry.
type Filter = (String, Box<dyn Fn(&Value) -> bool>);

/// Where an entry stands, latest first: the last is the first.
fn place(entry: &Value) -> (Timestamp, String) {
    let zone: Zone = "Europe/Berlin".parse().unwrap();
    let text = |field: &str| entry[field].as_str().unwrap();
    let at = match entry["started_at"].as_str() {
        Some(start) => start.parse().unwrap(),
        None => zone.start_of(text("spent_on").parse().unwrap()),
    };
    (at, text("id").to_owned())
}

fn ids(entries: &[Value]) -> Vec<String> {
    entries.iter().map(|entry| id(entry).to_string()).collect()
}

/// Every entry of a list, page by page.
async fn walk(studio: &Studio<'_>, person: &Person, query: &str, limit: usize) -> Vec<Value> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let url = format!("{ALL}?{query}&limit={limit}{cursor}");
        let page = studio
            .world
            .get(&url, person)
            .send()
            .await
            .expect(200)
            .json();
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= limit);
        seen.extend(data.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
    }
}

/// An organization with entries of every kind: on three projects of two clients, one of them
/// archived; some running, some on an invoice, some in a locked period.
async fn scene(world: &World) -> (Studio<'_>, Vec<Value>, Vec<Filter>) {
    let studio = Studio::open(world).await;
    let org = &studio.org;
    let client = studio.client_in("USD").await;
    let mut projects = vec![studio.project];
    for client in [Some(client), None] {
        let project = studio.project_of(client).await;
        for person in [&org.owner, &org.manager, &org.member] {
            studio.join(project, person).await;
        }
        projects.push(project);
    }
    studio
        .set(SET_PROJECT_RATE, studio.project, Some(100_000))
        .await;
    let tasks = [
        studio.task_of(projects[0]).await,
        studio.task_of(projects[1]).await,
    ];
    let people = [&org.owner, &org.manager, &org.member];
    let mut dice = Dice::new(7);
    let mut entries = Vec::new();
    for number in 0..ENTRIES {
        let project = dice.below(3);
        let day = format!("2026-{:02}-{:02}", 1 + dice.below(12), 1 + dice.below(28));
        let mut body = json!({"project_id": projects[project], "billable": dice.below(2) == 0});
        match (number % 20, dice.below(2)) {
            (0, _) => body["started_at"] = json!(format!("{day}T12:00:00Z")),
            (_, 0) => {
                body["started_at"] = json!(format!("{day}T{:02}:00:00Z", dice.below(24)));
                body["duration_seconds"] = json!(60);
            }
            _ => {
                body["spent_on"] = json!(day);
                body["duration_seconds"] = json!(60);
            }
        }
        if project < 2 && dice.below(2) == 0 {
            body["task_id"] = json!(tasks[project]);
        }
        if dice.below(2) == 0 {
            let colour = ["red", "green"][dice.below(2)];
            body["tags"] = json!([colour, "all"]);
        }
        if dice.below(8) == 0 {
            body["external_reference"] = json!({"service": "s", "id": "ext 1"});
        }
        let person = if number % 20 == 0 {
            people[number / 20]
        } else {
            people[dice.below(3)]
        };
        entries.push(studio.added(person, body).await);
    }
    let billed: Vec<&Value> = entries
        .iter()
        .filter(|entry| {
            entry["is_running"] == false && entry["project_id"] == json!(studio.project)
        })
        .step_by(3)
        .collect();
    let invoice = json!(studio.bill(&billed).await);
    studio.rule(SET_LOCK_BEFORE, Some("2026-04-10")).await;
    studio.set(ARCHIVE, projects[2], Some(1)).await;
    let entries = walk(&studio, &studio.org.owner, "", 200).await;
    assert!(entries.iter().any(|entry| entry["invoice_id"] == invoice));

    let mut filters: Vec<Filter> = Vec::new();
    let mut equal = |name: &str, field: &'static str, value: Value| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let is_it = move |entry: &Value| entry[field] == value;
        filters.push((format!("{name}={text}"), Box::new(is_it)));
    };
    for person in people {
        equal("member_id", "member_id", json!(person.id.to_string()));
    }
    for project in &projects {
        equal("project_id", "project_id", json!(project));
    }
    for client in [studio.client, client] {
        equal("client_id", "client_id", json!(client));
    }
    for task in tasks {
        equal("task_id", "task_id", json!(task));
    }
    for flag in [true, false] {
        equal("running", "is_running", json!(flag));
        equal("billable", "billable", json!(flag));
        equal("locked", "is_locked", json!(flag));
    }
    for flag in [true, false] {
        let invoiced = move |entry: &Value| entry["invoice_id"].is_string() == flag;
        filters.push((format!("invoiced={flag}"), Box::new(invoiced)));
    }
    for tag in ["red", "all", "none"] {
        let tagged = move |entry: &Value| entry["tags"].as_array().unwrap().contains(&json!(tag));
        filters.push((format!("tag={tag}"), Box::new(tagged)));
    }
    for day in ["2026-03-15", "2026-04-10", "2026-08-01"] {
        let since = move |entry: &Value| entry["spent_on"].as_str().unwrap() >= day;
        filters.push((format!("from={day}"), Box::new(since)));
        let until = move |entry: &Value| entry["spent_on"].as_str().unwrap() <= day;
        filters.push((format!("to={day}"), Box::new(until)));
    }
    let linked = |entry: &Value| entry["external_reference"]["id"] == "ext 1";
    filters.push(("external_reference_id=ext%201".to_owned(), Box::new(linked)));
    (studio, entries, filters)
}

pub async fn time_is_found_by_every_filter_alone_and_with_others(world: &World) {
    let (studio, mut entries, filters) = scene(world).await;
    let (owner, manager) = (&studio.org.owner, &studio.org.manager);
    assert_eq!(entries.len(), ENTRIES);
    let listed = ids(&entries);
    entries.sort_by_key(place);
    entries.reverse();
    assert_eq!(listed, ids(&entries), "latest first");
    let mut dice = Dice::new(11);
    let alone = filters.iter().map(|filter| vec![filter]);
    let mut asked: Vec<Vec<&Filter>> = alone.collect();
    for _ in 0..80 {
        let chosen: Vec<&Filter> = (0..2 + dice.below(2))
            .map(|_| &filters[dice.below(filters.len())])
            .collect();
        let names: Vec<&str> = chosen
            .iter()
            .map(|(query, _)| query.split('=').next().unwrap())
            .collect();
        if (1..names.len()).all(|at| !names[..at].contains(&names[at])) {
            asked.push(chosen);
        }
    }
    for chosen in asked {
        let query: Vec<&str> = chosen.iter().map(|(query, _)| query.as_str()).collect();
        let query = query.join("&");
        let expected: Vec<Value> = entries
            .iter()
            .filter(|entry| chosen.iter().all(|(_, is_it)| is_it(entry)))
            .cloned()
            .collect();
        // A manager who is in every project sees the same.
        let person = if dice.below(2) == 0 { owner } else { manager };
        let found = walk(&studio, person, &query, 1 + dice.below(20)).await;
        assert_eq!(ids(&found), ids(&expected), "{query}");
        let by_change = format!("{query}&updated_since=1970-01-02T00:00:00Z");
        let (mut changed, mut expected) = (walk(&studio, person, &by_change, 7).await, expected);
        let by_update = |entry: &Value| {
            (
                entry["updated_at"]
                    .as_str()
                    .unwrap()
                    .parse::<Timestamp>()
                    .unwrap(),
                id(entry),
            )
        };
        assert!(changed.is_sorted_by_key(by_update), "{query}");
        changed.sort_by_key(id);
        expected.sort_by_key(id);
        assert_eq!(ids(&changed), ids(&expected), "{query} by change");
    }
    let mine: Vec<Value> = entries
        .iter()
        .filter(|entry| entry["member_id"] == json!(studio.org.member.id.to_string()))
        .cloned()
        .collect();
    for query in [
        "",
        "locked=false",
        "tag=all",
        "billable=true&updated_since=1970-01-02T00:00:00Z",
    ] {
        let found = walk(&studio, &studio.org.member, query, 9).await;
        assert!(
            found
                .iter()
                .all(|entry| ids(&mine).contains(&id(entry).to_string())),
            "{query}"
        );
        assert!(!query.is_empty() || ids(&found) == ids(&mine));
    }
}

pub async fn changed_time_is_synced(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let mut made = Vec::new();
    for day in ["2026-03-03", "2026-03-01", "2026-03-02"] {
        made.push(
            studio
                .added(owner, json!({"duration_seconds": 1, "spent_on": day}))
                .await,
        );
    }
    let changed = studio
        .changed(owner, &made[0], json!({"duration_seconds": 2}))
        .await;
    let since = |entry: &Value, later: u64| {
        let at: Timestamp = entry["updated_at"].as_str().unwrap().parse().unwrap();
        format!("?updated_since={}", at.plus(Duration::from_micros(later)))
    };
    let found = async |query: String| ids(&studio.list(owner, &query).await);
    let order = [made[1].clone(), made[2].clone(), changed.clone()];
    assert_eq!(found(since(&made[0], 0)).await, ids(&order));
    assert_eq!(found(since(&made[2], 0)).await, ids(&order[1..]));
    assert_eq!(found(since(&changed, 1)).await, Vec::<String>::new());
    has(&changed, json!({"created_at": made[0]["created_at"]}));
}

pub async fn wrong_filters_of_time_are_refused(world: &World) {
    let studio = Studio::open(world).await;
    for (query, code) in [
        ("member_id=x", "invalid_parameter"),
        ("from=2026-02-30", "invalid_parameter"),
        ("running=yes", "invalid_parameter"),
        ("tag=", "invalid_parameter"),
        ("day=2026-02-03", "unknown_parameter"),
        ("stop_running=true", "unknown_parameter"),
    ] {
        let answer = world
            .get(&format!("{ALL}?{query}"), &studio.org.owner)
            .send()
            .await;
        answer.expect_problem(400, code);
    }
    let answer = studio
        .add_by(&studio.org.owner, "?stop_running=maybe", json!({}))
        .await;
    answer.expect_problem(400, "invalid_parameter");
    let page = world
        .get(&format!("{ALL}?limit=1"), &studio.org.owner)
        .send()
        .await;
    assert_eq!(page.expect(200).json()["has_more"], false);
}
