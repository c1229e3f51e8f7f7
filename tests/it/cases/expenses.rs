//! Expenses.

use hoursmith_domain::{Amount, Currency};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::answers::events;
use crate::http::Answer;
use crate::scene::{NEVER, column, delete, errors, get, join, project, project_in, run, send};
use crate::world::{Org, Person, World};

pub(super) fn at(expense: &Value) -> String {
    format!("/expenses/{}", expense["id"].as_str().unwrap())
}

pub(super) async fn post(world: &World, person: &Person, body: &Value) -> Answer {
    send(world, person, "POST", "/expenses", body).await
}

pub(super) async fn patch(world: &World, person: &Person, expense: &Value, body: Value) -> Answer {
    send(world, person, "PATCH", &at(expense), &body).await
}

/// A project with the owner, the manager and the member in it.
pub(super) async fn shared(world: &World, org: &Org, currency: &str) -> String {
    let people = [&org.owner, &org.manager, &org.member];
    project_in(world, org, currency, &people).await
}

/// An expense of the owner that must come to be.
pub(super) async fn paid(world: &World, org: &Org, project: &str, more: Value) -> Value {
    let mut body = json!({"project_id": project, "amount": "10", "spent_on": "2026-11-10"});
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    post(world, &org.owner, &body).await.expect(201).json()
}

pub(super) fn wrong(answer: Answer) -> Vec<(String, String)> {
    errors(&answer.expect_problem(422, "validation_failed"))
}

pub(super) fn one(at: &str, code: &str) -> Vec<(String, String)> {
    vec![(at.to_owned(), code.to_owned())]
}

pub async fn an_expense_is_created_read_changed_and_deleted(world: &World) {
    let org = world.org().await;
    let home = shared(world, &org, "EUR").await;
    let body = json!({
        "member_id": org.member.id, "project_id": home, "spent_on": "2026-11-02", "category": "Travel",
        "description": "two\nlines 🦀", "quantity": "42.50", "unit_price": "0.30", "currency": "EUR",
        "tax_amount": "2.04", "billable": false, "reimbursable": true,
        "external_reference": {"service": "xero", "id": "B-1", "url": "https://xero.example/1"},
        "metadata": {"a": "1"}
    });
    let answer = post(world, &org.owner, &body).await.expect(201);
    let made = answer.json();
    assert!(answer.header("location").ends_with(&at(&made)));
    for (field, value) in body.as_object().unwrap() {
        match field.as_str() {
            "quantity" => assert_eq!(made[field], "42.5"),
            _ => assert_eq!(&made[field], value, "{field}"),
        }
    }
    assert_eq!(made["amount"], "12.75");
    assert!(made["client_id"].is_string());
    assert_eq!(
        (
            &made["is_locked"],
            &made["locked_reason"],
            &made["invoice_id"]
        ),
        (&json!(false), &Value::Null, &Value::Null)
    );
    let read = get(world, &org.owner, &at(&made)).await.expect(200);
    assert_eq!(
        (read.json(), read.header("etag")),
        (made.clone(), answer.header("etag"))
    );

    let change = json!({
        "quantity": null, "unit_price": null, "amount": "99.1200", "category": null, "description": null,
        "tax_amount": null, "billable": true, "reimbursable": false, "spent_on": "2026-11-03",
        "external_reference": null, "metadata": null, "member_id": org.manager.id
    });
    let now = patch(world, &org.admin, &made, change).await;
    let now = now.expect(200).json();
    for field in [
        "quantity",
        "unit_price",
        "category",
        "description",
        "tax_amount",
        "external_reference",
    ] {
        assert_eq!(now[field], Value::Null, "{field}");
    }
    assert_eq!(
        (&now["amount"], &now["spent_on"]),
        (&json!("99.12"), &json!("2026-11-03"))
    );
    assert_eq!(now["member_id"], org.manager.id.to_string());
    assert_eq!(
        (&now["billable"], &now["reimbursable"]),
        (&json!(true), &json!(false))
    );

    delete(world, &org.owner, &at(&made)).await.expect(204);
    for answer in [
        get(world, &org.owner, &at(&made)).await,
        delete(world, &org.owner, &at(&made)).await,
        patch(world, &org.owner, &made, json!({"amount": "1"})).await,
    ] {
        answer.expect_problem(404, "not_found");
    }
}

