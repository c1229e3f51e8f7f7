//! What an entry says of its invoice, which others set.

use std::sync::Arc;

use hoursmith_domain::{ClientId, InvoiceId, OrganizationId, Plan, ProjectId, Role, RoundingMode};
use hoursmith_kit::{Clock, Random, SystemClock, SystemRandom};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{execute, fetch_all};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{create, id, terms};
use crate::admin::{Admin, NewMember, NewOrganization};
use crate::error::Error;
use crate::invoice::Billing;
use crate::time_entry::{sql, tell_of_invoice};
use crate::write::Stamp;

hoursmith_store::statements! {
    NEW_CLIENT = "INSERT INTO clients (organization_id, id, name, name_key, search, currency, created_at, updated_at)
        VALUES ($1, $2, 'c', 'c', 'c', 'EUR', 0, 0)";
    NEW_PROJECT = "INSERT INTO projects (organization_id, id, client_id, name, name_key, created_at, updated_at)
        VALUES ($1, $2, $3, 'p', 'p', 0, 0)";
    NEW_INVOICE = "INSERT INTO invoices (organization_id, id, client_id, number, status, currency, created_at, updated_at)
        VALUES ($1, $2, $3, 'N-1', 'sent', 'EUR', 0, 0)";
    BILL = "UPDATE time_entries SET invoice_id = $2 WHERE organization_id = $1";
    EVENTS = "SELECT data FROM events WHERE organization_id = $1 AND type = 'time_entry.updated' ORDER BY position";
}

/// Makes an organization; gives it with its owner.
async fn organization(db: &TestDb) -> (OrganizationId, hoursmith_domain::MemberId) {
    let admin = Admin {
        db: db.db().clone(),
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
    };
    let new = NewOrganization {
        name: "o".to_owned(),
        slug: "o".to_owned(),
        plan: Plan::Agency,
        currency: "EUR".parse().unwrap(),
        timezone: "Europe/Berlin".to_owned(),
    };
    let owner = NewMember {
        name: "owner".to_owned(),
        email: "owner@o.example".to_owned(),
        role: Role::Owner,
    };
    admin.create_organization(new, owner).await.unwrap()
}

async fn an_invoice_is_told_of_when_it_comes_and_goes(db: TestDb) {
    let (organization, member) = organization(&db).await;
    let (client, project, invoice) = (ClientId(id(3)), ProjectId(id(2)), InvoiceId(id(4)));
    let body = json!({"project_id": project.0, "duration_seconds": 3600, "billable_rate": "10"});
    let mut entry = create(&body, &terms("EUR", RoundingMode::None, 1, 2, 0));
    (entry.member, entry.client) = (member, Some(client));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let write = db.write(move |conn| {
        Box::pin(async move {
            execute!(conn, NEW_CLIENT, organization.0, client.0)?;
            execute!(conn, NEW_PROJECT, organization.0, project.0, client.0)?;
            execute!(conn, NEW_INVOICE, organization.0, invoice.0, client.0)?;
            sql::insert(conn, organization, &entry).await?;
            let stamp = Stamp::new(&clock, &random, organization);
            execute!(conn, BILL, organization.0, invoice.0)?;
            tell_of_invoice(conn, &stamp, organization, invoice, Billing::Taken).await?;
            tell_of_invoice(conn, &stamp, organization, invoice, Billing::Released).await?;
            execute!(conn, BILL, organization.0, None::<Uuid>)?;
            Ok::<(), Error>(())
        })
    });
    write.await.unwrap();

    let mut conn = db.read().await.unwrap();
    let rows = fetch_all!(&mut conn, EVENTS as (String,), organization.0).unwrap();
    let events: Vec<Value> = rows
        .iter()
        .map(|(data,)| serde_json::from_str(data).unwrap())
        .collect();
    let free = json!({"invoice_id": null, "is_locked": false, "locked_reason": null});
    let billed = json!({"invoice_id": invoice.0, "is_locked": true, "locked_reason": "invoiced"});
    let previous: Vec<&Value> = events
        .iter()
        .map(|data| &data["previous_attributes"])
        .collect();
    assert_eq!(previous, [&free, &billed]);
    assert_eq!(events[0]["object"]["invoice_id"], billed["invoice_id"]);
    let changed = |at: usize| {
        events[at]["object"]["updated_at"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(changed(0) < changed(1), "each a change of its own");
    assert_eq!(events[0]["object"]["amount"], "10.00");
}

#[tokio::test]
async fn an_invoice_is_told_of_when_it_comes_and_goes_on_sqlite() {
    an_invoice_is_told_of_when_it_comes_and_goes(TestDb::sqlite().await).await;
}

#[tokio::test]
async fn an_invoice_is_told_of_when_it_comes_and_goes_on_postgres() {
    an_invoice_is_told_of_when_it_comes_and_goes(TestDb::postgres().await).await;
}
