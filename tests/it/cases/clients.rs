//! Me, organization and clients.

use serde_json::{Value, json};

use super::projects::{join, project};
use crate::http::Answer;
use crate::world::{Org, Person, World};

/// Creates a client and gives what the API answered.
pub async fn create(world: &World, person: &Person, body: &Value) -> Answer {
    world
        .post("/api/v1/clients", person)
        .json(body)
        .send()
        .await
}

/// Creates a client that must come to be, and gives its id.
pub async fn created(world: &World, person: &Person, name: &str) -> String {
    let answer = create(world, person, &json!({ "name": name }))
        .await
        .expect(201);
    answer.json()["id"].as_str().unwrap().to_owned()
}

pub fn path(id: &str) -> String {
    format!("/api/v1/clients/{id}")
}

pub async fn me_tells_whom_the_token_acts_as(world: &World) {
    let org = world.org().await;
    let me = world
        .get("/api/v1/me", &org.manager)
        .send()
        .await
        .expect(200);
    let body = me.json();
    assert_eq!(body["id"], org.manager.id.to_string());
    assert_eq!(body["organization_id"], org.id.to_string());
    assert_eq!(body["email"], org.manager.email);
    assert_eq!(body["role"], "manager");
    assert_eq!(body["timezone"], "Europe/Berlin");
    assert_eq!(body["currency"], "EUR");
    assert_eq!(body["token"]["scope"], "write");
    assert!(
        org.manager
            .token
            .ends_with(body["token"]["last_four"].as_str().unwrap())
    );
    assert!(
        !me.body
            .windows(20)
            .any(|part| org.manager.token.as_bytes().starts_with(part))
    );
    let again = world
        .get("/api/v1/me", &org.manager)
        .header("if-none-match", me.header("etag"))
        .send()
        .await;
    assert!(again.expect(304).body.is_empty());
}

pub async fn the_organization_is_read(world: &World) {
    let org = world.org().await;
    let body = world
        .get("/api/v1/organization", &org.member)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(body["id"], org.id.to_string());
    assert_eq!(
        (&body["slug"], &body["plan"]),
        (&json!(org.slug), &json!("agency"))
    );
    assert_eq!(
        body["rounding"],
        json!({"mode": "none", "minutes": 1, "target": "entry"})
    );
}

pub async fn a_client_is_created_read_changed_and_deleted(world: &World) {
    let org = world.org().await;
    let body = json!({
        "name": "Ümlaut & Söhne 🦀", "number": "C-1", "currency": "KWD", "email": "a@b.example", "phone": "+49 30 1",
        "address": {"line1": "Straße 1", "city": "Berlin", "country": "DE"}, "vat_id": "DE1",
        "billable_rate": "95.1250", "payment_terms_days": 14, "notes": "two\nlines",
        "external_reference": {"service": "xero", "id": "7", "url": "https://xero.example/7"},
        "metadata": {"a": "1", "b": "2"}
    });
    let answer = create(world, &org.owner, &body).await.expect(201);
    let client = answer.json();
    let id = client["id"].as_str().unwrap();
    assert!(answer.header("location").ends_with(&path(id)), "{answer:?}");
    for (field, value) in body.as_object().unwrap() {
        match field.as_str() {
            "billable_rate" => assert_eq!(client[field], "95.125"),
            "address" => assert_eq!(client[field]["line2"], Value::Null),
            _ => assert_eq!(&client[field], value, "{field}"),
        }
    }
    let read = world.get(&path(id), &org.owner).send().await.expect(200);
    assert_eq!(
        (read.json(), read.header("etag")),
        (client.clone(), answer.header("etag"))
    );

    let patch = json!({"name": "Renamed", "archived": true});
    let patched = world
        .call("PATCH", &path(id))
        .token(&org.admin.token)
        .json(&patch)
        .send()
        .await
        .expect(200);
    assert_ne!(patched.header("etag"), read.header("etag"));
    let now = patched.json();
    assert_eq!(
        (&now["name"], &now["archived"], &now["number"]),
        (&json!("Renamed"), &json!(true), &json!("C-1"))
    );
    assert!(now["archived_at"].is_string());

    let deleted = world
        .call("DELETE", &path(id))
        .token(&org.owner.token)
        .send()
        .await
        .expect(204);
    assert!(deleted.body.is_empty());
    world
        .get(&path(id), &org.owner)
        .send()
        .await
        .expect_problem(404, "not_found");
    world
        .call("DELETE", &path(id))
        .token(&org.owner.token)
        .send()
        .await
        .expect_problem(404, "not_found");
}

