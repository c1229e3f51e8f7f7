//! Invoices over HTTP: drafts that build themselves, lists, and who may see them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::invoices_scene::{Entry, Scene, invoice};
use crate::scene::{errors, send};
use crate::world::World;

/// A line of an invoice without its ids.
fn shown(line: &Value) -> [&str; 5] {
    ["kind", "description", "quantity", "unit_price", "amount"]
        .map(|field| line[field].as_str().unwrap())
}

fn lines(invoice: &Value) -> Vec<[&str; 5]> {
    let lines = invoice["lines"].as_array().unwrap();
    lines.iter().map(shown).collect()
}

fn line_ids(invoice: &Value) -> Vec<&str> {
    let lines = invoice["lines"].as_array().unwrap();
    lines
        .iter()
        .map(|line| line["id"].as_str().unwrap())
        .collect()
}

pub async fn a_draft_builds_itself(world: &World) {
    let scene = Scene::new(world).await;
    let client = scene.client("Atlas", "EUR", None).await;
    let other = scene.client("Other", "EUR", None).await;
    let site = scene.project(client, "Site", None).await;
    let shop = scene.project(client, "Shop", Some(5_000_000)).await;
    let elsewhere = scene.project(other, "Elsewhere", None).await;
    let layout = scene.task(site, "Layout").await;
    let entry = |task, spent_on, seconds, rate, amount| Entry {
        project: site,
        task,
        spent_on,
        seconds,
        rate,
        amount,
    };
    let third = || (1200, Some(1_000_000), Some(333_300));
    let mut of_layout = Vec::new();
    for spent_on in ["2026-11-03", "2026-11-02", "2026-11-04"] {
        let (seconds, rate, amount) = third();
        let made = scene.entry(entry(Some(layout), spent_on, seconds, rate, amount));
        of_layout.push(made.await);
    }
    of_layout.swap(0, 1);
    scene
        .entry(entry(
            None,
            "2026-11-05",
            5400,
            Some(800_000),
            Some(1_200_000),
        ))
        .await;
    // Not billable, and another client's.
    scene.entry(entry(None, "2026-10-01", 60, None, None)).await;
    scene.hour(elsewhere, "2026-10-01").await;
    let train = scene
        .expense(site, "2026-11-20", Some((20_000, 95_500)), 191_000, true)
        .await;
    scene.expense(site, "2026-10-01", None, 10_000, false).await;
    let id = scene.draft(client).await;

    let answer = scene.get(&invoice(id)).await;
    let draft = answer.json();
    assert_eq!(
        lines(&draft),
        [
            ["fixed", "Shop", "1", "500.00", "500.00"],
            ["time", "Site", "1.5", "80.00", "120.00"],
            // Three times 33.33, which is not an hour at 100.00.
            ["time", "Site: Layout", "1", "100.00", "99.99"],
            ["expense", "Travel: Train", "2", "9.55", "19.10"],
        ]
    );
    assert_eq!(draft["lines"][2]["time_entry_ids"], json!(of_layout));
    assert_eq!(draft["lines"][3]["expense_ids"], json!([train]));
    assert_eq!(draft["lines"][0]["project_id"], json!(shop));
    let whole = [
        ("status", json!("draft")),
        ("number", json!(null)),
        ("client_id", json!(client)),
        ("overdue", json!(false)),
        ("issued_on", json!(null)),
        ("due_on", json!(null)),
        ("period_start", json!("2026-11-02")),
        ("period_end", json!("2026-11-20")),
        ("subtotal", json!("739.09")),
        ("discount", json!("0.00")),
        ("tax_rate", json!("0")),
        ("tax_amount", json!("0.00")),
        ("total", json!("739.09")),
        ("amount_paid", json!("0.00")),
        ("balance", json!("739.09")),
        ("sent_at", json!(null)),
    ];
    for (field, value) in whole {
        assert_eq!(draft[field], value, "{field}");
    }

    let again = scene.get(&invoice(id)).await;
    assert_eq!(again.body, answer.body);
    world
        .get(&invoice(id), &scene.org.admin)
        .header("if-none-match", answer.header("etag"))
        .send()
        .await
        .expect(304);
    scene.hour(site, "2026-11-01").await;
    let later = scene.get(&invoice(id)).await.json();
    assert_eq!(later["total"], "839.09");
    assert_eq!(later["period_start"], "2026-11-01");
    let stayed = line_ids(&draft);
    assert!(stayed.iter().all(|id| line_ids(&later).contains(id)));
    for id in stayed {
        assert_eq!(id.parse::<Uuid>().unwrap().get_version_num(), 8);
    }
}

