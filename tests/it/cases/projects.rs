//! Projects: their life, their rules, their totals.

use hoursmith_domain::{OrganizationId, ProjectId, Zone};
use hoursmith_kit::Clock as _;
use serde_json::{Value, json};

use super::access::essence;
use super::answers::events;
use super::clients;
use crate::http::Answer;
use crate::world::{Org, Person, World};

const ALL: &str = "/api/v1/projects";
const NEVER: &str = "01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";

/// Creates a project that must come to be, and gives its id.
pub async fn project(world: &World, person: &Person, body: &Value) -> String {
    let answer = create_project(world, person, body).await.expect(201);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Adds a member to a project.
pub async fn join(world: &World, owner: &Person, project: &str, member: &Person) {
    put_member(world, owner, project, member, &json!({}))
        .await
        .expect(201);
}

/// Puts a member into a project, with what a body says.
pub async fn put_member(
    world: &World,
    person: &Person,
    project: &str,
    member: &Person,
    body: &Value,
) -> Answer {
    world
        .call("PUT", &member_path(project, member))
        .token(&person.token)
        .json(body)
        .send()
        .await
}

/// The path of a member in a project.
pub fn member_path(project: &str, member: &Person) -> String {
    format!("{ALL}/{project}/members/{}", member.id)
}

/// The path of a project.
pub fn project_path(id: &str) -> String {
    format!("{ALL}/{id}")
}

async fn create_project(world: &World, person: &Person, body: &Value) -> Answer {
    world.post(ALL, person).json(body).send().await
}

async fn read(world: &World, person: &Person, id: &str) -> Value {
    let answer = world.get(&project_path(id), person).send().await;
    answer.expect(200).json()
}

async fn patch(world: &World, person: &Person, id: &str, body: Value) -> Answer {
    let call = world.call("PATCH", &project_path(id)).token(&person.token);
    call.json(&body).send().await
}

async fn delete(world: &World, person: &Person, path: &str) -> Answer {
    world.call("DELETE", path).token(&person.token).send().await
}

async fn names(world: &World, person: &Person, query: &str) -> Vec<String> {
    let answer = world.get(&format!("{ALL}{query}"), person).send().await;
    let body = answer.expect(200).json();
    let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
    body["data"].as_array().unwrap().iter().map(name).collect()
}

/// The pointers and codes of a refusal.
fn refused(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let body = answer.json();
    let errors = body["errors"].as_array().unwrap().iter();
    errors
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect()
}

/// Writes what was tracked on a project in a month, as the writes of time entries do.
async fn track(
    world: &World,
    organization: OrganizationId,
    project: &str,
    months: &[(&str, i64, i64)],
) {
    const MONTH: hoursmith_store::Statement = hoursmith_store::Statement {
        name: "INSERT_MONTH",
        sql: "INSERT INTO project_months (organization_id, project_id, month, tracked_seconds, billable_amount) \
              VALUES ($1, $2, $3, $4, $5)",
    };
    let project: ProjectId = project.parse().unwrap();
    let months: Vec<(String, i64, i64)> = months
        .iter()
        .map(|(month, seconds, amount)| ((*month).to_owned(), *seconds, *amount))
        .collect();
    let write = world.db.db().write(move |conn| {
        Box::pin(async move {
            for (month, seconds, amount) in &months {
                hoursmith_store::execute!(
                    conn,
                    MONTH,
                    organization.0,
                    project.0,
                    month.as_str(),
                    *seconds,
                    *amount
                )?;
            }
            Ok::<(), hoursmith_store::Error>(())
        })
    });
    write.await.unwrap();
}

/// Writes an expense of the owner's on a project, for a client.
async fn spend(world: &World, org: &Org, project: &str, client: &str) {
    const EXPENSE: hoursmith_store::Statement = hoursmith_store::Statement {
        name: "INSERT_EXPENSE",
        sql: "INSERT INTO expenses (organization_id, id, member_id, project_id, client_id, spent_on, amount, \
              currency, billable, reimbursable, created_at, updated_at) \
              VALUES ($1, $2, $3, $2, $4, '2026-09-01', 10000, 'EUR', FALSE, FALSE, 1, 1)",
    };
    let (organization, member) = (org.id.0, org.owner.id.0);
    let project: ProjectId = project.parse().unwrap();
    let client: hoursmith_domain::ClientId = client.parse().unwrap();
    let write = world.db.db().write(move |conn| {
        Box::pin(async move {
            hoursmith_store::execute!(conn, EXPENSE, organization, project.0, member, client.0)
        })
    });
    write.await.unwrap();
}

pub async fn a_project_is_created_read_changed_and_deleted(world: &World) {
    let org = world.org().await;
    let body = json!({
        "name": "Ümbau 🦀", "code": "U-1", "color": "#B4552D", "billing_method": "fixed",
        "billable_rate": "95.1250", "fixed_fee": "12000",
        "budget": {"kind": "hours", "amount": "120.50", "period": "monthly"},
        "starts_on": "2026-09-01", "ends_on": "2026-09-01", "notes": "two\nlines",
        "external_reference": {"service": "jira", "id": "7", "url": "https://jira.example/7"},
        "metadata": {"a": "1", "b": "2"}
    });
    let answer = create_project(world, &org.owner, &body).await.expect(201);
    let project = answer.json();
    let id = project["id"].as_str().unwrap();
    assert!(answer.header("location").ends_with(&project_path(id)));
    for (field, value) in body.as_object().unwrap() {
        match field.as_str() {
            "billable_rate" => assert_eq!(project[field], "95.125"),
            "fixed_fee" => assert_eq!(project[field], "12000.00"),
            "color" => assert_eq!(project[field], "#b4552d"),
            "budget" => assert_eq!(project[field]["amount"], "120.5"),
            _ => assert_eq!(&project[field], value, "{field}"),
        }
    }
    for (field, value) in [
        ("client_id", json!(null)),
        ("currency", json!("EUR")),
        ("billable", json!(true)),
        ("members", json!([])),
        ("tracked_seconds", json!(0)),
        ("billable_amount", json!("0.00")),
        ("budget_used", json!("0")),
        ("archived", json!(false)),
        ("archived_at", json!(null)),
    ] {
        assert_eq!(project[field], value, "{field}");
    }
    let seen = world
        .get(&project_path(id), &org.owner)
        .send()
        .await
        .expect(200);
    assert_eq!(
        (seen.json(), seen.header("etag")),
        (project.clone(), answer.header("etag"))
    );

    let change =
        json!({"name": "Umbau", "budget": {"amount": "7"}, "archived": true, "code": null});
    let changed = patch(world, &org.admin, id, change).await.expect(200);
    assert_ne!(changed.header("etag"), seen.header("etag"));
    let archived = changed.json();
    let budget = json!({"kind": "hours", "amount": "7", "period": "monthly"});
    assert_eq!(archived["budget"], budget, "a budget is merged");
    assert!(archived["archived_at"].is_string());
    let back = json!({"archived": false, "budget": null});
    let back = patch(world, &org.owner, id, back).await.expect(200).json();
    assert_eq!(
        (&back["archived_at"], &back["budget_used"]),
        (&json!(null), &json!(null))
    );
    let same = json!({"name": "Umbau", "color": "#B4552d"});
    let same = patch(world, &org.owner, id, same).await.expect(200).json();
    assert_eq!(same, back, "nothing changed");

    join(world, &org.owner, id, &org.member).await;
    let last = read(world, &org.owner, id).await;
    delete(world, &org.owner, &project_path(id))
        .await
        .expect(204);
    for answer in [
        world.get(&project_path(id), &org.owner).send().await,
        delete(world, &org.owner, &project_path(id)).await,
        delete(world, &org.owner, &member_path(id, &org.member)).await,
    ] {
        answer.expect_problem(404, "not_found");
    }

    let events = events(world, org.id, "project").await;
    let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    let updated = "project.updated";
    assert_eq!(
        kinds,
        [
            "project.created",
            updated,
            updated,
            updated,
            "project.deleted"
        ]
    );
    assert_eq!(events[0].1, json!({ "object": project }));
    let previous = json!({
        "name": "Ümbau 🦀", "code": "U-1", "budget": project["budget"], "archived": false, "archived_at": null
    });
    assert_eq!(
        events[1].1,
        json!({"object": archived, "previous_attributes": previous})
    );
    let previous = json!({
        "budget": budget, "budget_used": "0", "archived": true, "archived_at": archived["archived_at"]
    });
    assert_eq!(events[2].1["previous_attributes"], previous);
    assert_eq!(events[3].1["previous_attributes"], json!({"members": []}));
    assert_eq!(events[4].1, json!({ "object": last }));
}

pub async fn totals_and_budgets_are_exact(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    let zone: Zone = "Europe/Berlin".parse().unwrap();
    let now = zone.day_of(world.clock.now()).month().to_string();
    let id = project(world, owner, &json!({"name": "A"})).await;
    let quiet = project(world, owner, &json!({"name": "B"})).await;
    let copy = world
        .get(&project_path(&id), owner)
        .send()
        .await
        .expect(200);
    track(
        world,
        org.id,
        &id,
        &[
            ("1999-12", 3601, 9_999_999_999_990_000),
            (&now, 1200, 20_100),
            ("2999-12", 0, 5_000),
        ],
    )
    .await;
    let current = world
        .get(&project_path(&id), owner)
        .header("if-none-match", copy.header("etag"))
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(
        current["updated_at"],
        copy.json()["updated_at"],
        "totals are no change"
    );
    assert_eq!(current["tracked_seconds"], 4801);
    assert_eq!(current["billable_amount"], "1000000000001.51");
    assert_eq!(current["budget_used"], json!(null));
    for (kind, period, used) in [
        ("hours", "total", "1.3336"),
        ("hours", "monthly", "0.3333"),
        ("money", "total", "1000000000001.51"),
        ("money", "monthly", "2.01"),
    ] {
        let budget = json!({"kind": kind, "amount": "10", "period": period});
        let body = json!({ "budget": budget });
        let shown = patch(world, owner, &id, body).await.expect(200).json();
        assert_eq!(shown["budget_used"], used, "{kind} {period}");
        let amount = if kind == "hours" { "10" } else { "10.00" };
        assert_eq!(shown["budget"]["amount"], amount);
        let listed = world.get(&format!("{ALL}?q=a"), owner).send().await.json();
        assert_eq!(listed["data"], json!([shown]));
    }
    let untouched = read(world, owner, &quiet).await;
    assert_eq!(untouched["tracked_seconds"], 0, "another's time");
    delete(world, owner, &project_path(&id)).await.expect(204);
}

pub async fn a_project_says_nothing_against_itself(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    let body = json!({
        "id": "x", "colour": "red", "client_id": "y", "code": "", "color": "red", "billable": null,
        "billing_method": "daily", "billable_rate": 95, "fixed_fee": "-1",
        "budget": {"kind": "days", "amount": null, "period": "weekly", "unit": "h"},
        "starts_on": "2026-13-01", "ends_on": 7, "notes": "\u{202e}", "archived": 1,
        "currency": "EUR", "members": [], "tracked_seconds": 1, "billable_amount": "1", "budget_used": "1"
    });
    let answer = create_project(world, owner, &body)
        .await
        .expect_problem(422, "validation_failed");
    let found = refused(&answer);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(at, code)| (at.as_str(), code.as_str()))
        .collect();
    let expected = [
        ("#/archived", "type"),
        ("#/billable", "not_nullable"),
        ("#/billable_amount", "read_only"),
        ("#/billable_rate", "type"),
        ("#/billing_method", "invalid_choice"),
        ("#/budget/amount", "not_nullable"),
        ("#/budget/kind", "invalid_choice"),
        ("#/budget/period", "invalid_choice"),
        ("#/budget/unit", "unknown_field"),
        ("#/budget_used", "read_only"),
        ("#/client_id", "invalid_id"),
        ("#/code", "too_short"),
        ("#/color", "invalid_color"),
        ("#/colour", "unknown_field"),
        ("#/currency", "read_only"),
        ("#/ends_on", "type"),
        ("#/fixed_fee", "min_value"),
        ("#/id", "read_only"),
        ("#/members", "read_only"),
        ("#/name", "required"),
        ("#/notes", "invalid_character"),
        ("#/starts_on", "invalid_date"),
        ("#/tracked_seconds", "read_only"),
    ];
    assert_eq!(found, expected);

    let whole = json!({
        "name": "A", "billing_method": "none", "billable": true, "fixed_fee": "1",
        "starts_on": "2026-09-02", "ends_on": "2026-09-01", "budget": {"period": "total"}
    });
    let answer = create_project(world, owner, &whole)
        .await
        .expect_problem(422, "validation_failed");
    let pointers: Vec<String> = refused(&answer).into_iter().map(|(at, _)| at).collect();
    let expected = [
        "#/budget/amount",
        "#/budget/kind",
        "#/billable",
        "#/fixed_fee",
        "#/ends_on",
    ];
    assert_eq!(pointers, expected);

    let unbilled = json!({"name": "A", "billing_method": "none"});
    let id = project(world, owner, &unbilled).await;
    assert_eq!(read(world, owner, &id).await["billable"], false);
    for wrong in [
        json!({"billable": true}),
        json!({"fixed_fee": "1"}),
        json!({"name": null}),
        json!({"budget": {"amount": "1"}}),
        json!({"budget": {"kind": "hours", "amount": "-1"}}),
    ] {
        patch(world, owner, &id, wrong)
            .await
            .expect_problem(422, "validation_failed");
    }
    let fixed = json!({"billing_method": "fixed", "fixed_fee": "1", "billable": true});
    patch(world, owner, &id, fixed).await.expect(200);
    patch(world, owner, &id, json!({"billing_method": "hourly"}))
        .await
        .expect_problem(422, "validation_failed");
    let hourly = json!({"billing_method": "hourly", "fixed_fee": null});
    patch(world, owner, &id, hourly).await.expect(200);
    let first = json!({"starts_on": "2026-09-02"});
    patch(world, owner, &id, first).await.expect(200);
    patch(world, owner, &id, json!({"ends_on": "2026-09-01"}))
        .await
        .expect_problem(422, "validation_failed");
}

