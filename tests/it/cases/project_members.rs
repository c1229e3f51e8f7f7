//! Who is in a project: put, list, remove.

use hoursmith_domain::Role;
use hoursmith_resource::admin::NewMember;
use serde_json::{Value, json};

use super::access::essence;
use super::answers::events;
use super::projects::{join, member_path, project, project_path, put_member};
use crate::http::Answer;
use crate::scene::{fresh, run};
use crate::world::{Org, Person, World};

const NEVER: &str = "01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";

async fn list(world: &World, person: &Person, project: &str, query: &str) -> Value {
    let path = format!("{}/members{query}", project_path(project));
    world.get(&path, person).send().await.expect(200).json()
}

/// The ids on a page.
fn ids(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().unwrap().iter();
    data.map(|item| item["member_id"].as_str().unwrap().to_owned())
        .collect()
}

async fn remove(world: &World, person: &Person, project: &str, member: &Person) -> Answer {
    let call = world.call("DELETE", &member_path(project, member));
    call.token(&person.token).send().await
}

/// Somebody of this id, without a token.
fn someone(id: &str) -> Person {
    Person {
        id: id.parse().unwrap(),
        email: String::new(),
        token: String::new(),
    }
}

async fn previous(world: &World, org: &Org) -> Vec<Value> {
    let events = events(world, org.id, "project.updated").await;
    let previous = |(_, data): &(String, Value)| data["previous_attributes"].clone();
    events.iter().map(previous).collect()
}

pub async fn members_are_put_into_a_project_and_removed(world: &World) {
    let org = world.org().await;
    let (owner, member) = (&org.owner, &org.member);
    let id = project(world, owner, &json!({"name": "A"})).await;
    let rate = |rate: Value| json!({ "billable_rate": rate });
    let added = put_member(world, owner, &id, member, &rate(json!("99.5"))).await;
    let added = added.expect(201);
    assert!(added.header("etag").starts_with("\"2-"), "the project's");
    let link = added.json();
    for (field, value) in [
        ("project_id", json!(id)),
        ("member_id", json!(member.id.to_string())),
        ("name", json!("member")),
        ("role", json!("member")),
        ("billable_rate", json!("99.50")),
        ("currency", json!("EUR")),
    ] {
        assert_eq!(link[field], value, "{field}");
    }
    assert_eq!(link["created_at"], link["updated_at"]);
    let same = put_member(world, owner, &id, member, &rate(json!("99.50"))).await;
    let same = same.expect(200);
    assert_eq!(
        (same.json(), same.header("etag")),
        (link.clone(), added.header("etag"))
    );
    let whole = put_member(world, owner, &id, member, &json!({}))
        .await
        .expect(200);
    assert!(whole.header("etag").starts_with("\"3-"));
    let rated = whole.json();
    assert_eq!(rated["billable_rate"], json!(null), "a body is the whole");
    assert_eq!(rated["created_at"], link["created_at"]);
    assert_ne!(rated["updated_at"], link["updated_at"]);
    join(world, owner, &id, &org.manager).await;
    remove(world, owner, &id, member).await.expect(204);
    let gone = remove(world, owner, &id, member).await;
    gone.expect_problem(404, "not_found");

    let of = |person: &Person, rate: Value| json!({"member_id": person.id.to_string(), "billable_rate": rate});
    let two = [of(&org.manager, json!(null)), of(member, json!(null))];
    let expected = [
        json!({"members": []}),
        json!({"members": [of(member, json!("99.50"))]}),
        json!({"members": [of(member, json!(null))]}),
        json!({ "members": two }),
    ];
    assert_eq!(previous(world, &org).await, expected);
    let shown = world
        .get(&project_path(&id), owner)
        .send()
        .await
        .expect(200);
    assert!(shown.header("etag").starts_with("\"5-"), "each counts");
    assert_eq!(
        shown.json()["members"],
        json!([of(&org.manager, json!(null))])
    );
}

