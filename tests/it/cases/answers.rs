//! Events as they are stored, numbered or not, for cases that look behind the API.

use hoursmith_domain::OrganizationId;
use serde_json::Value;

use crate::world::World;

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
