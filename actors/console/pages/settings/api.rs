//! Settings → API: the person's own tokens. A new one is shown this once.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_bus::subjects::TokenQuestion;
use hoursmith_domain::Plan;
use hoursmith_kit::Failure;
use serde::Deserialize;
use serde_json::json;

use crate::ask::Person;
use crate::form::Form;
use crate::halt::{Halt, Refusal};
use crate::page::{Frame, go, show};

/// How long a token may be good, in days and in words.
const LIVES: &[(&str, &str)] = &[
    ("", "never"),
    ("30", "in 30 days"),
    ("90", "in 90 days"),
    ("365", "in a year"),
];

#[derive(Template)]
#[template(path = "settings/api.html")]
struct TokensPage<'a> {
    frame: &'a Frame,
    tokens: &'a [Token],
    form: &'a Form,
    minted: Option<&'a str>,
    public_url: &'a str,
    locked: bool,
    lives: &'a [(&'a str, &'a str)],
    once: String,
}

/// A token as token-auth lists it.
#[derive(Deserialize)]
struct Token {
    id: String,
    name: String,
    last_four: String,
    scope: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    created_at: String,
}

#[derive(Deserialize)]
struct TokenList {
    data: Vec<Token>,
}

#[derive(Deserialize)]
struct Minted {
    token: String,
}

pub(crate) async fn page(
    person: &Person<'_>,
    form: Option<Form>,
    minted: Option<&str>,
) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let response = person.token(TokenQuestion::List, None, None).await?;
    let list: TokenList = serde_json::from_slice(&response.body)
        .map_err(|source| Failure::internal("read the tokens", source))?;
    let form = form.unwrap_or_else(|| Form::with(&[("scope", "write")]));
    let page = TokensPage {
        locked: frame.plan < Plan::Studio,
        frame: &frame,
        tokens: &list.data,
        form: &form,
        minted,
        public_url: &person.guest.console.public_url,
        lives: LIVES,
        once: person.form_key(),
    };
    show(form.status(), &page)
}

/// Mints a token, once the person has said the password again: whoever finds a browser open
/// shall not leave with a key.
pub(crate) async fn mint(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    person.must_be_here(&form)?;
    let days = form.some("expires_in_days").map(str::parse::<u32>);
    let Ok(days) = days.transpose() else {
        let refusal = Refusal::at("expires_in_days", "must be a whole number of days");
        return page(person, Some(form.refused(refusal)), None).await;
    };
    let body = json!({
        "name": form.get("name"),
        "scope": if form.chose("scope", "read") { "read" } else { "write" },
        "expires_in_days": days,
    });
    let done = async {
        person.confirm(form.raw("password")).await?;
        person.token(TokenQuestion::Create, None, Some(&body)).await
    };
    match done.await {
        Ok(response) => {
            let minted: Minted = serde_json::from_slice(&response.body)
                .map_err(|source| Failure::internal("read a new token", source))?;
            page(person, None, Some(&minted.token)).await
        }
        Err(halt) => page(person, Some(form.refused(halt.correctable()?)), None).await,
    }
}

pub(crate) async fn revoke(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    person.token(TokenQuestion::Revoke, Some(id), None).await?;
    Ok(go("/app/settings/api?done=revoked"))
}
