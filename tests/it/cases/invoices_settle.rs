//! Sending, paying and voiding: asked on the bus, as the app would.

use std::collections::BTreeSet;

use futures::future::join_all;
use hoursmith_domain::{Plan, Role, Scope};
use hoursmith_store::{Statement, execute};
use serde_json::{Value, json};
use uuid::Uuid;

use super::invoices_scene::{Asker, Entry, OWNER, Scene, invoice};
use crate::world::World;

pub async fn a_sent_invoice_never_changes(world: &World) {
    let scene = Scene::new(world).await;
    let client = scene.client("Atlas", "EUR", Some(14)).await;
    let project = scene.project(client, "Site", None).await;
    let shop = scene.project(client, "Shop", Some(5_000_000)).await;
    let entry = scene.hour(project, "2026-11-02").await;
    scene
        .expense(project, "2026-11-20", None, 191_000, true)
        .await;
    let id = scene.draft(client).await;
    let draft = scene.get(&invoice(id)).await.json();
    let body = json!({"issued_on": "2026-11-24", "tax_rate": "19.00", "notes": "Thanks.\nBye."});
    let (status, sent) = scene.ask("send", id, &body).await;
    assert_eq!(status, 200, "{sent}");
    let whole = [
        ("number", json!("INV-00001")),
        ("status", json!("sent")),
        ("issued_on", json!("2026-11-24")),
        ("due_on", json!("2026-12-08")),
        ("period_start", json!("2026-11-02")),
        ("subtotal", json!("619.10")),
        ("tax_rate", json!("19")),
        ("tax_amount", json!("117.63")),
        ("total", json!("736.73")),
        ("balance", json!("736.73")),
        ("notes", json!("Thanks.\nBye.")),
    ];
    for (field, value) in whole {
        assert_eq!(sent[field], value, "{field}");
    }
    assert_eq!(sent["lines"], draft["lines"], "with the ids of the draft");
    assert!(sent["sent_at"].is_string());
    assert_eq!(scene.entries().await, [(entry, Some(id))]);
    let event = scene.event(id, "invoice.sent").await;
    assert_eq!(event["object"], sent);
    let before = event["previous_attributes"].as_object().unwrap();
    assert_eq!(
        (&before["status"], &before["number"]),
        (&json!("draft"), &json!(null))
    );
    assert!(!before.contains_key("lines"));

    let bytes = scene.get(&invoice(id)).await.body;
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), sent);
    const RENAME: Statement = Statement {
        name: "RENAME",
        sql: "UPDATE projects SET name = 'Renamed', name_key = search || 'x', fixed_fee = 1, billing_method = 'none' \
              WHERE organization_id = $1",
    };
    const RATES: Statement = Statement {
        name: "RATES",
        sql: "UPDATE time_entries SET rate = 1, amount = 1, spent_on = '2020-01-01', project_id = $2 \
              WHERE organization_id = $1",
    };
    const COSTS: Statement = Statement {
        name: "COSTS",
        sql: "UPDATE expenses SET amount = 1, description = 'x' WHERE organization_id = $1",
    };
    let organization = scene.org.id.0;
    scene
        .write(move |conn| Box::pin(async move { execute!(conn, RENAME, organization) }))
        .await;
    scene
        .write(move |conn| Box::pin(async move { execute!(conn, COSTS, organization) }))
        .await;
    scene
        .write(move |conn| Box::pin(async move { execute!(conn, RATES, organization, shop) }))
        .await;
    let terms = json!({"name": "New name", "payment_terms_days": 90});
    world
        .call("PATCH", &super::clients::path(&client.to_string()))
        .token(&scene.org.owner.token)
        .json(&terms)
        .send()
        .await
        .expect(200);
    assert_eq!(scene.get(&invoice(id)).await.body, bytes);
    assert_eq!(
        scene.open_draft(client).await,
        None,
        "nothing is left to bill"
    );
}

pub async fn operations_are_kept_by_access(world: &World) {
    let scene = Scene::new(world).await;
    let id = scene.hour_to_bill("Atlas").await;
    let nothing = Value::Null;
    for (role, scope, code) in [
        (Role::Manager, Scope::Write, "role_forbidden"),
        (Role::Member, Scope::Write, "role_forbidden"),
        (Role::Owner, Scope::Read, "scope_insufficient"),
    ] {
        let asker = Asker {
            role,
            scope,
            ..OWNER
        };
        for action in ["send", "pay", "void"] {
            let (status, problem) = scene.ask_as(asker, action, id, &nothing).await;
            assert_eq!((status, &problem["code"]), (403, &json!(code)), "{action}");
        }
    }
    let other = Scene::new(world).await;
    let foreign = other.hour_to_bill("Foreign").await;
    for action in ["send", "pay", "void"] {
        for unknown in [foreign, Uuid::max()] {
            let (status, problem) = scene.ask(action, unknown, &nothing).await;
            assert_eq!(
                (status, &problem["code"]),
                (404, &json!("not_found")),
                "{action}"
            );
        }
    }
    assert_eq!(scene.get(&invoice(id)).await.json()["status"], "draft");
    let admin = Asker {
        role: Role::Admin,
        plan: Plan::Free,
        ..OWNER
    };
    for (action, expected) in [("send", "sent"), ("void", "void")] {
        let (status, now) = scene.ask_as(admin, action, id, &nothing).await;
        assert_eq!((status, &now["status"]), (200, &json!(expected)), "{now}");
    }
}

