//! An organization with a project, and what a test of time needs to set the scene. Rows that other
//! resources make are written here, so that these tests stand on time alone.

use hoursmith_domain::Timestamp;
use hoursmith_kit::{Random as _, SystemRandom};
use hoursmith_store::{Error, Statement, execute, fetch_all, fetch_one};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::Answer;
use crate::world::{Org, Person, World};

hoursmith_store::statements! {
    NEW_PROJECT = "INSERT INTO projects (organization_id, id, client_id, name, name_key, search, billing_method, \
        created_at, updated_at) VALUES ($1, $2, $3, $4, $4, $4, 'hourly', 1, 1)";
    JOIN_PROJECT = "INSERT INTO project_members (organization_id, project_id, member_id, created_at) \
        VALUES ($1, $2, $3, 1)";
    LEAVE_PROJECT = "DELETE FROM project_members WHERE organization_id = $1 AND project_id = $2 AND member_id = $3";
    NEW_TASK = "INSERT INTO tasks (organization_id, id, project_id, name, name_key, search, billable, \
        created_at, updated_at) VALUES ($1, $2, $3, $4, $4, $4, TRUE, 1, 1)";
    NEW_INVOICE = "INSERT INTO invoices (organization_id, id, client_id, number, status, currency, created_at, \
        updated_at) VALUES ($1, $2, $3, $4, 'sent', 'EUR', 1, 1)";
    BILL = "UPDATE time_entries SET invoice_id = $3 WHERE organization_id = $1 AND id = $2";
    ARCHIVE = "UPDATE projects SET archived_at = $3 WHERE organization_id = $1 AND id = $2";
    SET_BILLING_METHOD = "UPDATE projects SET billing_method = $3 WHERE organization_id = $1 AND id = $2";
    SET_PROJECT_RATE = "UPDATE projects SET billable_rate = $3 WHERE organization_id = $1 AND id = $2";
    SET_PROJECT_MEMBER_RATE = "UPDATE project_members SET billable_rate = $3 \
        WHERE organization_id = $1 AND project_id = $2";
    SET_TASK_RATE = "UPDATE tasks SET billable_rate = $3 WHERE organization_id = $1 AND id = $2";
    SET_TASK_BILLABLE = "UPDATE tasks SET billable = ($3 = 'true') WHERE organization_id = $1 AND id = $2";
    SET_MEMBER_RATE = "UPDATE members SET billable_rate = $3 WHERE organization_id = $1 AND id = $2";
    SET_MEMBER_ZONE = "UPDATE members SET timezone = $3 WHERE organization_id = $1 AND id = $2";
    SET_RATE = "UPDATE organizations SET default_billable_rate = $3 WHERE id = $1 AND id = $2";
    SET_ZONE = "UPDATE organizations SET timezone = $3 WHERE id = $1 AND id = $2";
    SET_CURRENCY = "UPDATE organizations SET currency = $3 WHERE id = $1 AND id = $2";
    SET_LOCK_BEFORE = "UPDATE organizations SET lock_before = $3 WHERE id = $1 AND id = $2";
    SET_ROUNDING_MODE = "UPDATE organizations SET rounding_mode = $3 WHERE id = $1 AND id = $2";
    SET_ROUNDING_MINUTES = "UPDATE organizations SET rounding_minutes = $3 WHERE id = $1 AND id = $2";
    REFUSE_OVERLAP = "UPDATE organizations SET allow_overlap = ($3 = 'true') WHERE id = $1 AND id = $2";
    TAG_ROWS = "SELECT t.tag, t.order_at, e.order_at FROM time_entry_tags t \
        JOIN time_entries e ON e.organization_id = t.organization_id AND e.id = t.time_entry_id \
        WHERE t.organization_id = $1 AND e.id = $2";
    COUNT_ENTRIES = "SELECT COUNT(*) FROM time_entries WHERE organization_id = $1";
    COUNT_RUNNING = "SELECT COUNT(*) FROM time_entries WHERE organization_id = $1 AND duration_seconds IS NULL";
    MONTHS = "SELECT project_id, month, tracked_seconds, billable_amount FROM project_months \
        WHERE organization_id = $1";
    EVENTS = "SELECT type, data FROM events WHERE organization_id = $1 ORDER BY position";
    TASK_TOTALS = "SELECT task_id, tracked_seconds FROM task_totals WHERE organization_id = $1";
}

