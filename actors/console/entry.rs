//! The way in and out: signing up, logging in, logging out.
//!
//! Whoever logs in gets a session under a new secret, so that one which was planted before is worth
//! nothing. The way goes on to the dashboard and nowhere else: there is no address in a query that
//! could lead astray.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_bus::subjects::AccountQuestion;
use hoursmith_kit::Failure;
use serde::Deserialize;
use serde_json::json;

use crate::ask::Guest;
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{self, go, show};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    form: &'a Form,
}

#[derive(Template)]
#[template(path = "signup.html")]
struct SignUpPage<'a> {
    form: &'a Form,
}

/// What accounts answers of a session that begins, or has another secret from now on.
#[derive(Deserialize)]
struct Begun {
    session: String,
    lives_seconds: i64,
}

/// The fields of signing up, with what most people leave as it is.
pub(crate) fn blank() -> Form {
    Form::with(&[("currency", "EUR"), ("timezone", "UTC")])
}

pub(crate) fn login_page(form: &Form, status: u16) -> Result<Response, Halt> {
    show(status, &LoginPage { form })
}

pub(crate) fn sign_up_page(form: &Form, status: u16) -> Result<Response, Halt> {
    show(status, &SignUpPage { form })
}

pub(crate) async fn login(guest: &Guest<'_>, form: Form) -> Result<Response, Halt> {
    let body = json!({ "email": form.get("email"), "password": form.raw("password") });
    match guest.account(AccountQuestion::LogIn, Some(&body)).await {
        Ok(response) => enter(guest, &response, "/app").await,
        Err(halt) => {
            let refusal = halt.correctable()?;
            let status = refusal.status;
            login_page(&form.refused(refusal), status)
        }
    }
}

pub(crate) async fn sign_up(guest: &Guest<'_>, form: Form) -> Result<Response, Halt> {
    let body = json!({
        "name": form.get("name"),
        "email": form.get("email"),
        "password": form.raw("new_password"),
        "organization": form.get("organization"),
        "currency": form.get("currency").to_uppercase(),
        "timezone": form.get("timezone"),
    });
    match guest.account(AccountQuestion::SignUp, Some(&body)).await {
        Ok(response) => enter(guest, &response, "/app").await,
        Err(halt) => {
            let refusal = halt.correctable()?.renamed("password", "new_password");
            let status = refusal.status;
            sign_up_page(&form.refused(refusal), status)
        }
    }
}

pub(crate) async fn logout(guest: &Guest<'_>) -> Result<Response, Halt> {
    if guest.visit.session.is_some() {
        guest.account(AccountQuestion::SessionEnd, None).await?;
    }
    Ok(go("/app/login").with_header("set-cookie", page::end(guest.console)))
}

/// In, with a new session; the one that the browser had before ends.
pub(crate) async fn enter(
    guest: &Guest<'_>,
    response: &Response,
    to: &str,
) -> Result<Response, Halt> {
    let cookie = cookie(guest, response)?;
    if guest.visit.session.is_some() {
        guest.account(AccountQuestion::SessionEnd, None).await?;
    }
    Ok(go(to).with_header("set-cookie", cookie))
}

/// The cookie of the secret that accounts hands over.
pub(crate) fn cookie(guest: &Guest<'_>, response: &Response) -> Result<String, Halt> {
    let begun: Begun = serde_json::from_slice(&response.body)
        .map_err(|source| Failure::internal("read a session that began", source))?;
    Ok(page::cookie(
        guest.console,
        &begun.session,
        begun.lives_seconds,
    ))
}
