//! The change feed's rows, which no route shows yet.

use serde_json::{Value, json};

use super::clients::{create, path};
use crate::world::World;

pub async fn every_change_has_its_event(world: &World) {
    let org = world.org().await;
    let created = create(
        world,
        &org.owner,
        &json!({"name": "A", "billable_rate": "1.5"}),
    )
    .await
    .expect(201)
    .json();
    let url = path(created["id"].as_str().unwrap());
    let patch = world
        .call("PATCH", &url)
        .token(&org.owner.token)
        .json(&json!({"name": "B"}));
    let patched = patch.send().await.expect(200).json();
    world
        .call("DELETE", &url)
        .token(&org.owner.token)
        .send()
        .await
        .expect(204);
    create(world, &org.owner, &json!({"nam": "x"}))
        .await
        .expect(422);

    const EVENTS: hoursmith_store::Statement = hoursmith_store::Statement {
        name: "LIST_EVENTS",
        sql: "SELECT type, data FROM events WHERE organization_id = $1 AND type LIKE 'client.%' ORDER BY position",
    };
    let mut conn = world.db.db().read().await.unwrap();
    let rows =
        hoursmith_store::fetch_all!(&mut conn, EVENTS as (String, String), org.id.0).unwrap();
    let events: Vec<(String, Value)> = rows
        .into_iter()
        .map(|(kind, data)| (kind, serde_json::from_str(&data).unwrap()))
        .collect();
    let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["client.created", "client.updated", "client.deleted"]
    );
    assert_eq!(events[0].1, json!({"object": created}));
    assert_eq!(
        events[1].1,
        json!({"object": patched, "previous_attributes": {"name": "A"}})
    );
    assert_eq!(events[2].1, json!({"object": patched}));
}
