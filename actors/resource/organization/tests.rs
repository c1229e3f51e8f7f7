//! Who may change an organization and its plan, and what comes of it, over both stores.

use std::sync::Arc;

use hoursmith_bus::{Response, Verdict};
use hoursmith_domain::{Plan, Role};
use hoursmith_kit::RunningPlugin;
use hoursmith_kit::testing::{Rig, Who};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Error, execute, fetch_all};
use serde_json::{Value, json};

hoursmith_store::statements! {
    NEW_ORGANIZATION = "INSERT INTO organizations (id, name, slug, plan, currency, timezone, created_at, \
        updated_at) VALUES ($1, 'o', 'o', 'studio', 'EUR', 'UTC', 1, 1)";
    NEW_PROJECT = "INSERT INTO projects (organization_id, id, name, name_key, created_at, updated_at) \
        VALUES ($1, $1, 'p', 'p', 1, 1)";
    EVENTS = "SELECT type, data FROM events WHERE organization_id = $1 ORDER BY position";
}

struct Bench {
    rig: Rig,
    db: TestDb,
    _running: RunningPlugin,
}

impl Bench {
    /// An organization on Studio, whose owners may or may not change its plan.
    async fn start(db: TestDb, owners_change_plan: bool) -> Self {
        let mut rig = Rig::new(db.db().clone());
        let own = json!({ "owners_change_plan": owners_change_plan });
        let settings = Arc::make_mut(&mut rig.host.settings);
        settings.actors.insert("resource".to_owned(), own);
        let running = crate::plugin().start(rig.host.clone()).await.unwrap();
        let id = Who::owner(1).organization.0;
        db.write(move |conn| {
            Box::pin(async move { execute!(conn, NEW_ORGANIZATION, id).map(drop) })
        })
        .await
        .map_err(|error: Error| error)
        .unwrap();
        Self {
            rig,
            db,
            _running: running,
        }
    }

    /// Asks, as somebody with a role.
    async fn ask(&self, id: &str, role: Role, body: Value) -> (u16, Value) {
        let mut head = self.rig.head("/app/settings");
        head.route = id.to_owned();
        let who = Who {
            role,
            ..Who::owner(1)
        };
        let subject = hoursmith_routes::subject(id).unwrap();
        let asked = self
            .rig
            .ask_with(&subject, head, Some(who), body.to_string());
        match asked.await.unwrap() {
            Verdict::Respond(Response { status, body, .. }) => {
                (status, serde_json::from_slice(&body).unwrap())
            }
            other => panic!("{other:?}"),
        }
    }

    /// The types of the events, and what was before each.
    async fn events(&self) -> Vec<(String, Value)> {
        let mut conn = self.db.read().await.unwrap();
        let id = Who::owner(1).organization.0;
        let rows = fetch_all!(&mut conn, EVENTS as (String, String), id).unwrap();
        rows.into_iter()
            .map(|(kind, data)| {
                let data: Value = serde_json::from_str(&data).unwrap();
                (kind, data["previous_attributes"].clone())
            })
            .collect()
    }
}

async fn those_who_run_it_change_it(db: TestDb) {
    let bench = Bench::start(db, false).await;
    let body = json!({
        "name": "Northlight",
        "week_start": "sunday",
        "rounding": { "mode": "up", "minutes": 15 },
        "default_billable_rate": "95.00",
        "lock_before": "2026-01-01",
    });
    for role in [Role::Manager, Role::Member] {
        let (status, _) = bench.ask("organization.update", role, body.clone()).await;
        assert_eq!(status, 403, "{role}");
    }
    let asked = bench.ask("organization.update", Role::Admin, body.clone());
    let (status, after) = asked.await;
    assert_eq!((status, &after["name"]), (200, &json!("Northlight")));
    assert_eq!(after["rounding"]["minutes"], 15);
    assert_eq!(after["plan"], "studio");
    // Nothing changes any more, so nothing happened.
    bench.ask("organization.update", Role::Owner, body).await;
    let events = bench.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].0, "organization.updated");
    assert_eq!(events[0].1["name"], "o");

    for (wrong, pointer) in [
        (json!({ "plan": "agency" }), "#/plan"),
        (json!({ "name": "" }), "#/name"),
        (json!({ "week_start": "friyay" }), "#/week_start"),
        (json!({ "timezone": "Mars/Olympus" }), "#/timezone"),
        (
            json!({ "rounding": { "minutes": 0 } }),
            "#/rounding/minutes",
        ),
        (
            json!({ "weekly_capacity_seconds": -1 }),
            "#/weekly_capacity_seconds",
        ),
    ] {
        let (status, told) = bench.ask("organization.update", Role::Owner, wrong).await;
        assert_eq!(status, 422, "{pointer}");
        assert_eq!(told["errors"][0]["pointer"], pointer);
    }
}

