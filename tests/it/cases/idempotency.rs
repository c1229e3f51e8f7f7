//! Retries under an idempotency key.

use futures::future::join_all;
use hoursmith_domain::Role;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::clients::created;
use crate::http::Answer;
use crate::world::{Person, World};

async fn post(world: &World, person: &Person, key: &str, body: &Value) -> Answer {
    world
        .post("/api/v1/clients", person)
        .key(key)
        .json(body)
        .send()
        .await
}

pub async fn a_key_makes_a_retry_safe(world: &World) {
    let org = world.org().await;
    let body = json!({"name": "A", "notes": "n"});
    let first = post(world, &org.owner, "key-1", &body).await.expect(201);
    assert!(first.headers.get("idempotent-replayed").is_none());
    let reordered = world.post("/api/v1/clients", &org.owner).key("\"key-1\"");
    let again = reordered
        .raw(
            "application/json",
            "{ \"notes\":\"n\",\n \"name\":\"\\u0041\" }",
        )
        .send()
        .await
        .expect(201);
    assert_eq!(again.body, first.body, "byte for byte");
    assert_eq!(again.header("idempotent-replayed"), "true");
    for name in ["location", "etag", "content-type"] {
        assert_eq!(again.header(name), first.header(name));
    }
    let other = post(world, &org.owner, "key-1", &json!({"name": "B"})).await;
    other.expect_problem(409, "idempotency_key_reused");
    post(world, &org.admin, "key-1", &json!({"name": "B"}))
        .await
        .expect(201);
    assert_eq!(world.count("clients", org.id).await, 2);
    for key in ["", "\"\"", "ä", "a b", &"k".repeat(256)] {
        let answer = world
            .post("/api/v1/clients", &org.owner)
            .header("idempotency-key", key)
            .json(&body)
            .send()
            .await;
        let answer = answer.expect_problem(400, "invalid_idempotency_key");
        assert_eq!(answer.json()["errors"][0]["header"], "Idempotency-Key");
    }
    let twice = world
        .post("/api/v1/clients", &org.owner)
        .key("a")
        .key("b")
        .json(&body)
        .send()
        .await;
    twice.expect_problem(400, "invalid_idempotency_key");
}

pub async fn a_refusal_is_an_answer_too(world: &World) {
    let org = world.org().await;
    created(world, &org.owner, "Taken").await;
    let conflict = post(world, &org.owner, "k", &json!({"name": "taken"}))
        .await
        .expect_problem(409, "conflict");
    let taken = world
        .get("/api/v1/clients?q=taken", &org.owner)
        .send()
        .await
        .json();
    let url = super::clients::path(taken["data"][0]["id"].as_str().unwrap());
    world
        .call("DELETE", &url)
        .token(&org.owner.token)
        .send()
        .await
        .expect(204);
    let again = post(world, &org.owner, "k", &json!({"name": "taken"}))
        .await
        .expect(409);
    assert_eq!(again.body, conflict.body, "the key's answer stays");
    assert_eq!(again.header("idempotent-replayed"), "true");
    post(world, &org.owner, "fix", &json!({"nam": "A"}))
        .await
        .expect_problem(422, "validation_failed");
    post(world, &org.owner, "fix", &json!({"name": "A"}))
        .await
        .expect(201);
    post(world, &org.member, "role", &json!({"name": "B"}))
        .await
        .expect_problem(403, "role_forbidden");
    let operator = world.operator();
    operator
        .set_role(&org.slug, &org.member.email, Role::Admin)
        .await
        .unwrap();
    post(world, &org.member, "role", &json!({"name": "B"}))
        .await
        .expect(201);
    assert_eq!(world.count("clients", org.id).await, 2);
}

pub async fn concurrent_duplicates_have_one_effect(world: &World) {
    let org = world.org().await;
    let keys = 40;
    let senders = join_all((0..keys * 8).map(|number| {
        let key = number % keys;
        let owner = &org.owner;
        async move {
            let body = json!({"name": format!("client {key}")});
            let answer = post(world, owner, &format!("key-{key}"), &body).await;
            (key, answer)
        }
    }));
    let mut bodies = vec![None; keys];
    for (key, answer) in senders.await {
        if answer.status == 409 {
            answer.expect_problem(409, "idempotency_in_progress");
            continue;
        }
        let answer = answer.expect(201);
        let body = bodies[key].get_or_insert_with(|| answer.body.clone());
        assert_eq!(*body, answer.body);
    }
    assert!(bodies.iter().all(Option::is_some));
    assert_eq!(world.count("clients", org.id).await, keys as i64);
    assert_eq!(
        world.count("idempotency_records", org.id).await,
        keys as i64
    );
}

pub async fn a_client_that_leaves_is_answered_later(world: &World) {
    let org = world.org().await;
    let body = json!({"name": "A"}).to_string();
    let head = format!(
        "POST /api/v1/clients HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: gone\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        org.owner.token,
        body.len()
    );
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    drop(stream);
    let retry = post(world, &org.owner, "gone", &json!({"name": "A"})).await;
    retry.expect(201);
    assert_eq!(world.count("clients", org.id).await, 1);
    assert_eq!(
        world.count("events", org.id).await,
        4 + 1,
        "four members and one client"
    );
}
