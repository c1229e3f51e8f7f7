//! An organization with a project and two people in it, for tests of what one resource does for
//! another and no route does alone.

use std::sync::Arc;

use hoursmith_domain::{ClientId, MemberId, OrganizationId, Plan, ProjectId, Role};
use hoursmith_kit::{Clock, ManualClock, Random, SystemRandom};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Error, execute, fetch_all};
use serde_json::Value;
use uuid::Uuid;

use crate::admin::{Admin, NewMember, NewOrganization};
use crate::write::Stamp;

hoursmith_store::statements! {
    NEW_CLIENT = "INSERT INTO clients (organization_id, id, name, name_key, search, currency, created_at, \
        updated_at) VALUES ($1, $2, 'c', 'c', 'c', 'EUR', 1, 1)";
    NEW_PROJECT = "INSERT INTO projects (organization_id, id, client_id, name, name_key, created_at, \
        updated_at) VALUES ($1, $2, $3, 'p', 'p', 1, 1)";
    JOIN_PROJECT = "INSERT INTO project_members (organization_id, project_id, member_id, created_at) \
        VALUES ($1, $2, $3, 1)";
    EVENTS = "SELECT type, data FROM events WHERE organization_id = $1 ORDER BY position";
}

pub(crate) struct Bench {
    pub(crate) db: TestDb,
    pub(crate) organization: OrganizationId,
    pub(crate) client: ClientId,
    pub(crate) project: ProjectId,
    /// Both in the project.
    pub(crate) members: [MemberId; 2],
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Bench {
    pub(crate) async fn new(db: TestDb) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let admin = Admin {
            db: db.db().clone(),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
        };
        let person = |name: &str| NewMember {
            name: name.to_owned(),
            email: format!("{name}@bench.example"),
            role: Role::Owner,
        };
        let new = NewOrganization {
            name: "Bench".to_owned(),
            slug: "bench".to_owned(),
            plan: Plan::Studio,
            currency: "EUR".parse().unwrap(),
            timezone: "Europe/Berlin".to_owned(),
        };
        let made = admin.create_organization(new, person("ada")).await;
        let (organization, ada) = made.unwrap();
        let ben = admin.add_member("bench", person("ben")).await.unwrap();
        let fresh = || random.uuid_v7(clock.now());
        let (client, project) = (ClientId(fresh()), ProjectId(fresh()));
        let members = [ada, ben];
        let written = db.write(move |conn| {
            Box::pin(async move {
                execute!(conn, NEW_CLIENT, organization.0, client.0)?;
                execute!(conn, NEW_PROJECT, organization.0, project.0, client.0)?;
                for member in members {
                    execute!(conn, JOIN_PROJECT, organization.0, project.0, member.0)?;
                }
                Ok::<(), Error>(())
            })
        });
        written.await.unwrap();
        Self {
            db,
            organization,
            client,
            project,
            members,
            clock,
            random,
        }
    }

    pub(crate) fn stamp(&self) -> Stamp {
        Stamp::new(&self.clock, &self.random, self.organization)
    }

    /// The events whose types begin so, in order: type, id of the resource, what changed.
    pub(crate) async fn changes(&self, kind: &str) -> Vec<(String, Uuid, Value)> {
        let mut conn = self.db.read().await.unwrap();
        let rows = fetch_all!(&mut conn, EVENTS as (String, String), self.organization.0);
        let rows = rows
            .unwrap()
            .into_iter()
            .filter(|(given, _)| given.starts_with(kind));
        rows.map(|(given, data)| {
            let data: Value = serde_json::from_str(&data).unwrap();
            let id = data["object"]["id"].as_str().unwrap().parse().unwrap();
            (given, id, data["previous_attributes"].clone())
        })
        .collect()
    }
}
