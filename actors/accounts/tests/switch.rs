//! A person in several organizations: where the session acts, and what happens when one is gone.

use super::*;

hoursmith_store::statements! {
    ORGANIZATION = "INSERT INTO organizations (id, name, slug, plan, currency, timezone, created_at, updated_at)
        VALUES ($1, $2, $2, 'free', 'EUR', 'UTC', 0, 0)";
    MEMBER = "INSERT INTO members (organization_id, id, user_id, role, status, created_at, updated_at)
        VALUES ($1, $2, $3, 'member', $4, 1, 1)";
}

const MAYA: &str = "maya@studio.example";

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Beside the first organization: one that Maya is in too, one that she is invited to, one that
/// she is not in.
async fn bench(db: TestDb) -> Bench {
    let bench = Bench::start(db).await;
    let more: Result<(), Error> = bench
        .db
        .write(|conn| {
            Box::pin(async move {
                for (number, name) in [(11, "bureau"), (12, "club"), (13, "league")] {
                    execute!(conn, ORGANIZATION, id(number), name)?;
                }
                execute!(conn, MEMBER, id(11), id(21), id(2), "active")?;
                execute!(conn, MEMBER, id(12), id(22), id(2), "invited")?;
                Ok(())
            })
        })
        .await;
    more.unwrap();
    bench
}

impl Bench {
    /// Where a session acts.
    async fn acts_in(&self, session: SessionDigest) -> Option<String> {
        let Verdict::Continue(additions) = self.check(session).await else {
            panic!("refused");
        };
        let facts = serde_json::to_value(additions.caller?).unwrap();
        Some(facts["facts"]["organization"].as_str().unwrap().to_owned())
    }

    async fn switch(&self, session: SessionDigest, to: Value) -> Result<(), Code> {
        let question = AccountQuestion::SessionSwitch;
        let told = self.told(question, session, json!({ "id": to }));
        told.await.map(drop)
    }

    async fn remove_from(&self, organization: u128) {
        let removed: Result<u64, Error> = self
            .db
            .write(move |conn| Box::pin(async move { execute!(conn, REMOVE, id(organization)) }))
            .await;
        assert_eq!(removed.unwrap(), 1);
    }
}

async fn a_session_acts_in_an_organization_of_its_person(db: TestDb) {
    let bench = bench(db).await;
    let session = bench.log_in(MAYA, PASSWORD).await.unwrap();
    let other = bench.log_in(MAYA, PASSWORD).await.unwrap();
    assert_eq!(bench.acts_in(session).await, Some(id(1).to_string()));
    let question = AccountQuestion::SessionOrganizations;
    let told = bench.told(question, session, json!({})).await.unwrap();
    let names: Vec<&str> = told["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|organization| organization["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{told}");
    assert!(names.contains(&"Studio") && names.contains(&"bureau"));

    for wrong in [json!(id(12)), json!(id(13)), json!(id(99)), json!("studio")] {
        let refused = bench.switch(session, wrong.clone()).await;
        assert_eq!(refused, Err(Code::NotFound), "{wrong}");
    }
    assert_eq!(bench.acts_in(session).await, Some(id(1).to_string()));
    assert_eq!(bench.switch(session, json!(id(11))).await, Ok(()));
    assert_eq!(bench.acts_in(session).await, Some(id(11).to_string()));
    let of_other = bench.acts_in(other).await;
    assert_eq!(of_other, Some(id(1).to_string()), "another browser stays");
}

async fn whoever_is_removed_goes_on_elsewhere_when_they_say_so(db: TestDb) {
    let bench = bench(db).await;
    let session = bench.log_in(MAYA, PASSWORD).await.unwrap();
    bench.remove_from(1).await;
    assert_eq!(
        bench.acts_in(session).await,
        None,
        "it fell to another by itself"
    );
    let again = bench.log_in(MAYA, PASSWORD).await.unwrap();
    assert_eq!(bench.acts_in(again).await, Some(id(11).to_string()));
    assert_eq!(
        bench.switch(session, json!(id(1))).await,
        Err(Code::NotFound)
    );
    assert_eq!(bench.switch(session, json!(id(11))).await, Ok(()));
    assert_eq!(bench.acts_in(session).await, Some(id(11).to_string()));

    bench.remove_from(11).await;
    assert_eq!(bench.acts_in(session).await, None);
    let nowhere = bench.log_in(MAYA, PASSWORD).await.unwrap();
    assert_eq!(bench.acts_in(nowhere).await, None);
    let question = AccountQuestion::SessionOrganizations;
    let told = bench.told(question, nowhere, json!({})).await.unwrap();
    assert_eq!(told["data"], json!([]));
}

async fn a_session_that_is_over_goes_nowhere(db: TestDb) {
    let bench = bench(db).await;
    let session = bench.log_in(MAYA, PASSWORD).await.unwrap();
    bench
        .ask(AccountQuestion::SessionEnd, Some(session), None)
        .await;
    for question in [
        AccountQuestion::SessionSwitch,
        AccountQuestion::SessionOrganizations,
        AccountQuestion::SessionList,
    ] {
        let refused = bench.told(question, session, json!({ "id": id(11) })).await;
        assert_eq!(refused, Err(Code::TokenInvalid), "{question:?}");
    }
}

on_both! {
    a_session_acts_in_an_organization_of_its_person,
    whoever_is_removed_goes_on_elsewhere_when_they_say_so,
    a_session_that_is_over_goes_nowhere,
}