pub async fn a_fee_is_billed_in_minor_units(world: &World) {
    let scene = Scene::new(world).await;
    let client = scene.client("Atlas", "KWD", None).await;
    let owner = &scene.org.owner;
    let body = |fee: &str| json!({"name": "Shop", "client_id": client, "billing_method": "fixed", "fixed_fee": fee});
    let refused = send(world, owner, "POST", "/projects", &body("1.0005")).await;
    let refused = refused.expect_problem(422, "validation_failed");
    let too_precise = [("#/fixed_fee".to_owned(), "too_precise".to_owned())];
    assert_eq!(errors(&refused), too_precise);
    let made = send(world, owner, "POST", "/projects", &body("100.125")).await;
    let made = made.expect(201).json();
    let shop = format!("/projects/{}", made["id"].as_str().unwrap());
    let change = json!({"fixed_fee": "100.1251"});
    let refused = send(world, owner, "PATCH", &shop, &change).await;
    assert_eq!(
        errors(&refused.expect_problem(422, "validation_failed")),
        too_precise
    );
    let draft = scene.open_draft(client).await.unwrap();
    assert_eq!(draft["total"], "100.125");

    // Nothing is kept in the client's currency yet, so it can change under a fee.
    let other = scene.client("Other", "KWD", None).await;
    let fee = Some(1_005_000);
    scene.project(other, "Fee", fee).await;
    let change = json!({"currency": "JPY"});
    let path = format!("/clients/{other}");
    send(world, owner, "PATCH", &path, &change)
        .await
        .expect(200);
    let draft = scene.draft(other).await;
    let (status, sent) = scene.ask("send", draft, &json!({"tax_rate": "10"})).await;
    assert_eq!(status, 200, "{sent}");
    assert_eq!(lines(&sent), [["fixed", "Fee", "1", "101", "101"]]);
    assert_eq!(
        (&sent["subtotal"], &sent["tax_amount"], &sent["total"]),
        (&json!("101"), &json!("10"), &json!("111"))
    );
}

pub async fn a_draft_without_anything_is_empty(world: &World) {
    let scene = Scene::new(world).await;
    for (currency, zero) in [("EUR", "0.00"), ("JPY", "0"), ("KWD", "0.000")] {
        let client = scene.client(currency, currency, None).await;
        let draft = scene.draft(client).await;
        let draft = scene.get(&invoice(draft)).await.json();
        assert_eq!(draft["lines"], json!([]));
        assert_eq!(
            (&draft["total"], &draft["period_end"]),
            (&json!(zero), &json!(null))
        );
    }
}

pub async fn a_draft_takes_the_oldest_that_fit(world: &World) {
    let scene = Scene::new(world).await;
    let client = scene.client("Many", "EUR", None).await;
    let project = scene.project(client, "Mill", None).await;
    let mut made = scene
        .expenses(505, project, "2026-11-02", None, 10_000, true)
        .await;
    scene.hour(project, "2026-11-01").await;
    scene.hour(project, "2026-11-03").await;
    let id = scene.draft(client).await;
    let draft = scene.get(&invoice(id)).await.json();
    assert_eq!(draft["lines"].as_array().unwrap().len(), 500);
    // The oldest hour, and as many expenses as there is room for, the first that were made.
    assert_eq!(draft["total"], "599.00");
    assert_eq!(draft["period_end"], "2026-11-02");
    let (status, sent) = scene.ask("send", id, &Value::Null).await;
    assert_eq!((status, &sent["total"]), (200, &json!("599.00")));
    let left = scene.open_draft(client).await.unwrap();
    assert_eq!(left["total"], "106.00");
    let billed = |invoice: &Value| -> Vec<Uuid> {
        let lines = invoice["lines"].as_array().unwrap().iter();
        lines
            .flat_map(|line| line["expense_ids"].as_array().unwrap())
            .map(|id| id.as_str().unwrap().parse().unwrap())
            .collect()
    };
    let mut all = [billed(&sent), billed(&left)].concat();
    all.sort_unstable();
    made.sort_unstable();
    assert_eq!(all, made, "each once");
    assert_eq!(
        scene
            .events(
                left["id"].as_str().unwrap().parse().unwrap(),
                "invoice.created"
            )
            .await,
        1
    );
}

