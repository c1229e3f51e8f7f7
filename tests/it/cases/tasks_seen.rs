//! Tasks: which of them a caller sees and changes.

use hoursmith_domain::Role;
use serde_json::{Value, json};

use super::access::essence;
use super::tasks::{at, patch, post, shared, task};
use crate::scene::{NEVER, column, delete, errors, get, project};
use crate::world::World;

pub async fn tasks_are_filtered(world: &World) {
    let org = world.org().await;
    let (one, two) = (shared(world, &org).await, shared(world, &org).await);
    let add = async |body: Value| post(world, &org.owner, &body).await.expect(201).json();
    let member = json!([org.member.id]);
    add(json!({"project_id": one, "name": "100% Ärger_x", "due_on": "2026-12-01", "assignee_ids": member})).await;
    add(json!({"project_id": one, "name": "Done", "status": "completed", "due_on": "2026-12-02"}))
        .await;
    add(json!({"project_id": two, "name": "Two", "assignee_ids": [org.member.id, org.manager.id]}))
        .await;
    let linked = add(
        json!({"project_id": two, "name": "Linked", "status": "completed", "assignee_ids": member,
        "due_on": "2026-11-30", "external_reference": {"service": "s", "id": "e 1"}}),
    )
    .await;
    let find =
        async |query: &str| column(world, &org.owner, &format!("/tasks{query}"), "name").await;
    let (member, manager) = (org.member.id, org.manager.id);
    for (query, expected) in [
        (String::new(), vec!["Linked", "Two", "Done", "100% Ärger_x"]),
        (format!("?project_id={one}"), vec!["Done", "100% Ärger_x"]),
        (format!("?project_id={two}"), vec!["Linked", "Two"]),
        ("?status=open".to_owned(), vec!["Two", "100% Ärger_x"]),
        ("?status=completed".to_owned(), vec!["Linked", "Done"]),
        (
            format!("?assignee_id={member}"),
            vec!["Linked", "Two", "100% Ärger_x"],
        ),
        (format!("?assignee_id={manager}"), vec!["Two"]),
        (
            "?due_before=2026-12-02".to_owned(),
            vec!["Linked", "100% Ärger_x"],
        ),
        ("?due_before=2026-11-30".to_owned(), vec![]),
        ("?q=%C3%A4RGER".to_owned(), vec!["100% Ärger_x"]),
        ("?q=0%25%20".to_owned(), vec!["100% Ärger_x"]),
        ("?q=o_e".to_owned(), vec![]),
        ("?external_reference_id=e%201".to_owned(), vec!["Linked"]),
        (
            format!("?external_reference_id=e%201&project_id={one}"),
            vec![],
        ),
        (
            format!("?project_id={one}&assignee_id={member}&status=open"),
            vec!["100% Ärger_x"],
        ),
        (
            format!("?assignee_id={member}&due_before=2026-12-31&status=completed"),
            vec!["Linked"],
        ),
        (format!("?project_id={two}&q=T"), vec!["Two"]),
        (format!("?project_id={NEVER}"), vec![]),
        (format!("?assignee_id={NEVER}"), vec![]),
        (
            "?updated_since=1970-01-01T00:00:00Z".to_owned(),
            vec!["100% Ärger_x", "Done", "Two", "Linked"],
        ),
        (
            format!("?updated_since=1970-01-01T00:00:00Z&assignee_id={member}&project_id={two}"),
            vec!["Two", "Linked"],
        ),
        (
            format!(
                "?updated_since={}&external_reference_id=e%201",
                linked["updated_at"].as_str().unwrap()
            ),
            vec!["Linked"],
        ),
    ] {
        assert_eq!(find(&query).await, expected, "{query}");
    }
    for (query, code) in [
        ("?status=done", "invalid_parameter"),
        ("?project_id=x", "invalid_parameter"),
        ("?due_before=soon", "invalid_parameter"),
        ("?colour=red", "unknown_parameter"),
    ] {
        let answer = get(world, &org.owner, &format!("/tasks{query}")).await;
        answer.expect_problem(400, code);
    }
}