pub async fn an_expense_has_defaults(world: &World) {
    let org = world.org().await;
    let own = project(world, &org, None).await;
    join(world, &org, &own, &org.member).await;
    let body = json!({"project_id": own, "amount": "10"});
    let made = post(world, &org.member, &body).await.expect(201).json();
    assert_eq!(made["member_id"], org.member.id.to_string(), "the caller");
    assert_eq!(
        (&made["currency"], &made["client_id"]),
        (&json!("EUR"), &Value::Null)
    );
    assert_eq!(
        (&made["billable"], &made["reimbursable"]),
        (&json!(true), &json!(false))
    );
    let (organization, member, far) = (org.id.0, org.member.id.0, "Pacific/Kiritimati");
    run!(
        world,
        "UPDATE projects SET billable = FALSE WHERE organization_id = $1",
        organization
    );
    run!(
        world,
        "UPDATE members SET timezone = $3 WHERE organization_id = $1 AND id = $2",
        organization,
        member,
        far
    );
    let made = post(world, &org.member, &body).await.expect(201).json();
    assert_eq!(made["billable"], false, "the project's");
    let zone: hoursmith_domain::Zone = far.parse().unwrap();
    let written = made["created_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        made["spent_on"],
        zone.day_of(written).to_string(),
        "the member's today"
    );
}

pub async fn every_invalid_field_of_an_expense_is_named(world: &World) {
    let org = world.org().await;
    let body = json!({
        "id": NEVER, "colour": "red", "member_id": "x", "spent_on": "2026-02-30", "category": "",
        "description": "\u{202e}", "quantity": 2, "unit_price": "-1", "currency": "EURO",
        "tax_amount": "1e5", "billable": "yes", "reimbursable": null, "client_id": NEVER, "invoice_id": null,
        "is_locked": true, "locked_reason": "x"
    });
    let expected = [
        ("#/billable", "type"),
        ("#/category", "too_short"),
        ("#/client_id", "read_only"),
        ("#/colour", "unknown_field"),
        ("#/currency", "invalid_currency"),
        ("#/description", "invalid_character"),
        ("#/id", "read_only"),
        ("#/invoice_id", "read_only"),
        ("#/is_locked", "read_only"),
        ("#/locked_reason", "read_only"),
        ("#/member_id", "invalid_id"),
        ("#/project_id", "required"),
        ("#/quantity", "type"),
        ("#/reimbursable", "not_nullable"),
        ("#/spent_on", "invalid_date"),
        ("#/tax_amount", "invalid_amount"),
        ("#/unit_price", "min_value"),
    ];
    let found = wrong(post(world, &org.owner, &body).await);
    assert_eq!(
        found,
        expected.map(|(at, code)| (at.to_owned(), code.to_owned()))
    );
    let rows = column(world, &org.owner, "/expenses", "id").await;
    assert!(rows.is_empty());
}

