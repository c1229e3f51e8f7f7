//! The change feed's rows, which no route shows yet.

use hoursmith_domain::{OrganizationId, Plan, Role};
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

    let events = events(world, org.id, "client.").await;
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

pub async fn every_change_of_a_member_has_its_event(world: &World) {
    let org = world.org().await;
    let (operator, email) = (world.operator(), &org.member.email);
    operator
        .set_role(&org.slug, email, Role::Member)
        .await
        .unwrap();
    operator
        .set_role(&org.slug, email, Role::Manager)
        .await
        .unwrap();
    operator.set_plan(&org.slug, Plan::Agency).await.unwrap();
    operator.set_plan(&org.slug, Plan::Studio).await.unwrap();
    operator.remove_member(&org.slug, email).await.unwrap();
    assert!(
        operator.remove_member(&org.slug, email).await.is_err(),
        "nobody is there any more"
    );

    let members = events(world, org.id, "member.").await;
    let kinds: Vec<&str> = members.iter().map(|(kind, _)| kind.as_str()).collect();
    let added = "member.added";
    assert_eq!(
        kinds,
        [
            added,
            added,
            added,
            added,
            "member.updated",
            "member.removed"
        ]
    );
    let object = |at: usize| &members[at].1["object"];
    assert_eq!(
        (&object(0)["role"], &object(0)["status"]),
        (&json!("owner"), &json!("active"))
    );
    assert_eq!(
        members[4].1["previous_attributes"],
        json!({"role": "member"})
    );
    assert_eq!(object(4)["role"], "manager");
    assert_eq!(
        members[5].1["previous_attributes"],
        json!({"status": "active"})
    );
    assert_eq!(
        (&object(5)["id"], &object(5)["email"]),
        (&json!(org.member.id.to_string()), &json!(email))
    );
    let plans = events(world, org.id, "organization.").await;
    assert_eq!(plans.len(), 1, "a change to what it was is none");
    assert_eq!(plans[0].0, "organization.updated");
    assert_eq!(plans[0].1["previous_attributes"], json!({"plan": "agency"}));
    assert_eq!(plans[0].1["object"]["plan"], "studio");
}

/// The rows of the change feed whose types begin so, in order.
pub async fn events(
    world: &World,
    organization: OrganizationId,
    kind: &str,
) -> Vec<(String, Value)> {
    const EVENTS: hoursmith_store::Statement = hoursmith_store::Statement {
        name: "LIST_EVENTS",
        sql: "SELECT type, data FROM events WHERE organization_id = $1 ORDER BY position",
    };
    let mut conn = world.db.db().read().await.unwrap();
    let rows = hoursmith_store::fetch_all!(&mut conn, EVENTS as (String, String), organization.0);
    rows.unwrap()
        .into_iter()
        .filter(|(given, _)| given.starts_with(kind))
        .map(|(given, data)| (given, serde_json::from_str(&data).unwrap()))
        .collect()
}
