//! Entries: made, read, changed, deleted; and everything that is refused of them.

use serde_json::{Value, json};

use super::studio::{Studio, errors, has, path, refuses};
use crate::world::World;

pub async fn time_is_tracked_in_three_ways(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let body = json!({
        "description": "two\nlines", "started_at": "2026-03-02T10:00:00+01:00",
        "ended_at": "2026-03-02T10:40:00.999999Z", "tags": ["b", "a"], "metadata": {"k": "v"},
        "external_reference": {"service": "jira", "id": "J-1", "url": null}
    });
    let answer = studio.add(owner, body).await.expect(201);
    let entry = answer.json();
    assert!(answer.header("location").ends_with(&path(&entry)));
    has(
        &entry,
        json!({
            "member_id": owner.id.to_string(), "project_id": studio.project, "client_id": studio.client,
            "task_id": null, "description": "two\nlines", "started_at": "2026-03-02T09:00:00Z",
            "ended_at": "2026-03-02T10:40:00.999999Z", "spent_on": "2026-03-02", "duration_seconds": 6000,
            "rounded_seconds": 6000, "is_running": false, "billable": true, "billable_rate": null,
            "rate": null, "rate_source": null, "amount": null, "currency": "EUR", "tags": ["b", "a"],
            "is_locked": false, "locked_reason": null, "invoice_id": null, "metadata": {"k": "v"},
            "external_reference": {"service": "jira", "id": "J-1", "url": null}
        }),
    );
    let read = studio.read(owner, &entry).await.expect(200);
    assert_eq!(
        (read.json(), read.header("etag")),
        (entry.clone(), answer.header("etag"))
    );

    let start = "2026-03-02T09:00:00Z";
    let span =
        json!({"started_at": start, "ended_at": "2026-03-02T10:30:00Z", "duration_seconds": 5400});
    for body in [
        json!({"started_at": start, "duration_seconds": 5400}),
        json!({"ended_at": "2026-03-02T10:30:00Z", "duration_seconds": 5400}),
        span.clone(),
        json!({"started_at": start, "ended_at": "2026-03-02T10:30:00Z", "duration_seconds": null}),
    ] {
        has(&studio.added(owner, body).await, span.clone());
    }
    let empty = json!({"started_at": start, "ended_at": start});
    has(
        &studio.added(owner, empty).await,
        json!({"duration_seconds": 0, "is_running": false}),
    );

    let day = json!({"duration_seconds": 5400, "spent_on": "2026-02-27"});
    let entry = studio.added(owner, day).await;
    has(
        &entry,
        json!({"started_at": null, "ended_at": null, "spent_on": "2026-02-27", "duration_seconds": 5400,
            "rounded_seconds": 5400, "is_running": false}),
    );

    let running = json!({
        "ended_at": null, "duration_seconds": null, "rounded_seconds": null, "is_running": true, "amount": null
    });
    let entry = studio.added(owner, json!({})).await;
    has(&entry, running.clone());
    assert_eq!(entry["started_at"], entry["created_at"], "now");
    studio.stop(owner, &entry).await.expect(200);
    let body = json!({"started_at": start, "ended_at": null});
    let entry = studio.added(owner, body).await;
    has(&entry, running);
    has(
        &entry,
        json!({"started_at": start, "spent_on": "2026-03-02"}),
    );
}

pub async fn every_invalid_field_of_time_is_named(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let body = json!({
        "project_id": "x", "member_id": null, "task_id": 7, "description": "\u{202e}", "started_at": "yesterday",
        "ended_at": "1969-12-31T00:00:00Z", "spent_on": "2026-02-30", "duration_seconds": -1, "billable": "yes",
        "billable_rate": "-1", "tags": ["", "a", "a", "x".repeat(51), 5], "rate": "1", "rate_source": "entry",
        "amount": "1", "currency": "EUR", "client_id": null, "rounded_seconds": 1, "is_running": true,
        "is_locked": true, "locked_reason": null, "invoice_id": null, "id": "x", "colour": "red"
    });
    let refused = studio
        .add(owner, body)
        .await
        .expect_problem(422, "validation_failed");
    let expected = [
        ("#/amount", "read_only"),
        ("#/billable", "type"),
        ("#/billable_rate", "min_value"),
        ("#/client_id", "read_only"),
        ("#/colour", "unknown_field"),
        ("#/currency", "read_only"),
        ("#/description", "invalid_character"),
        ("#/duration_seconds", "out_of_range"),
        ("#/ended_at", "out_of_range"),
        ("#/id", "read_only"),
        ("#/invoice_id", "read_only"),
        ("#/is_locked", "read_only"),
        ("#/is_running", "read_only"),
        ("#/locked_reason", "read_only"),
        ("#/member_id", "not_nullable"),
        ("#/project_id", "invalid_id"),
        ("#/rate", "read_only"),
        ("#/rate_source", "read_only"),
        ("#/rounded_seconds", "read_only"),
        ("#/spent_on", "invalid_date"),
        ("#/started_at", "invalid_instant"),
        ("#/tags/0", "invalid_tag"),
        ("#/tags/2", "duplicate"),
        ("#/tags/3", "invalid_tag"),
        ("#/tags/4", "type"),
        ("#/task_id", "type"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned()))
        .collect();
    assert_eq!(errors(&refused), expected);
    let tags: Vec<String> = (0..21).map(|number| number.to_string()).collect();
    refuses(
        studio.add(owner, json!({"tags": tags})).await,
        "#/tags",
        "too_many",
    );
    let call = world.post(super::studio::ALL, owner).json(&json!({}));
    refuses(call.send().await, "#/project_id", "required");
    assert_eq!(studio.count(super::studio::COUNT_ENTRIES).await, 0);
}

