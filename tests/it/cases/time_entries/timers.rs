//! Timers: one a member, whoever starts how many at once; and time that does not overlap.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Value, json};

use super::studio::{COUNT_RUNNING, REFUSE_OVERLAP, Studio, has, id, path};
use crate::world::World;

/// Timers that are started at once.
const STARTS: usize = 50;

pub async fn a_member_has_one_timer(world: &World) {
    let studio = Studio::open(world).await;
    let (owner, member) = (&studio.org.owner, &studio.org.member);
    let first = studio.added(owner, json!({})).await;
    let second = studio.add(owner, json!({})).await;
    let refused = second.expect_problem(409, "conflict").json();
    assert_eq!(refused["running_time_entry_id"], first["id"]);
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("?stop_running=true")
    );
    studio.added(member, json!({})).await;
    studio.added(owner, json!({"duration_seconds": 1})).await;

    let stopped = studio.stop(owner, &first).await.expect(200);
    let again = studio.stop(owner, &first).await;
    again.expect_problem(409, "conflict");
    let read = studio.read(owner, &first).await.expect(200);
    assert_eq!(read.json(), stopped.json());
    assert_eq!(read.header("etag"), stopped.header("etag"));
    assert_eq!(
        stopped.json()["ended_at"],
        stopped.json()["updated_at"],
        "now"
    );

    let third = studio.added(owner, json!({})).await;
    let restart = studio
        .change(owner, &first, json!({"ended_at": null}))
        .await;
    let refused = restart.expect_problem(409, "conflict").json();
    assert_eq!(refused["running_time_entry_id"], third["id"]);
    studio.delete(owner, &third).await.expect(204);
    let restarted = studio
        .changed(owner, &first, json!({"ended_at": null}))
        .await;
    has(
        &restarted,
        json!({"is_running": true, "started_at": first["started_at"]}),
    );
    let passed = studio
        .change(owner, &first, json!({"member_id": member.id.to_string()}))
        .await;
    passed.expect_problem(409, "conflict");
    let early = json!({"started_at": "2999-01-01T00:00:00Z"});
    studio.changed(owner, &first, early).await;
    let stopped = studio.stop(owner, &first).await.expect(200).json();
    has(
        &stopped,
        json!({"ended_at": "2999-01-01T00:00:00Z", "duration_seconds": 0}),
    );
}

pub async fn a_running_timer_out_of_sight_is_not_named(world: &World) {
    let studio = Studio::open(world).await;
    let (owner, manager) = (&studio.org.owner, &studio.org.manager);
    let hidden = studio.project_of(None).await;
    studio.join(hidden, owner).await;
    let first = studio.added(owner, json!({"project_id": hidden})).await;
    let body = json!({"member_id": owner.id.to_string()});
    let refused = studio.add(manager, body.clone()).await;
    let refused = refused.expect_problem(409, "conflict").json();
    assert_eq!(refused.get("running_time_entry_id"), None);
    // What the manager does not see does not make way for it either, whenever the new one starts.
    for start in ["2026-03-02T09:00:00Z", "2026-11-24T09:00:00Z"] {
        let mut body = body.clone();
        body["started_at"] = json!(start);
        let refused = studio.add_by(manager, "?stop_running=true", body).await;
        let refused = refused.expect_problem(409, "conflict").json();
        assert_eq!(refused.get("running_time_entry_id"), None);
    }
    let kept = studio.read(owner, &first).await.json();
    assert_eq!(
        (&kept["is_running"], &kept["updated_at"]),
        (&json!(true), &first["updated_at"])
    );
    // What it sees makes way.
    studio.join(hidden, manager).await;
    let started = studio.add_by(manager, "?stop_running=true", body).await;
    started.expect(201);
    let stopped = studio.read(owner, &first).await.json();
    assert_eq!(stopped["is_running"], false);
}

pub async fn ones_own_timer_makes_way_wherever_it_runs(world: &World) {
    let studio = Studio::open(world).await;
    let (owner, member) = (&studio.org.owner, &studio.org.member);
    let left = studio.project_of(None).await;
    studio.join(left, member).await;
    let first = studio.added(member, json!({"project_id": left})).await;
    studio.leave(left, member).await;
    studio.read(member, &first).await.expect(404);
    let refused = studio.add(member, json!({})).await;
    let refused = refused.expect_problem(409, "conflict").json();
    assert_eq!(refused.get("running_time_entry_id"), None);
    let started = studio.add_by(member, "?stop_running=true", json!({}));
    started.await.expect(201);
    has(
        &studio.read(owner, &first).await.json(),
        json!({"is_running": false}),
    );
}

pub async fn a_stop_is_repeated_safely(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let entry = studio.added(owner, json!({})).await;
    let url = format!("{}/stop", path(&entry));
    let stop = |key: &'static str| world.post(&url, owner).key(key).send();
    let first = stop("one").await.expect(200);
    let again = stop("one").await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body, first.body);
    stop("two").await.expect_problem(409, "conflict");
    assert_eq!(studio.events().await.len(), 2);
}

