//! Totals are what entries add up to, whatever happened to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::studio::{SET_PROJECT_RATE, Studio, id};
use crate::world::World;

/// Things that happen to entries.
const STEPS: usize = 300;

/// Numbers that look random and are the same each time (Knuth's MMIX).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

type Totals = (Vec<(Uuid, String, i64, i64)>, Vec<(Uuid, i64)>);

/// What entries add up to.
fn sum(entries: &[Value]) -> Totals {
    let (mut months, mut tasks) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        let Some(seconds) = entry["duration_seconds"].as_i64() else {
            continue;
        };
        let amount = entry["amount"].as_str().map_or(0, |amount| {
            let amount: hoursmith_domain::Amount = amount.parse().unwrap();
            amount.ten_thousandths()
        });
        let uuid = |field: &str| {
            entry[field]
                .as_str()
                .map(|text| text.parse::<Uuid>().unwrap())
        };
        let month = entry["spent_on"].as_str().unwrap()[..7].to_owned();
        let total: &mut (i64, i64) = months
            .entry((uuid("project_id").unwrap(), month))
            .or_default();
        *total = (total.0 + seconds, total.1 + amount);
        if let Some(task) = uuid("task_id") {
            *tasks.entry(task).or_default() += seconds;
        }
    }
    let months = months
        .into_iter()
        .filter(|(_, total)| *total != (0, 0))
        .map(|((project, month), (seconds, amount))| (project, month, seconds, amount));
    let tasks = tasks.into_iter().filter(|(_, seconds)| *seconds != 0);
    (months.collect(), tasks.collect())
}

pub async fn totals_follow_whatever_happens(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let other = studio.project_of(None).await;
    studio.join(other, owner).await;
    studio
        .set(SET_PROJECT_RATE, studio.project, Some(951_250))
        .await;
    studio.set(SET_PROJECT_RATE, other, Some(1)).await;
    let places = [
        json!({"project_id": studio.project, "task_id": null}),
        json!({"project_id": studio.project, "task_id": studio.task_of(studio.project).await}),
        json!({"project_id": studio.project, "task_id": studio.task_of(studio.project).await}),
        json!({"project_id": other, "task_id": null}),
        json!({"project_id": other, "task_id": studio.task_of(other).await}),
    ];
    let mut dice = Dice::new(3);
    let mut entries: Vec<Value> = Vec::new();
    for _ in 0..STEPS {
        let day = format!("2026-0{}-{:02}", 1 + dice.below(3), 1 + dice.below(28));
        let seconds = dice.below(40_000);
        let mut body = places[dice.below(places.len())].clone();
        let fields = [
            ("started_at", json!(format!("{day}T12:00:00Z"))),
            ("duration_seconds", json!(seconds)),
            ("billable", json!(dice.below(2) == 0)),
            (
                "billable_rate",
                json!(format!("{}.{}", dice.below(200), dice.below(10_000))),
            ),
        ];
        let kind = dice.below(7);
        for (name, value) in fields.into_iter().take(1 + dice.below(4)) {
            body[name] = value;
        }
        if kind < 3 || entries.is_empty() {
            entries.push(
                studio
                    .add_by(owner, "?stop_running=true", body)
                    .await
                    .expect(201)
                    .json(),
            );
            continue;
        }
        let at = dice.below(entries.len());
        match kind {
            3 => {
                studio.delete(owner, &entries[at]).await.expect(204);
                entries.swap_remove(at);
            }
            4 => {
                let stopped = studio.stop(owner, &entries[at]).await;
                assert!([200, 409].contains(&stopped.status), "{stopped:?}");
            }
            5 => {
                // A timer that runs again, unless another does.
                let again = studio
                    .change(owner, &entries[at], json!({"ended_at": null}))
                    .await;
                assert!([200, 409].contains(&again.status), "{again:?}");
            }
            _ => {
                // A beginning may lie past the end that stays.
                let changed = studio.change(owner, &entries[at], body).await;
                assert!([200, 409, 422].contains(&changed.status), "{changed:?}");
            }
        }
    }
    let mut listed = Vec::new();
    for (_, project) in [("one", studio.project), ("other", other)] {
        let page = studio
            .list(owner, &format!("?project_id={project}&limit=200"))
            .await;
        assert!(page.len() < 200);
        listed.extend(page);
    }
    let key = |list: &[Value]| {
        let mut ids: Vec<Uuid> = list.iter().map(id).collect();
        ids.sort();
        ids
    };
    assert_eq!(key(&listed), key(&entries));
    assert_eq!(studio.totals().await, sum(&listed));
}

/// What is on no draft changes none, and opens none.
pub async fn only_time_that_is_billed_changes_the_draft(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let draft = async || {
        let path = format!("/api/v1/invoices?client_id={}", studio.client);
        let page = world.get(&path, owner).send().await.expect(200).json();
        let id = page["data"][0]["id"].as_str()?.to_owned();
        let read = world.get(&format!("/api/v1/invoices/{id}"), owner);
        let answer = read.send().await.expect(200);
        let etag = answer.header("etag");
        Some(etag.split('-').next().unwrap().to_owned())
    };
    let unbilled = json!({"duration_seconds": 60, "billable": false, "billable_rate": "10"});
    let entry = studio.added(owner, unbilled.clone()).await;
    assert_eq!(draft().await, None);
    let billed = json!({"duration_seconds": 3600, "billable_rate": "100"});
    studio.added(owner, billed).await;
    assert_eq!(draft().await.as_deref(), Some("\"1"));
    studio.added(owner, unbilled).await;
    let longer = json!({"duration_seconds": 120});
    studio.changed(owner, &entry, longer).await;
    assert_eq!(draft().await.as_deref(), Some("\"1"));
    for (count, billable) in [("\"2", true), ("\"3", false)] {
        let change = json!({ "billable": billable });
        studio.changed(owner, &entry, change).await;
        assert_eq!(draft().await.as_deref(), Some(count));
    }
    studio.delete(owner, &entry).await.expect(204);
    assert_eq!(draft().await.as_deref(), Some("\"3"));
}