pub async fn time_that_contradicts_itself_is_refused(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let (start, end) = ("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z");
    for (body, pointer, code) in [
        (
            json!({"started_at": end, "ended_at": start}),
            "#/ended_at",
            "before_start",
        ),
        (json!({"ended_at": end}), "#/started_at", "required"),
        (
            json!({"started_at": start, "ended_at": end, "duration_seconds": 3599}),
            "#/duration_seconds",
            "mismatch",
        ),
        (
            json!({"started_at": "2999-12-30T12:00:00Z", "duration_seconds": 86_400}),
            "#/duration_seconds",
            "out_of_range",
        ),
        (
            json!({"ended_at": "1970-01-02T12:00:00Z", "duration_seconds": 86_400}),
            "#/duration_seconds",
            "out_of_range",
        ),
        (
            json!({"started_at": start, "ended_at": end, "spent_on": "2026-03-04"}),
            "#/spent_on",
            "out_of_range",
        ),
        (
            json!({"started_at": start, "ended_at": end, "spent_on": "2026-02-28"}),
            "#/spent_on",
            "out_of_range",
        ),
    ] {
        refuses(studio.add(owner, body).await, pointer, code);
    }
    for day in ["2026-03-01", "2026-03-03"] {
        let body = json!({"started_at": start, "ended_at": end, "spent_on": day});
        has(&studio.added(owner, body).await, json!({"spent_on": day}));
    }
}

pub async fn a_change_of_time_merges(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let (start, end) = ("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z");
    let entry = studio
        .added(
            owner,
            json!({"started_at": start, "ended_at": end, "description": "a"}),
        )
        .await;
    let steps = [
        (
            json!({"ended_at": "2026-03-02T10:00:01Z"}),
            json!({"started_at": start, "duration_seconds": 3601}),
        ),
        (
            json!({"duration_seconds": 60}),
            json!({"started_at": start, "ended_at": "2026-03-02T09:01:00Z"}),
        ),
        (
            json!({"started_at": "2026-03-02T08:59:00Z"}),
            json!({"duration_seconds": 120, "spent_on": "2026-03-02"}),
        ),
        // The day follows the beginning, unless it was chosen.
        (
            json!({"started_at": "2026-03-01T08:59:00Z"}),
            json!({"duration_seconds": 86_520, "spent_on": "2026-03-01"}),
        ),
        (
            json!({"spent_on": "2026-03-02"}),
            json!({"spent_on": "2026-03-02"}),
        ),
        (
            json!({"started_at": "2026-03-01T09:00:00Z"}),
            json!({"spent_on": "2026-03-02"}),
        ),
        (json!({"spent_on": null}), json!({"spent_on": "2026-03-01"})),
        (
            json!({"started_at": null}),
            json!({"started_at": null, "ended_at": null, "duration_seconds": 86_460}),
        ),
        (
            json!({"duration_seconds": 60, "spent_on": "2026-05-05"}),
            json!({"duration_seconds": 60, "spent_on": "2026-05-05"}),
        ),
        (
            json!({"ended_at": null}),
            json!({"is_running": false, "duration_seconds": 60}),
        ),
        (
            json!({"started_at": start}),
            json!({"ended_at": "2026-03-02T09:01:00Z", "spent_on": "2026-03-02"}),
        ),
        (
            json!({"started_at": null, "duration_seconds": 30}),
            json!({"started_at": null, "duration_seconds": 30}),
        ),
        (
            json!({"ended_at": end}),
            json!({"started_at": "2026-03-02T09:59:30Z", "ended_at": end}),
        ),
        (
            json!({"ended_at": null}),
            json!({"is_running": true, "duration_seconds": null, "rounded_seconds": null}),
        ),
        (
            json!({"duration_seconds": 5}),
            json!({"is_running": false, "ended_at": "2026-03-02T09:59:35Z"}),
        ),
        (
            json!({"ended_at": null, "started_at": start}),
            json!({"is_running": true, "started_at": start}),
        ),
        (
            json!({"ended_at": end}),
            json!({"is_running": false, "duration_seconds": 3600, "description": "a"}),
        ),
        (
            json!({"description": null}),
            json!({"description": null, "duration_seconds": 3600}),
        ),
    ];
    for (patch, expected) in steps {
        has(&studio.changed(owner, &entry, patch).await, expected);
    }
    for (patch, pointer, code) in [
        (
            json!({"started_at": "2026-03-02T10:00:01Z"}),
            "#/ended_at",
            "before_start",
        ),
        (
            json!({"ended_at": end, "duration_seconds": 1}),
            "#/duration_seconds",
            "mismatch",
        ),
        (
            json!({"started_at": null, "ended_at": end}),
            "#/started_at",
            "required",
        ),
        (
            json!({"spent_on": "2026-03-04"}),
            "#/spent_on",
            "out_of_range",
        ),
        (json!({"project_id": null}), "#/project_id", "not_nullable"),
        (json!({"billable": null}), "#/billable", "not_nullable"),
        (
            json!({"duration_seconds": null}),
            "#/duration_seconds",
            "not_nullable",
        ),
    ] {
        refuses(studio.change(owner, &entry, patch).await, pointer, code);
    }
    let running = studio.added(owner, json!({"started_at": start})).await;
    refuses(
        studio
            .change(owner, &running, json!({"started_at": null}))
            .await,
        "#/started_at",
        "required",
    );
}