pub async fn project_names_are_unique_for_a_client(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    let client = clients::created(world, owner, "C").await;
    let own = project(world, owner, &json!({"name": "Ärger"})).await;
    let with_client = json!({"name": "Ärger", "client_id": client});
    project(world, owner, &with_client).await;
    for body in [
        json!({"name": "ÄRGER"}),
        json!({"name": "äRGER", "client_id": client}),
    ] {
        let taken = create_project(world, owner, &body)
            .await
            .expect_problem(409, "conflict");
        assert_eq!(refused(&taken), [("#/name".to_owned(), "taken".to_owned())]);
    }
    let moved = patch(world, owner, &own, json!({"client_id": client})).await;
    moved.expect_problem(409, "conflict");
    let neighbour = world.org().await;
    project(world, &neighbour.owner, &json!({"name": "Ärger"})).await;
}

pub async fn a_project_is_for_its_client(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    let owner = &org.owner;
    let body = json!({"name": "Yen", "currency": "JPY", "billable_rate": "9000"});
    let yen = clients::create(world, owner, &body)
        .await
        .expect(201)
        .json();
    let yen = yen["id"].as_str().unwrap();
    let plain = clients::created(world, owner, "Plain").await;
    let foreign = clients::created(world, &other.owner, "Foreign").await;
    let id = project(world, owner, &json!({"name": "P", "client_id": yen})).await;
    let shown = read(world, owner, &id).await;
    assert_eq!(shown["currency"], "JPY");
    assert_eq!(shown["billable_rate"], "9000", "the client's rate");
    let none = json!({"name": "Q", "client_id": yen, "billable_rate": null});
    let none = project(world, owner, &none).await;
    assert_eq!(
        read(world, owner, &none).await["billable_rate"],
        json!(null)
    );

    let mut bodies = Vec::new();
    for client in [foreign.as_str(), NEVER] {
        let body = json!({"name": "R", "client_id": client});
        let created = create_project(world, owner, &body).await;
        let moved = patch(world, owner, &id, json!({"client_id": client})).await;
        for answer in [created, moved] {
            let answer = answer.expect_problem(404, "not_found");
            assert_eq!(
                refused(&answer),
                [("#/client_id".to_owned(), "not_found".to_owned())]
            );
            bodies.push(essence(&answer, &id));
        }
    }
    assert_eq!(bodies[..2], bodies[2..], "foreign as if it never was");

    let moved = patch(world, owner, &id, json!({"client_id": plain}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&moved["currency"], &moved["billable_rate"]),
        (&json!("EUR"), &json!("9000.00"))
    );
    let currency = |code: &str| {
        let call = world
            .call("PATCH", &clients::path(&plain))
            .token(&owner.token);
        call.json(&json!({ "currency": code })).send()
    };
    currency("USD").await.expect(200);
    assert_eq!(read(world, owner, &id).await["currency"], "USD");
    currency("EUR").await.expect(200);
    spend(world, &org, &id, &plain).await;
    let fixed = currency("USD").await.expect_problem(409, "conflict");
    assert_eq!(
        refused(&fixed),
        [("#/currency".to_owned(), "in_use".to_owned())]
    );
    for client in [json!(yen), json!(null)] {
        let moved = patch(world, owner, &id, json!({ "client_id": client })).await;
        let fixed = moved.expect_problem(409, "conflict");
        assert_eq!(
            refused(&fixed),
            [("#/client_id".to_owned(), "in_use".to_owned())]
        );
    }
    patch(world, owner, &id, json!({"client_id": plain, "name": "S"}))
        .await
        .expect(200);
    let used = delete(world, owner, &project_path(&id)).await;
    let used = used.expect_problem(409, "in_use").json();
    assert!(used["detail"].as_str().unwrap().contains("archived"));
    for client in [yen, &plain] {
        let used = delete(world, owner, &clients::path(client)).await;
        used.expect_problem(409, "in_use");
    }
}

