//! The demo's agency: it is made once, its feed rebuilds it, its totals are the sums of what is there,
//! and more time comes in until there is as much as was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use hoursmith_domain::Scope;
use hoursmith_resource::admin::{Demo, fill_demo, seed_demo};
use hoursmith_store::testing::contents;
use hoursmith_store::{Error, fetch_all};
use serde_json::Value;

use crate::cases::feed;
use crate::world::{Bus, Org, Person, Store, World};

hoursmith_store::statements! {
    /// What each project's months say, and what its entries say.
    PROJECT_TOTALS = "SELECT p.id, \
        (SELECT CAST(COALESCE(SUM(m.tracked_seconds), 0) AS BIGINT) FROM project_months m \
            WHERE m.organization_id = p.organization_id AND m.project_id = p.id) AS kept, \
        (SELECT CAST(COALESCE(SUM(e.duration_seconds), 0) AS BIGINT) FROM time_entries e \
            WHERE e.organization_id = p.organization_id AND e.project_id = p.id) AS summed, \
        (SELECT CAST(COALESCE(SUM(m.billable_amount), 0) AS BIGINT) FROM project_months m \
            WHERE m.organization_id = p.organization_id AND m.project_id = p.id) AS kept_amount, \
        (SELECT CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) FROM time_entries e \
            WHERE e.organization_id = p.organization_id AND e.project_id = p.id) AS summed_amount \
        FROM projects p WHERE p.organization_id = $1";
    /// Tasks whose total is not what their entries say.
    TASKS_THAT_ARE_OFF = "SELECT t.name FROM tasks t WHERE t.organization_id = $1 AND \
        COALESCE((SELECT n.tracked_seconds FROM task_totals n \
            WHERE n.organization_id = t.organization_id AND n.task_id = t.id), 0) <> \
        (SELECT COALESCE(SUM(e.duration_seconds), 0) FROM time_entries e \
            WHERE e.organization_id = t.organization_id AND e.task_id = t.id)";
    /// Entries and tags that say otherwise.
    TAGS_THAT_ARE_OFF = "SELECT CAST(e.tags AS TEXT) FROM time_entries e WHERE e.organization_id = $1 AND \
        (e.tags <> '[]') <> EXISTS (SELECT 1 FROM time_entry_tags t \
            WHERE t.organization_id = e.organization_id AND t.time_entry_id = e.id AND t.order_at = e.order_at)";
}

/// The demo in a world, and its people with tokens.
async fn demo(world: &World) -> (Demo, Org) {
    let operator = world.operator();
    let demo = seed_demo(&operator).await.unwrap();
    let mut people = Vec::new();
    let mut organization = None;
    for (_, _, email) in &demo.people {
        let (id, member) = operator.member(demo.slug, email).await.unwrap();
        let token = world.token(id, member, Scope::Write, None).await;
        organization = Some(id);
        people.push(Person {
            id: member,
            email: email.clone(),
            token,
        });
    }
    let [owner, admin, manager, member] = people.try_into().ok().unwrap();
    let org = Org {
        id: organization.unwrap(),
        slug: demo.slug.to_owned(),
        owner,
        admin,
        manager,
        member,
    };
    (demo, org)
}

/// All items of a list, by id.
async fn all(world: &World, org: &Org, list: &str) -> BTreeMap<String, Value> {
    let mut items = BTreeMap::new();
    let mut page = format!("{list}?limit=200");
    loop {
        let answer = world.get(&page, &org.owner).send().await.expect(200).json();
        for item in answer["data"].as_array().unwrap() {
            items.insert(item["id"].as_str().unwrap().to_owned(), item.clone());
        }
        match answer["next_cursor"].as_str() {
            Some(cursor) => page = format!("{list}?limit=200&cursor={cursor}"),
            None => return items,
        }
    }
}

