//! Invitations over HTTP, as a browser meets them.

use hoursmith_domain::{InvitationSecret, Keys, SecretKey};
use serde_json::json;

use crate::http::{Answer, Call};
use crate::world::{Bus, SECRET, Store, World, generous};

const PASSWORD: &str = "glacier-violin-83-orchard";

fn form(call: Call, body: &str) -> Call {
    call.header("sec-fetch-site", "same-origin")
        .raw("application/x-www-form-urlencoded", body.to_owned())
}

fn said(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// A server that nobody signs up at: whom its operator gives a link comes in all the same.
#[tokio::test(flavor = "multi_thread")]
async fn invitations_are_accepted_where_sign_up_is_closed() {
    let world = World::start_with(Bus::Process, Store::Sqlite, |settings| {
        generous(settings);
        let closed = json!({ "sign_up": false });
        settings.actors.insert("accounts".to_owned(), closed);
    })
    .await;
    let org = world.org().await;
    let fields = format!(
        "name=Eve&email=eve%40a.example&new_password={PASSWORD}&organization=E&currency=EUR&timezone=UTC"
    );
    let refused = form(world.call("POST", "/app/signup"), &fields)
        .send()
        .await;
    assert!(said(&refused.expect(403)).contains("Sign-up is closed"));

    let keys = Keys::derive(&SecretKey::from_bytes(SECRET));
    let operator = world.operator();
    let link = operator.link(&keys, &org.slug, &org.manager.email).await;
    let path = link.unwrap().secret.link("");
    let new = format!("new_password={PASSWORD}");
    // Not from a page of somebody else's, and not with a password that is guessed.
    let foreign = world
        .call("POST", &path)
        .raw("application/x-www-form-urlencoded", new.clone());
    foreign.send().await.expect(403);
    let easy = form(world.call("POST", &path), "new_password=password1234").send();
    assert!(said(&easy.await.expect(422)).contains("too easy to guess"));
    let accepted = form(world.call("POST", &path), &new)
        .send()
        .await
        .expect(303);
    let cookie = accepted
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let home = world.call("GET", "/app").header("cookie", &cookie).send();
    assert!(said(&home.await.expect(200)).contains("manager"));

    // Used, misspelt and unknown are one page, and the sign in front of it alike.
    let unknown = InvitationSecret::generate([9; 32]).link("");
    let mut pages = Vec::new();
    for path in [
        path.clone(),
        format!("{path}x"),
        unknown,
        "/app/invitations".to_owned(),
    ] {
        pages.push(said(&world.call("GET", &path).send().await.expect(404)));
        pages.push(said(
            &form(world.call("POST", &path), &new)
                .send()
                .await
                .expect(404),
        ));
    }
    assert!(pages.iter().all(|page| *page == pages[0]));

    // Removed, the session is worth nothing.
    operator
        .remove_member(&org.slug, &org.manager.email)
        .await
        .unwrap();
    let gone = world.call("GET", "/app").header("cookie", &cookie).send();
    gone.await.expect(403);
}
