//! What a case finds in place: projects, who is in them, tracked time, invoices. Written as rows,
//! so that a case of one resource does not depend on the routes of another.

use hoursmith_domain::{ClientId, InvoiceId, ProjectId, TaskId};
use hoursmith_kit::Clock as _;
use serde_json::Value;
use uuid::Uuid;

use crate::http::Answer;
use crate::world::{Org, Person, World};

/// An id that nothing has.
pub const NEVER: &str = "01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";

/// Runs a statement that writes; the bound values must be variables.
macro_rules! run {
    ($world:expr, $sql:expr $(, $bind:ident)* $(,)?) => {{
        const STATEMENT: hoursmith_store::Statement = hoursmith_store::Statement {
            name: "SET_THE_SCENE",
            sql: $sql,
        };
        let write = $world.db.db().write(move |conn| {
            Box::pin(async move { hoursmith_store::execute!(conn, STATEMENT $(, $bind)*) })
        });
        write.await.unwrap()
    }};
}
pub(crate) use run;

/// A new id.
pub fn fresh(world: &World) -> Uuid {
    world.operator().random.uuid_v7(world.clock.now())
}

/// A billable project of a client, or of the organization's own, in which nobody is yet.
pub async fn project(world: &World, org: &Org, client: Option<&str>) -> String {
    let (organization, id) = (org.id.0, fresh(world));
    let client = client.map(|client| client.parse::<ClientId>().unwrap().0);
    let name = id.to_string();
    run!(
        world,
        "INSERT INTO projects (organization_id, id, client_id, name, name_key, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $4, 1, 1)",
        organization,
        id,
        client,
        name
    );
    id.to_string()
}

/// A client that is billed in a currency, and a project of it with the people in it.
pub async fn project_in(world: &World, org: &Org, currency: &str, people: &[&Person]) -> String {
    let body = serde_json::json!({"name": fresh(world).to_string(), "currency": currency});
    let client = send(world, &org.owner, "POST", "/clients", &body)
        .await
        .expect(201);
    let project = project(world, org, client.json()["id"].as_str()).await;
    for person in people {
        join(world, org, &project, person).await;
    }
    project
}

/// Adds someone to a project.
pub async fn join(world: &World, org: &Org, project: &str, person: &Person) {
    let (organization, member) = (org.id.0, person.id.0);
    let project = project.parse::<ProjectId>().unwrap().0;
    run!(
        world,
        "INSERT INTO project_members (organization_id, project_id, member_id, created_at) \
         VALUES ($1, $2, $3, 1)",
        organization,
        project,
        member
    );
}

/// An hour that someone tracked on a task.
pub async fn hour(world: &World, org: &Org, project: &str, task: &str, person: &Person) {
    let (organization, id, member) = (org.id.0, fresh(world), person.id.0);
    let project = project.parse::<ProjectId>().unwrap().0;
    let task = task.parse::<TaskId>().unwrap().0;
    run!(
        world,
        "INSERT INTO time_entries (organization_id, id, member_id, project_id, task_id, order_at, spent_on, \
         duration_seconds, rounded_seconds, billable, currency, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, 1, '2026-11-24', 3600, 3600, FALSE, 'EUR', 1, 1)",
        organization,
        id,
        member,
        project,
        task
    );
}

/// A sent invoice of a client.
pub async fn invoice(world: &World, org: &Org, client: &str) -> String {
    let (organization, id) = (org.id.0, fresh(world));
    let client = client.parse::<ClientId>().unwrap().0;
    let number = id.to_string();
    run!(
        world,
        "INSERT INTO invoices (organization_id, id, client_id, number, status, currency, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, 'sent', 'EUR', 1, 1)",
        organization,
        id,
        client,
        number
    );
    InvoiceId(id).to_string()
}

/// Sends a body to a path below `/api/v1`.
pub async fn send(
    world: &World,
    person: &Person,
    method: &str,
    path: &str,
    body: &Value,
) -> Answer {
    let call = world.call(method, &format!("/api/v1{path}"));
    call.token(&person.token).json(body).send().await
}

/// Reads a path below `/api/v1`.
pub async fn get(world: &World, person: &Person, path: &str) -> Answer {
    world.get(&format!("/api/v1{path}"), person).send().await
}

/// Deletes what is at a path below `/api/v1`.
pub async fn delete(world: &World, person: &Person, path: &str) -> Answer {
    let call = world.call("DELETE", &format!("/api/v1{path}"));
    call.token(&person.token).send().await
}

/// What a problem says of fields: where, and its word.
pub fn errors(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = body["errors"].as_array().unwrap().iter();
    errors
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect()
}

/// One field of every row of a list, page by page, as it comes.
pub async fn column(world: &World, person: &Person, path: &str, field: &str) -> Vec<String> {
    let mut found = Vec::new();
    let join = if path.contains('?') { '&' } else { '?' };
    let mut query = format!("{path}{join}limit=2");
    loop {
        let page = get(world, person, &query).await.expect(200).json();
        let rows = page["data"].as_array().unwrap().iter();
        found.extend(rows.map(|row| row[field].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            return found;
        };
        query = format!("{path}{join}limit=2&cursor={cursor}");
    }
}
