//! Founding over both stores: user and organization, or neither.

use std::time::Duration;

use hoursmith_bus::{ErrorKind, Head, Subject, Verdict, subjects};
use hoursmith_kit::testing::Rig;
use hoursmith_kit::{Asker, Clock as _, RunningPlugin};
use hoursmith_store::fetch_all;
use hoursmith_store::testing::TestDb;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::plugin;

hoursmith_store::statements! {
    /// Every user, with each organization that it is in.
    PEOPLE = "SELECT u.id, u.password_hash, o.name, m.role FROM users u
        LEFT JOIN members m ON m.user_id = u.id LEFT JOIN organizations o ON o.id = m.organization_id
        ORDER BY u.id";
    ORGANIZATIONS = "SELECT id FROM organizations";
    TOLD = "SELECT type FROM events ORDER BY position";
}

/// A user, its password's hash, and its organization and role.
type Person = (Uuid, Option<String>, Option<String>, Option<String>);

struct Bench {
    rig: Rig,
    db: TestDb,
    _running: RunningPlugin,
}

impl Bench {
    async fn start(db: TestDb) -> Self {
        let rig = Rig::new(db.db().clone());
        let _running = plugin().start(rig.host.clone()).await.unwrap();
        Self { rig, db, _running }
    }

    /// Asks for an organization, within a time.
    async fn found(&self, body: &Value, within: Duration) -> Result<Verdict, ErrorKind> {
        self.ask(&subjects::found_organization(), body, within)
            .await
    }

    async fn ask(
        &self,
        subject: &Subject,
        body: &Value,
        within: Duration,
    ) -> Result<Verdict, ErrorKind> {
        let head = Head {
            route: "organization.found".to_owned(),
            ..self.rig.head("")
        };
        let deadline = self.rig.clock.now().plus(within);
        Asker::of(&self.rig.host)
            .ask(subject, head, body.to_string().into(), deadline)
            .await
            .map_err(|error| error.kind())
    }

    async fn people(&self) -> Vec<Person> {
        let mut conn = self.db.read().await.unwrap();
        fetch_all!(&mut conn, PEOPLE as Person).unwrap()
    }

    async fn organizations(&self) -> usize {
        let mut conn = self.db.read().await.unwrap();
        fetch_all!(&mut conn, ORGANIZATIONS as (Uuid,))
            .unwrap()
            .len()
    }
}

const AN_HOUR: Duration = Duration::from_secs(3_600);

fn founding(number: u128, email: &str) -> Value {
    json!({
        "name": format!("Studio {number}"),
        "plan": "free",
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "owner": {
            "id": Uuid::from_u128(number),
            "name": "Maya",
            "email": email,
            "password_hash": format!("hash {number}"),
        },
    })
}

fn owner_of(number: u128) -> Person {
    let text = |text: &str| Some(format!("{text} {number}"));
    let owner = Some("owner".to_owned());
    (Uuid::from_u128(number), text("hash"), text("Studio"), owner)
}

fn status(verdict: Result<Verdict, ErrorKind>) -> u16 {
    match verdict {
        Ok(Verdict::Respond(response)) => response.status,
        Ok(Verdict::Refuse(problem)) => hoursmith_routes::problem::status(problem.code),
        // The worker and the bus keep the deadline as well.
        Err(ErrorKind::DeadlineExceeded) => 504,
        other => panic!("{other:?}"),
    }
}

async fn a_user_comes_with_an_organization(db: TestDb) {
    let bench = Bench::start(db).await;
    let new = founding(1, "Maya@studio.example");
    assert_eq!(status(bench.found(&new, AN_HOUR).await), 201);
    assert_eq!(bench.people().await, [owner_of(1)]);
    let mut conn = bench.db.read().await.unwrap();
    let told = fetch_all!(&mut conn, TOLD as (String,)).unwrap();
    assert_eq!(told, [("member.added".to_owned(),)]);
}

async fn an_address_that_is_somebodys_founds_nothing(db: TestDb) {
    let bench = Bench::start(db).await;
    let first = founding(1, "Maya@studio.example");
    assert_eq!(status(bench.found(&first, AN_HOUR).await), 201);
    let again = founding(2, "maya@STUDIO.example");
    assert_eq!(status(bench.found(&again, AN_HOUR).await), 409);
    assert_eq!(bench.people().await, [owner_of(1)]);
    assert_eq!(bench.organizations().await, 1);
}

async fn what_cannot_be_founded_leaves_no_user(db: TestDb) {
    let bench = Bench::start(db).await;
    let email = "maya@studio.example";
    for (field, wrong) in [("currency", "euro"), ("timezone", "Moon"), ("name", "")] {
        let mut new = founding(1, email);
        new[field] = wrong.into();
        assert_eq!(status(bench.found(&new, AN_HOUR).await), 422, "{field}");
    }
    // So near its deadline nothing is committed any more.
    let new = founding(1, email);
    let late = bench.found(&new, Duration::from_millis(200)).await;
    assert_eq!(status(late), 504);
    assert_eq!(
        (bench.people().await, bench.organizations().await),
        (vec![], 0)
    );

    let now = bench.found(&new, AN_HOUR).await;
    assert_eq!(status(now), 201, "the address was nobody's");
}

/// Whoever may ask for anything at all of the resource actor may say any route, and no caller.
async fn only_its_own_subject_founds(db: TestDb) {
    let bench = Bench::start(db).await;
    let new = founding(1, "maya@studio.example");
    for subject in ["client.list", "organization.read", "organization.found"] {
        let subject = Subject::new(&format!("{}.resource.{subject}", subjects::PREFIX)).unwrap();
        assert!(subjects::resources().matches(&subject));
        assert_eq!(status(bench.ask(&subject, &new, AN_HOUR).await), 500);
    }
    assert_eq!(
        (bench.people().await, bench.organizations().await),
        (vec![], 0)
    );
    assert!(!subjects::resources().matches(&subjects::found_organization()));
}

macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite { $(#[tokio::test] async fn $case() { super::$case(super::TestDb::sqlite().await).await; })+ }
        mod postgres { $(#[tokio::test] async fn $case() { super::$case(super::TestDb::postgres().await).await; })+ }
    };
}

on_both! {
    a_user_comes_with_an_organization,
    an_address_that_is_somebodys_founds_nothing,
    what_cannot_be_founded_leaves_no_user,
    only_its_own_subject_founds,
}
