//! Accepting an invitation: somebody shows who they are, and is in.
//!
//! Who it is, is decided here; that they become the member, the resource actor writes in one
//! transaction, new password included. The session begins after that, if the password is still the one
//! that they showed themselves by; if it does not, whoever has accepted logs in. Open where sign-up is closed: an owner or the operator has asked them in.

use hoursmith_bus::{Ask, Head, Verdict, subjects};
use hoursmith_domain::{Code, FieldError, InvitationDigest, OrganizationId, Problem, UserId, fold};
use hoursmith_kit::Failure;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Shared, hash, read, refuse, too_often};
use crate::check;
use crate::invitation::{self, Invitation, Way};

/// What is typed: a new password and perhaps a name, the password that there is, or nothing.
#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

/// How somebody showed who they are.
struct Shown {
    /// As the resource actor is told.
    by: Value,
    /// The hash of the password that they chose, typed, or began their session with.
    password_hash: Option<String>,
}

/// Who is in, as the resource actor says.
#[derive(Deserialize)]
struct Accepted {
    user_id: UserId,
    organization_id: OrganizationId,
}

pub(super) async fn answer(shared: &Shared, ask: &Ask) -> Result<Verdict, Failure> {
    let typed: Typed = read(ask)?;
    let mut conn = shared.db.read().await?;
    let found = invitation::find(&mut conn, ask, shared.clock.now()).await?;
    drop(conn);
    let Some((digest, invitation, here)) = found else {
        return Ok(Verdict::Refuse(Problem::not_found()));
    };
    let shown = match invitation.way(here) {
        Way::Choose => choose(shared, ask, &invitation, typed).await?,
        Way::Confirm => confirm(shared, ask, invitation, typed).await?,
        Way::Press => Ok(known(invitation)),
        // The page shows why, and has no form to send.
        Way::Stranger | Way::Stuck => {
            let detail = "This cannot be accepted so. Open the link again.";
            Err(Verdict::Refuse(Problem::new(Code::Conflict, detail)))
        }
    };
    match shown {
        Ok(shown) => enter(shared, ask, digest, shown).await,
        Err(refusal) => Ok(refusal),
    }
}

/// Somebody new, or whom the operator gave a link: by the password that they choose.
async fn choose(
    shared: &Shared,
    ask: &Ask,
    invitation: &Invitation,
    typed: Typed,
) -> Result<Result<Shown, Verdict>, Failure> {
    let name = invitation.asks_name().then_some(typed.name);
    let called = name.as_deref().unwrap_or(&invitation.name);
    let beside = [called, &invitation.email, &invitation.organization];
    let wrong: Vec<FieldError> = [
        name.as_deref().and_then(|name| check::name("name", name)),
        check::password("password", &typed.password, &beside),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !wrong.is_empty() {
        return Ok(Err(refuse(wrong)));
    }
    if let Err(after) = shared.admit(ask, &fold(&invitation.email)) {
        return Ok(Err(too_often(after)));
    }
    let password_hash = shared.hashed(typed.password).await?;
    Ok(Ok(Shown {
        by: json!({ "new": { "name": name, "password_hash": password_hash } }),
        password_hash: Some(password_hash),
    }))
}

/// Somebody who has an account: by its password, under the same budget of tries as logging in.
async fn confirm(
    shared: &Shared,
    ask: &Ask,
    invitation: Invitation,
    typed: Typed,
) -> Result<Result<Shown, Verdict>, Failure> {
    if let Err(after) = shared.admit(ask, &fold(&invitation.email)) {
        return Ok(Err(too_often(after)));
    }
    if hash::verify(typed.password, invitation.password_hash.clone()).await? {
        return Ok(Ok(known(invitation)));
    }
    let detail = "is not the one of this account";
    let wrong = FieldError::pointer("#/password", "wrong", detail);
    Ok(Err(refuse([wrong])))
}

fn known(invitation: Invitation) -> Shown {
    Shown {
        by: json!({ "known": invitation.user() }),
        password_hash: invitation.password_hash,
    }
}

/// Has the member made, and begins a session in the organization.
async fn enter(
    shared: &Shared,
    ask: &Ask,
    digest: InvitationDigest,
    shown: Shown,
) -> Result<Verdict, Failure> {
    let body = json!({ "invitation": digest, "by": shown.by });
    let head = Head::new(ask.head.request_id, "accept", "");
    let subject = subjects::accept_invitation();
    let verdict = shared
        .asker
        .ask(&subject, head, body.to_string().into(), ask.deadline)
        .await
        .map_err(|error| Failure::bus("have an invitation accepted", error))?;
    match verdict {
        Verdict::Respond(response) => {
            let accepted: Accepted = serde_json::from_slice(&response.body)
                .map_err(|source| Failure::internal("read who accepted", source))?;
            let organization = Some(accepted.organization_id);
            let user = accepted.user_id;
            shared
                .begin(ask, user, organization, shown.password_hash)
                .await
        }
        refusal @ Verdict::Refuse(_) => Ok(refusal),
        Verdict::Continue(_) => Err(Failure::internal("accept an invitation", "no answer")),
    }
}
