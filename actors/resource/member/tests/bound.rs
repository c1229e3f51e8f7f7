//! How many may be invited at a time.

use hoursmith_store::testing::on_both;
use hoursmith_store::{Error, execute};

use super::*;

hoursmith_store::statements! {
    NEW_USER = "INSERT INTO users (id, name, email, email_key, search, created_at, updated_at) \
        VALUES ($1, 'p', $2, $2, '', 1, 1)";
    NEW_MEMBER = "INSERT INTO members (organization_id, id, user_id, role, status, created_at, updated_at) \
        VALUES ($1, $2, $2, 'member', 'invited', 1, 1)";
}

async fn a_thousand_are_invited_and_no_more(db: TestDb) {
    let bench = Bench::start(db).await;
    let owner = bench.owner().await;
    let organization = bench.organization.0;
    let invited: Result<(), Error> = (bench.admin.db)
        .write(move |conn| {
            Box::pin(async move {
                for number in 1..1_000_u128 {
                    let id = Uuid::from_u128(number);
                    let email = format!("{number}@acme.example");
                    execute!(conn, NEW_USER, id, email.as_str())?;
                    execute!(conn, NEW_MEMBER, organization, id)?;
                }
                Ok(())
            })
        })
        .await;
    invited.unwrap();
    bench.invite(owner, GUEST, "member").await;
    let one_more = json!({ "email": "eve@acme.example", "role": "member" });
    let (status, told) = bench.ask(owner, "member.invite", None, one_more).await;
    assert_eq!((status, &told["code"]), (409, &json!("conflict")), "{told}");
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.starts_with("1000 people are invited"), "{detail}");
    assert_eq!(
        bench.people().await.len(),
        1_001,
        "the owner and a thousand"
    );

    // Whoever is among them gets another link, and one that is withdrawn makes room.
    bench.invite(owner, GUEST, "admin").await;
    let id = bench.person(GUEST).await.id;
    let (status, _) = bench.ask(owner, "member.remove", Some(id), json!({})).await;
    assert_eq!(status, 204);
    bench.invite(owner, "eve@acme.example", "member").await;
}

on_both! {
    a_thousand_are_invited_and_no_more,
}