pub async fn invoices_are_listed(world: &World) {
    let scene = Scene::new(world).await;
    let mut ids = Vec::new();
    for name in ["A", "B", "C", "D"] {
        ids.push(scene.hour_to_bill(name).await);
    }
    for (at, issued_on) in [(0, "2026-10-01"), (1, "2026-11-01"), (2, "2026-11-30")] {
        let (status, _) = scene
            .ask("send", ids[at], &json!({"issued_on": issued_on}))
            .await;
        assert_eq!(status, 200);
    }
    scene.ask("pay", ids[1], &Value::Null).await;
    let listed = async |query: &str| -> Vec<Uuid> {
        let page = scene.get(&format!("/api/v1/invoices{query}")).await.json();
        let data = page["data"].as_array().unwrap();
        data.iter()
            .map(|invoice| invoice["id"].as_str().unwrap().parse().unwrap())
            .collect()
    };
    assert_eq!(listed("").await, [ids[3], ids[2], ids[1], ids[0]]);
    assert_eq!(listed("?status=draft").await, [ids[3]]);
    assert_eq!(listed("?status=paid").await, [ids[1]]);
    assert!(listed("?status=void").await.is_empty());
    assert_eq!(listed("?from=2026-11-01").await, [ids[2], ids[1]]);
    assert_eq!(listed("?to=2026-11-01").await, [ids[1], ids[0]]);
    assert_eq!(
        listed("?from=2026-10-02&to=2026-11-29&status=paid").await,
        [ids[1]]
    );
    assert_eq!(listed("?number=INV-00003").await, [ids[2]]);
    assert!(listed("?number=INV-00004").await.is_empty());
    let first = scene.get(&invoice(ids[0])).await.json();
    let client = first["client_id"].as_str().unwrap();
    assert_eq!(listed(&format!("?client_id={client}")).await, [ids[0]]);
    let whole = scene.get("/api/v1/invoices?number=INV-00001").await.json();
    assert_eq!(whole["data"], json!([first]));

    let mut walked = Vec::new();
    let mut path = "/api/v1/invoices?limit=1".to_owned();
    loop {
        let page = scene.get(&path).await.json();
        walked.push(page["data"][0]["id"].as_str().unwrap().to_owned());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/invoices?limit=1&cursor={cursor}");
    }
    let newest_first: Vec<String> = ids.iter().rev().map(Uuid::to_string).collect();
    assert_eq!(walked, newest_first);

    // The first that was sent was changed first; the one that was paid, last.
    let since = scene
        .get("/api/v1/invoices?updated_since=2020-01-01T00:00:00Z")
        .await;
    let last = since.json()["data"][3]["id"].clone();
    assert_eq!(last, json!(ids[1]));
    for wrong in [
        "?status=open",
        "?from=2026-02-30",
        "?client_id=x",
        "?overdue=true",
    ] {
        let path = format!("/api/v1/invoices{wrong}");
        let answer = world.get(&path, &scene.org.owner).send().await;
        assert_eq!(answer.expect(400).json()["status"], 400, "{wrong}");
    }
}

pub async fn invoices_are_for_owners_and_admins(world: &World) {
    let scene = Scene::new(world).await;
    let id = scene.hour_to_bill("Atlas").await;
    for path in ["/api/v1/invoices".to_owned(), invoice(id)] {
        world.get(&path, &scene.org.admin).send().await.expect(200);
        for person in [&scene.org.manager, &scene.org.member] {
            let answer = world.get(&path, person).send().await;
            answer.expect_problem(403, "role_forbidden");
        }
    }
    let stranger = world.org().await;
    let answer = world.get(&invoice(id), &stranger.owner).send().await;
    answer.expect_problem(404, "not_found");
    let list = world.get("/api/v1/invoices", &stranger.owner).send().await;
    assert_eq!(list.expect(200).json()["data"], json!([]));
    let filter = format!("/api/v1/invoices?client_id={}", Uuid::nil());
    assert_eq!(scene.get(&filter).await.json()["data"], json!([]));
}

pub async fn writes_say_why_they_are_refused(world: &World) {
    let scene = Scene::new(world).await;
    let id = scene.hour_to_bill("Atlas").await;
    for (path, word) in [
        ("/api/v1/invoices".to_owned(), "hoursmith invoice send"),
        (invoice(id), "hoursmith invoice send"),
        ("/api/v1/organization".to_owned(), "hoursmith org plan"),
    ] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let call = world.call(method, &path).token(&scene.org.owner.token);
            let answer = call.send().await.expect_problem(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(
                detail.contains("in the app") && detail.contains(word),
                "{detail}"
            );
        }
    }
    let call = world
        .call("PUT", "/api/v1/clients")
        .token(&scene.org.owner.token);
    let answer = call.send().await.expect_problem(405, "method_not_allowed");
    assert!(answer.json()["detail"].as_str().unwrap().contains("POST"));
}
