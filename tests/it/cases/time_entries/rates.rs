//! What time costs: which rate applies, and for how long; rounding; currencies.

use hoursmith_store::Statement;
use serde_json::{Value, json};
use uuid::Uuid;

use super::studio::{
    SET_BILLING_METHOD, SET_CURRENCY, SET_MEMBER_RATE, SET_PROJECT_MEMBER_RATE, SET_PROJECT_RATE,
    SET_RATE, SET_ROUNDING_MINUTES, SET_ROUNDING_MODE, SET_TASK_BILLABLE, SET_TASK_RATE, Studio,
    has, refuses,
};
use crate::world::World;

/// The sources below the entry's own rate, the least specific first.
fn sources(studio: &Studio<'_>, task: Uuid) -> [(Statement, Uuid, &'static str); 5] {
    [
        (SET_RATE, studio.org.id.0, "organization"),
        (SET_MEMBER_RATE, studio.org.member.id.0, "member"),
        (SET_PROJECT_RATE, studio.project, "project"),
        (SET_TASK_RATE, task, "task"),
        (SET_PROJECT_MEMBER_RATE, studio.project, "project_member"),
    ]
}

pub async fn the_most_specific_rate_applies_and_stays(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let task = studio.task_of(studio.project).await;
    let body = json!({
        "task_id": task, "member_id": studio.org.member.id.to_string(), "duration_seconds": 1800
    });
    let mut written = vec![(
        studio.added(owner, body.clone()).await,
        json!(null),
        json!(null),
    )];
    for (place, (statement, row, source)) in (1..).zip(sources(&studio, task)) {
        studio.set(statement, row, Some(place * 100_000)).await;
        let entry = studio.added(owner, body.clone()).await;
        let rate = json!(format!("{}.00", place * 10));
        has(
            &entry,
            json!({"rate": rate, "rate_source": source, "amount": format!("{}.00", place * 5)}),
        );
        written.push((entry, rate, json!(source)));
    }
    let mut own = body.clone();
    own["billable_rate"] = json!("95.1250");
    let entry = studio.added(owner, own).await;
    let expected = json!({
        "billable_rate": "95.125", "rate": "95.125", "rate_source": "entry", "amount": "47.56"
    });
    has(&entry, expected);
    // Each keeps its rate, whatever was set after it and however its time moves.
    for (entry, rate, source) in &written {
        let now = studio.read(owner, entry).await.json();
        assert_eq!(&now, entry);
        let longer = studio
            .changed(owner, entry, json!({"duration_seconds": 3600}))
            .await;
        has(
            &longer,
            json!({"rate": rate, "rate_source": source, "amount": rate}),
        );
    }
}

pub async fn a_rate_is_looked_up_again_only_when_what_it_hangs_on_changes(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let task = studio.task_of(studio.project).await;
    studio
        .set(SET_PROJECT_RATE, studio.project, Some(100_000))
        .await;
    let entry = studio.added(owner, json!({"duration_seconds": 3600})).await;
    let rated = async |patch: Value, rate: &str, source: &str| {
        let changed = studio.changed(owner, &entry, patch).await;
        has(
            &changed,
            json!({"rate": rate, "rate_source": source, "amount": rate}),
        );
    };
    studio
        .set(SET_PROJECT_RATE, studio.project, Some(200_000))
        .await;
    let kept = json!({
        "description": "x", "spent_on": "2026-03-02", "tags": ["a"], "billable": true,
        "project_id": studio.project, "member_id": owner.id.to_string(), "task_id": null, "billable_rate": null
    });
    rated(kept, "10.00", "project").await;
    rated(json!({"task_id": task}), "20.00", "project").await;
    studio.set(SET_TASK_RATE, task, Some(300_000)).await;
    rated(json!({"description": "y"}), "20.00", "project").await;
    rated(json!({"billable_rate": "7"}), "7.00", "entry").await;
    rated(json!({"billable_rate": null}), "30.00", "task").await;
    let unbilled = studio
        .changed(owner, &entry, json!({"billable": false}))
        .await;
    has(
        &unbilled,
        json!({"rate": null, "rate_source": null, "amount": null}),
    );
    rated(json!({"billable": true}), "30.00", "task").await;
    let other = studio.project_of(None).await;
    studio.join(other, owner).await;
    studio.set(SET_PROJECT_RATE, other, Some(400_000)).await;
    rated(
        json!({"project_id": other, "task_id": null}),
        "40.00",
        "project",
    )
    .await;
    studio.join(other, &studio.org.member).await;
    studio
        .set(SET_MEMBER_RATE, studio.org.member.id.0, Some(500_000))
        .await;
    studio.set(SET_PROJECT_RATE, other, None).await;
    rated(json!({"duration_seconds": 3600}), "40.00", "project").await;
    rated(
        json!({"member_id": studio.org.member.id.to_string()}),
        "50.00",
        "member",
    )
    .await;
}

