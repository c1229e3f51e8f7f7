//! Secrets of webhook endpoints: shown once, kept sealed, also where an answer is kept for a retry.

use hoursmith_store::testing::contents;
use hoursmith_store::{Statement, fetch_one};
use serde_json::json;
use uuid::Uuid;

use super::events::feed;
use super::webhook_endpoints::{endpoint, made, nowhere};
use crate::world::{Store, World};

fn secret_of(answer: &crate::http::Answer) -> String {
    answer.json()["secret"].as_str().unwrap().to_owned()
}

pub async fn a_secret_is_shown_once(world: &World) {
    let org = world.org().await;
    let answer = made(world, &org.owner).await;
    let first = secret_of(&answer);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let rotate = world.post(&format!("{}/rotate_secret", endpoint(&id)), &org.admin);
    let rotated = rotate.clone().send().await.expect(200);
    let second = secret_of(&rotated);
    let third = secret_of(&rotate.send().await.expect(200));
    assert!(first != second && second != third && first != third);
    let read = world.get(&endpoint(&id), &org.owner).send().await;
    assert_ne!(rotated.header("etag"), answer.header("etag"));
    assert!(read.header("etag").starts_with("\"3-"), "{read:?}");
    let test = world.post(&format!("{}/test", endpoint(&id)), &org.owner);
    test.send().await.expect(200);
    let patch = world.call("PATCH", &endpoint(&id)).token(&org.owner.token);
    let patch = patch.json(&json!({"enabled": false})).send().await;
    let list = world
        .get("/api/v1/webhook_endpoints", &org.owner)
        .send()
        .await;
    let events = json!(feed(world, &org).await).to_string();
    let shown = [read.expect(200), patch.expect(200), list.expect(200)]
        .map(|answer| answer.json().to_string());
    for text in shown.iter().chain([&events]) {
        assert!(!text.contains("whsec_"), "{text}");
    }
}

/// Neither in a table nor in a page of the file, whatever a retry is answered with.
pub async fn secrets_are_not_in_the_database(world: &World) {
    let org = world.org().await;
    let create = world
        .post("/api/v1/webhook_endpoints", &org.owner)
        .key("create")
        .json(&json!({"url": nowhere(), "events": ["invoice.voided"]}));
    let made = create.clone().send().await.expect(201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let rotate = world
        .post(&format!("{}/rotate_secret", endpoint(&id)), &org.owner)
        .key("rotate");
    let rotated = rotate.clone().send().await.expect(200);
    let secrets = [secret_of(&made), secret_of(&rotated)];
    assert_ne!(secrets[0], secrets[1]);
    for (first, call) in [(&made, create), (&rotated, rotate)] {
        let again = call.send().await;
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        for name in ["etag", "content-type"] {
            assert_eq!(again.header(name), first.header(name));
        }
    }
    assert_eq!(world.count("idempotency_records", org.id).await, 2);
    for secret in &secrets {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for (table, rows) in contents(world.db.db(), &[]).await {
            let found = rows.contains(secret) || rows.to_lowercase().contains(&hex);
            assert!(!found, "{secret} in {table}");
        }
        assert!(!is_in_files(world, secret), "{secret}");
    }
    // The search finds what is there.
    assert!(world.store == Store::Postgres || is_in_files(world, &org.slug));

    const SECRETS: Statement = Statement {
        name: "FIND_SECRETS",
        sql: "SELECT secret, previous_secret FROM webhook_endpoints WHERE organization_id = $1 AND id = $2",
    };
    let mut conn = world.db.db().read().await.unwrap();
    let id: Uuid = id.parse().unwrap();
    let (secret, previous) =
        fetch_one!(&mut conn, SECRETS as (Vec<u8>, Vec<u8>), org.id.0, id).unwrap();
    assert_eq!(secret.len(), previous.len());
    assert_ne!(secret, previous);
}

/// Whether a text is in a file of the database, its log included, as it is on disk. PostgreSQL keeps
/// its files to itself.
fn is_in_files(world: &World, text: &str) -> bool {
    let url = world.db.url();
    let Some(path) = url.strip_prefix("sqlite:") else {
        return false;
    };
    ["", "-wal"].iter().any(|suffix| {
        let bytes = std::fs::read(format!("{path}{suffix}")).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}
