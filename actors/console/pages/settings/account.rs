//! Settings → Account: the person's own password and sessions.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_bus::subjects::AccountQuestion;
use hoursmith_kit::Failure;
use serde::Deserialize;
use serde_json::json;

use crate::ask::Person;
use crate::entry;
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{Frame, go, show};

#[derive(Template)]
#[template(path = "settings/account.html")]
struct AccountPage<'a> {
    frame: &'a Frame,
    sessions: &'a [Session],
    form: &'a Form,
}

/// A session as accounts lists it.
#[derive(Deserialize)]
struct Session {
    id: String,
    user_agent: String,
    begun_at: String,
    used_at: String,
    this_one: bool,
}

#[derive(Deserialize)]
struct SessionList {
    data: Vec<Session>,
}

/// Answers what is below `/app/settings/account`.
pub(crate) async fn answer(
    person: &Person<'_>,
    post: bool,
    parts: &[&str],
    form: Form,
) -> Result<Response, Halt> {
    match (post, parts) {
        (false, []) => page(person, Form::default()).await,
        (true, ["password"]) => change(person, form).await,
        (true, ["sessions", "end"]) => end_others(person).await,
        (true, ["sessions", id, "end"]) => end_one(person, id).await,
        _ => Err(Halt::no_page()),
    }
}

async fn page(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let question = AccountQuestion::SessionList;
    let response = person.guest.account(question, None).await?;
    let list: SessionList = serde_json::from_slice(&response.body)
        .map_err(|source| Failure::internal("read a person's sessions", source))?;
    let page = AccountPage {
        frame: &frame,
        sessions: &list.data,
        form: &form,
    };
    show(form.status(), &page)
}

/// Another password: this session goes on under another secret, the others end.
async fn change(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    let body = json!({
        "password": form.raw("password"),
        "new_password": form.raw("new_password"),
    });
    let question = AccountQuestion::Change;
    match person.guest.account(question, Some(&body)).await {
        Ok(response) => {
            let cookie = entry::cookie(&person.guest, &response)?;
            Ok(go("/app/settings/account?done=password").with_header("set-cookie", cookie))
        }
        Err(halt) => page(person, form.refused(halt.correctable()?)).await,
    }
}

async fn end_one(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let question = AccountQuestion::SessionEndOne;
    let body = json!({ "id": id });
    person.guest.account(question, Some(&body)).await?;
    Ok(go("/app/settings/account?done=ended"))
}

async fn end_others(person: &Person<'_>) -> Result<Response, Halt> {
    let question = AccountQuestion::SessionEndOthers;
    person.guest.account(question, None).await?;
    Ok(go("/app/settings/account?done=others"))
}