pub async fn an_amount_is_said_in_one_way(world: &World) {
    let org = world.org().await;
    let home = shared(world, &org, "EUR").await;
    let (amount, price, quantity) = ("#/amount", "#/unit_price", "#/quantity");
    let most = "999999999999.9999";
    for (body, at, code) in [
        (json!({}), amount, "required"),
        (
            json!({"quantity": null, "unit_price": null}),
            amount,
            "required",
        ),
        (json!({"quantity": "1"}), price, "required"),
        (json!({"unit_price": "1"}), quantity, "required"),
        (
            json!({"amount": "1", "quantity": "1", "unit_price": "1"}),
            amount,
            "exclusive",
        ),
        (json!({"amount": null}), amount, "not_nullable"),
        (json!({"amount": "12.3456"}), amount, "too_precise"),
        (json!({"amount": 1}), amount, "type"),
        (json!({"amount": "-1"}), amount, "min_value"),
        (
            json!({"amount": "1", "tax_amount": "1.0001"}),
            "#/tax_amount",
            "max_value",
        ),
        (
            json!({"quantity": "2", "unit_price": most}),
            price,
            "too_large",
        ),
        (json!({"amount": "1.005"}), amount, "too_precise"),
        (
            json!({"amount": "1", "currency": "USD"}),
            "#/currency",
            "not_project_currency",
        ),
    ] {
        let mut whole = body.clone();
        whole["project_id"] = json!(home);
        let found = wrong(post(world, &org.owner, &whole).await);
        assert_eq!(found, one(at, code), "{body}");
    }
    let made = paid(world, &org, &home, json!({"tax_amount": "1.90"})).await;
    let change = async |body: Value| patch(world, &org.owner, &made, body).await;
    for (body, at, code) in [
        (json!({"quantity": "1"}), price, "required"),
        (json!({"amount": "1.89"}), "#/tax_amount", "max_value"),
        (json!({"amount": null}), amount, "not_nullable"),
        (
            json!({"currency": "USD"}),
            "#/currency",
            "not_project_currency",
        ),
        (json!({"project_id": null}), "#/project_id", "not_nullable"),
        (json!({"spent_on": null}), "#/spent_on", "not_nullable"),
        (json!({"member_id": null}), "#/member_id", "not_nullable"),
    ] {
        assert_eq!(wrong(change(body.clone()).await), one(at, code), "{body}");
    }
    let counted = change(json!({"quantity": "3", "unit_price": "2"})).await;
    assert_eq!(counted.expect(200).json()["amount"], "6.00");
    assert_eq!(
        wrong(change(json!({"amount": "7"})).await),
        one(amount, "exclusive")
    );
    assert_eq!(
        wrong(change(json!({"quantity": null})).await),
        one(quantity, "required")
    );
    let more = change(json!({"quantity": "4.5"})).await;
    assert_eq!(more.expect(200).json()["amount"], "9.00");
    let kept = change(json!({"quantity": null, "unit_price": null})).await;
    let kept = kept.expect(200).json();
    assert_eq!(
        (&kept["amount"], &kept["quantity"]),
        (&json!("9.00"), &Value::Null)
    );
    let own = json!({"amount": "9.0001", "billable": false});
    let own = change(own).await.expect(200).json();
    assert_eq!(own["amount"], "9.0001", "no client is billed for it");
    let found = wrong(change(json!({"billable": true})).await);
    assert_eq!(found, one(amount, "too_precise"));
    change(json!({"amount": "9"})).await.expect(200);
    let foreign = change(json!({"currency": "USD", "billable": false})).await;
    assert_eq!(
        foreign.expect(200).json()["currency"],
        "USD",
        "what the client is not billed for"
    );
    let found = wrong(change(json!({"billable": true})).await);
    assert_eq!(found, one("#/currency", "not_project_currency"));
}

/// What goes in comes out, and a product is exact, in currencies of 0, 2 and 3 digits.
pub async fn amounts_are_exact(world: &World) {
    let org = world.org().await;
    let mut runner = TestRunner::deterministic();
    for code in ["JPY", "EUR", "KWD"] {
        let home = shared(world, &org, code).await;
        let currency: Currency = code.parse().unwrap();
        let half = Amount::from_ten_thousandths(5 * 10_i64.pow(3 - currency.minor_digits()));
        let halved =
            json!({"project_id": home, "quantity": half.unwrap().plain(), "unit_price": "1"});
        let up = post(world, &org.owner, &halved).await.expect(201).json();
        let unit = Amount::from_ten_thousandths(10_i64.pow(4 - currency.minor_digits()));
        assert_eq!(
            up["amount"],
            unit.unwrap().display(currency),
            "half a unit goes up"
        );
        for _ in 0..16 {
            let strategy = (
                0..=9_999_999_999_999_999_i64,
                0..10_000_000_i64,
                0..10_000_000_i64,
            );
            let (named, quantity, price) = strategy.new_tree(&mut runner).unwrap().current();
            let [named, quantity, price] =
                [named, quantity, price].map(|units| Amount::from_ten_thousandths(units).unwrap());
            let body = json!({"project_id": home, "amount": named.plain(), "billable": false});
            let made = post(world, &org.owner, &body).await.expect(201).json();
            let shown = made["amount"].as_str().unwrap();
            assert_eq!(shown, named.display(currency));
            assert_eq!(shown.parse(), Ok(named));

            let body = json!({"project_id": home, "quantity": quantity.plain(), "unit_price": price.plain()});
            let made = post(world, &org.owner, &body).await.expect(201).json();
            let step = 10_i128.pow(4 - currency.minor_digits());
            let divisor = 10_000 * step;
            let exact =
                i128::from(quantity.ten_thousandths()) * i128::from(price.ten_thousandths());
            let rounded = (exact * 2 + divisor) / (divisor * 2) * step;
            let amount: Amount = made["amount"].as_str().unwrap().parse().unwrap();
            assert_eq!(i128::from(amount.ten_thousandths()), rounded, "{made}");
            assert_eq!(made["unit_price"], price.display(currency));
            assert_eq!(made["quantity"], quantity.plain());
        }
    }
}