pub async fn tags_are_exact_and_replaced_whole(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let entry = studio
        .added(
            owner,
            json!({"duration_seconds": 1, "tags": ["A", "a", " a", "ä"]}),
        )
        .await;
    assert_eq!(studio.tag_rows(&entry).await, [" a", "A", "a", "ä"]);
    let found = async |tag: &str| {
        let list = studio.list(owner, &format!("?tag={tag}")).await;
        list.len()
    };
    for (tag, count) in [
        ("a", 1),
        ("A", 1),
        ("%20a", 1),
        ("%C3%A4", 1),
        ("b", 0),
        ("%C3%84", 0),
    ] {
        assert_eq!(found(tag).await, count, "{tag}");
    }
    let changed = studio.changed(owner, &entry, json!({"tags": ["b"]})).await;
    assert_eq!(changed["tags"], json!(["b"]));
    assert_eq!(studio.tag_rows(&entry).await, ["b"]);
    studio
        .changed(owner, &entry, json!({"spent_on": "2026-01-01"}))
        .await;
    assert_eq!(studio.tag_rows(&entry).await, ["b"], "moved with the entry");
    has(
        &studio.changed(owner, &entry, json!({"tags": null})).await,
        json!({"tags": []}),
    );
    assert_eq!(studio.tag_rows(&entry).await, Vec::<String>::new());
    let longest = "🦀".repeat(50);
    studio
        .changed(owner, &entry, json!({"tags": [longest]}))
        .await;
    studio.delete(owner, &entry).await.expect(204);
    assert_eq!(studio.tag_rows(&entry).await, Vec::<String>::new());
}

pub async fn every_change_of_time_has_its_event(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let created = studio.added(owner, json!({})).await;
    let stopped = studio.stop(owner, &created).await.expect(200).json();
    let patched = studio
        .changed(owner, &created, json!({"description": "x"}))
        .await;
    assert!(patched["updated_at"].as_str() > stopped["updated_at"].as_str());
    let same = studio
        .changed(
            owner,
            &created,
            json!({"description": "x", "billable": true}),
        )
        .await;
    assert_eq!(same, patched, "nothing changed");
    studio.delete(owner, &created).await.expect(204);
    studio
        .read(owner, &created)
        .await
        .expect_problem(404, "not_found");
    studio
        .delete(owner, &created)
        .await
        .expect_problem(404, "not_found");

    let events = studio.events().await;
    let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    let (updated, deleted) = ("time_entry.updated", "time_entry.deleted");
    assert_eq!(kinds, ["time_entry.created", updated, updated, deleted]);
    assert_eq!(events[0].1, json!({"object": created}));
    let previous = json!({
        "ended_at": null, "duration_seconds": null, "rounded_seconds": null, "is_running": true
    });
    assert_eq!(
        events[1].1,
        json!({"object": stopped, "previous_attributes": previous})
    );
    assert_eq!(
        events[2].1,
        json!({"object": patched, "previous_attributes": {"description": null}})
    );
    assert_eq!(events[3].1, json!({"object": patched}));
}

pub async fn versions_of_time_are_checked(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let made = studio
        .add(owner, json!({"duration_seconds": 1}))
        .await
        .expect(201);
    let (entry, first) = (made.json(), made.header("etag").to_owned());
    let call = |method: &str, etag: &str, body: Option<Value>| {
        let call = world
            .call(method, &path(&entry))
            .token(&owner.token)
            .header("if-match", etag);
        match body {
            Some(body) => call.json(&body).send(),
            None => call.send(),
        }
    };
    let patch = |etag: &str| call("PATCH", etag, Some(json!({"description": etag})));
    let second = patch(&first).await.expect(200).header("etag").to_owned();
    patch(&first)
        .await
        .expect_problem(412, "precondition_failed");
    let read = |etag: &str| {
        world
            .get(&path(&entry), owner)
            .header("if-none-match", etag)
            .send()
    };
    read(&second).await.expect(304);
    read(&first).await.expect(200);
    call("DELETE", &first, None)
        .await
        .expect_problem(412, "precondition_failed");
    call("DELETE", &second, None).await.expect(204);
}
