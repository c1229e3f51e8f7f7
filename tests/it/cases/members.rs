//! Members, as the API shows them and as the operator changes them.

use hoursmith_domain::{Patch, Role, RoundingMode};
use hoursmith_resource::admin::{MemberChange, OrganizationChange};
use serde_json::{Value, json};

use super::access::essence;
use super::answers::events;
use super::clients;
use super::projects::{join, project};
use crate::world::{Org, Person, World};

const ALL: &str = "/api/v1/members";
const NEVER: &str = "01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";

fn path(id: impl std::fmt::Display) -> String {
    format!("{ALL}/{id}")
}

async fn list(world: &World, person: &Person, query: &str) -> Vec<Value> {
    let answer = world.get(&format!("{ALL}{query}"), person).send().await;
    let body = answer.expect(200).json();
    body["data"].as_array().unwrap().clone()
}

async fn names(world: &World, person: &Person, query: &str) -> Vec<String> {
    let members = list(world, person, query).await;
    let name = |member: &Value| member["name"].as_str().unwrap().to_owned();
    members.iter().map(name).collect()
}

/// Gives the member of an organization rates and a capacity.
async fn rate(world: &World, org: &Org) {
    let change = MemberChange {
        billable_rate: Patch::Value("90".parse().unwrap()),
        cost_rate: Patch::Value("41.5".parse().unwrap()),
        timezone: Patch::Value("Asia/Tokyo".parse().unwrap()),
        weekly_capacity_seconds: Patch::Value(72_000),
    };
    let operator = world.operator();
    operator
        .set_member(&org.slug, &org.member.email, change)
        .await
        .unwrap();
}

pub async fn members_are_listed_and_read(world: &World) {
    let org = world.org().await;
    rate(world, &org).await;
    let answer = world
        .get(&path(org.member.id), &org.owner)
        .send()
        .await
        .expect(200);
    let member = answer.json();
    for (field, value) in [
        ("id", json!(org.member.id.to_string())),
        ("name", json!("member")),
        ("email", json!(org.member.email)),
        ("role", json!("member")),
        ("status", json!("active")),
        ("timezone", json!("Asia/Tokyo")),
        ("billable_rate", json!("90.00")),
        ("cost_rate", json!("41.50")),
        ("currency", json!("EUR")),
        ("weekly_capacity_seconds", json!(72_000)),
        ("external_reference", json!(null)),
        ("metadata", json!({})),
    ] {
        assert_eq!(member[field], value, "{field}");
    }
    let again = world.get(&path(org.member.id), &org.owner);
    let again = again.header("if-none-match", answer.header("etag")).send();
    again.await.expect(304);
    let all = list(world, &org.owner, "").await;
    assert_eq!(all[0], member, "newest first");
    assert_eq!(
        (&all[3]["timezone"], &all[3]["weekly_capacity_seconds"]),
        (&json!("Europe/Berlin"), &json!(144_000))
    );

    let page = world
        .get(&format!("{ALL}?limit=3"), &org.owner)
        .send()
        .await
        .expect(200)
        .json();
    let next = page["next_cursor"].as_str().unwrap();
    let rest = names(world, &org.owner, &format!("?limit=3&cursor={next}")).await;
    assert_eq!(rest, ["owner"]);
    for method in ["POST", "PUT"] {
        let call = world.call(method, ALL).token(&org.owner.token);
        call.send().await.expect_problem(405, "method_not_allowed");
    }
}

pub async fn member_filters_narrow(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    let operator = world.operator();
    operator
        .set_role(&org.slug, &org.admin.email, Role::Manager)
        .await
        .unwrap();
    operator
        .remove_member(&org.slug, &org.manager.email)
        .await
        .unwrap();
    let id = project(world, owner, &json!({"name": "A"})).await;
    let other = project(world, owner, &json!({"name": "B"})).await;
    join(world, owner, &id, &org.admin).await;
    join(world, owner, &other, &org.admin).await;
    join(world, owner, &other, &org.member).await;
    for (query, expected) in [
        ("?role=manager", vec!["manager", "admin"]),
        ("?role=manager&status=active", vec!["admin"]),
        ("?status=removed", vec!["manager"]),
        ("?status=invited", vec![]),
        (&format!("?project_id={id}"), vec!["admin"]),
        (&format!("?project_id={NEVER}"), vec![]),
        ("?q=OWN", vec!["owner"]),
        (
            &format!("?q=member@{}", org.slug.to_uppercase()),
            vec!["member"],
        ),
        ("?q=m_n", vec![]),
        ("?external_reference_id=x", vec![]),
    ] {
        assert_eq!(names(world, owner, query).await, expected, "{query}");
    }
    let seen = names(world, &org.member, &format!("?project_id={other}")).await;
    assert_eq!(seen, ["member", "admin"]);
    let hidden = names(world, &org.member, &format!("?project_id={id}")).await;
    assert_eq!(hidden, Vec::<String>::new(), "who is in it is not told");
    let since = list(world, owner, "?role=owner").await[0]["updated_at"].clone();
    let changed = format!("?updated_since={}&role=manager", since.as_str().unwrap());
    assert_eq!(
        names(world, owner, &changed).await,
        ["admin", "manager"],
        "oldest change first"
    );
    for query in ["?role=boss", "?status=gone", "?project_id=x", "?q="] {
        let answer = world.get(&format!("{ALL}{query}"), owner).send().await;
        answer.expect_problem(400, "invalid_parameter");
    }
}