pub async fn only_billable_time_of_hourly_projects_has_a_rate(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let task = studio.task_of(studio.project).await;
    studio
        .set(SET_PROJECT_RATE, studio.project, Some(100_000))
        .await;
    let hour = |body: Value| {
        let mut body = body;
        body["duration_seconds"] = json!(3600);
        studio.added(owner, body)
    };
    let nothing = json!({"rate": null, "rate_source": null, "amount": null});
    has(
        &hour(json!({})).await,
        json!({"billable": true, "amount": "10.00"}),
    );
    has(
        &hour(json!({"billable": false, "billable_rate": "5"})).await,
        nothing.clone(),
    );
    studio
        .set_text(SET_TASK_BILLABLE, task, Some("false"))
        .await;
    let of_task = hour(json!({"task_id": task})).await;
    has(&of_task, json!({"billable": false, "amount": null}));
    let despite = hour(json!({"task_id": task, "billable": true})).await;
    has(&despite, json!({"billable": true, "amount": "10.00"}));
    for method in ["fixed", "none"] {
        studio
            .set_text(SET_BILLING_METHOD, studio.project, Some(method))
            .await;
        has(
            &hour(json!({"billable": true, "billable_rate": "5"})).await,
            nothing.clone(),
        );
    }
    studio
        .set_text(SET_BILLING_METHOD, studio.project, Some("hourly"))
        .await;
    let running = studio
        .added(owner, json!({"started_at": "2026-03-02T09:00:00Z"}))
        .await;
    has(
        &running,
        json!({"rate": "10.00", "rate_source": "project", "amount": null}),
    );
    let stopped = json!({"ended_at": "2026-03-02T09:30:00Z"});
    has(
        &studio.changed(owner, &running, stopped).await,
        json!({"amount": "5.00"}),
    );
}

