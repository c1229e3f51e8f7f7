//! What an invoice takes and releases is told, on both engines.

use hoursmith_store::execute;
use hoursmith_store::testing::TestDb;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::bench::Bench;

hoursmith_store::statements! {
    NEW_INVOICE = "INSERT INTO invoices (organization_id, id, client_id, number, status, currency, \
        created_at, updated_at) VALUES ($1, $2, $3, '1', 'sent', 'EUR', 1, 1)";
    BILL = "UPDATE expenses SET invoice_id = $2 WHERE organization_id = $1";
}

async fn an_invoice_tells_of_its_expenses(db: TestDb) {
    let bench = Bench::new(db).await;
    let (organization, project, client) = (bench.organization, bench.project, bench.client);
    let member = bench.members[0];
    let stamp = bench.stamp();
    let (id, invoice) = (ExpenseId(stamp.new_id()), InvoiceId(stamp.new_id()));
    let write = bench.db.write(move |conn| {
        Box::pin(async move {
            let ground = ground(conn, organization, project, member).await?.unwrap();
            let amount = "5".parse().unwrap();
            let day = ground.zone.day_of(stamp.now);
            let new = ExpenseState::new(id, member, &ground, day, amount, stamp.now);
            sql::insert(conn, organization, &new).await?;
            execute!(conn, NEW_INVOICE, organization.0, invoice.0, client.0)?;
            execute!(conn, BILL, organization.0, Some(invoice.0))?;
            tell_of_invoice(conn, &stamp, organization, invoice, Billing::Taken).await?;
            tell_of_invoice(conn, &stamp, organization, invoice, Billing::Released).await?;
            execute!(conn, BILL, organization.0, None::<Uuid>)?;
            tell_of_invoice(conn, &stamp, organization, invoice, Billing::Released).await?;
            Ok::<(), Error>(())
        })
    });
    write.await.unwrap();

    let mut conn = bench.db.read().await.unwrap();
    let everything = Reach {
        all: true,
        member,
        own: false,
    };
    let found = sql::find(&mut conn, organization, id, everything).await;
    let expense = found.unwrap().unwrap();
    assert_eq!((expense.base.version, expense.invoice), (3, None));
    drop(conn);
    let taken = json!({"invoice_id": null, "is_locked": false, "locked_reason": null});
    let released = json!({"invoice_id": invoice.0, "is_locked": true, "locked_reason": "invoiced"});
    let updated = "expense.updated".to_owned();
    assert_eq!(
        bench.changes("expense.").await,
        [(updated.clone(), id.0, taken), (updated, id.0, released)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_tells_of_its_expenses_on_sqlite() {
    an_invoice_tells_of_its_expenses(TestDb::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_tells_of_its_expenses_on_postgres() {
    an_invoice_tells_of_its_expenses(TestDb::postgres().await).await;
}