/// Runs a statement on the organization's rows.
macro_rules! run {
    ($studio:expr, $statement:expr $(, $name:ident = $bind:expr)+) => {{
        let (organization, statement) = ($studio.org.id.0, $statement);
        $(let $name = $bind;)+
        let write = $studio.world.db.write::<_, Error>(move |conn| {
            Box::pin(async move { execute!(conn, statement, organization, $($name),+) })
        });
        write.await.unwrap();
    }};
}

/// The path of the collection.
pub const ALL: &str = "/api/v1/time_entries";

/// An organization with a client and a project by the hour, which everybody is in but the admin.
pub struct Studio<'w> {
    pub world: &'w World,
    pub org: Org,
    pub client: Uuid,
    pub project: Uuid,
}

impl<'w> Studio<'w> {
    pub async fn open(world: &'w World) -> Self {
        let org = world.org().await;
        let mut studio = Self {
            world,
            org,
            client: Uuid::nil(),
            project: Uuid::nil(),
        };
        studio.client = studio.client_in("EUR").await;
        studio.project = studio.project_of(Some(studio.client)).await;
        for person in [&studio.org.owner, &studio.org.manager, &studio.org.member] {
            studio.join(studio.project, person).await;
        }
        studio
    }

    pub async fn client_in(&self, currency: &str) -> Uuid {
        let body = json!({"name": new_id(), "currency": currency});
        let call = self.world.post("/api/v1/clients", &self.org.owner);
        id(&call.json(&body).send().await.expect(201).json())
    }

    pub async fn project_of(&self, client: Option<Uuid>) -> Uuid {
        let id = new_id();
        run!(
            self,
            NEW_PROJECT,
            first = id,
            second = client,
            third = id.to_string()
        );
        id
    }

    pub async fn join(&self, project: Uuid, person: &Person) {
        run!(self, JOIN_PROJECT, first = project, second = person.id.0);
    }

    pub async fn leave(&self, project: Uuid, person: &Person) {
        run!(self, LEAVE_PROJECT, first = project, second = person.id.0);
    }

    pub async fn task_of(&self, project: Uuid) -> Uuid {
        let id = new_id();
        run!(
            self,
            NEW_TASK,
            first = id,
            second = project,
            third = id.to_string()
        );
        id
    }

    /// Puts entries on a sent invoice, as sending one does.
    pub async fn bill(&self, entries: &[&Value]) -> Uuid {
        let invoice = new_id();
        run!(
            self,
            NEW_INVOICE,
            first = invoice,
            second = self.client,
            third = invoice.to_string()
        );
        for entry in entries {
            run!(self, BILL, first = id(entry), second = invoice);
        }
        invoice
    }

    /// Sets a number of a row.
    pub async fn set(&self, statement: Statement, row: Uuid, value: Option<i64>) {
        run!(self, statement, first = row, second = value);
    }

    /// Sets a text of a row.
    pub async fn set_text(&self, statement: Statement, row: Uuid, value: Option<&str>) {
        run!(
            self,
            statement,
            first = row,
            second = value.map(str::to_owned)
        );
    }

    /// Sets a text of the organization.
    pub async fn rule(&self, statement: Statement, value: Option<&str>) {
        self.set_text(statement, self.org.id.0, value).await;
    }

    /// Asks for an entry; on the studio's project unless the body says otherwise.
    pub async fn add(&self, person: &Person, body: Value) -> Answer {
        self.add_by(person, "", body).await
    }

    /// The same with a query.
    pub async fn add_by(&self, person: &Person, query: &str, mut body: Value) -> Answer {
        let fields = body.as_object_mut().unwrap();
        fields
            .entry("project_id")
            .or_insert_with(|| json!(self.project));
        let call = self.world.post(&format!("{ALL}{query}"), person);
        call.json(&body).send().await
    }

    /// An entry that must come to be.
    pub async fn added(&self, person: &Person, body: Value) -> Value {
        self.add(person, body).await.expect(201).json()
    }

    pub async fn read(&self, person: &Person, entry: &Value) -> Answer {
        self.world.get(&path(entry), person).send().await
    }