pub async fn what_cannot_be_sent_is_said(world: &World) {
    let scene = Scene::new(world).await;
    let id = scene.hour_to_bill("Atlas").await;
    for (body, pointer, code) in [
        (json!({"tax_rate": "100.01"}), "#/tax_rate", "out_of_range"),
        (json!({"tax_rate": "-1"}), "#/tax_rate", "out_of_range"),
        (json!({"tax_rate": 19}), "#/tax_rate", "type"),
        (
            json!({"issued_on": "2026-02-30"}),
            "#/issued_on",
            "invalid_date",
        ),
        (
            json!({"issued_on": "2026-11-24", "due_on": "2026-11-23"}),
            "#/due_on",
            "before_issued_on",
        ),
        (json!({"number": "INV-7"}), "#/number", "unknown_field"),
    ] {
        let (status, problem) = scene.ask("send", id, &body).await;
        assert_eq!(status, 422, "{problem}");
        let error = &problem["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!(pointer), &json!(code))
        );
    }
    let empty = scene.client("Empty", "EUR", None).await;
    let empty = scene.draft(empty).await;
    let (status, problem) = scene.ask("send", empty, &json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
    for action in ["pay", "void"] {
        let (status, problem) = scene.ask(action, id, &json!({})).await;
        assert_eq!(
            (status, &problem["code"]),
            (409, &json!("conflict")),
            "{action}"
        );
    }
    // Nothing of it happened, and no number is gone.
    assert_eq!(scene.entries().await[0].1, None);
    assert_eq!(scene.events(id, "invoice.sent").await, 0);
    let (_, sent) = scene.ask("send", id, &json!({})).await;
    assert_eq!(sent["number"], "INV-00001");
    let (status, _) = scene.ask("send", id, &json!({})).await;
    assert_eq!(status, 409);
}

pub async fn payments_add_up(world: &World) {
    let scene = Scene::new(world).await;
    let id = scene.hour_to_bill("Atlas").await;
    scene.ask("send", id, &json!({"tax_rate": "19"})).await;
    let (status, part) = scene.ask("pay", id, &json!({"amount": "19.00"})).await;
    assert_eq!(
        (
            status,
            &part["status"],
            &part["amount_paid"],
            &part["balance"]
        ),
        (200, &json!("sent"), &json!("19.00"), &json!("100.00"))
    );
    assert_eq!(scene.events(id, "invoice.paid").await, 0);
    for (amount, code) in [
        ("100.01", "exceeds_balance"),
        ("0", "min_value"),
        ("-5", "min_value"),
        ("0.001", "too_precise"),
    ] {
        let (status, problem) = scene.ask("pay", id, &json!({ "amount": amount })).await;
        assert_eq!((status, &problem["errors"][0]["code"]), (422, &json!(code)));
    }
    let (status, _) = scene.ask("void", id, &Value::Null).await;
    assert_eq!(status, 409, "a part is paid");
    let (status, paid) = scene.ask("pay", id, &Value::Null).await;
    assert_eq!(
        (
            status,
            &paid["status"],
            &paid["amount_paid"],
            &paid["balance"]
        ),
        (200, &json!("paid"), &json!("119.00"), &json!("0.00"))
    );
    assert!(paid["paid_at"].is_string());
    assert_eq!(scene.get(&invoice(id)).await.json(), paid);
    let event = scene.event(id, "invoice.paid").await;
    assert_eq!(event["object"], paid);
    assert_eq!(event["previous_attributes"]["amount_paid"], "19.00");
    for action in ["pay", "void", "send"] {
        let (status, _) = scene.ask(action, id, &Value::Null).await;
        assert_eq!(status, 409, "{action}");
    }
    assert_eq!(
        scene.entries().await[0].1,
        Some(id),
        "what is paid stays locked"
    );
}

pub async fn nothing_to_pay_is_paid_when_it_is_sent(world: &World) {
    let scene = Scene::new(world).await;
    let client = scene.client("Atlas", "EUR", None).await;
    let project = scene.project(client, "Gift", None).await;
    let free = Entry {
        project,
        task: None,
        spent_on: "2026-11-02",
        seconds: 3600,
        rate: Some(0),
        amount: Some(0),
    };
    let entry = scene.entry(free).await;
    let id = scene.draft(client).await;
    let dates = json!({"issued_on": "2020-01-01", "due_on": "2020-01-31", "tax_rate": "19"});
    let (status, paid) = scene.ask("send", id, &dates).await;
    let shown = ["status", "total", "number", "overdue"].map(|field| &paid[field]);
    let expected = [
        json!("paid"),
        json!("0.00"),
        json!("INV-00001"),
        json!(false),
    ];
    assert_eq!((status, shown), (200, expected.each_ref()));
    assert_eq!(paid["paid_at"], paid["sent_at"]);
    assert_eq!(scene.get(&invoice(id)).await.json(), paid);
    let (sent, settled) = (
        scene.event(id, "invoice.sent").await,
        scene.event(id, "invoice.paid").await,
    );
    assert_eq!(sent["object"]["status"], "sent");
    assert_eq!(settled["object"], paid);
    let before = &settled["previous_attributes"];
    assert_eq!(
        (&before["status"], &before["paid_at"]),
        (&json!("sent"), &json!(null))
    );
    assert_eq!(scene.entries().await, [(entry, Some(id))]);
    for action in ["pay", "void"] {
        let (status, _) = scene.ask(action, id, &Value::Null).await;
        assert_eq!(status, 409, "{action}");
    }
}

pub async fn what_is_voided_is_billed_again(world: &World) {
    let scene = Scene::new(world).await;
    let client = scene.client("Atlas", "KWD", None).await;
    let project = scene.project(client, "Site", None).await;
    scene.project(client, "Shop", Some(5_000_000)).await;
    let entry = scene.hour(project, "2026-11-02").await;
    scene
        .expense(project, "2026-11-20", None, 191_230, true)
        .await;
    let id = scene.draft(client).await;
    let (_, sent) = scene.ask("send", id, &Value::Null).await;
    let (status, void) = scene.ask("void", id, &Value::Null).await;
    assert_eq!((status, &void["status"]), (200, &json!("void")));
    assert_eq!(
        (&void["number"], &void["lines"]),
        (&sent["number"], &sent["lines"])
    );
    assert!(void["voided_at"].is_string());
    assert_eq!(scene.events(id, "invoice.voided").await, 1);
    assert_eq!(scene.entries().await, [(entry, None)]);

    let draft = scene.open_draft(client).await.unwrap();
    let second: Uuid = draft["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        scene.event(second, "invoice.created").await["object"],
        draft
    );
    assert_ne!(second, id);
    let (_, again) = scene.ask("send", second, &Value::Null).await;
    assert_eq!(again["number"], "INV-00002");
    assert_eq!(again["total"], "619.123");
    let billed = |invoice: &Value| -> Vec<[Value; 4]> {
        let lines = invoice["lines"].as_array().unwrap().iter();
        lines
            .map(|line| {
                ["amount", "description", "time_entry_ids", "expense_ids"]
                    .map(|field| line[field].clone())
            })
            .collect()
    };
    assert_eq!(billed(&again), billed(&sent));
    let (status, _) = scene.ask("void", id, &Value::Null).await;
    assert_eq!(status, 409, "only once");
}

pub async fn what_is_due_is_overdue_from_the_next_day(world: &World) {
    let scene = Scene::new(world).await;
    let (early, late) = (scene.hour_to_bill("A").await, scene.hour_to_bill("B").await);
    for (id, due_on) in [(early, "2020-01-31"), (late, "2999-12-31")] {
        let dates = json!({"issued_on": "2020-01-01", "due_on": due_on});
        scene.ask("send", id, &dates).await;
    }
    let overdue = async |id| scene.get(&invoice(id)).await.json()["overdue"].clone();
    assert_eq!(
        (overdue(early).await, overdue(late).await),
        (json!(true), json!(false))
    );
    scene.ask("pay", early, &Value::Null).await;
    assert_eq!(overdue(early).await, json!(false));
}

pub async fn numbers_have_no_gap(world: &World) {
    let scene = Scene::new(world).await;
    let mut drafts = Vec::new();
    for at in 0..50 {
        drafts.push(scene.hour_to_bill(&format!("Client {at}")).await);
    }
    let wrong = json!({"issued_on": "2026-11-24", "due_on": "2026-11-23"});
    let sends = drafts.iter().map(|id| scene.ask("send", *id, &Value::Null));
    let failing = drafts
        .iter()
        .step_by(5)
        .map(|id| scene.ask("send", *id, &wrong));
    let (sent, failed) = futures::join!(join_all(sends), join_all(failing));
    assert!(failed.iter().all(|(status, _)| [409, 422].contains(status)));
    let numbers: BTreeSet<String> = sent
        .iter()
        .map(|(status, sent)| {
            assert_eq!(*status, 200, "{sent}");
            sent["number"].as_str().unwrap().to_owned()
        })
        .collect();
    let expected = (1..=50).map(|number| format!("INV-{number:05}")).collect();
    assert_eq!(numbers, expected);
}

pub async fn a_draft_is_sent_once(world: &World) {
    let scene = Scene::new(world).await;
    let id = scene.hour_to_bill("Atlas").await;
    let sends = (0..8).map(|_| scene.ask("send", id, &Value::Null));
    let mut statuses: Vec<u16> = join_all(sends)
        .await
        .iter()
        .map(|(status, _)| *status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(scene.events(id, "invoice.sent").await, 1);
    assert_eq!(scene.get(&invoice(id)).await.json()["number"], "INV-00001");
}