/// Puts an expense on an invoice, or takes it off.
pub async fn changes_of_an_expense_have_their_events(world: &World) {
    let org = world.org().await;
    let (home, other) = (
        shared(world, &org, "EUR").await,
        shared(world, &org, "EUR").await,
    );
    let made = paid(world, &org, &home, json!({})).await;
    let change = async |body: Value| {
        let answer = patch(world, &org.owner, &made, body).await;
        answer.expect(200).json()
    };
    let priced = change(json!({"quantity": "2", "unit_price": "5.5"})).await;
    change(json!({"quantity": "2.0"})).await;
    let moved = change(json!({"project_id": other})).await;
    delete(world, &org.owner, &at(&made)).await.expect(204);
    post(world, &org.owner, &json!({"project_id": home}))
        .await
        .expect(422);
    let before = json!({"quantity": null, "unit_price": null, "amount": "10.00"});
    let home = json!({"project_id": made["project_id"], "client_id": made["client_id"]});
    let expected = [
        ("expense.created", json!({"object": made})),
        (
            "expense.updated",
            json!({"object": priced, "previous_attributes": before}),
        ),
        (
            "expense.updated",
            json!({"object": moved, "previous_attributes": home}),
        ),
        ("expense.deleted", json!({"object": moved})),
    ];
    let found = events(world, org.id, "expense.").await;
    assert_eq!(found, expected.map(|(kind, data)| (kind.to_owned(), data)));
}

pub async fn an_expense_has_conditions_and_safe_retries(world: &World) {
    let org = world.org().await;
    let home = shared(world, &org, "EUR").await;
    let body = json!({"project_id": home, "amount": "5"});
    let call = || {
        world
            .post("/api/v1/expenses", &org.member)
            .key("one")
            .json(&body)
    };
    let first = call().send().await.expect(201);
    let again = call().send().await.expect(201);
    assert_eq!(
        (&again.body, again.header("idempotent-replayed")),
        (&first.body, "true")
    );
    assert_eq!(column(world, &org.owner, "/expenses", "id").await.len(), 1);

    let made = first.json();
    let url = format!("/api/v1{}", at(&made));
    let etag = first.header("etag");
    for person in [&org.member, &org.owner] {
        let copy = world.get(&url, person).header("if-none-match", etag);
        copy.send().await.expect(304);
    }
    let call = |method: &str, etag: &str| {
        let call = world.call(method, &url).token(&org.owner.token);
        call.header("if-match", etag)
    };
    let change = json!({"category": "A"});
    let changed = call("PATCH", etag).json(&change).send().await.expect(200);
    for answer in [
        call("PATCH", etag)
            .json(&json!({"category": "B"}))
            .send()
            .await,
        call("DELETE", etag).send().await,
    ] {
        answer.expect_problem(412, "precondition_failed");
    }
    let none = call("PATCH", changed.header("etag"))
        .json(&change)
        .send()
        .await;
    assert_eq!(none.expect(200).header("etag"), changed.header("etag"));
    call("DELETE", changed.header("etag"))
        .send()
        .await
        .expect(204);
}
