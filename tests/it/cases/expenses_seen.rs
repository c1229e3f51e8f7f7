//! Expenses: which of them a caller sees, and which of them nobody may touch.

use hoursmith_domain::{ExpenseId, InvoiceId, ProjectId};
use serde_json::{Value, json};

use super::access::essence;
use super::answers::events;
use super::expenses::{at, one, paid, patch, post, shared, wrong};
use crate::http::Answer;
use crate::scene::{NEVER, column, delete, errors, get, invoice, project_in, run};
use crate::world::{Org, World};

pub async fn expenses_are_filtered(world: &World) {
    let org = world.org().await;
    let (one, two) = (
        shared(world, &org, "EUR").await,
        shared(world, &org, "EUR").await,
    );
    let add = async |project: &str, name: &str, body: Value| {
        let mut body = body;
        body["description"] = json!(name);
        paid(world, &org, project, body).await
    };
    let member = json!(org.member.id);
    let a = add(
        &one,
        "a",
        json!({"category": "Travel", "member_id": member, "spent_on": "2026-10-31"}),
    )
    .await;
    add(&one, "b", json!({"category": "Meals", "billable": false})).await;
    let c = add(
        &two,
        "c",
        json!({"category": "travel", "member_id": member, "spent_on": "2026-11-30"}),
    )
    .await;
    let d = add(
        &two,
        "d",
        json!({"external_reference": {"service": "s", "id": "e 1"}}),
    )
    .await;
    let bill = invoice(world, &org, c["client_id"].as_str().unwrap()).await;
    bill_for(world, &org, &c, Some(&bill)).await;
    let organization = org.id.0;
    run!(
        world,
        "UPDATE organizations SET lock_before = '2026-11-01' WHERE id = $1",
        organization
    );
    let client = a["client_id"].as_str().unwrap();
    let person = org.member.id;
    let since = "updated_since=1970-01-01T00:00:00Z";
    let find = async |query: &str| {
        column(
            world,
            &org.owner,
            &format!("/expenses{query}"),
            "description",
        )
        .await
        .concat()
    };
    for (query, expected) in [
        (String::new(), "dcba"),
        (format!("?member_id={person}"), "ca"),
        (format!("?member_id={}", org.owner.id), "db"),
        (format!("?client_id={client}"), "ba"),
        (format!("?project_id={two}"), "dc"),
        ("?from=2026-11-10".to_owned(), "dcb"),
        ("?to=2026-11-10".to_owned(), "dba"),
        ("?from=2026-11-10&to=2026-11-10".to_owned(), "db"),
        ("?billable=true".to_owned(), "dca"),
        ("?billable=false".to_owned(), "b"),
        ("?invoiced=true".to_owned(), "c"),
        ("?invoiced=false".to_owned(), "dba"),
        ("?locked=true".to_owned(), "ca"),
        ("?locked=false".to_owned(), "db"),
        ("?category=Travel".to_owned(), "a"),
        ("?external_reference_id=e%201".to_owned(), "d"),
        (
            format!("?project_id={two}&member_id={person}&invoiced=true"),
            "c",
        ),
        (
            format!("?client_id={client}&billable=true&locked=true&category=Travel"),
            "a",
        ),
        (format!("?external_reference_id=e%201&project_id={one}"), ""),
        (format!("?member_id={NEVER}"), ""),
        (format!("?client_id={NEVER}"), ""),
        (format!("?project_id={NEVER}"), ""),
        (format!("?{since}"), "abcd"),
        (format!("?{since}&member_id={person}&from=2026-11-01"), "c"),
        (format!("?{since}&external_reference_id=e%201"), "d"),
    ] {
        assert_eq!(find(&query).await, expected, "{query}");
    }
    patch(world, &org.owner, &d, json!({"category": "x"}))
        .await
        .expect(200);
    let project = two.parse::<ProjectId>().unwrap().0;
    run!(
        world,
        "UPDATE projects SET archived_at = 1 WHERE organization_id = $1 AND id = $2",
        organization,
        project
    );
    assert_eq!(find("?locked=true").await, "dca");
    for (query, code) in [
        ("?billable=1", "invalid_parameter"),
        ("?member_id=x", "invalid_parameter"),
        ("?from=soon", "invalid_parameter"),
        ("?tag=x", "unknown_parameter"),
    ] {
        let answer = get(world, &org.owner, &format!("/expenses{query}")).await;
        answer.expect_problem(400, code);
    }
}

async fn bill_for(world: &World, org: &Org, expense: &Value, invoice: Option<&str>) {
    let id: ExpenseId = expense["id"].as_str().unwrap().parse().unwrap();
    let invoice = invoice.map(|invoice| invoice.parse::<InvoiceId>().unwrap().0);
    let (organization, id) = (org.id.0, id.0);
    run!(
        world,
        "UPDATE expenses SET invoice_id = $3 WHERE organization_id = $1 AND id = $2",
        organization,
        id,
        invoice
    );
}

