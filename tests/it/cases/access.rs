//! Who may do what, and when it ends.

use hoursmith_domain::{Plan, Role, Scope};
use hoursmith_kit::Clock as _;
use serde_json::json;

use super::clients::{create, created, give_project, path};
use crate::http::Answer;
use crate::scene::{errors, send};
use crate::world::{Person, World};

/// Everything of an answer but what is the request's own.
pub fn essence(answer: &Answer, id: &str) -> (u16, Vec<(String, String)>, String) {
    let own = [
        "date",
        "x-request-id",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "ratelimit",
    ];
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    (
        answer.status,
        headers,
        body.replace(answer.header("x-request-id"), "REQ")
            .replace(id, "ID"),
    )
}

pub async fn foreign_ids_never_existed(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    let foreign = created(world, &other.owner, "Foreign").await;
    let never = "01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";
    for method in ["GET", "HEAD", "PATCH", "DELETE"] {
        let ask = async |id: &str| {
            let call = world.call(method, &path(id)).token(&org.owner.token);
            let call = if method == "PATCH" {
                call.json(&json!({"name": "Mine"}))
            } else {
                call
            };
            call.send().await
        };
        let (at_foreign, at_never) = (ask(&foreign).await, ask(never).await);
        assert_eq!(at_foreign.status, 404, "{method}");
        assert_eq!(
            essence(&at_foreign, &foreign),
            essence(&at_never, never),
            "{method}"
        );
    }
    for id in [
        "x",
        "01931F7E",
        "%00",
        "..",
        "01931f7e3c517c3a9a536f0d2a3b4c5d",
    ] {
        world
            .get(&path(id), &org.owner)
            .send()
            .await
            .expect_problem(404, "not_found");
    }
    let untouched = world
        .get(&path(&foreign), &other.owner)
        .send()
        .await
        .expect(200);
    assert_eq!(untouched.json()["name"], "Foreign");
}

pub async fn roles_are_kept(world: &World) {
    let org = world.org().await;
    let shared = create(
        world,
        &org.owner,
        &json!({"name": "Shared", "billable_rate": "10"}),
    )
    .await
    .expect(201);
    let shared = shared.json()["id"].as_str().unwrap().to_owned();
    let hidden = created(world, &org.admin, "Hidden").await;
    give_project(world, &org, &shared, &org.manager).await;
    give_project(world, &org, &shared, &org.member).await;
    for (person, rate) in [(&org.manager, json!("10.00")), (&org.member, json!(null))] {
        let seen = world
            .get(&path(&shared), person)
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(seen["billable_rate"], rate);
        world
            .get(&path(&hidden), person)
            .send()
            .await
            .expect_problem(404, "not_found");
        let list = world
            .get("/api/v1/clients", person)
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(list["data"], json!([seen]));
        let before = world.count("clients", org.id).await;
        create(world, person, &json!({"name": "No"}))
            .await
            .expect_problem(403, "role_forbidden");
        for (method, id) in [("PATCH", &shared), ("DELETE", &shared), ("PATCH", &hidden)] {
            let call = world.call(method, &path(id)).token(&person.token);
            let call = if method == "PATCH" {
                call.json(&json!({"name": "No"}))
            } else {
                call
            };
            call.send().await.expect_problem(403, "role_forbidden");
        }
        assert_eq!(world.count("clients", org.id).await, before);
    }
}

pub async fn plans_and_scopes_are_kept(world: &World) {
    let org = world.org().await;
    let read = world.token(org.id, org.owner.id, Scope::Read, None).await;
    let reader = Person {
        token: read,
        ..org.owner.clone()
    };
    world
        .get("/api/v1/clients", &reader)
        .send()
        .await
        .expect(200);
    let refused = create(world, &reader, &json!({"name": "A"}))
        .await
        .expect_problem(403, "scope_insufficient");
    assert!(
        refused
            .header("www-authenticate")
            .contains("error=\"insufficient_scope\"")
    );
    let operator = world.operator();
    operator.set_plan(&org.slug, Plan::Free).await.unwrap();
    for call in [
        world.get("/api/v1/me", &org.owner),
        world.get("/api/v1/clients", &reader),
        world
            .post("/api/v1/clients", &org.member)
            .json(&json!({"name": "A"})),
    ] {
        let answer = call.send().await.expect_problem(402, "plan_required");
        let body = answer.json();
        assert_eq!(
            (&body["current_plan"], &body["required_plan"]),
            (&json!("free"), &json!("studio"))
        );
        assert!(body["upgrade_url"].is_string());
    }
    operator.set_plan(&org.slug, Plan::Studio).await.unwrap();
    world
        .get("/api/v1/clients", &reader)
        .send()
        .await
        .expect(200);
}