    pub async fn change(&self, person: &Person, entry: &Value, body: Value) -> Answer {
        let call = self.world.call("PATCH", &path(entry));
        call.token(&person.token).json(&body).send().await
    }

    /// A change that must be made.
    pub async fn changed(&self, person: &Person, entry: &Value, body: Value) -> Value {
        self.change(person, entry, body).await.expect(200).json()
    }

    pub async fn stop(&self, person: &Person, entry: &Value) -> Answer {
        let url = format!("{}/stop", path(entry));
        self.world.post(&url, person).send().await
    }

    pub async fn delete(&self, person: &Person, entry: &Value) -> Answer {
        let call = self.world.call("DELETE", &path(entry));
        call.token(&person.token).send().await
    }

    /// The entries of one page of a list.
    pub async fn list(&self, person: &Person, query: &str) -> Vec<Value> {
        let answer = self
            .world
            .get(&format!("{ALL}{query}"), person)
            .send()
            .await;
        answer.expect(200).json()["data"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// The tags that an entry is found by, each at the entry's place.
    pub async fn tag_rows(&self, entry: &Value) -> Vec<String> {
        let mut conn = self.world.db.read().await.unwrap();
        let rows = fetch_all!(
            &mut conn,
            TAG_ROWS as (String, i64, i64),
            self.org.id.0,
            id(entry)
        );
        let mut tags: Vec<String> = rows
            .unwrap()
            .into_iter()
            .map(|(tag, place, of_entry)| {
                assert_eq!(place, of_entry, "{tag} stands where its entry stands");
                tag
            })
            .collect();
        tags.sort();
        tags
    }

    pub async fn count(&self, statement: Statement) -> i64 {
        let mut conn = self.world.db.read().await.unwrap();
        let (count,) = fetch_one!(&mut conn, statement as (i64,), self.org.id.0).unwrap();
        count
    }

    /// The events of entries: type and data.
    pub async fn events(&self) -> Vec<(String, Value)> {
        let mut conn = self.world.db.read().await.unwrap();
        let rows = fetch_all!(&mut conn, EVENTS as (String, String), self.org.id.0);
        rows.unwrap()
            .into_iter()
            .filter(|(kind, _)| kind.starts_with("time_entry."))
            .map(|(kind, data)| (kind, serde_json::from_str(&data).unwrap()))
            .collect()
    }

    /// The totals of projects by month, and of tasks, where they are not zero.
    pub async fn totals(&self) -> (Vec<(Uuid, String, i64, i64)>, Vec<(Uuid, i64)>) {
        let mut conn = self.world.db.read().await.unwrap();
        let months = fetch_all!(&mut conn, MONTHS as (Uuid, String, i64, i64), self.org.id.0);
        let tasks = fetch_all!(&mut conn, TASK_TOTALS as (Uuid, i64), self.org.id.0);
        let (mut months, mut tasks) = (months.unwrap(), tasks.unwrap());
        months.retain(|(_, _, seconds, amount)| (*seconds, *amount) != (0, 0));
        tasks.retain(|(_, seconds)| *seconds != 0);
        months.sort();
        tasks.sort();
        (months, tasks)
    }
}

fn new_id() -> Uuid {
    SystemRandom.uuid_v7(Timestamp::from_micros(0))
}

/// The id of a resource.
pub fn id(resource: &Value) -> Uuid {
    resource["id"].as_str().unwrap().parse().unwrap()
}

/// The path of an entry.
pub fn path(entry: &Value) -> String {
    format!("{ALL}/{}", id(entry))
}

/// The pointers and codes of a refusal.
pub fn errors(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = body["errors"].as_array().unwrap();
    list.iter()
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect()
}

/// Fails unless the answer refuses one field with a code.
#[track_caller]
pub fn refuses(answer: Answer, pointer: &str, code: &str) {
    let answer = answer.expect_problem(422, "validation_failed");
    let expected = vec![(pointer.to_owned(), code.to_owned())];
    assert_eq!(errors(&answer), expected, "{answer:?}");
}

/// Fails unless these fields of an object have these values.
#[track_caller]
pub fn has(object: &Value, fields: Value) {
    for (field, value) in fields.as_object().unwrap() {
        assert_eq!(&object[field], value, "{field} of {object:#}");
    }
}
