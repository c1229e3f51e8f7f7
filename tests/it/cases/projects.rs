//! Projects and who is in them.

use serde_json::{Value, json};

use crate::http::Answer;
use crate::world::{Person, World};

const ALL: &str = "/api/v1/projects";

/// Creates a project that must come to be, and gives its id.
pub async fn project(world: &World, person: &Person, body: &Value) -> String {
    let answer = world.post(ALL, person).json(body).send().await.expect(201);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Adds a member to a project.
pub async fn join(world: &World, owner: &Person, project: &str, member: &Person) {
    put(world, owner, project, member, &json!({}))
        .await
        .expect(201);
}

/// Puts a member into a project, with what a body says.
pub async fn put(
    world: &World,
    person: &Person,
    project: &str,
    member: &Person,
    body: &Value,
) -> Answer {
    world
        .call("PUT", &link(project, member))
        .token(&person.token)
        .json(body)
        .send()
        .await
}

fn one(id: &str) -> String {
    format!("{ALL}/{id}")
}

fn link(project: &str, member: &Person) -> String {
    format!("{ALL}/{project}/members/{}", member.id)
}

pub async fn a_project_is_created_read_changed_and_deleted(world: &World) {
    let org = world.org().await;
    let body = json!({
        "name": "Ümbau 🦀", "code": "U-1", "color": "#B4552D", "billing_method": "fixed",
        "billable_rate": "95.1250", "fixed_fee": "12000",
        "budget": {"kind": "hours", "amount": "120.50", "period": "monthly"},
        "starts_on": "2026-09-01", "ends_on": "2026-09-01", "notes": "two\nlines",
        "external_reference": {"service": "jira", "id": "7", "url": "https://jira.example/7"},
        "metadata": {"a": "1", "b": "2"}
    });
    let answer = world
        .post(ALL, &org.owner)
        .json(&body)
        .send()
        .await
        .expect(201);
    let project = answer.json();
    let id = project["id"].as_str().unwrap();
    assert!(answer.header("location").ends_with(&one(id)), "{answer:?}");
    for (field, value) in body.as_object().unwrap() {
        match field.as_str() {
            "billable_rate" => assert_eq!(project[field], "95.125"),
            "fixed_fee" => assert_eq!(project[field], "12000.00"),
            "color" => assert_eq!(project[field], "#b4552d"),
            "budget" => assert_eq!(project[field]["amount"], "120.5"),
            _ => assert_eq!(&project[field], value, "{field}"),
        }
    }
    for (field, value) in [
        ("client_id", json!(null)),
        ("currency", json!("EUR")),
        ("billable", json!(true)),
        ("members", json!([])),
        ("tracked_seconds", json!(0)),
        ("billable_amount", json!("0.00")),
        ("budget_used", json!("0")),
        ("archived", json!(false)),
        ("archived_at", json!(null)),
    ] {
        assert_eq!(project[field], value, "{field}");
    }
    let read = world.get(&one(id), &org.owner).send().await.expect(200);
    assert_eq!(
        (read.json(), read.header("etag")),
        (project.clone(), answer.header("etag"))
    );
    join(world, &org.owner, id, &org.member).await;
    let found = world
        .get(&one(id), &org.owner)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(
        found["members"],
        json!([{"member_id": org.member.id.to_string(), "billable_rate": null}])
    );
    world
        .call("DELETE", &one(id))
        .token(&org.owner.token)
        .send()
        .await
        .expect(204);
    world
        .get(&one(id), &org.owner)
        .send()
        .await
        .expect_problem(404, "not_found");
}