async fn a_currency_in_use_stays(db: TestDb) {
    let bench = Bench::start(db, false).await;
    let to = |code: &str| json!({ "currency": code });
    let change = |code: &str| bench.ask("organization.update", Role::Owner, to(code));
    assert_eq!(change("USD").await.0, 200);
    let id = Who::owner(1).organization.0;
    bench
        .db
        .write(move |conn| Box::pin(async move { execute!(conn, NEW_PROJECT, id).map(drop) }))
        .await
        .map_err(|error: Error| error)
        .unwrap();
    let (status, told) = change("EUR").await;
    assert_eq!(status, 409);
    assert_eq!(told["errors"][0]["pointer"], "#/currency");
}

async fn owners_change_the_plan_where_the_operator_lets_them(db: TestDb) {
    let bench = Bench::start(db, true).await;
    let (_, choice) = bench
        .ask("organization.plan", Role::Member, json!({}))
        .await;
    assert_eq!(
        choice,
        json!({ "plan": "studio", "owners_may_change": true })
    );
    let wanted = json!({ "plan": Plan::Agency });
    let change = |role| bench.ask("organization.change_plan", role, wanted.clone());
    for role in [Role::Admin, Role::Manager, Role::Member] {
        assert_eq!(change(role).await.0, 403, "{role}");
    }
    let (status, after) = change(Role::Owner).await;
    assert_eq!((status, &after["plan"]), (200, &json!("agency")));
    let expected = (
        "organization.updated".to_owned(),
        json!({ "plan": "studio" }),
    );
    assert_eq!(bench.events().await, [expected]);
    let unknown = json!({ "plan": "gold" });
    let asked = bench.ask("organization.change_plan", Role::Owner, unknown);
    assert_eq!(asked.await.0, 422);
}

async fn elsewhere_the_operator_alone_changes_it(db: TestDb) {
    let bench = Bench::start(db, false).await;
    let (_, choice) = bench.ask("organization.plan", Role::Owner, json!({})).await;
    assert_eq!(choice["owners_may_change"], false);
    let wanted = json!({ "plan": "agency" });
    let (status, told) = bench
        .ask("organization.change_plan", Role::Owner, wanted)
        .await;
    assert_eq!((status, &told["code"]), (403, &json!("role_forbidden")));
    assert_eq!(bench.events().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_run_it_change_it_on_sqlite() {
    those_who_run_it_change_it(TestDb::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_run_it_change_it_on_postgres() {
    those_who_run_it_change_it(TestDb::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_currency_in_use_stays_on_sqlite() {
    a_currency_in_use_stays(TestDb::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_currency_in_use_stays_on_postgres() {
    a_currency_in_use_stays(TestDb::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_change_the_plan_where_the_operator_lets_them_on_sqlite() {
    owners_change_the_plan_where_the_operator_lets_them(TestDb::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_change_the_plan_where_the_operator_lets_them_on_postgres() {
    owners_change_the_plan_where_the_operator_lets_them(TestDb::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elsewhere_the_operator_alone_changes_it_on_sqlite() {
    elsewhere_the_operator_alone_changes_it(TestDb::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elsewhere_the_operator_alone_changes_it_on_postgres() {
    elsewhere_the_operator_alone_changes_it(TestDb::postgres().await).await;
}