/// What follows from other objects and has no event of its own.
fn without_derived(kind: &str, object: &Value) -> Value {
    let mut object = object.clone();
    let derived: &[&str] = match kind {
        "project" => &["tracked_seconds", "billable_amount", "budget_used"],
        "task" => &["tracked_seconds"],
        "time_entry" | "expense" => &["is_locked", "locked_reason"],
        // A part that is paid is no event: the list of events has none for it.
        "invoice" => &["overdue", "amount_paid", "balance", "updated_at"],
        _ => &[],
    };
    for name in derived {
        object.as_object_mut().unwrap().remove(*name);
    }
    object
}

/// Every event fits what was there before it, and the last one of each object is how the API shows
/// it; of a draft, which follows what is unbilled, that there is one.
async fn the_feed_replays(world: &World, org: &Org) {
    let mut last: BTreeMap<(String, String), Value> = BTreeMap::new();
    for (event, number) in feed(world, org).await.iter().zip(1_i64..) {
        assert_eq!(event["sequence"], number, "no gap");
        let object = &event["data"]["object"];
        let (kind, _) = event["type"].as_str().unwrap().split_once('.').unwrap();
        let id = object["id"].as_str().unwrap().to_owned();
        let key = (kind.to_owned(), id);
        if let (Some(before), Some(previous)) = (
            last.get(&key),
            event["data"]["previous_attributes"].as_object(),
        ) && kind != "invoice"
        {
            for (name, value) in previous {
                let is_derived = without_derived(kind, before).get(name).is_none();
                assert!(
                    is_derived || before[name] == *value,
                    "{event} after {before}"
                );
            }
        }
        last.insert(key, object.clone());
    }
    for (kind, list) in [
        ("client", "/api/v1/clients"),
        ("member", "/api/v1/members"),
        ("project", "/api/v1/projects"),
        ("task", "/api/v1/tasks"),
        ("time_entry", "/api/v1/time_entries"),
        ("expense", "/api/v1/expenses"),
        ("invoice", "/api/v1/invoices"),
    ] {
        let mut shown = all(world, org, list).await;
        let mut told: BTreeMap<String, Value> = last
            .iter()
            .filter(|((of, _), _)| of == kind)
            .map(|((_, id), object)| (id.clone(), object.clone()))
            .collect();
        let ids = |objects: &BTreeMap<String, Value>| objects.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&told), ids(&shown), "{kind}");
        let is_draft = |_: &String, object: &mut Value| object["status"] != "draft";
        told.retain(is_draft);
        shown.retain(is_draft);
        for (id, object) in &shown {
            let (told, object) = (
                without_derived(kind, &told[id]),
                without_derived(kind, object),
            );
            assert_eq!(told, object, "{kind}");
        }
    }
}

/// Totals are the sums of what is there.
async fn the_totals_are_true(world: &World, org: &Org) {
    let mut conn = world.db.db().read().await.unwrap();
    type Totals = (uuid::Uuid, i64, i64, i64, i64);
    let totals = fetch_all!(&mut conn, PROJECT_TOTALS as Totals, org.id.0).unwrap();
    assert!(!totals.is_empty());
    for (project, kept, summed, kept_amount, summed_amount) in totals {
        assert_eq!((kept, kept_amount), (summed, summed_amount), "{project}");
    }
    let off: Result<Vec<(String,)>, Error> =
        fetch_all!(&mut conn, TASKS_THAT_ARE_OFF as (String,), org.id.0);
    assert_eq!(off.unwrap(), []);
    let off = fetch_all!(&mut conn, TAGS_THAT_ARE_OFF as (String,), org.id.0);
    assert_eq!(off.unwrap(), []);
}

