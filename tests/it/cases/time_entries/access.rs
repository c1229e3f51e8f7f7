//! Whose time a caller sees and writes, and what of it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::studio::{SET_PROJECT_RATE, Studio, errors, has, id, path, refuses};
use crate::http::Answer;
use crate::world::{Person, World};

/// An id that never was.
const NEVER: &str = "01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";

pub async fn time_is_seen_as_the_role_says(world: &World) {
    let studio = Studio::open(world).await;
    let org = &studio.org;
    let hidden = studio.project_of(None).await;
    studio.join(hidden, &org.owner).await;
    let mut made = Vec::new();
    for (person, project) in [
        (&org.owner, hidden),
        (&org.owner, studio.project),
        (&org.manager, studio.project),
        (&org.member, studio.project),
    ] {
        let body = json!({"project_id": project, "duration_seconds": 1, "spent_on": "2026-03-02"});
        made.push(studio.added(person, body).await);
    }
    let ids = |entries: &[Value]| {
        let mut ids: Vec<Uuid> = entries.iter().map(id).collect();
        ids.sort();
        ids
    };
    let queries = [
        "",
        "?updated_since=1970-01-02T00:00:00Z",
        "?billable=true",
        "?from=2026-03-02&to=2026-03-02",
        "?invoiced=false",
        "?locked=false",
        "?running=false",
    ];
    for (person, seen) in [
        (&org.admin, &made[..]),
        (&org.manager, &made[1..]),
        (&org.member, &made[3..]),
    ] {
        for query in queries {
            let list = studio.list(person, query).await;
            assert_eq!(ids(&list), ids(seen), "{} {query}", person.email);
        }
        for entry in &made {
            let is_seen = ids(seen).contains(&id(entry));
            let status = if is_seen { 200 } else { 404 };
            studio.read(person, entry).await.expect(status);
            let change = studio
                .change(person, entry, json!({"description": person.email}))
                .await;
            change.expect(status);
        }
    }
    let of_owner = format!("?member_id={}", org.owner.id);
    assert_eq!(studio.list(&org.member, &of_owner).await.len(), 0);
    assert_eq!(studio.list(&org.manager, &of_owner).await.len(), 1);
    for entry in &made[..3] {
        studio
            .stop(&org.member, entry)
            .await
            .expect_problem(404, "not_found");
        studio
            .delete(&org.member, entry)
            .await
            .expect_problem(404, "not_found");
    }
    // Who leaves a project leaves its time behind.
    studio.leave(studio.project, &org.member).await;
    studio
        .read(&org.member, &made[3])
        .await
        .expect_problem(404, "not_found");
    assert_eq!(studio.list(&org.member, "").await.len(), 0);
    studio
        .changed(&org.owner, &made[3], json!({"description": "still there"}))
        .await;
}

pub async fn members_see_and_set_no_rates(world: &World) {
    let studio = Studio::open(world).await;
    let org = &studio.org;
    studio
        .set(SET_PROJECT_RATE, studio.project, Some(100_000))
        .await;
    let nothing = json!({"billable_rate": null, "rate": null, "rate_source": null, "amount": null});
    let shown = json!({"rate": "10.00", "rate_source": "project", "amount": "10.00"});
    let entry = studio
        .added(&org.member, json!({"duration_seconds": 3600}))
        .await;
    has(&entry, nothing.clone());
    has(&studio.list(&org.member, "").await[0], nothing);
    for person in [&org.manager, &org.admin] {
        has(&studio.read(person, &entry).await.json(), shown.clone());
    }
    has(&studio.events().await[0].1["object"], shown);
    let refused = async |answer: Answer| {
        let body = answer.expect_problem(403, "role_forbidden").json();
        assert!(body["detail"].as_str().unwrap().contains("billable_rate"));
    };
    for rate in [json!("5"), json!(null)] {
        let body = json!({"duration_seconds": 1, "billable_rate": rate});
        refused(studio.add(&org.member, body).await).await;
        refused(
            studio
                .change(&org.member, &entry, json!({"billable_rate": rate}))
                .await,
        )
        .await;
    }
    // What is wrong comes first, then what is not there, then what may not be set.
    let wrong = json!({"duration_seconds": -1, "billable_rate": "5"});
    studio
        .add(&org.member, wrong)
        .await
        .expect_problem(422, "validation_failed");
    let absent = json!({"project_id": NEVER, "billable_rate": "5"});
    studio
        .add(&org.member, absent)
        .await
        .expect_problem(404, "not_found");
    let priced = json!({"billable_rate": "5"});
    has(
        &studio.changed(&org.manager, &entry, priced).await,
        json!({"rate": "5.00"}),
    );
}

