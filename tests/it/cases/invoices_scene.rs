//! What invoices are made of, and how they are sent: rows in the tables, and a voice on the bus.

use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Bus, Envelope, Head, Now, Subject, Verdict};
use hoursmith_domain::{
    CallerAuthority, Door, Keys, Plan, RequestId, Role, Scope, SecretKey, TokenId, UserId,
};
use hoursmith_kit::{Clock as _, Random as _, SystemRandom};
use hoursmith_nats::{Credentials, NatsBus, NatsSettings};
use hoursmith_store::{Conn, Error, Statement, execute, fetch_all, fetch_one};
use serde_json::{Value, json};
use uuid::Uuid;

use super::clients::create;
use crate::processes::password;
use crate::world::{Org, Person, SECRET, World};

const PROJECT: Statement = Statement {
    name: "INSERT_PROJECT",
    sql: "INSERT INTO projects (organization_id, id, client_id, name, name_key, search, billing_method, \
          fixed_fee, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $4, $6, $7, 1, 1)",
};
const TASK: Statement = Statement {
    name: "INSERT_TASK",
    sql: "INSERT INTO tasks (organization_id, id, project_id, name, name_key, search, billable, created_at, \
          updated_at) VALUES ($1, $2, $3, $4, $4, $4, TRUE, 1, 1)",
};
const ENTRY: Statement = Statement {
    name: "INSERT_ENTRY",
    sql: "INSERT INTO time_entries (organization_id, id, member_id, project_id, client_id, task_id, order_at, \
          spent_on, duration_seconds, rounded_seconds, billable, rate, rate_source, amount, currency, \
          created_at, updated_at) \
          SELECT $1, $2, $3, p.id, p.client_id, $5, 1, $6, $7, $7, $8 IS NOT NULL, $8, \
          CASE WHEN $8 IS NULL THEN NULL ELSE 'project' END, $9, c.currency, 1, 1 \
          FROM projects p JOIN clients c ON c.organization_id = p.organization_id AND c.id = p.client_id \
          WHERE p.organization_id = $1 AND p.id = $4",
};
const EXPENSE: Statement = Statement {
    name: "INSERT_EXPENSE",
    sql: "INSERT INTO expenses (organization_id, id, member_id, project_id, client_id, spent_on, category, \
          description, quantity, unit_price, amount, currency, billable, reimbursable, created_at, updated_at) \
          SELECT $1, $2, $3, p.id, p.client_id, $5, 'Travel', $6, $7, $8, $9, c.currency, $10, FALSE, 1, 1 \
          FROM projects p JOIN clients c ON c.organization_id = p.organization_id AND c.id = p.client_id \
          WHERE p.organization_id = $1 AND p.id = $4",
};
const DRAFT: Statement = Statement {
    name: "INSERT_DRAFT",
    sql: "INSERT INTO invoices (organization_id, id, client_id, status, currency, created_at, updated_at) \
          SELECT $1, $2, c.id, 'draft', c.currency, $4, $4 FROM clients c \
          WHERE c.organization_id = $1 AND c.id = $3",
};
const ENTRIES: Statement = Statement {
    name: "LIST_ENTRIES",
    sql: "SELECT id, invoice_id FROM time_entries WHERE organization_id = $1 ORDER BY spent_on, id",
};
const EVENTS: Statement = Statement {
    name: "COUNT_EVENTS_OF",
    sql: "SELECT COUNT(*) FROM events WHERE organization_id = $1 AND resource_id = $2 AND type = $3",
};
const EVENT: Statement = Statement {
    name: "LAST_EVENT_OF",
    sql: "SELECT data FROM events WHERE organization_id = $1 AND resource_id = $2 AND type = $3 \
          ORDER BY position DESC LIMIT 1",
};

/// An organization that bills.
pub struct Scene<'a> {
    pub world: &'a World,
    pub org: Org,
    bus: Arc<dyn Bus>,
}

/// Who asks on the bus.
#[derive(Clone, Copy)]
pub struct Asker {
    pub role: Role,
    pub plan: Plan,
    pub scope: Scope,
}

/// A time entry to write. Amounts in 1/10,000.
pub struct Entry {
    pub project: Uuid,
    pub task: Option<Uuid>,
    pub spent_on: &'static str,
    pub seconds: i64,
    pub rate: Option<i64>,
    pub amount: Option<i64>,
}