pub async fn project_filters_narrow(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    let client = clients::created(world, owner, "C").await;
    let one = json!({"name": "One", "client_id": client, "code": "X_1", "billing_method": "none"});
    let one = project(world, owner, &one).await;
    let two = json!({"name": "Größe", "archived": true, "external_reference": {"service": "s", "id": "e"}});
    let two = project(world, owner, &two).await;
    project(world, owner, &json!({"name": "Three"})).await;
    join(world, owner, &one, &org.member).await;
    join(world, owner, &two, &org.manager).await;
    for (query, expected) in [
        ("", vec!["Three", "Größe", "One"]),
        (&format!("?client_id={client}"), vec!["One"]),
        (&format!("?client_id={NEVER}"), vec![]),
        ("?archived=true", vec!["Größe"]),
        ("?archived=false", vec!["Three", "One"]),
        ("?billable=false", vec!["One"]),
        ("?billable=true&archived=false", vec!["Three"]),
        (&format!("?member_id={}", org.member.id), vec!["One"]),
        (&format!("?member_id={NEVER}"), vec![]),
        ("?q=GR%C3%96", vec!["Größe"]),
        ("?q=x_1", vec!["One"]),
        ("?q=x%251", vec![]),
        ("?external_reference_id=e", vec!["Größe"]),
        ("?external_reference_id=f", vec![]),
    ] {
        assert_eq!(names(world, owner, query).await, expected, "{query}");
    }
    let since = read(world, owner, &two).await["updated_at"]
        .as_str()
        .unwrap()
        .to_owned();
    patch(world, owner, &one, json!({"notes": "x"}))
        .await
        .expect(200);
    let changed = names(world, owner, &format!("?updated_since={since}")).await;
    assert_eq!(changed, ["Größe", "One"], "oldest change first");
    let query = format!("{ALL}?updated_since={since}&external_reference_id=e");
    let page = world.get(&query, owner).send().await.expect(200).json();
    assert_eq!(page["data"].as_array().unwrap().len(), 1);

    let page = world
        .get(&format!("{ALL}?limit=2"), owner)
        .send()
        .await
        .expect(200);
    let next = page.json()["next_cursor"].as_str().unwrap().to_owned();
    assert!(page.header("link").contains(&next));
    assert_eq!(
        names(world, owner, &format!("?limit=2&cursor={next}")).await,
        ["One"]
    );
    let other = format!("{ALL}?archived=true&cursor={next}");
    world
        .get(&other, owner)
        .send()
        .await
        .expect_problem(400, "invalid_cursor");
    for query in ["?archived=1", "?client_id=x", "?billable=", "?member_id=me"] {
        let answer = world.get(&format!("{ALL}{query}"), owner).send().await;
        answer.expect_problem(400, "invalid_parameter");
    }
}