pub async fn locked_expenses_do_not_change(world: &World) {
    let org = world.org().await;
    let (home, other) = (
        shared(world, &org, "EUR").await,
        shared(world, &org, "EUR").await,
    );
    let made = paid(world, &org, &home, json!({})).await;
    let free = paid(world, &org, &other, json!({"spent_on": "2026-11-20"})).await;
    let organization = org.id.0;
    let refused = async |answer: Answer, reason: &str| {
        let body = answer.expect_problem(409, "locked").json();
        assert_eq!(body["locked_reason"], reason);
    };
    let stays = async |reason: &str| {
        let read = get(world, &org.owner, &at(&made)).await.expect(200);
        assert_eq!(read.json()["is_locked"], true);
        assert_eq!(read.json()["locked_reason"], reason);
        for body in [
            json!({"category": "x"}),
            json!({}),
            json!({"spent_on": "2026-11-20", "project_id": other}),
        ] {
            refused(patch(world, &org.owner, &made, body).await, reason).await;
        }
        refused(delete(world, &org.owner, &at(&made)).await, reason).await;
    };
    let enters = async |body: Value| post(world, &org.owner, &body).await;
    let etag = get(world, &org.owner, &at(&made))
        .await
        .header("etag")
        .to_owned();

    let project = home.parse::<ProjectId>().unwrap().0;
    run!(
        world,
        "UPDATE projects SET archived_at = 1 WHERE organization_id = $1 AND id = $2",
        organization,
        project
    );
    stays("project_archived").await;
    let into = json!({"project_id": home, "amount": "1"});
    refused(enters(into).await, "project_archived").await;
    let moved = patch(world, &org.owner, &free, json!({"project_id": home})).await;
    refused(moved, "project_archived").await;
    let copy = world.get(&format!("/api/v1{}", at(&made)), &org.owner);
    copy.header("if-none-match", &etag).send().await.expect(200);

    run!(
        world,
        "UPDATE organizations SET lock_before = '2026-11-11' WHERE id = $1",
        organization
    );
    stays("period_locked").await;
    let into = json!({"project_id": other, "amount": "1", "spent_on": "2026-11-10"});
    refused(enters(into).await, "period_locked").await;
    let at_the_edge = json!({"project_id": other, "amount": "1", "spent_on": "2026-11-11"});
    enters(at_the_edge).await.expect(201);
    let moved = patch(world, &org.owner, &free, json!({"spent_on": "2026-11-10"})).await;
    refused(moved, "period_locked").await;

    let bill = invoice(world, &org, made["client_id"].as_str().unwrap()).await;
    bill_for(world, &org, &made, Some(&bill)).await;
    stays("invoiced").await;
    let read = get(world, &org.owner, &at(&made)).await.json();
    assert_eq!(read["invoice_id"], bill);

    bill_for(world, &org, &made, None).await;
    run!(
        world,
        "UPDATE projects SET archived_at = NULL WHERE organization_id = $1",
        organization
    );
    run!(
        world,
        "UPDATE organizations SET lock_before = NULL WHERE id = $1",
        organization
    );
    assert_eq!(
        get(world, &org.owner, &at(&made)).await.json(),
        made,
        "released"
    );
    let kept = events(world, org.id, "expense.").await;
    assert_eq!(kept.len(), 3, "what was refused is no event: {kept:?}");
    delete(world, &org.owner, &at(&made)).await.expect(204);
}