pub async fn roles_reach_their_tasks(world: &World) {
    let org = world.org().await;
    let (home, hidden) = (shared(world, &org).await, project(world, &org, None).await);
    let body = json!({"project_id": home, "name": "Mine", "billable_rate": "10", "assignee_ids": [org.member.id]});
    let mine = post(world, &org.owner, &body).await.expect(201).json();
    let others = task(world, &org, &home, "Others'").await;
    let unseen = task(world, &org, &hidden, "Unseen").await;
    for (person, rate) in [(&org.manager, json!("10.00")), (&org.member, Value::Null)] {
        assert_eq!(
            column(world, person, "/tasks", "name").await,
            ["Others'", "Mine"]
        );
        let read = get(world, person, &at(&mine)).await.expect(200).json();
        assert_eq!(read["billable_rate"], rate);
        get(world, person, &at(&unseen))
            .await
            .expect_problem(404, "not_found");
        let rows = column(
            world,
            person,
            &format!("/tasks?project_id={hidden}"),
            "name",
        )
        .await;
        assert!(rows.is_empty());
    }

    // A member: the status of its own, and nothing else.
    let done = patch(world, &org.member, &mine, json!({"status": "completed"})).await;
    let done = done.expect(200).json();
    assert_eq!(
        (&done["status"], &done["billable_rate"]),
        (&json!("completed"), &Value::Null)
    );
    for field in ["name", "metadata", "billable_rate", "assignee_ids"] {
        let body = json!({"status": "open", field: null});
        let body = if field == "name" {
            json!({"status": "open", "name": "x"})
        } else {
            body
        };
        let refused = patch(world, &org.member, &mine, body.clone()).await;
        let detail = refused.expect_problem(403, "role_forbidden").json();
        assert!(
            detail["detail"]
                .as_str()
                .unwrap()
                .contains(&format!("`{field}`"))
        );
        // Not assigned: not there, whatever is sent.
        let absent = patch(world, &org.member, &others, body).await;
        absent.expect_problem(404, "not_found");
    }
    let absent = patch(world, &org.member, &others, json!({"status": "completed"})).await;
    absent.expect_problem(404, "not_found");
    let wrong = patch(world, &org.member, &mine, json!({"status": "gone"})).await;
    wrong.expect_problem(422, "validation_failed");
    let made = post(
        world,
        &org.member,
        &json!({"project_id": home, "name": "x"}),
    )
    .await;
    made.expect_problem(403, "role_forbidden");
    let gone = delete(world, &org.member, &at(&mine)).await;
    gone.expect_problem(403, "role_forbidden");

    // A manager: everything in its projects.
    let body = json!({"project_id": home, "name": "New", "billable_rate": "5", "assignee_ids": [org.member.id]});
    let new = post(world, &org.manager, &body).await.expect(201).json();
    assert_eq!(new["billable_rate"], "5.00");
    patch(world, &org.manager, &new, json!({"name": "Newer"}))
        .await
        .expect(200);
    delete(world, &org.manager, &at(&new)).await.expect(204);
    let outside = json!({"project_id": hidden, "name": "x"});
    let refused = post(world, &org.manager, &outside)
        .await
        .expect_problem(404, "not_found");
    assert_eq!(errors(&refused)[0].0, "#/project_id");
    let moved = patch(world, &org.manager, &mine, json!({"project_id": hidden})).await;
    assert_eq!(
        errors(&moved.expect_problem(404, "not_found"))[0].0,
        "#/project_id"
    );
    // It shares no project with the admin, whom the owner sees.
    let unseen_person = json!({"assignee_ids": [org.admin.id]});
    let refused = patch(world, &org.manager, &mine, unseen_person.clone()).await;
    assert_eq!(
        errors(&refused.expect_problem(404, "not_found"))[0].0,
        "#/assignee_ids/0"
    );
    let refused = patch(world, &org.owner, &mine, unseen_person).await;
    refused.expect_problem(422, "validation_failed");
    let refused = patch(world, &org.manager, &unseen, json!({"name": "x"})).await;
    refused.expect_problem(404, "not_found");
    let refused = delete(world, &org.manager, &at(&unseen)).await;
    refused.expect_problem(404, "not_found");
    let operator = world.operator();
    let promoted = operator.set_role(&org.slug, &org.member.email, Role::Admin);
    promoted.await.unwrap();
    get(world, &org.member, &at(&unseen)).await.expect(200);
}

pub async fn foreign_ids_around_tasks_never_existed(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    let home = shared(world, &org).await;
    let mine = task(world, &org, &home, "Mine").await;
    let foreign_home = shared(world, &other).await;
    let foreign = task(world, &other, &foreign_home, "Foreign").await;
    let foreign_id = foreign["id"].as_str().unwrap();
    let foreign_member = other.member.id.to_string();
    let never = json!({ "id": NEVER });
    let change = json!({"status": "completed"});
    for person in [&org.owner, &org.manager, &org.member] {
        let pairs = [
            (
                get(world, person, &at(&foreign)).await,
                get(world, person, &at(&never)).await,
            ),
            (
                patch(world, person, &foreign, change.clone()).await,
                patch(world, person, &never, change.clone()).await,
            ),
        ];
        for (there, nowhere) in pairs {
            assert_eq!(there.status, 404);
            assert_eq!(essence(&there, foreign_id), essence(&nowhere, NEVER));
        }
    }
    for person in [&org.owner, &org.manager] {
        let in_body = async |project: &str| {
            post(world, person, &json!({"project_id": project, "name": "x"})).await
        };
        let moved = async |project: &str| {
            patch(world, person, &mine, json!({ "project_id": project })).await
        };
        let assigned = async |member: &str| {
            patch(world, person, &mine, json!({ "assignee_ids": [member] })).await
        };
        let gone = async |task: &Value| delete(world, person, &at(task)).await;
        for (there, nowhere, id) in [
            (
                in_body(&foreign_home).await,
                in_body(NEVER).await,
                foreign_home.as_str(),
            ),
            (
                moved(&foreign_home).await,
                moved(NEVER).await,
                &foreign_home,
            ),
            (
                assigned(&foreign_member).await,
                assigned(NEVER).await,
                &foreign_member,
            ),
            (gone(&foreign).await, gone(&never).await, foreign_id),
        ] {
            assert_eq!(there.status, 404, "{there:?}");
            assert_eq!(essence(&there, id), essence(&nowhere, NEVER));
        }
    }
    for (field, id) in [
        ("project_id", &foreign_home),
        ("assignee_id", &foreign_member),
    ] {
        for id in [id.as_str(), NEVER] {
            let rows = get(world, &org.owner, &format!("/tasks?{field}={id}")).await;
            assert_eq!(rows.expect(200).json()["data"], json!([]));
        }
    }
    let untouched = get(world, &other.owner, &at(&foreign)).await.expect(200);
    assert_eq!(untouched.json(), foreign);
}