pub async fn roles_see_their_projects_and_amounts(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    let money = json!({
        "name": "Money", "billing_method": "fixed", "fixed_fee": "500", "billable_rate": "80",
        "budget": {"kind": "money", "amount": "1000"}
    });
    let id = project(world, owner, &money).await;
    let hidden = project(world, owner, &json!({"name": "Hidden"})).await;
    for person in [&org.manager, &org.member] {
        assert_eq!(names(world, person, "").await, Vec::<String>::new());
        let rate = json!({"billable_rate": "70"});
        put_member(world, owner, &id, person, &rate)
            .await
            .expect(201);
        assert_eq!(names(world, person, "").await, ["Money"]);
    }
    let full = read(world, owner, &id).await;
    assert_eq!(full["budget"]["period"], "total");
    assert_eq!(read(world, &org.manager, &id).await, full);
    let blind = read(world, &org.member, &id).await;
    for field in [
        "billable_rate",
        "fixed_fee",
        "billable_amount",
        "budget",
        "budget_used",
    ] {
        assert_eq!(blind[field], json!(null), "{field}");
        assert_ne!(full[field], json!(null), "{field}");
    }
    for member in blind["members"].as_array().unwrap() {
        assert_eq!(member["billable_rate"], json!(null));
    }
    let hours = json!({"budget": {"kind": "hours"}});
    patch(world, &org.manager, &id, hours).await.expect(200);
    let seen = read(world, &org.member, &id).await;
    assert_eq!(seen["budget"]["kind"], "hours", "hours are no secret");
    assert_eq!(seen["budget_used"], "0");

    let mut answers = Vec::new();
    for project in [hidden.as_str(), NEVER] {
        let body = json!({"notes": "x"});
        let answer = patch(world, &org.manager, project, body).await;
        answers.push(essence(&answer.expect_problem(404, "not_found"), project));
        for person in [&org.manager, &org.member] {
            for path in [
                project_path(project),
                format!("{}/members", project_path(project)),
            ] {
                let answer = world.get(&path, person).send().await;
                answers.push(essence(&answer.expect_problem(404, "not_found"), project));
            }
        }
    }
    assert_eq!(answers[..5], answers[5..]);
    let owned = json!({"name": "No"});
    for person in [&org.manager, &org.member] {
        let refused = create_project(world, person, &owned).await;
        refused.expect_problem(403, "role_forbidden");
        let refused = delete(world, person, &project_path(&id)).await;
        refused.expect_problem(403, "role_forbidden");
    }
    let refused = patch(world, &org.member, &id, json!({"notes": "x"})).await;
    refused.expect_problem(403, "role_forbidden");
    let unseen = clients::created(world, owner, "Unseen").await;
    let moved = patch(world, &org.manager, &id, json!({"client_id": unseen})).await;
    moved.expect_problem(404, "not_found");

    let foreign = world.org().await;
    let at = |id: &str| world.get(&project_path(id), &foreign.owner).send();
    assert_eq!(
        essence(&at(&id).await.expect(404), &id),
        essence(&at(NEVER).await, NEVER)
    );
}