pub async fn roles_reach_their_expenses(world: &World) {
    let org = world.org().await;
    let (home, hidden) = (
        shared(world, &org, "EUR").await,
        project_in(world, &org, "EUR", &[&org.owner]).await,
    );
    let name = |name: &str| json!({ "description": name });
    let owners = paid(world, &org, &home, name("owner's")).await;
    let unseen = paid(world, &org, &hidden, name("unseen")).await;
    let body =
        json!({"project_id": home, "quantity": "2", "unit_price": "3", "description": "member's"});
    let mine = post(world, &org.member, &body).await.expect(201).json();
    assert_eq!(
        (&mine["amount"], &mine["unit_price"]),
        (&json!("6.00"), &json!("3.00")),
        "its own money"
    );
    for (person, expected) in [
        (&org.owner, vec!["member's", "unseen", "owner's"]),
        (&org.manager, vec!["member's", "owner's"]),
        (&org.member, vec!["member's"]),
    ] {
        assert_eq!(
            column(world, person, "/expenses", "description").await,
            expected
        );
    }
    let none = column(
        world,
        &org.member,
        &format!("/expenses?member_id={}", org.owner.id),
        "id",
    )
    .await;
    assert!(none.is_empty());

    for (person, other) in [
        (&org.manager, &unseen),
        (&org.member, &unseen),
        (&org.member, &owners),
    ] {
        for answer in [
            get(world, person, &at(other)).await,
            patch(world, person, other, json!({"amount": "1"})).await,
            delete(world, person, &at(other)).await,
        ] {
            answer.expect_problem(404, "not_found");
        }
        let outside = post(world, person, &json!({"project_id": hidden, "amount": "1"})).await;
        let found = errors(&outside.expect_problem(404, "not_found"));
        assert_eq!(found, one("#/project_id", "not_found"));
        let moved = patch(world, person, &mine, json!({"project_id": hidden})).await;
        assert_eq!(
            errors(&moved.expect_problem(404, "not_found")),
            one("#/project_id", "not_found")
        );
    }
    // A member enters nothing for others, and hands nothing over.
    let for_other = json!({"project_id": home, "amount": "1", "member_id": org.manager.id});
    for answer in [
        post(world, &org.member, &for_other).await,
        patch(
            world,
            &org.member,
            &mine,
            json!({"member_id": org.manager.id}),
        )
        .await,
    ] {
        let found = errors(&answer.expect_problem(404, "not_found"));
        assert_eq!(found, one("#/member_id", "not_found"));
    }
    let oneself = json!({"member_id": org.member.id, "category": "x"});
    patch(world, &org.member, &mine, oneself).await.expect(200);
    post(
        world,
        &org.manager,
        &json!({"project_id": home, "amount": "1", "member_id": org.member.id}),
    )
    .await
    .expect(201);
    patch(world, &org.manager, &owners, json!({"amount": "1"}))
        .await
        .expect(200);

    // Members of the organization who are not in the project; the manager does not see the admin.
    let admins = json!({"project_id": home, "amount": "1", "member_id": org.admin.id});
    assert_eq!(
        wrong(post(world, &org.owner, &admins).await),
        one("#/member_id", "not_in_project")
    );
    let unseen_person = post(world, &org.manager, &admins).await;
    assert_eq!(
        errors(&unseen_person.expect_problem(404, "not_found")),
        one("#/member_id", "not_found")
    );
    let own = json!({"project_id": home, "amount": "1"});
    assert_eq!(
        wrong(post(world, &org.admin, &own).await),
        one("#/project_id", "not_in_project")
    );
    let moved = patch(world, &org.owner, &mine, json!({"project_id": hidden})).await;
    assert_eq!(wrong(moved), one("#/project_id", "not_in_project"));
    delete(world, &org.member, &at(&mine)).await.expect(204);

    // Whoever leaves the project leaves the expense, which others may still correct.
    let body = json!({"project_id": home, "amount": "1"});
    let left = post(world, &org.member, &body).await.expect(201).json();
    let (organization, member) = (org.id.0, org.member.id.0);
    run!(
        world,
        "DELETE FROM project_members WHERE organization_id = $1 AND member_id = $2",
        organization,
        member
    );
    get(world, &org.member, &at(&left))
        .await
        .expect_problem(404, "not_found");
    patch(world, &org.manager, &left, json!({"amount": "2"}))
        .await
        .expect(200);
}

pub async fn foreign_ids_around_expenses_never_existed(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    let (home, away) = (
        shared(world, &org, "EUR").await,
        shared(world, &other, "EUR").await,
    );
    let mine = {
        let body = json!({"project_id": home, "amount": "1"});
        post(world, &org.member, &body).await.expect(201).json()
    };
    let foreign = paid(world, &other, &away, json!({})).await;
    let foreign_id = foreign["id"].as_str().unwrap();
    let stranger = other.member.id.to_string();
    let never = json!({ "id": NEVER });
    for person in [&org.owner, &org.manager, &org.member] {
        let change =
            async |expense: &Value| patch(world, person, expense, json!({"amount": "1"})).await;
        let enter = async |project: &str| {
            post(
                world,
                person,
                &json!({"project_id": project, "amount": "1"}),
            )
            .await
        };
        let enter_for = async |member: &str| {
            post(
                world,
                person,
                &json!({"project_id": home, "amount": "1", "member_id": member}),
            )
            .await
        };
        let hand =
            async |field: &str, id: &str| patch(world, person, &mine, json!({ field: id })).await;
        for (there, nowhere, id) in [
            (
                get(world, person, &at(&foreign)).await,
                get(world, person, &at(&never)).await,
                foreign_id,
            ),
            (
                delete(world, person, &at(&foreign)).await,
                delete(world, person, &at(&never)).await,
                foreign_id,
            ),
            (change(&foreign).await, change(&never).await, foreign_id),
            (enter(&away).await, enter(NEVER).await, away.as_str()),
            (
                enter_for(&stranger).await,
                enter_for(NEVER).await,
                &stranger,
            ),
            (
                hand("project_id", &away).await,
                hand("project_id", NEVER).await,
                &away,
            ),
            (
                hand("member_id", &stranger).await,
                hand("member_id", NEVER).await,
                &stranger,
            ),
        ] {
            assert_eq!(there.status, 404, "{there:?}");
            assert_eq!(essence(&there, id), essence(&nowhere, NEVER));
        }
        let client = foreign["client_id"].as_str().unwrap();
        for (field, id) in [
            ("project_id", away.as_str()),
            ("member_id", &stranger),
            ("client_id", client),
        ] {
            let rows = get(world, person, &format!("/expenses?{field}={id}")).await;
            assert_eq!(rows.expect(200).json()["data"], json!([]));
        }
    }
    let untouched = get(world, &other.owner, &at(&foreign)).await.expect(200);
    assert_eq!(untouched.json(), foreign);
}