pub async fn members_see_whom_they_work_with(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    rate(world, &org).await;
    let id = project(world, &org.owner, &json!({"name": "A"})).await;
    for person in [&org.manager, &org.member] {
        let own = list(world, person, "").await;
        assert_eq!(own.len(), 1, "oneself");
        assert_eq!(own[0]["id"], person.id.to_string());
        join(world, &org.owner, &id, person).await;
    }
    let seen = |person: &Person| {
        let call = world.get(&path(org.member.id), person);
        async move { call.send().await.expect(200).json() }
    };
    for (person, billable, cost) in [
        (&org.admin, json!("90.00"), json!("41.50")),
        (&org.manager, json!("90.00"), json!(null)),
        (&org.member, json!(null), json!(null)),
    ] {
        let member = seen(person).await;
        assert_eq!(
            (&member["billable_rate"], &member["cost_rate"]),
            (&billable, &cost)
        );
        let me = world.get("/api/v1/me", person).send().await.expect(200);
        assert_eq!(me.json()["id"], person.id.to_string());
    }
    let colleagues = names(world, &org.member, "").await;
    assert_eq!(colleagues, ["member", "manager"]);
    let mut answers = Vec::new();
    for id in [
        org.owner.id.to_string(),
        other.owner.id.to_string(),
        NEVER.to_owned(),
    ] {
        let answer = world.get(&path(&id), &org.member).send().await;
        answers.push(essence(&answer.expect_problem(404, "not_found"), &id));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let foreign = world.get(&path(other.owner.id), &org.owner).send().await;
    foreign.expect_problem(404, "not_found");
}

pub async fn what_the_operator_sets_is_an_event(world: &World) {
    let org = world.org().await;
    let operator = world.operator();
    rate(world, &org).await;
    rate(world, &org).await;
    let cleared = MemberChange {
        billable_rate: Patch::Null,
        timezone: Patch::Null,
        ..MemberChange::default()
    };
    let email = &org.member.email;
    operator
        .set_member(&org.slug, email, cleared)
        .await
        .unwrap();
    let updates = events(world, org.id, "member.updated").await;
    let previous: Vec<&Value> = updates
        .iter()
        .map(|(_, data)| &data["previous_attributes"])
        .collect();
    let before = json!({
        "billable_rate": null, "cost_rate": null, "timezone": "Europe/Berlin", "weekly_capacity_seconds": 144_000
    });
    let then = json!({"billable_rate": "90.00", "timezone": "Asia/Tokyo"});
    assert_eq!(previous, [&before, &then], "what it was already is none");
    assert_eq!(updates[1].1["object"]["cost_rate"], "41.50");

    let change = OrganizationChange {
        name: Some("Renamed".to_owned()),
        timezone: Some("Asia/Tokyo".parse().unwrap()),
        week_start: Some("sunday".to_owned()),
        default_billable_rate: Patch::Value("75".parse().unwrap()),
        rounding_mode: Some(RoundingMode::Up),
        rounding_minutes: Some(15),
        allow_overlap: Some(false),
        lock_before: Patch::Value("2026-09-01".parse().unwrap()),
        weekly_capacity_seconds: Some(0),
        ..OrganizationChange::default()
    };
    operator.set_organization(&org.slug, change).await.unwrap();
    let shown = world
        .get("/api/v1/organization", &org.owner)
        .send()
        .await
        .expect(200)
        .json();
    for (field, value) in [
        ("name", json!("Renamed")),
        ("slug", json!(org.slug)),
        ("timezone", json!("Asia/Tokyo")),
        ("week_start", json!("sunday")),
        ("default_billable_rate", json!("75.00")),
        (
            "rounding",
            json!({"mode": "up", "minutes": 15, "target": "entry"}),
        ),
        ("allow_overlap", json!(false)),
        ("lock_before", json!("2026-09-01")),
        ("weekly_capacity_seconds", json!(0)),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    let updates = events(world, org.id, "organization.updated").await;
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].1["object"], shown);
    let previous = &updates[0].1["previous_attributes"];
    assert_eq!(
        (&previous["lock_before"], &previous["allow_overlap"]),
        (&json!(null), &json!(true))
    );
    assert_eq!(previous.as_object().unwrap().len(), 8);
    let me = world
        .get("/api/v1/me", &org.manager)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(
        me["timezone"], "Asia/Tokyo",
        "the organization's, without one of its own"
    );
}

pub async fn a_currency_that_is_used_stays(world: &World) {
    let org = world.org().await;
    let operator = world.operator();
    let set = async |currency: &str| {
        let change = OrganizationChange {
            currency: Some(currency.parse().unwrap()),
            ..OrganizationChange::default()
        };
        operator.set_organization(&org.slug, change).await
    };
    let client = clients::created(world, &org.owner, "C").await;
    let body = json!({"name": "A", "client_id": client});
    project(world, &org.owner, &body).await;
    set("USD").await.unwrap();
    rate(world, &org).await;
    let refused = set("EUR").await.unwrap_err().to_string();
    assert!(refused.contains("the currency cannot change"), "{refused}");
    set("USD").await.unwrap();
    let cleared = MemberChange {
        billable_rate: Patch::Null,
        cost_rate: Patch::Null,
        ..MemberChange::default()
    };
    operator
        .set_member(&org.slug, &org.member.email, cleared)
        .await
        .unwrap();
    set("EUR").await.unwrap();
    project(world, &org.owner, &json!({"name": "Own"})).await;
    set("USD").await.unwrap_err();
    assert_eq!(events(world, org.id, "organization.updated").await.len(), 2);
}