async fn the_demo_is_a_whole_agency(store: Store) {
    let world = World::start(Bus::Memory, store).await;
    let (first, org) = demo(&world).await;
    the_feed_replays(&world, &org).await;
    the_totals_are_true(&world, &org).await;

    let invoices = all(&world, &org, "/api/v1/invoices").await;
    let states: BTreeSet<(&str, bool)> = invoices
        .values()
        .map(|invoice| {
            let overdue = invoice["overdue"].as_bool().unwrap();
            (invoice["status"].as_str().unwrap(), overdue)
        })
        .collect();
    let wanted = [
        ("draft", false),
        ("paid", false),
        ("sent", false),
        ("sent", true),
        ("void", false),
    ];
    assert_eq!(states, BTreeSet::from(wanted));
    let projects = all(&world, &org, "/api/v1/projects").await;
    let values = |name: &str| -> BTreeSet<&str> {
        projects
            .values()
            .filter_map(|project| project[name].as_str())
            .collect()
    };
    assert_eq!(
        values("billing_method"),
        BTreeSet::from(["fixed", "hourly", "none"])
    );
    assert_eq!(values("currency"), BTreeSet::from(["EUR", "GBP", "USD"]));
    assert!(projects.values().any(|project| project["archived"] == true));
    let entries = all(&world, &org, "/api/v1/time_entries").await;
    assert!(entries.len() > 1_500, "{}", entries.len());
    let reasons: BTreeSet<&str> = entries
        .values()
        .filter_map(|entry| entry["locked_reason"].as_str())
        .collect();
    assert!(
        reasons.contains("invoiced") && reasons.contains("period_locked"),
        "{reasons:?}"
    );
    let running = entries.values().filter(|entry| entry["is_running"] == true);
    assert_eq!(running.count(), 1);
    let roles: Vec<&str> = first
        .people
        .iter()
        .map(|(role, ..)| role.as_str())
        .collect();
    assert_eq!(roles, ["owner", "admin", "manager", "member"]);

    let before = contents(&world.db, &["api_tokens"]).await;
    seed_demo(&world.operator()).await.unwrap();
    assert!(
        before == contents(&world.db, &["api_tokens"]).await,
        "made once"
    );
    assert!(world.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_a_whole_agency_on_sqlite() {
    the_demo_is_a_whole_agency(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_a_whole_agency_on_postgres() {
    the_demo_is_a_whole_agency(Store::Postgres).await;
}

async fn time_is_filled_up(store: Store) {
    let world = World::start(Bus::Memory, store).await;
    let (_, org) = demo(&world).await;
    let seeded = world.count("time_entries", org.id).await as u64;
    let lock = world
        .get("/api/v1/organization", &org.owner)
        .send()
        .await
        .json()["lock_before"]
        .clone();
    let said = Mutex::new(Vec::new());
    let progress = |there| said.lock().unwrap().push(there);
    for rows in [seeded + 2_345, seeded + 2_345, seeded + 100, seeded + 2_500] {
        fill_demo(&world.operator(), rows, progress).await.unwrap();
    }
    // In batches, and taken up where it was.
    let told: Vec<u64> = said
        .lock()
        .unwrap()
        .iter()
        .map(|there| there - seeded)
        .collect();
    assert_eq!(told, [2_000, 2_345, 2_500]);
    assert_eq!(
        world.count("time_entries", org.id).await as u64,
        seeded + 2_500
    );
    the_totals_are_true(&world, &org).await;
    the_feed_replays(&world, &org).await;
    let organization = world
        .get("/api/v1/organization", &org.owner)
        .send()
        .await
        .json();
    assert_eq!(
        organization["lock_before"], lock,
        "the books are closed again"
    );
    for filter in [
        "invoiced=true",
        "billable=false",
        "tag=research",
        "locked=true",
    ] {
        let path = format!("/api/v1/time_entries?limit=5&{filter}");
        let page = world.get(&path, &org.owner).send().await.expect(200).json();
        assert_eq!(page["data"].as_array().unwrap().len(), 5, "{filter}");
    }
    assert!(world.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_filled_up_on_sqlite() {
    time_is_filled_up(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_filled_up_on_postgres() {
    time_is_filled_up(Store::Postgres).await;
}
