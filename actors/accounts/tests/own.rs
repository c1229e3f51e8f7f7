//! What a person does with their own account: sessions listed and ended, the password changed.

use futures::future::{join, join_all};

use super::*;

hoursmith_store::statements! {
    SOMEBODY_ELSE = "INSERT INTO users (id, name, email, email_key, search, password_hash, created_at, updated_at)
        SELECT $1, 'Noah', 'noah@studio.example', 'noah@studio.example', '', password_hash, 0, 0
        FROM users WHERE email_key = 'maya@studio.example'";
}

const ANOTHER: &str = "thimble-orbit-27-marmalade";
const MAYA: &str = "maya@studio.example";

/// The sessions that a session is shown.
async fn listed(bench: &Bench, session: SessionDigest) -> Vec<Value> {
    let told = bench.told(AccountQuestion::SessionList, session, json!({}));
    told.await.unwrap()["data"].as_array().unwrap().clone()
}

async fn end(bench: &Bench, session: SessionDigest, id: &Value) -> Result<(), Code> {
    let question = AccountQuestion::SessionEndOne;
    let told = bench.told(question, session, json!({ "id": id }));
    told.await.map(drop)
}

async fn sessions_are_shown_to_their_person_alone_and_end_by_them_alone(db: TestDb) {
    let bench = Bench::start(db).await;
    let somebody: Result<u64, Error> = bench
        .db
        .write(|conn| Box::pin(async move { execute!(conn, SOMEBODY_ELSE, Uuid::from_u128(9)) }))
        .await;
    assert_eq!(somebody.unwrap(), 1);
    let one = bench.log_in(MAYA, PASSWORD).await.unwrap();
    bench.rig.clock.advance(Duration::from_secs(3600));
    let two = bench.log_in(MAYA, PASSWORD).await.unwrap();
    let noah = bench.log_in("noah@studio.example", PASSWORD).await.unwrap();

    let sessions = listed(&bench, one).await;
    let marks: Vec<bool> = sessions
        .iter()
        .map(|session| session["this_one"].as_bool().unwrap())
        .collect();
    assert_eq!(marks, [false, true], "{sessions:?}");
    let agent = sessions[0]["user_agent"].as_str().unwrap();
    assert!(agent.contains("Firefox"), "{agent}");
    assert!(sessions[0]["begun_at"].as_str() > sessions[1]["begun_at"].as_str());
    assert!(!format!("{sessions:?}").contains("digest"));

    for id in [&sessions[0]["id"], &json!("none"), &json!(Uuid::nil())] {
        assert_eq!(end(&bench, noah, id).await, Err(Code::NotFound), "{id}");
    }
    assert!(bench.is_good(two).await, "a stranger ended a session");
    assert_eq!(end(&bench, one, &sessions[0]["id"]).await, Ok(()));
    assert!(!bench.is_good(two).await);
    assert_eq!(
        end(&bench, one, &sessions[0]["id"]).await,
        Err(Code::NotFound)
    );

    let three = bench.log_in(MAYA, PASSWORD).await.unwrap();
    let others = AccountQuestion::SessionEndOthers;
    bench.told(others, three, json!({})).await.unwrap();
    assert!(!bench.is_good(one).await);
    assert!(bench.is_good(three).await && bench.is_good(noah).await);
    assert_eq!(listed(&bench, three).await.len(), 1);
    assert_eq!(
        bench.told(others, one, json!({})).await,
        Err(Code::TokenInvalid),
        "a session that is over ends others"
    );
}

async fn a_session_that_is_over_is_not_shown(db: TestDb) {
    let bench = Bench::start(db).await;
    bench.log_in(MAYA, PASSWORD).await.unwrap();
    bench.rig.clock.advance(Duration::from_secs(12 * 3600));
    let session = bench.log_in(MAYA, PASSWORD).await.unwrap();
    assert_eq!(listed(&bench, session).await.len(), 1);
}

async fn another_password_leaves_one_session_under_a_new_secret(db: TestDb) {
    let bench = Bench::start(db).await;
    let one = bench.log_in(MAYA, PASSWORD).await.unwrap();
    let two = bench.log_in(MAYA, PASSWORD).await.unwrap();
    let change = async |session, password: &str, new: &str| {
        let body = json!({ "password": password, "new_password": new });
        let verdict = bench.ask(AccountQuestion::Change, Some(session), Some(body));
        bench.begun(verdict.await)
    };
    for (password, new) in [
        ("wrong", ANOTHER),
        (PASSWORD, PASSWORD),
        (PASSWORD, "password1234"),
        (PASSWORD, "maya@studio.example!"),
    ] {
        let refused = change(one, password, new).await;
        assert_eq!(refused, Err(Code::ValidationFailed), "{password} {new}");
    }
    assert!(bench.is_good(one).await && bench.is_good(two).await);

    let renewed = change(one, PASSWORD, ANOTHER).await.unwrap();
    assert!(bench.is_good(renewed).await);
    assert!(!bench.is_good(one).await, "the old secret outlives it");
    assert!(!bench.is_good(two).await, "another session outlives it");
    assert_eq!(listed(&bench, renewed).await.len(), 1);
    assert!(bench.log_in(MAYA, PASSWORD).await.is_err());
    assert!(bench.log_in(MAYA, ANOTHER).await.is_ok());
    let over = change(one, ANOTHER, PASSWORD).await;
    assert_eq!(over, Err(Code::TokenInvalid));
}

async fn an_open_session_is_no_way_to_guess(db: TestDb) {
    let bench = Bench::start(db).await;
    let session = bench.log_in(MAYA, PASSWORD).await.unwrap();
    let change = async |password: &str| {
        let body = json!({ "password": password, "new_password": ANOTHER });
        bench.told(AccountQuestion::Change, session, body).await
    };
    for _ in 0..10 {
        assert_eq!(change("wrong").await, Err(Code::ValidationFailed));
    }
    assert_eq!(change(PASSWORD).await, Err(Code::RateLimited));
    assert!(bench.is_good(session).await);
}

async fn nobody_slips_in_behind_a_changed_password(db: TestDb) {
    let bench = Bench::start(db).await;
    let session = bench.log_in(MAYA, PASSWORD).await.unwrap();
    let body = json!({ "password": PASSWORD, "new_password": ANOTHER });
    let change = bench.ask(AccountQuestion::Change, Some(session), Some(body));
    let (begun, changed) = join(
        join_all((0..8).map(|_| bench.log_in(MAYA, PASSWORD))),
        change,
    )
    .await;
    let renewed = bench.begun(changed).unwrap();
    for other in begun.into_iter().flatten() {
        assert!(
            !bench.is_good(other).await,
            "a session of the old password goes on"
        );
    }
    assert!(bench.is_good(renewed).await);
}

on_both! {
    sessions_are_shown_to_their_person_alone_and_end_by_them_alone,
    a_session_that_is_over_is_not_shown,
    another_password_leaves_one_session_under_a_new_secret,
    an_open_session_is_no_way_to_guess,
    nobody_slips_in_behind_a_changed_password,
}
