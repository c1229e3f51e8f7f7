//! Which day time counts for, in whose zone, also when the clocks change.

use hoursmith_domain::{Timestamp, Zone};
use hoursmith_kit::Clock as _;
use serde_json::{Value, json};

use super::studio::{SET_MEMBER_ZONE, SET_ZONE, Studio, has, refuses};
use crate::world::World;

pub async fn time_counts_for_the_members_day(world: &World) {
    let studio = Studio::open(world).await;
    let (owner, member) = (&studio.org.owner, &studio.org.member);
    let zone = async |zone: &str| {
        studio
            .set_text(SET_MEMBER_ZONE, member.id.0, Some(zone))
            .await;
    };
    let day = async |start: &str| {
        let body = json!({"started_at": start, "duration_seconds": 60});
        studio.added(member, body).await["spent_on"].clone()
    };
    // The organization's zone is Berlin. On 29 March the clocks go forward, on 25 October back.
    for (start, expected) in [
        ("2026-03-28T22:59:59Z", "2026-03-28"),
        ("2026-03-28T23:00:00Z", "2026-03-29"),
        ("2026-03-29T21:59:59Z", "2026-03-29"),
        ("2026-03-29T22:00:00Z", "2026-03-30"),
        ("2026-10-24T22:00:00Z", "2026-10-25"),
        ("2026-10-25T22:59:59Z", "2026-10-25"),
        ("2026-10-25T23:00:00Z", "2026-10-26"),
    ] {
        assert_eq!(day(start).await, expected, "{start}");
    }
    zone("Pacific/Kiritimati").await;
    assert_eq!(day("2026-03-28T10:00:00Z").await, "2026-03-29");
    zone("America/Los_Angeles").await;
    assert_eq!(day("2026-03-28T06:59:59Z").await, "2026-03-27");
    // The day is the member's, whoever writes it down.
    let body = json!({
        "member_id": member.id.to_string(), "started_at": "2026-03-28T06:59:59Z", "duration_seconds": 60
    });
    has(
        &studio.added(owner, body).await,
        json!({"spent_on": "2026-03-27"}),
    );
    let body = json!({"started_at": "2026-03-28T06:59:59Z", "duration_seconds": 60});
    has(
        &studio.added(owner, body).await,
        json!({"spent_on": "2026-03-28"}),
    );
    studio.rule(SET_ZONE, Some("Pacific/Kiritimati")).await;
    let body = json!({"started_at": "2026-03-28T10:00:00Z", "duration_seconds": 60});
    has(
        &studio.added(owner, body).await,
        json!({"spent_on": "2026-03-29"}),
    );
}

pub async fn hours_that_the_clocks_skip_or_repeat_last_what_they_last(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let spent = async |start: &str, end: &str| {
        let body = json!({"started_at": start, "ended_at": end});
        studio.added(owner, body).await["duration_seconds"].clone()
    };
    // From 1:30 to 3:30 by the clock on the wall: one hour in March, three in October.
    assert_eq!(
        spent("2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00").await,
        3600
    );
    assert_eq!(
        spent("2026-10-25T01:30:00+02:00", "2026-10-25T03:30:00+01:00").await,
        10_800
    );
    let body = json!({"duration_seconds": 82_800, "spent_on": "2026-03-29"});
    has(
        &studio.added(owner, body).await,
        json!({"spent_on": "2026-03-29"}),
    );
}

pub async fn a_day_next_to_the_local_one_may_be_chosen(world: &World) {
    let studio = Studio::open(world).await;
    let member = &studio.org.member;
    studio
        .set_text(SET_MEMBER_ZONE, member.id.0, Some("Pacific/Kiritimati"))
        .await;
    // 2026-03-29 there, and still 2026-03-28 nearly everywhere else.
    let body = |day: &str| json!({"started_at": "2026-03-28T10:00:00Z", "duration_seconds": 1, "spent_on": day});
    for day in ["2026-03-28", "2026-03-29", "2026-03-30"] {
        studio.added(member, body(day)).await;
    }
    for day in ["2026-03-27", "2026-03-31"] {
        refuses(
            studio.add(member, body(day)).await,
            "#/spent_on",
            "out_of_range",
        );
    }
    let all = studio.list(member, "").await;
    let ids = |entries: Vec<Value>| -> Vec<Value> {
        entries.iter().map(|entry| entry["id"].clone()).collect()
    };
    // Each is found by its day, at the far ends of the world too.
    for entry in &all {
        let day = entry["spent_on"].as_str().unwrap();
        let found = studio.list(member, &format!("?from={day}&to={day}")).await;
        assert_eq!(ids(found), vec![entry["id"].clone()], "{day}");
    }
    studio
        .set_text(SET_MEMBER_ZONE, member.id.0, Some("Pacific/Pago_Pago"))
        .await;
    for day in ["1970-01-01", "2999-12-31", "2026-01-01"] {
        studio
            .added(member, json!({"duration_seconds": 1, "spent_on": day}))
            .await;
        let found = studio.list(member, &format!("?from={day}&to={day}")).await;
        assert_eq!(found.len(), 1, "{day}");
    }
}

pub async fn a_day_follows_the_beginning_after_a_change_of_zone(world: &World) {
    let studio = Studio::open(world).await;
    let member = &studio.org.member;
    let zone = async |zone| {
        studio
            .set_text(SET_MEMBER_ZONE, member.id.0, Some(zone))
            .await;
    };
    zone("Pacific/Kiritimati").await;
    let (start, end) = ("2026-03-28T10:30:00Z", "2026-03-28T10:31:00Z");
    let body = json!({"started_at": start, "ended_at": end, "spent_on": "2026-03-29"});
    let usual = studio.added(member, body.clone()).await;
    let mut next = body;
    next["spent_on"] = json!("2026-03-30");
    let next = studio.added(member, next).await;
    // 2026-03-27 there: two days before the first, three before the second.
    zone("Pacific/Pago_Pago").await;
    for entry in [&usual, &next] {
        let noted = json!({"description": "a"});
        has(
            &studio.changed(member, entry, noted).await,
            json!({"spent_on": entry["spent_on"]}),
        );
    }
    let moved = json!({"started_at": "2026-03-28T10:00:00Z"});
    has(
        &studio.changed(member, &usual, moved).await,
        json!({"spent_on": "2026-03-27"}),
    );
    let longer = json!({"ended_at": "2026-03-28T11:30:00Z"});
    has(
        &studio.changed(member, &next, longer).await,
        json!({"spent_on": "2026-03-27"}),
    );
}

pub async fn a_duration_counts_for_today_unless_it_says_otherwise(world: &World) {
    let studio = Studio::open(world).await;
    let member = &studio.org.member;
    for name in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        studio
            .set_text(SET_MEMBER_ZONE, member.id.0, Some(name))
            .await;
        let zone: Zone = name.parse().unwrap();
        let today = |now: Timestamp| json!(zone.day_of(now).to_string());
        let before = today(world.clock.now());
        let entry = studio.added(member, json!({"duration_seconds": 1})).await;
        let after = today(world.clock.now());
        assert!([before, after].contains(&entry["spent_on"]), "{entry}");
    }
}