pub async fn a_new_timer_stops_the_one_before(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let start = async |body: Value| {
        let answer = studio.add_by(owner, "?stop_running=true", body).await;
        answer.expect(201).json()
    };
    let first = start(json!({"started_at": "2026-03-02T09:00:00Z"})).await;
    let second = start(json!({"started_at": "2026-03-02T09:30:00Z"})).await;
    let stopped = studio.read(owner, &first).await.json();
    has(
        &stopped,
        json!({"ended_at": "2026-03-02T09:30:00Z", "duration_seconds": 1800}),
    );
    // Not before it began.
    let third = start(json!({"started_at": "2026-03-02T08:00:00Z"})).await;
    let stopped = studio.read(owner, &second).await.json();
    has(
        &stopped,
        json!({"ended_at": "2026-03-02T09:30:00Z", "duration_seconds": 0}),
    );
    // What starts no timer stops none.
    start(json!({"duration_seconds": 5})).await;
    has(
        &studio.read(owner, &third).await.json(),
        json!({"is_running": true}),
    );
    // What is refused stops none.
    let refused = studio
        .add_by(
            owner,
            "?stop_running=true",
            json!({"project_id": id(&first)}),
        )
        .await;
    refused.expect_problem(404, "not_found");
    has(
        &studio.read(owner, &third).await.json(),
        json!({"is_running": true}),
    );

    let events = studio.events().await;
    let of: Vec<(&str, &Value)> = events
        .iter()
        .map(|(kind, data)| (kind.as_str(), &data["object"]["id"]))
        .collect();
    let (created, updated) = ("time_entry.created", "time_entry.updated");
    assert_eq!(
        of[..5],
        [
            (created, &first["id"]),
            (updated, &first["id"]),
            (created, &second["id"]),
            (updated, &second["id"]),
            (created, &third["id"])
        ]
    );
}

pub async fn timers_started_at_once_are_one(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let starts = join_all((0..STARTS).map(|_| studio.add(owner, json!({})))).await;
    let mut statuses = BTreeMap::new();
    for answer in starts {
        *statuses.entry(answer.status).or_insert(0) += 1;
    }
    assert_eq!(statuses, BTreeMap::from([(201, 1), (409, STARTS - 1)]));
    assert_eq!(studio.count(COUNT_RUNNING).await, 1);
    assert_eq!(studio.events().await.len(), 1);
}

pub async fn timers_that_make_way_at_once_end_as_one(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let start = || studio.add_by(owner, "?stop_running=true", json!({}));
    let starts = join_all((0..STARTS).map(|_| start())).await;
    for answer in starts {
        answer.expect(201);
    }
    let list = studio.list(owner, "?limit=200").await;
    assert_eq!(list.len(), STARTS);
    assert_eq!(studio.count(COUNT_RUNNING).await, 1);
    has(&list[0], json!({"is_running": true}));
    for (next, entry) in list.iter().zip(&list[1..]) {
        assert_eq!(entry["ended_at"], next["started_at"], "one after the other");
    }
    assert_eq!(studio.events().await.len(), 2 * STARTS - 1);
}

pub async fn time_does_not_overlap_where_it_may_not(world: &World) {
    let studio = Studio::open(world).await;
    let (owner, member) = (&studio.org.owner, &studio.org.member);
    let at = |start: &str, end: &str| json!({"started_at": format!("2026-03-02T{start}:00Z"), "ended_at": format!("2026-03-02T{end}:00Z")});
    studio.added(owner, at("09:00", "10:00")).await;
    let doubled = studio.added(owner, at("09:30", "10:30")).await;
    studio.rule(REFUSE_OVERLAP, Some("false")).await;
    let refused = async |body: Value| {
        let answer = studio
            .add(owner, body)
            .await
            .expect_problem(409, "conflict");
        assert_eq!(answer.json()["errors"][0]["code"], "overlap");
    };
    for (start, end) in [
        ("08:00", "09:01"),
        ("10:29", "11:00"),
        ("09:10", "09:20"),
        ("08:00", "12:00"),
    ] {
        refused(at(start, end)).await;
    }
    refused(json!({"started_at": "2026-03-02T08:00:00Z"})).await;
    // Ends touch; nothing overlaps what has no length, no instants, or is another member's.
    studio.added(owner, at("08:00", "09:00")).await;
    let late = studio.added(owner, at("10:30", "11:00")).await;
    studio.added(owner, at("09:15", "09:15")).await;
    studio
        .added(
            owner,
            json!({"duration_seconds": 3600, "spent_on": "2026-03-02"}),
        )
        .await;
    studio.added(member, at("09:00", "10:00")).await;
    // What does not move may stay.
    studio
        .changed(owner, &doubled, json!({"description": "both"}))
        .await;
    let moved = studio
        .change(owner, &late, json!({"started_at": "2026-03-02T10:29:00Z"}))
        .await;
    moved.expect_problem(409, "conflict");
    let passed = studio
        .change(owner, &late, json!({"member_id": member.id.to_string()}))
        .await;
    passed.expect(200);
    // A running entry has no end.
    let running = studio
        .added(owner, json!({"started_at": "2026-03-02T12:00:00Z"}))
        .await;
    refused(at("13:00", "14:00")).await;
    studio.added(owner, at("11:00", "12:00")).await;
    let make_way = studio.add_by(
        owner,
        "?stop_running=true",
        json!({"started_at": "2026-03-02T15:00:00Z"}),
    );
    make_way.await.expect(201);
    has(
        &studio.read(owner, &running).await.json(),
        json!({"ended_at": "2026-03-02T15:00:00Z"}),
    );
    let restart = studio
        .change(owner, &running, json!({"duration_seconds": 14_400}))
        .await;
    restart.expect_problem(409, "conflict");
}

pub async fn overlapping_time_made_at_once_is_one(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    studio.rule(REFUSE_OVERLAP, Some("false")).await;
    let made = join_all((0..16).map(|number| {
        let body = json!({"started_at": format!("2026-03-02T09:{number:02}:00Z"), "duration_seconds": 3600});
        studio.add(owner, body)
    }))
    .await;
    let created = made.iter().filter(|answer| answer.status == 201).count();
    let refused = made.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((created, refused), (1, 15));
}