pub const OWNER: Asker = Asker {
    role: Role::Owner,
    plan: Plan::Studio,
    scope: Scope::Write,
};

fn id() -> Uuid {
    SystemRandom.uuid_v7(hoursmith_kit::SystemClock::new().now())
}

/// `/api/v1/invoices/{id}`
pub fn invoice(id: Uuid) -> String {
    format!("/api/v1/invoices/{id}")
}

impl<'a> Scene<'a> {
    pub async fn new(world: &'a World) -> Self {
        let bus = if world.processes.is_empty() {
            Arc::clone(world.running().bus())
        } else {
            // As the gateway, which is the one that may ask the resource.
            let clock = Arc::clone(&world.clock);
            let now: Now = Arc::new(move || clock.now());
            let mut settings = NatsSettings::new(world.nats.as_ref().unwrap().url(), "gateway");
            settings.credentials = Credentials::Password {
                user: "gateway".to_owned(),
                password: password("gateway").into(),
            };
            NatsBus::connect(settings, now).await.unwrap()
        };
        Self {
            org: world.org().await,
            world,
            bus,
        }
    }

    /// A client in a currency, with payment terms.
    pub async fn client(&self, name: &str, currency: &str, terms: Option<i64>) -> Uuid {
        let body = json!({"name": name, "currency": currency, "payment_terms_days": terms});
        let answer = create(self.world, &self.org.owner, &body).await.expect(201);
        answer.json()["id"].as_str().unwrap().parse().unwrap()
    }

    /// A project: of a fee when there is one, else by the hour.
    pub async fn project(&self, client: Uuid, name: &str, fee: Option<i64>) -> Uuid {
        let (organization, project) = (self.org.id.0, id());
        let (name, key) = (name.to_owned(), project.to_string());
        let method = if fee.is_some() { "fixed" } else { "hourly" };
        self.write(move |conn| {
            Box::pin(async move {
                execute!(
                    conn,
                    PROJECT,
                    organization,
                    project,
                    client,
                    name,
                    key,
                    method,
                    fee
                )
            })
        })
        .await;
        project
    }

    pub async fn task(&self, project: Uuid, name: &'static str) -> Uuid {
        let (organization, task) = (self.org.id.0, id());
        self.write(move |conn| {
            Box::pin(async move { execute!(conn, TASK, organization, task, project, name) })
        })
        .await;
        task
    }

    pub async fn entry(&self, entry: Entry) -> Uuid {
        let (organization, member, made) = (self.org.id.0, self.org.member.id.0, id());
        self.write(move |conn| {
            Box::pin(async move {
                execute!(
                    conn,
                    ENTRY,
                    organization,
                    made,
                    member,
                    entry.project,
                    entry.task,
                    entry.spent_on,
                    entry.seconds,
                    entry.rate,
                    entry.amount
                )
            })
        })
        .await;
        made
    }

    /// An hour at 100.
    pub async fn hour(&self, project: Uuid, spent_on: &'static str) -> Uuid {
        self.entry(Entry {
            project,
            task: None,
            spent_on,
            seconds: 3600,
            rate: Some(1_000_000),
            amount: Some(1_000_000),
        })
        .await
    }

    /// An expense of an amount, or of a quantity and a unit price.
    pub async fn expense(
        &self,
        project: Uuid,
        spent_on: &'static str,
        of: Option<(i64, i64)>,
        amount: i64,
        billable: bool,
    ) -> Uuid {
        let mut made = self
            .expenses(1, project, spent_on, of, amount, billable)
            .await;
        made.remove(0)
    }

    /// So many expenses that are alike.
    pub async fn expenses(
        &self,
        count: usize,
        project: Uuid,
        spent_on: &'static str,
        of: Option<(i64, i64)>,
        amount: i64,
        billable: bool,
    ) -> Vec<Uuid> {
        let (organization, member) = (self.org.id.0, self.org.member.id.0);
        let (quantity, price) = of.unzip();
        let made: Vec<Uuid> = (0..count).map(|_| id()).collect();
        let ids = made.clone();
        self.write(move |conn| {
            Box::pin(async move {
                let mut rows = 0;
                for id in ids {
                    rows += execute!(
                        conn,
                        EXPENSE,
                        organization,
                        id,
                        member,
                        project,
                        spent_on,
                        "Train",
                        quantity,
                        price,
                        amount,
                        billable
                    )?;
                }
                Ok(rows)
            })
        })
        .await;
        made
    }