pub async fn a_put_is_checked(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    let owner = &org.owner;
    let id = project(world, owner, &json!({"name": "A"})).await;
    let wrong = json!({"billable_rate": "-1", "role": "admin", "color": "red"});
    let refused = put_member(world, owner, &id, &org.member, &wrong)
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(refused.json()["errors"].as_array().unwrap().len(), 3);

    let operator = world.operator();
    operator
        .remove_member(&org.slug, &org.admin.email)
        .await
        .unwrap();
    let mut answers = Vec::new();
    for person in [&org.admin, &other.member, &someone(NEVER)] {
        let body = json!({});
        let answer = put_member(world, owner, &id, person, &body).await;
        let answer = answer.expect_problem(404, "not_found");
        assert!(
            answer.json().get("errors").is_none(),
            "the id is in the path"
        );
        answers.push(essence(&answer, &person.id.to_string()));
        let gone = remove(world, owner, &id, person).await;
        gone.expect_problem(404, "not_found");
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(previous(world, &org).await, Vec::<Value>::new());

    let put = |etag: &str, rate: &str| {
        let call = world.call("PUT", &member_path(&id, &org.member));
        let call = call.token(&owner.token).header("if-match", etag);
        call.json(&json!({ "billable_rate": rate })).send()
    };
    for etag in ["*", "\"1\""] {
        let absent = put(etag, "1").await;
        absent.expect_problem(412, "precondition_failed");
    }
    join(world, owner, &id, &org.member).await;
    let second = put("\"2\"", "1").await.expect(200);
    put("\"2\"", "2")
        .await
        .expect_problem(412, "precondition_failed");
    put(second.header("etag"), "2").await.expect(200);
    let delete = |etag: &str| {
        let call = world.call("DELETE", &member_path(&id, &org.member));
        call.token(&owner.token).header("if-match", etag).send()
    };
    delete("\"3\"")
        .await
        .expect_problem(412, "precondition_failed");
    delete("\"4\"").await.expect(204);
    join(world, owner, &id, &org.member).await;
    for known in ["\"2\"", "\"3\"", "\"4\""] {
        let before = put(known, "1").await;
        before.expect_problem(412, "precondition_failed");
    }
}

pub async fn a_project_has_so_many_members_and_no_more(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    let id = project(world, owner, &json!({"name": "Crowd"})).await;
    join(world, owner, &id, &org.manager).await;
    let mut crowd: Vec<String> = (0..499).map(|_| fresh(world).to_string()).collect();
    crowd.push(org.manager.id.to_string());
    crowd.sort();
    let of = |id: &String| json!({"member_id": id, "billable_rate": null});
    let members = json!(crowd.iter().map(of).collect::<Vec<_>>()).to_string();
    let organization = org.id.0;
    run!(
        world,
        "UPDATE projects SET members = $2 WHERE organization_id = $1",
        organization,
        members
    );
    let full = put_member(world, owner, &id, &org.member, &json!({})).await;
    full.expect_problem(409, "conflict");
    let rate = json!({"billable_rate": "5"});
    let rated = put_member(world, owner, &id, &org.manager, &rate).await;
    rated.expect(200);
    remove(world, owner, &id, &org.manager).await.expect(204);
    join(world, owner, &id, &org.member).await;
}

pub async fn a_projects_members_are_listed(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    let id = project(world, owner, &json!({"name": "A"})).await;
    for person in [&org.owner, &org.admin, &org.manager, &org.member] {
        let rate = json!({"billable_rate": "10"});
        put_member(world, owner, &id, person, &rate)
            .await
            .expect(201);
    }
    let newest = [&org.member, &org.manager, &org.admin, &org.owner].map(|one| one.id.to_string());
    let all = list(world, owner, &id, "").await;
    assert_eq!(ids(&all), newest);
    assert_eq!(
        (&all["has_more"], &all["next_cursor"]),
        (&json!(false), &json!(null))
    );
    let mut seen = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        let page = list(world, owner, &id, &query).await;
        seen.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        query = format!("?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, newest);
    let since = all["data"][0]["updated_at"].as_str().unwrap().to_owned();
    put_member(world, owner, &id, owner, &json!({}))
        .await
        .expect(200);
    let changed = list(world, owner, &id, &format!("?updated_since={since}")).await;
    assert_eq!(ids(&changed), [newest[0].clone(), newest[3].clone()]);

    assert_eq!(
        list(world, &org.manager, &id, "?limit=2").await["data"][0]["billable_rate"],
        "10.00"
    );
    let blind = list(world, &org.member, &id, "").await;
    assert_eq!(blind["data"][0]["billable_rate"], json!(null));
    assert_eq!(ids(&blind), newest);
    let path = format!("{}/members?external_reference_id=x", project_path(&id));
    let refused = world.get(&path, owner).send().await;
    refused.expect_problem(400, "unknown_parameter");
}

/// A manager staffs its own projects, with those whom it sees.
pub async fn managers_staff_their_projects(world: &World) {
    let org = world.org().await;
    let (owner, manager) = (&org.owner, &org.manager);
    let mine = project(world, owner, &json!({"name": "Mine"})).await;
    let also = project(world, owner, &json!({"name": "Also"})).await;
    let hidden = project(world, owner, &json!({"name": "Hidden"})).await;
    for project in [&mine, &also] {
        join(world, owner, project, manager).await;
    }
    let put = |project: &str, person: &Person| {
        let (project, person) = (project.to_owned(), person.clone());
        async move { put_member(world, manager, &project, &person, &json!({})).await }
    };
    put(&mine, &org.member)
        .await
        .expect_problem(404, "not_found");
    join(world, owner, &also, &org.member).await;
    put(&mine, &org.member).await.expect(201);
    put(&hidden, &org.member)
        .await
        .expect_problem(404, "not_found");
    let refused = remove(world, manager, &hidden, &org.member).await;
    refused.expect_problem(404, "not_found");
    remove(world, manager, &also, &org.member).await.expect(204);
    let body = json!({});
    let refused = put_member(world, &org.member, &mine, &org.member, &body).await;
    refused.expect_problem(403, "role_forbidden");
    let refused = remove(world, &org.member, &mine, &org.member).await;
    refused.expect_problem(403, "role_forbidden");
}

/// Whoever is removed from the organization leaves its projects, and comes back to none.
pub async fn who_is_removed_leaves_its_projects(world: &World) {
    let org = world.org().await;
    let (owner, member) = (&org.owner, &org.member);
    let mut projects = Vec::new();
    for name in ["One", "Two", "Three"] {
        projects.push(project(world, owner, &json!({ "name": name })).await);
    }
    for project in &projects[..2] {
        join(world, owner, project, member).await;
    }
    let operator = world.operator();
    operator
        .remove_member(&org.slug, &member.email)
        .await
        .unwrap();
    let left = events(world, org.id, "project.updated").await;
    let mut left: Vec<&str> = left[2..]
        .iter()
        .map(|(_, data)| {
            let before = &data["previous_attributes"]["members"];
            assert_eq!(before.as_array().unwrap().len(), 1);
            assert_eq!(data["object"]["members"], json!([]));
            data["object"]["name"].as_str().unwrap()
        })
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["One", "Two"]);
    let removed = events(world, org.id, "member.removed").await;
    assert_eq!(removed.len(), 1);
    let again = NewMember {
        name: "again".to_owned(),
        email: member.email.clone(),
        role: Role::Member,
    };
    operator.add_member(&org.slug, again).await.unwrap();
    for project in &projects {
        assert_eq!(
            ids(&list(world, owner, project, "").await),
            Vec::<String>::new()
        );
    }
    join(world, owner, &projects[0], member).await;
}

/// Nobody is lost of those who are added at once, and nobody who is being removed slips in.
pub async fn members_come_and_go_at_once(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    let id = project(world, owner, &json!({"name": "A"})).await;
    let body = json!({});
    let put = |person| put_member(world, owner, &id, person, &body);
    let added = tokio::join!(put(&org.admin), put(&org.manager), put(&org.member));
    for answer in [added.0, added.1, added.2] {
        answer.expect(201);
    }
    let mut present = [&org.admin, &org.manager, &org.member].map(|one| one.id.to_string());
    present.sort_unstable();
    let operator = world.operator();
    for round in 0..5 {
        let new = NewMember {
            name: "brief".to_owned(),
            email: format!("brief-{round}@{}.example", org.slug),
            role: Role::Member,
        };
        let email = new.email.clone();
        let brief = operator.add_member(&org.slug, new).await.unwrap();
        let brief = someone(&brief.to_string());
        let (put, removed) = tokio::join!(
            put_member(world, owner, &id, &brief, &body),
            operator.remove_member(&org.slug, &email)
        );
        removed.unwrap();
        assert!([201, 404].contains(&put.status), "{put:?}");
        let shown = world
            .get(&project_path(&id), owner)
            .send()
            .await
            .expect(200)
            .json();
        let shown: Vec<&str> = shown["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["member_id"].as_str().unwrap())
            .collect();
        assert_eq!(shown, present);
        let mut listed = ids(&list(world, owner, &id, "").await);
        listed.sort_unstable();
        assert_eq!(listed, present);
    }
}
