//! Tasks.

use serde_json::{Value, json};

use super::answers::events;
use crate::http::Answer;
use crate::scene::{NEVER, column, delete, errors, get, hour, project, project_in, run, send};
use crate::world::{Org, Person, World};

pub(super) fn at(task: &Value) -> String {
    format!("/tasks/{}", task["id"].as_str().unwrap())
}

pub(super) async fn post(world: &World, person: &Person, body: &Value) -> Answer {
    send(world, person, "POST", "/tasks", body).await
}

/// A task of a project that must come to be.
pub(super) async fn task(world: &World, org: &Org, project: &str, name: &str) -> Value {
    let body = json!({"project_id": project, "name": name});
    post(world, &org.owner, &body).await.expect(201).json()
}

pub(super) async fn patch(world: &World, person: &Person, task: &Value, body: Value) -> Answer {
    send(world, person, "PATCH", &at(task), &body).await
}

/// A project with the manager and the member in it.
pub(super) async fn shared(world: &World, org: &Org) -> String {
    project_in(world, org, "EUR", &[&org.manager, &org.member]).await
}

pub async fn a_task_is_created_read_changed_and_deleted(world: &World) {
    let org = world.org().await;
    let home = shared(world, &org).await;
    let mut assignees = [org.manager.id.to_string(), org.member.id.to_string()];
    assignees.sort();
    let mut reversed = assignees.clone();
    reversed.reverse();
    let body = json!({
        "project_id": home, "name": "Ümlaut 🦀", "description": "two\nlines", "status": "completed",
        "billable": false, "billable_rate": "110.1250", "estimated_seconds": 28800,
        "assignee_ids": reversed, "due_on": "2026-12-18",
        "external_reference": {"service": "jira", "id": "T-1", "url": "https://jira.example/T-1"},
        "metadata": {"a": "1"}
    });
    let answer = post(world, &org.owner, &body).await.expect(201);
    let made = answer.json();
    assert!(answer.header("location").ends_with(&at(&made)));
    for (field, value) in body.as_object().unwrap() {
        match field.as_str() {
            "billable_rate" => assert_eq!(made[field], "110.125"),
            "assignee_ids" => assert_eq!(made[field], json!(assignees), "ordered"),
            _ => assert_eq!(&made[field], value, "{field}"),
        }
    }
    assert_eq!(made["completed_at"], made["created_at"]);
    assert_eq!(
        (&made["currency"], &made["tracked_seconds"]),
        (&json!("EUR"), &json!(0))
    );
    let read = get(world, &org.owner, &at(&made)).await.expect(200);
    assert_eq!(
        (read.json(), read.header("etag")),
        (made.clone(), answer.header("etag"))
    );

    let change = json!({
        "name": "Other", "description": null, "billable": true, "billable_rate": null,
        "estimated_seconds": null, "assignee_ids": null, "due_on": null,
        "external_reference": null, "metadata": {"a": null, "b": "2"}
    });
    let now = patch(world, &org.admin, &made, change)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&now["name"], &now["billable"]),
        (&json!("Other"), &json!(true))
    );
    for field in [
        "description",
        "billable_rate",
        "estimated_seconds",
        "due_on",
        "external_reference",
    ] {
        assert_eq!(now[field], Value::Null, "{field}");
    }
    assert_eq!(
        (&now["assignee_ids"], &now["metadata"]),
        (&json!([]), &json!({"b": "2"}))
    );
    assert_eq!(now["completed_at"], made["completed_at"], "still completed");

    delete(world, &org.owner, &at(&made)).await.expect(204);
    for answer in [
        get(world, &org.owner, &at(&made)).await,
        delete(world, &org.owner, &at(&made)).await,
        patch(world, &org.owner, &made, json!({"name": "x"})).await,
    ] {
        answer.expect_problem(404, "not_found");
    }
}