    /// The row of a draft; what follows it is read from what is there.
    pub async fn draft(&self, client: Uuid) -> Uuid {
        let (organization, draft) = (self.org.id.0, id());
        let now = self.world.clock.now().as_micros();
        self.write(move |conn| {
            Box::pin(async move { execute!(conn, DRAFT, organization, draft, client, now) })
        })
        .await;
        draft
    }

    /// A client with an hour to bill, and its draft.
    pub async fn hour_to_bill(&self, name: &str) -> Uuid {
        let client = self.client(name, "EUR", None).await;
        let project = self.project(client, name, None).await;
        self.hour(project, "2026-11-02").await;
        self.draft(client).await
    }

    /// Runs a statement.
    pub async fn write<F>(&self, job: F)
    where
        F: for<'t> FnOnce(&'t mut Conn) -> futures::future::BoxFuture<'t, Result<u64, Error>>
            + Send
            + 'static,
    {
        let rows = self.world.db.db().write(job).await.unwrap();
        assert!(rows > 0, "a row was written");
    }

    pub async fn get(&self, path: &str) -> crate::http::Answer {
        let owner: &Person = &self.org.owner;
        self.world.get(path, owner).send().await.expect(200)
    }

    /// The client's open draft, by the list.
    pub async fn open_draft(&self, client: Uuid) -> Option<Value> {
        let path = format!("/api/v1/invoices?status=draft&client_id={client}");
        let page = self.get(&path).await.json();
        assert!(page["data"].as_array().unwrap().len() <= 1);
        page["data"].get(0).cloned()
    }

    /// Id and invoice of every time entry, oldest first.
    pub async fn entries(&self) -> Vec<(Uuid, Option<Uuid>)> {
        let mut conn = self.world.db.db().read().await.unwrap();
        fetch_all!(&mut conn, ENTRIES as (Uuid, Option<Uuid>), self.org.id.0).unwrap()
    }

    /// How often something happened to an invoice.
    pub async fn events(&self, invoice: Uuid, kind: &str) -> i64 {
        let mut conn = self.world.db.db().read().await.unwrap();
        let (count,) =
            fetch_one!(&mut conn, EVENTS as (i64,), self.org.id.0, invoice, kind).unwrap();
        count
    }

    /// The data of the last event of a type.
    pub async fn event(&self, invoice: Uuid, kind: &str) -> Value {
        let mut conn = self.world.db.db().read().await.unwrap();
        let (data,) =
            fetch_one!(&mut conn, EVENT as (String,), self.org.id.0, invoice, kind).unwrap();
        serde_json::from_str(&data).unwrap()
    }

    /// Asks for an operation as an owner.
    pub async fn ask(&self, action: &str, invoice: Uuid, body: &Value) -> (u16, Value) {
        self.ask_as(OWNER, action, invoice, body).await
    }

    /// Asks for an operation on the bus, as the app would: with a sealed caller.
    pub async fn ask_as(
        &self,
        asker: Asker,
        action: &str,
        invoice: Uuid,
        body: &Value,
    ) -> (u16, Value) {
        let keys = Keys::derive(&SecretKey::from_bytes(SECRET));
        let now = self.world.clock.now();
        let deadline = now.plus(Duration::from_secs(20));
        let request = RequestId(SystemRandom.uuid_v7(now));
        let route = format!("invoice.{action}");
        let mut head = Head::new(
            request,
            route.as_str(),
            format!("/invoices/{invoice}/{action}"),
        );
        head.path_params = vec![("invoice_id".to_owned(), invoice.to_string())];
        head.caller = Some(CallerAuthority::new(keys.clone()).vouch(
            request,
            deadline,
            self.org.id,
            UserId(id()),
            self.org.owner.id,
            TokenId(id()),
            asker.role,
            asker.plan,
            asker.scope,
            Door::Api,
        ));
        let operation = hoursmith_routes::operations().find(|one| one.id == route);
        let subject = Subject::new(&operation.unwrap().subject()).unwrap();
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let question = Envelope::new(deadline, head.encode(), body).sealed(&subject, &keys);
        let answer = self.bus.request(subject.clone(), question.clone()).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error:?}"));
        answer.verify_answer(&subject, &question, &keys).unwrap();
        match Verdict::from_envelope(answer, &subject).unwrap() {
            Verdict::Respond(response) => (
                response.status,
                serde_json::from_slice(&response.body).unwrap(),
            ),
            other => panic!("{other:?}"),
        }
    }
}