pub async fn amounts_are_in_the_clients_currency(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    studio.set(SET_RATE, studio.org.id.0, Some(1_000_000)).await;
    studio
        .set(SET_MEMBER_RATE, owner.id.0, Some(1_100_000))
        .await;
    for (currency, rate, shown, seconds, amount) in [
        ("JPY", "9501", "9501", 3000, "7918"),
        ("JPY", "1", "1", 1799, "0"),
        ("KWD", "12.345", "12.345", 2700, "9.259"),
        ("KWD", "0.001", "0.001", 1800, "0.001"),
        ("EUR", "0.0001", "0.0001", 3600, "0.00"),
        ("EUR", "0.01", "0.01", 1800, "0.01"),
        (
            "EUR",
            "999999999999.99",
            "999999999999.99",
            3600,
            "999999999999.99",
        ),
        ("CLF", "1.00005", "", 0, ""),
        ("USD", "100", "100.00", 1, "0.03"),
    ] {
        let client = studio.client_in(currency).await;
        let project = studio.project_of(Some(client)).await;
        studio.join(project, owner).await;
        let body =
            json!({"project_id": project, "duration_seconds": seconds, "billable_rate": rate});
        let answer = studio.add(owner, body).await;
        if shown.is_empty() {
            refuses(answer, "#/billable_rate", "invalid_amount");
            continue;
        }
        has(
            &answer.expect(201).json(),
            json!({"currency": currency, "billable_rate": shown, "rate": shown, "amount": amount}),
        );
        // The organization's euros are no rate in yen.
        let body =
            json!({"project_id": project, "duration_seconds": 3600, "spent_on": "2026-03-02"});
        let expected = if currency == "EUR" {
            json!("member")
        } else {
            json!(null)
        };
        has(
            &studio.added(owner, body).await,
            json!({"rate_source": expected}),
        );
    }
    studio.rule(SET_CURRENCY, Some("KWD")).await;
    let own = studio.project_of(None).await;
    studio.join(own, owner).await;
    let entry = studio
        .added(owner, json!({"project_id": own, "duration_seconds": 3600}))
        .await;
    has(
        &entry,
        json!({"client_id": null, "currency": "KWD", "amount": "110.000"}),
    );
}

pub async fn what_cannot_be_written_as_an_amount_is_refused(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let most = "999999999999.9999";
    let body = json!({"duration_seconds": 3601, "billable_rate": most});
    refuses(
        studio.add(owner, body).await,
        "#/billable_rate",
        "too_large",
    );
    let body = json!({"duration_seconds": 1800, "billable_rate": most, "spent_on": "2026-03-02"});
    let entry = studio.added(owner, body.clone()).await;
    has(
        &entry,
        json!({"billable_rate": most, "rate": most, "amount": "500000000000.00"}),
    );
    let longer = studio
        .change(owner, &entry, json!({"duration_seconds": 7200}))
        .await;
    refuses(longer, "#/billable_rate", "too_large");
    // Neither does a month's total grow past what an amount can be.
    refuses(
        studio.add(owner, body).await,
        "#/billable_rate",
        "too_large",
    );
    let totals = studio.totals().await.0;
    assert_eq!(
        totals,
        [(
            studio.project,
            "2026-03".to_owned(),
            1800,
            5_000_000_000_000_000
        )]
    );
}

pub async fn time_is_rounded_as_the_organization_says(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    studio
        .set(SET_PROJECT_RATE, studio.project, Some(3_600_000))
        .await;
    studio
        .set(SET_ROUNDING_MINUTES, studio.org.id.0, Some(15))
        .await;
    for (mode, seconds, rounded, amount) in [
        ("none", 901, 901, "90.10"),
        ("up", 901, 1800, "180.00"),
        ("up", 900, 900, "90.00"),
        ("down", 1799, 900, "90.00"),
        ("nearest", 1349, 900, "90.00"),
        ("nearest", 1350, 1800, "180.00"),
    ] {
        studio.rule(SET_ROUNDING_MODE, Some(mode)).await;
        let entry = studio
            .added(owner, json!({"duration_seconds": seconds}))
            .await;
        has(
            &entry,
            json!({"duration_seconds": seconds, "rounded_seconds": rounded, "amount": amount}),
        );
        // It stays as it was rounded until its length changes.
        studio.rule(SET_ROUNDING_MODE, Some("none")).await;
        let changed = studio
            .changed(owner, &entry, json!({"description": "x"}))
            .await;
        has(
            &changed,
            json!({"rounded_seconds": rounded, "amount": amount}),
        );
        let changed = studio
            .changed(owner, &entry, json!({"duration_seconds": 7}))
            .await;
        has(&changed, json!({"rounded_seconds": 7, "amount": "0.70"}));
    }
    // Totals are of the time that was spent, and of the amounts that are shown.
    let (months, _) = studio.totals().await;
    assert_eq!((months[0].2, months[0].3), (42, 42_000));
}