pub async fn a_task_has_defaults(world: &World) {
    let org = world.org().await;
    let own = project(world, &org, None).await;
    let made = task(world, &org, &own, "A").await;
    assert_eq!(
        (&made["status"], &made["completed_at"]),
        (&json!("open"), &Value::Null)
    );
    assert_eq!(
        (&made["billable"], &made["assignee_ids"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(made["currency"], "EUR", "the organization's");
    let organization = org.id.0;
    run!(
        world,
        "UPDATE projects SET billable = FALSE, archived_at = 1 WHERE organization_id = $1",
        organization
    );
    let archived = task(world, &org, &own, "B").await;
    assert_eq!(archived["billable"], false, "the project's");
    let renamed = patch(world, &org.owner, &archived, json!({"name": "C"})).await;
    assert_eq!(
        renamed.expect(200).json()["name"],
        "C",
        "tasks are not locked"
    );

    for (currency, shown) in [("EUR", "7.50"), ("JPY", "7.5"), ("KWD", "7.500")] {
        let home = project_in(world, &org, currency, &[]).await;
        let body = json!({"project_id": home, "name": currency, "billable_rate": "7.5"});
        let made = post(world, &org.owner, &body).await.expect(201).json();
        assert_eq!(
            (&made["billable_rate"], &made["currency"]),
            (&json!(shown), &json!(currency))
        );
    }
}

pub async fn every_invalid_field_of_a_task_is_named(world: &World) {
    let org = world.org().await;
    let too_many: Vec<&str> = vec![NEVER; 101];
    let body = json!({
        "id": NEVER, "colour": "red", "project_id": "x", "description": "\u{202e}", "status": "done",
        "billable": "yes", "billable_rate": "-1", "estimated_seconds": -1,
        "assignee_ids": [NEVER, NEVER, "x", 7], "due_on": "2026-02-30", "tracked_seconds": 5,
        "completed_at": null, "currency": "EUR"
    });
    let answer = post(world, &org.owner, &body).await;
    let found = errors(&answer.expect_problem(422, "validation_failed"));
    let expected = [
        ("#/assignee_ids/1", "duplicate"),
        ("#/assignee_ids/2", "invalid_id"),
        ("#/assignee_ids/3", "type"),
        ("#/billable", "type"),
        ("#/billable_rate", "min_value"),
        ("#/colour", "unknown_field"),
        ("#/completed_at", "read_only"),
        ("#/currency", "read_only"),
        ("#/description", "invalid_character"),
        ("#/due_on", "invalid_date"),
        ("#/estimated_seconds", "out_of_range"),
        ("#/id", "read_only"),
        ("#/name", "required"),
        ("#/project_id", "invalid_id"),
        ("#/status", "invalid_choice"),
        ("#/tracked_seconds", "read_only"),
    ];
    assert_eq!(
        found,
        expected.map(|(at, code)| (at.to_owned(), code.to_owned()))
    );
    let made = task(world, &org, &project(world, &org, None).await, "A").await;
    for (body, at, code) in [
        (json!({"name": null}), "#/name", "not_nullable"),
        (json!({"name": ""}), "#/name", "too_short"),
        (json!({"project_id": null}), "#/project_id", "not_nullable"),
        (json!({"status": null}), "#/status", "not_nullable"),
        (json!({"billable": null}), "#/billable", "not_nullable"),
        (json!({"billable_rate": 5}), "#/billable_rate", "type"),
        (
            json!({"assignee_ids": too_many}),
            "#/assignee_ids",
            "too_many",
        ),
        (json!({"assignee_ids": "x"}), "#/assignee_ids", "type"),
    ] {
        let answer = patch(world, &org.owner, &made, body).await;
        let found = errors(&answer.expect_problem(422, "validation_failed"));
        assert_eq!(found, [(at.to_owned(), code.to_owned())]);
    }
    let read = get(world, &org.owner, &at(&made)).await.expect(200);
    assert_eq!(read.json(), made, "nothing changed");
}

pub async fn names_of_tasks_are_unique_in_their_project(world: &World) {
    let org = world.org().await;
    let (one, two) = (
        project(world, &org, None).await,
        project(world, &org, None).await,
    );
    task(world, &org, &one, "Ärger").await;
    let other = task(world, &org, &one, "Other").await;
    let elsewhere = task(world, &org, &two, "ÄRGER").await;
    let again = post(
        world,
        &org.owner,
        &json!({"project_id": one, "name": "ÄRGER"}),
    )
    .await;
    let rename = patch(world, &org.owner, &other, json!({"name": "äRGER"})).await;
    let moved = patch(world, &org.owner, &elsewhere, json!({"project_id": one})).await;
    for answer in [again, rename, moved] {
        let found = errors(&answer.expect_problem(409, "conflict"));
        assert_eq!(found, [("#/name".to_owned(), "taken".to_owned())]);
    }
    let own_case = patch(world, &org.owner, &other, json!({"name": "OTHER"})).await;
    own_case.expect(200);
}

pub async fn a_task_with_time_stays(world: &World) {
    let org = world.org().await;
    let home = shared(world, &org).await;
    let yen = project_in(world, &org, "JPY", &[&org.member]).await;
    let body = json!({"project_id": home, "name": "A", "assignee_ids": [org.member.id], "billable_rate": "5"});
    let made = post(world, &org.owner, &body).await.expect(201).json();
    let moved = patch(world, &org.owner, &made, json!({"project_id": yen})).await;
    let moved = moved.expect(200).json();
    assert_eq!(
        (&moved["project_id"], &moved["currency"]),
        (&json!(yen), &json!("JPY"))
    );
    assert_eq!(moved["assignee_ids"], made["assignee_ids"]);
    assert_eq!(
        column(
            world,
            &org.owner,
            &format!("/tasks?assignee_id={}", org.member.id),
            "id"
        )
        .await
        .len(),
        1
    );

    hour(world, &org, &yen, made["id"].as_str().unwrap(), &org.member).await;
    let stays = patch(
        world,
        &org.owner,
        &made,
        json!({"project_id": home, "name": "B"}),
    )
    .await;
    let found = errors(&stays.expect_problem(409, "conflict"));
    assert_eq!(found, [("#/project_id".to_owned(), "has_time".to_owned())]);
    let refused = delete(world, &org.owner, &at(&made)).await;
    let refused = refused.expect_problem(409, "in_use").json();
    assert!(refused["detail"].as_str().unwrap().contains("completed"));
    let same = patch(
        world,
        &org.owner,
        &made,
        json!({"project_id": yen, "status": "completed"}),
    )
    .await;
    assert_eq!(
        same.expect(200).json()["status"],
        "completed",
        "the same project is no move"
    );
}

pub async fn assignees_are_in_the_project(world: &World) {
    let org = world.org().await;
    let home = project_in(world, &org, "EUR", &[&org.member]).await;
    let away = project_in(world, &org, "EUR", &[]).await;
    let stranger = [("#/assignee_ids/1".to_owned(), "not_in_project".to_owned())];
    let both = json!([org.member.id, org.admin.id]);
    let body = json!({"project_id": home, "name": "A", "assignee_ids": both});
    let refused = post(world, &org.owner, &body).await;
    assert_eq!(
        errors(&refused.expect_problem(422, "validation_failed")),
        stranger
    );
    let made = task(world, &org, &home, "A").await;
    let refused = patch(world, &org.owner, &made, json!({"assignee_ids": both})).await;
    assert_eq!(
        errors(&refused.expect_problem(422, "validation_failed")),
        stranger
    );
    let alone = json!({"assignee_ids": [org.member.id]});
    patch(world, &org.owner, &made, alone.clone())
        .await
        .expect(200);
    // Whoever is assigned would be left behind.
    let refused = patch(world, &org.owner, &made, json!({"project_id": away})).await;
    let found = errors(&refused.expect_problem(422, "validation_failed"));
    assert_eq!(
        found,
        [("#/project_id".to_owned(), "not_in_project".to_owned())]
    );
    let mut with_them = alone;
    with_them["project_id"] = json!(away);
    let refused = patch(world, &org.owner, &made, with_them).await;
    let found = errors(&refused.expect_problem(422, "validation_failed"));
    assert_eq!(
        found,
        [("#/assignee_ids/0".to_owned(), "not_in_project".to_owned())]
    );
    let without = json!({"project_id": away, "assignee_ids": []});
    patch(world, &org.owner, &made, without).await.expect(200);
    let still = get(world, &org.owner, &at(&made)).await.json();
    assert_eq!(
        (&still["project_id"], &still["assignee_ids"]),
        (&json!(away), &json!([]))
    );
}

pub async fn changes_of_a_task_have_their_events(world: &World) {
    let org = world.org().await;
    let home = shared(world, &org).await;
    let made = task(world, &org, &home, "A").await;
    let change = async |body: Value| {
        let answer = patch(world, &org.owner, &made, body).await;
        answer.expect(200).json()
    };
    let renamed = change(json!({"name": "B"})).await;
    change(json!({"name": "B", "status": "open"})).await;
    let completed = change(json!({"status": "completed"})).await;
    change(json!({"status": "completed"})).await;
    let reopened = change(json!({"status": "open"})).await;
    let both = change(json!({"status": "completed", "due_on": "2026-12-01"})).await;
    let assigned = change(json!({"assignee_ids": [org.member.id]})).await;
    delete(world, &org.owner, &at(&made)).await.expect(204);
    patch(world, &org.owner, &made, json!({"name": "C"}))
        .await
        .expect(404);

    let open = json!({"status": "open", "completed_at": null});
    let done = json!({"status": "completed", "completed_at": completed["completed_at"]});
    let expected = [
        ("task.created", json!({"object": made})),
        (
            "task.updated",
            json!({"object": renamed, "previous_attributes": {"name": "A"}}),
        ),
        (
            "task.completed",
            json!({"object": completed, "previous_attributes": open}),
        ),
        (
            "task.reopened",
            json!({"object": reopened, "previous_attributes": done}),
        ),
        (
            "task.updated",
            json!({"object": both, "previous_attributes": {"due_on": null}}),
        ),
        (
            "task.completed",
            json!({"object": both, "previous_attributes": open}),
        ),
        (
            "task.updated",
            json!({"object": assigned, "previous_attributes": {"assignee_ids": []}}),
        ),
        ("task.deleted", json!({"object": assigned})),
    ];
    let found = events(world, org.id, "task.").await;
    assert_eq!(found, expected.map(|(kind, data)| (kind.to_owned(), data)));
}

pub async fn a_task_has_conditions_and_safe_retries(world: &World) {
    let org = world.org().await;
    let home = shared(world, &org).await;
    let body = json!({"project_id": home, "name": "A"});
    let call = || {
        world
            .post("/api/v1/tasks", &org.manager)
            .key("one")
            .json(&body)
    };
    let first = call().send().await.expect(201);
    let again = call().send().await.expect(201);
    assert_eq!(
        (&again.body, again.header("idempotent-replayed")),
        (&first.body, "true")
    );
    assert_eq!(column(world, &org.owner, "/tasks", "id").await.len(), 1);

    let made = first.json();
    let url = format!("/api/v1{}", at(&made));
    let etag = first.header("etag");
    let unchanged = world.get(&url, &org.manager).header("if-none-match", etag);
    unchanged.send().await.expect(304);
    // What a member sees differs where there is a rate alone.
    let shared = world.get(&url, &org.member).header("if-none-match", etag);
    shared.send().await.expect(304);
    let call = |method: &str, etag: &str| {
        let call = world.call(method, &url).token(&org.owner.token);
        call.header("if-match", etag)
    };
    let rename = json!({"name": "B"});
    let changed = call("PATCH", etag).json(&rename).send().await.expect(200);
    for answer in [
        call("PATCH", etag).json(&json!({"name": "C"})).send().await,
        call("DELETE", etag).send().await,
    ] {
        answer.expect_problem(412, "precondition_failed");
    }
    let none = call("PATCH", changed.header("etag"))
        .json(&rename)
        .send()
        .await;
    assert_eq!(none.expect(200).header("etag"), changed.header("etag"));

    // Time that is tracked shows, and is no change of the task.
    let organization = org.id.0;
    run!(
        world,
        "INSERT INTO task_totals (organization_id, task_id, tracked_seconds) \
         SELECT organization_id, id, 3600 FROM tasks WHERE organization_id = $1",
        organization
    );
    let copy = world
        .get(&url, &org.owner)
        .header("if-none-match", changed.header("etag"));
    let shown = copy.send().await.expect(200);
    assert_eq!(shown.json()["tracked_seconds"], 3600);
    let renamed = call("PATCH", changed.header("etag")).json(&json!({"name": "D"}));
    assert_eq!(
        renamed.send().await.expect(200).json()["tracked_seconds"],
        3600
    );
    call("DELETE", "*").send().await.expect(204);
}