pub async fn what_a_body_names_must_be_in_reach(world: &World) {
    let studio = Studio::open(world).await;
    let org = &studio.org;
    let other = Studio::open(world).await;
    let (task, foreign_task) = (
        studio.task_of(studio.project).await,
        other.task_of(other.project).await,
    );
    let hidden = studio.project_of(None).await;
    let hidden_task = studio.task_of(hidden).await;
    let entry = studio
        .added(&org.member, json!({"duration_seconds": 1}))
        .await;
    let never = json!(NEVER);
    let cases: &[(&Person, &str, Value)] = &[
        (&org.owner, "project_id", json!(other.project)),
        (&org.owner, "task_id", json!(foreign_task)),
        (
            &org.owner,
            "member_id",
            json!(other.org.owner.id.to_string()),
        ),
        (&org.manager, "project_id", json!(hidden)),
        (&org.manager, "task_id", json!(hidden_task)),
        (&org.manager, "member_id", json!(org.admin.id.to_string())),
        (&org.member, "project_id", json!(hidden)),
        (&org.member, "task_id", json!(hidden_task)),
        // A member's time is its own, even where both are in the project.
        (&org.member, "member_id", json!(org.manager.id.to_string())),
    ];
    for (person, field, value) in cases {
        let mut bodies = Vec::new();
        for value in [value, &never] {
            let mut body = json!({"duration_seconds": 1});
            body[*field] = value.clone();
            for answer in [
                studio.add(person, body).await,
                studio.change(person, &entry, json!({*field: value})).await,
            ] {
                let answer = answer.expect_problem(404, "not_found");
                assert_eq!(
                    errors(&answer),
                    [(format!("#/{field}"), "not_found".to_owned())]
                );
                let mut body = answer.json();
                body["request_id"] = json!(null);
                bodies.push(body);
            }
        }
        assert_eq!(bodies[0], bodies[2], "{field} of nobody's and of another's");
        assert_eq!(bodies[1], bodies[3], "{field} of nobody's and of another's");
    }
    // In a filter they are simply no rows.
    for query in [
        format!("?project_id={}", other.project),
        format!("?task_id={foreign_task}"),
        format!("?member_id={}", other.org.owner.id),
        format!("?client_id={}", other.client),
        format!("?project_id={NEVER}"),
    ] {
        assert_eq!(studio.list(&org.owner, &query).await.len(), 0, "{query}");
    }
    let foreign = other
        .added(&other.org.owner, json!({"duration_seconds": 1}))
        .await;
    for entry in [foreign.clone(), json!({"id": NEVER})] {
        for answer in [
            studio.read(&org.owner, &entry).await,
            studio
                .change(&org.owner, &entry, json!({"description": "x"}))
                .await,
            studio.stop(&org.owner, &entry).await,
            studio.delete(&org.owner, &entry).await,
        ] {
            answer.expect_problem(404, "not_found");
        }
    }
    world
        .get(&path(&foreign), &other.org.owner)
        .send()
        .await
        .expect(200);
    studio
        .added(
            &org.manager,
            json!({"duration_seconds": 1, "task_id": task}),
        )
        .await;
}

pub async fn member_project_and_task_belong_together(world: &World) {
    let studio = Studio::open(world).await;
    let org = &studio.org;
    let second = json!({"duration_seconds": 1});
    let entry = studio.added(&org.owner, second.clone()).await;
    let other = studio.project_of(None).await;
    let task = studio.task_of(other).await;
    let (not_in, project) = ("not_in_project", json!(other));
    refuses(studio.add(&org.admin, second).await, "#/project_id", not_in);
    let body = json!({"duration_seconds": 1, "member_id": org.admin.id.to_string()});
    refuses(studio.add(&org.owner, body).await, "#/member_id", not_in);
    let body = json!({"duration_seconds": 1, "task_id": task});
    refuses(studio.add(&org.owner, body).await, "#/task_id", not_in);
    let body = json!({"project_id": project});
    refuses(
        studio.change(&org.owner, &entry, body).await,
        "#/project_id",
        not_in,
    );
    let body = json!({"task_id": task});
    refuses(
        studio.change(&org.owner, &entry, body).await,
        "#/task_id",
        not_in,
    );
    studio.join(other, &org.owner).await;
    let moved = json!({"project_id": project, "task_id": task});
    let moved = studio.changed(&org.owner, &entry, moved).await;
    has(
        &moved,
        json!({"project_id": other, "task_id": task, "client_id": null}),
    );
    // A task does not follow to another project.
    let body = json!({"project_id": studio.project});
    refuses(
        studio.change(&org.owner, &entry, body).await,
        "#/task_id",
        not_in,
    );
    let back = json!({"project_id": studio.project, "task_id": null});
    has(
        &studio.changed(&org.owner, &entry, back).await,
        json!({"client_id": studio.client}),
    );
    // Time of one who left stays what it is, and may be put right.
    studio.leave(studio.project, &org.owner).await;
    studio
        .changed(&org.admin, &entry, json!({"duration_seconds": 2}))
        .await;
    world
        .operator()
        .remove_member(&org.slug, &org.member.email)
        .await
        .unwrap();
    let body = json!({"duration_seconds": 1, "member_id": org.member.id.to_string()});
    refuses(
        studio.add(&org.admin, body).await,
        "#/member_id",
        "not_active",
    );
}