pub async fn project_writes_are_conditional_and_safe_to_retry(world: &World) {
    let org = world.org().await;
    let create = || {
        let call = world.post(ALL, &org.owner).key("once");
        call.json(&json!({"name": "A"})).send()
    };
    let first = create().await.expect(201);
    let again = create().await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(
        (again.body, again.headers.get("etag")),
        (first.body.clone(), first.headers.get("etag"))
    );
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(names(world, &org.owner, "").await, ["A"]);
    let change = |method: &'static str, etag: &str| {
        let call = world
            .call(method, &project_path(&id))
            .token(&org.owner.token);
        let call = call.header("if-match", etag);
        match method {
            "PATCH" => call.json(&json!({"notes": etag})).send(),
            _ => call.send(),
        }
    };
    let tag = first.header("etag").to_owned();
    join(world, &org.owner, &id, &org.member).await;
    let stale = change("PATCH", &tag)
        .await
        .expect_problem(412, "precondition_failed");
    assert_eq!(stale.header("etag"), "\"2\"", "a member more is a change");
    track(world, org.id, &id, &[("2026-09", 60, 0)]).await;
    change("PATCH", "\"2\"").await.expect(200);
    change("DELETE", "\"2\"")
        .await
        .expect_problem(412, "precondition_failed");
    change("DELETE", "\"3\"").await.expect(204);
}
