//! The page behind an invitation's link.
//!
//! Its address is known to whoever was given it, and to this process by a digest alone, so that the forms
//! have no action: a browser sends them to where it is. Used, withdrawn, expired and misspelt links show
//! one page.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_bus::subjects::AccountQuestion;
use hoursmith_kit::Failure;
use serde::Deserialize;
use serde_json::json;

use crate::ask::Guest;
use crate::entry::enter;
use crate::form::Form;
use crate::halt::Halt;
use crate::page::show;

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage<'a> {
    invitation: &'a Invitation,
    form: &'a Form,
}

#[derive(Template)]
#[template(path = "invitation_over.html")]
struct OverPage;

/// An invitation as accounts tells of it.
#[derive(Deserialize)]
struct Invitation {
    /// What it takes: `choose`, `confirm`, `press`; `stranger` and `stuck` lead nowhere.
    way: String,
    asks_name: bool,
    /// Whether the member can act already, and only lost a password.
    is_member: bool,
    organization: String,
    role: String,
    /// Nobody but the operator, if none.
    inviter: Option<String>,
    name: String,
    email: String,
}

pub(crate) async fn page(guest: &Guest<'_>, form: Form) -> Result<Response, Halt> {
    let response = match guest.account(AccountQuestion::Invitation, None).await {
        Ok(response) => response,
        Err(halt) if halt.is_not_found() => return show(404, &OverPage),
        Err(halt) => return Err(halt),
    };
    let invitation: Invitation = serde_json::from_slice(&response.body)
        .map_err(|source| Failure::internal("read an invitation", source))?;
    let page = InvitationPage {
        invitation: &invitation,
        form: &form,
    };
    show(form.status(), &page)
}

/// Accepts it: in, with a session in the organization.
pub(crate) async fn accept(guest: &Guest<'_>, form: Form) -> Result<Response, Halt> {
    let new = form.raw("new_password");
    let is_new = !new.is_empty();
    let password = if is_new { new } else { form.raw("password") };
    let body = json!({ "name": form.get("name"), "password": password });
    match guest.account(AccountQuestion::Accept, Some(&body)).await {
        Ok(response) => enter(guest, &response, "/app?done=joined").await,
        Err(halt) if halt.is_not_found() => show(404, &OverPage),
        Err(halt) => {
            let mut refusal = halt.correctable()?;
            if is_new {
                refusal = refusal.renamed("password", "new_password");
            }
            page(guest, form.refused(refusal)).await
        }
    }
}