pub async fn a_patch_merges(world: &World) {
    let org = world.org().await;
    let body = json!({
        "name": "A", "notes": "n", "email": "a@b.example",
        "address": {"line1": "1", "city": "C"}, "metadata": {"keep": "1", "drop": "2"}
    });
    let id = create(world, &org.owner, &body).await.expect(201).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let patch = async |body: Value| {
        let call = world.call("PATCH", &path(&id)).token(&org.owner.token);
        call.raw("application/merge-patch+json", body.to_string())
            .send()
            .await
    };
    let merged = patch(json!({
        "notes": null, "address": {"city": null, "state": "S"}, "metadata": {"drop": null, "new": "3"}
    }))
    .await
    .expect(200)
    .json();
    assert_eq!(merged["notes"], Value::Null);
    assert_eq!(merged["email"], "a@b.example");
    assert_eq!(merged["metadata"], json!({"keep": "1", "new": "3"}));
    let address = &merged["address"];
    assert_eq!(
        (&address["line1"], &address["city"], &address["state"]),
        (&json!("1"), &Value::Null, &json!("S"))
    );
    let events = world.count("events", org.id).await;
    let same = patch(json!({"email": "a@b.example"}))
        .await
        .expect(200)
        .json();
    assert_eq!(same["updated_at"], merged["updated_at"], "nothing changed");
    assert_eq!(
        world.count("events", org.id).await,
        events,
        "nothing happened"
    );
    let reference = |body: Value| patch(json!({ "external_reference": body }));
    reference(json!({"url": "https://x.example"}))
        .await
        .expect_problem(422, "validation_failed");
    reference(json!({"service": "xero", "id": "7"}))
        .await
        .expect(200);
    let linked = reference(json!({"url": "https://x.example"}))
        .await
        .expect(200)
        .json();
    let whole = json!({"service": "xero", "id": "7", "url": "https://x.example"});
    assert_eq!(linked["external_reference"], whole);
    reference(json!({"id": null}))
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(
        reference(Value::Null).await.expect(200).json()["external_reference"],
        Value::Null
    );
    let cleared = patch(json!({"address": null, "metadata": null}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&cleared["address"], &cleared["metadata"]),
        (&Value::Null, &json!({}))
    );
    patch(json!({"name": null}))
        .await
        .expect_problem(422, "validation_failed");
}

pub async fn conditions_are_checked(world: &World) {
    let org = world.org().await;
    let answer = create(world, &org.owner, &json!({"name": "A"}))
        .await
        .expect(201);
    let first = answer.header("etag").to_owned();
    let url = path(answer.json()["id"].as_str().unwrap());
    let change = |etag: &str, name: &str| {
        world
            .call("PATCH", &url)
            .token(&org.owner.token)
            .header("if-match", etag)
            .json(&json!({ "name": name }))
            .send()
    };
    let second = change(&first, "B")
        .await
        .expect(200)
        .header("etag")
        .to_owned();
    let refused = change(&first, "C")
        .await
        .expect_problem(412, "precondition_failed");
    assert_eq!(refused.header("etag"), "\"2\"");
    assert!(second.starts_with("\"2-"), "{second}");
    world
        .get(&url, &org.owner)
        .header("if-none-match", &second)
        .send()
        .await
        .expect(304);
    world
        .get(&url, &org.owner)
        .header("if-none-match", &first)
        .send()
        .await
        .expect(200);
    let delete = |etag: &str| {
        world
            .call("DELETE", &url)
            .token(&org.owner.token)
            .header("if-match", etag)
            .send()
    };
    delete(&first)
        .await
        .expect_problem(412, "precondition_failed");
    delete("\"9\", *")
        .await
        .expect_problem(412, "precondition_failed");
    delete("*").await.expect(204);
}

pub async fn every_invalid_field_is_named(world: &World) {
    let org = world.org().await;
    let body = json!({
        "id": "x", "colour": "red", "currency": "EURO", "email": "nobody", "billable_rate": 95,
        "payment_terms_days": -1, "address": {"country": "Germany", "planet": "Earth"},
        "external_reference": {"service": "xero", "id": 7}, "metadata": {"a": 1}, "archived": "yes", "notes": "\u{202e}"
    });
    let answer = create(world, &org.owner, &body)
        .await
        .expect_problem(422, "validation_failed");
    let errors = answer.json()["errors"].clone();
    let found: Vec<(&str, &str)> = errors
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (
                error["pointer"].as_str().unwrap(),
                error["code"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("#/address/country", "invalid_country"),
        ("#/address/planet", "unknown_field"),
        ("#/archived", "type"),
        ("#/billable_rate", "type"),
        ("#/colour", "unknown_field"),
        ("#/currency", "invalid_currency"),
        ("#/email", "invalid_email"),
        ("#/external_reference/id", "type"),
        ("#/id", "read_only"),
        ("#/metadata/a", "type"),
        ("#/name", "required"),
        ("#/notes", "invalid_character"),
        ("#/payment_terms_days", "out_of_range"),
    ];
    assert_eq!(found, expected);
    assert_eq!(world.count("clients", org.id).await, 0);
}

pub async fn names_are_unique_whatever_their_case(world: &World) {
    let org = world.org().await;
    created(world, &org.owner, "Ärger").await;
    let other = created(world, &org.owner, "Other").await;
    let taken = create(world, &org.owner, &json!({"name": "ÄRGER"}))
        .await
        .expect_problem(409, "conflict");
    assert_eq!(taken.json()["errors"][0]["pointer"], "#/name");
    let rename = world
        .call("PATCH", &path(&other))
        .token(&org.owner.token)
        .json(&json!({"name": "äRGER"}));
    rename.send().await.expect_problem(409, "conflict");
    let own_case = world
        .call("PATCH", &path(&other))
        .token(&org.owner.token)
        .json(&json!({"name": "OTHER"}));
    own_case.send().await.expect(200);
    let neighbour = world.org().await;
    created(world, &neighbour.owner, "Ärger").await;
}

pub async fn a_client_with_projects_is_in_use(world: &World) {
    let org = world.org().await;
    let id = created(world, &org.owner, "Busy").await;
    give_project(world, &org, &id, &org.manager).await;
    let delete = world
        .call("DELETE", &path(&id))
        .token(&org.owner.token)
        .send()
        .await;
    assert!(
        delete.expect_problem(409, "in_use").json()["detail"]
            .as_str()
            .unwrap()
            .contains("archived")
    );
    world.get(&path(&id), &org.owner).send().await.expect(200);
}

/// A project of the client, with a member.
pub async fn give_project(world: &World, org: &Org, client: &str, person: &Person) {
    let body = json!({"name": person.id.to_string(), "client_id": client});
    let project = project(world, &org.owner, &body).await;
    join(world, &org.owner, &project, person).await;
}