pub async fn tokens_end(world: &World) {
    let org = world.org().await;
    let now = world.clock.now();
    let short = world.token(org.id, org.owner.id, Scope::Write, None).await;
    let short = Person {
        token: short,
        ..org.owner.clone()
    };
    world.get("/api/v1/me", &short).send().await.expect(200);
    let unknown = hoursmith_domain::Token::generate([9; 64]);
    let unknown = Person {
        token: unknown.expose().to_owned(),
        ..org.owner.clone()
    };
    let id = world.get("/api/v1/me", &short).send().await.json()["token"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let revoked =
        hoursmith_token_auth::revoke_token(world.db.db(), now, org.id, id.parse().unwrap());
    assert!(revoked.await.unwrap());
    let mut bodies = Vec::new();
    for person in [&short, &unknown] {
        let answer = world
            .get("/api/v1/me", person)
            .send()
            .await
            .expect_problem(401, "token_invalid");
        bodies.push(essence(&answer, ""));
    }
    assert_eq!(
        bodies[0], bodies[1],
        "a revoked token answers like one that never was"
    );
}

pub async fn who_comes_back_has_no_old_token(world: &World) {
    let org = world.org().await;
    let client = created(world, &org.owner, "Shared").await;
    give_project(world, &org, &client, &org.member).await;
    let operator = world.operator();
    operator
        .remove_member(&org.slug, &org.member.email)
        .await
        .unwrap();
    let again = hoursmith_resource::admin::NewMember {
        name: "again".to_owned(),
        email: org.member.email.to_uppercase(),
        role: Role::Admin,
    };
    assert_eq!(
        operator.add_member(&org.slug, again).await.unwrap(),
        org.member.id
    );
    world
        .get("/api/v1/me", &org.member)
        .send()
        .await
        .expect_problem(401, "token_invalid");
    operator
        .set_role(&org.slug, &org.member.email, Role::Member)
        .await
        .unwrap();
    let fresh = world.token(org.id, org.member.id, Scope::Read, None).await;
    let fresh = Person {
        token: fresh,
        ..org.member.clone()
    };
    world
        .get(&path(&client), &fresh)
        .send()
        .await
        .expect_problem(404, "not_found");
}

pub async fn a_copy_is_current_for_its_role_alone(world: &World) {
    let org = world.org().await;
    let body = json!({"name": "A", "billable_rate": "10"});
    let client = create(world, &org.owner, &body).await.expect(201).json();
    let url = path(client["id"].as_str().unwrap());
    give_project(world, &org, client["id"].as_str().unwrap(), &org.member).await;
    let copy = world.get(&url, &org.member).send().await.expect(200);
    let again = || {
        world
            .get(&url, &org.member)
            .header("if-none-match", copy.header("etag"))
            .send()
    };
    again().await.expect(304);
    world
        .operator()
        .set_role(&org.slug, &org.member.email, Role::Manager)
        .await
        .unwrap();
    assert_eq!(again().await.expect(200).json()["billable_rate"], "10.00");
    let patch = world
        .call("PATCH", &url)
        .token(&org.owner.token)
        .header("if-match", copy.header("etag"));
    patch.json(&json!({"name": "B"})).send().await.expect(200);
}

pub async fn changes_of_the_caller_take_effect_at_once(world: &World) {
    let org = world.org().await;
    let operator = world.operator();
    created(world, &org.admin, "One").await;
    operator
        .set_role(&org.slug, &org.admin.email, Role::Member)
        .await
        .unwrap();
    create(world, &org.admin, &json!({"name": "Two"}))
        .await
        .expect_problem(403, "role_forbidden");
    operator
        .set_role(&org.slug, &org.member.email, Role::Admin)
        .await
        .unwrap();
    created(world, &org.member, "Three").await;
    operator
        .remove_member(&org.slug, &org.member.email)
        .await
        .unwrap();
    world
        .get("/api/v1/me", &org.member)
        .send()
        .await
        .expect_problem(401, "token_invalid");
    let last = operator
        .remove_member(&org.slug, &org.owner.email)
        .await
        .unwrap_err();
    assert_eq!(
        last.to_string(),
        "the last owner cannot go: make someone else an owner first"
    );
    world.get("/api/v1/me", &org.owner).send().await.expect(200);
}

/// What is not there, then the condition, then what the merged whole says.
pub async fn a_change_is_refused_in_one_order(world: &World) {
    let org = world.org().await;
    let never = "01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";
    let client = created(world, &org.owner, "C").await;
    let body = json!({"name": "P"});
    let made = send(world, &org.owner, "POST", "/projects", &body).await;
    let made = made.expect(201);
    let (id, etag) = (made.json()["id"].clone(), made.header("etag").to_owned());
    let path = |id: &str| format!("/api/v1/projects/{id}");
    let change = async |id: &str, etag: &str, client: &str| {
        let body = json!({"client_id": client, "fixed_fee": "1"});
        let call = world.call("PATCH", &path(id)).token(&org.owner.token);
        call.header("if-match", etag).json(&body).send().await
    };
    let (id, stale) = (id.as_str().unwrap(), "\"9\"");
    for answer in [
        change(never, stale, never).await,
        change(id, stale, never).await,
        change(id, &etag, never).await,
    ] {
        answer.expect_problem(404, "not_found");
    }
    let answer = change(id, stale, &client).await;
    answer.expect_problem(412, "precondition_failed");
    let answer = change(id, &etag, &client).await;
    let answer = answer.expect_problem(422, "validation_failed");
    let not_fixed = ("#/fixed_fee".to_owned(), "not_fixed".to_owned());
    assert_eq!(errors(&answer), [not_fixed]);
}
