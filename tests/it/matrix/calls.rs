//! A request for each row of the access table.

use serde_json::{Value, json};

use super::scene::{Caller, Scene};
use super::{Row, Target};
use crate::cases::nowhere;
use crate::http::{Call, Connection};

/// The statuses of success.
pub fn success(row: &Row) -> &'static [u16] {
    match row.action {
        "create" => &[201],
        "put" => &[200, 201],
        "delete" => &[204],
        _ => &[200],
    }
}

/// The request of a row at a target, or at a thing made for it, without a token.
pub fn call(
    scene: &Scene,
    line: &Connection,
    row: &Row,
    caller: &Caller,
    target: Target,
    fresh: Option<&str>,
) -> Call {
    let id = fresh.map_or_else(|| scene.id(row, caller, target), str::to_owned);
    let mut path = row.path.to_owned();
    if row.resource == "project_member" {
        let (project, member) = scene.membership(caller, target);
        path = path
            .replace("{project_id}", &project)
            .replace("{member_id}", &member);
    } else if let (Some(start), Some(end)) = (path.find('{'), path.find('}')) {
        path.replace_range(start..=end, &id);
    }
    if row.action == "list" {
        path.push_str("?limit=200");
    }
    let request = Call::new(line.address(), row.method, &path);
    match body(scene, row, caller, target) {
        Some(body) => request.json(&body),
        None => request,
    }
}

fn body(scene: &Scene, row: &Row, caller: &Caller, target: Target) -> Option<Value> {
    let (project, member) = scene.membership(caller, target);
    let client = scene.client(target);
    Some(match (row.resource, row.action) {
        ("client", "create") => json!({"name": scene.name()}),
        ("project", "create") => json!({"name": scene.name(), "client_id": client}),
        ("task", "create") => json!({"name": scene.name(), "project_id": project}),
        ("time_entry", "create") => json!({
            "project_id": project, "member_id": member,
            "spent_on": "2026-11-03", "duration_seconds": 900,
        }),
        ("expense", "create") => json!({
            "project_id": project, "member_id": member, "spent_on": "2026-11-03", "amount": "12.50",
        }),
        ("webhook_endpoint", "create") => {
            json!({"url": nowhere(), "events": ["invoice.voided"]})
        }
        ("webhook_endpoint", "replay") => json!({"since": "2026-01-01T00:00:00Z", "dry_run": true}),
        // What a member who is assigned may change as well.
        ("task", "update") => json!({"status": "completed"}),
        ("project_member", "put") => json!({"billable_rate": "88.00"}),
        (_, "update") => json!({"metadata": {"seen": scene.name()}}),
        _ => return None,
    })
}
