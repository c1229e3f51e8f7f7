//! Signing up: a person, their organization, and a session.
//!
//! Person and organization are made by the actor that keeps organizations, in one transaction, under an
//! id that is chosen here: there is never one without the other. An address that is somebody's already
//! is never given a new password. The session comes after; if it cannot begin, the person logs in.

use hoursmith_bus::{Ask, Head, Verdict, subjects};
use hoursmith_domain::{Code, FieldError, OrganizationId, Problem, UserId, fold};
use hoursmith_kit::Failure;
use serde::Deserialize;
use serde_json::json;

use super::{Shared, read, refuse, too_often};
use crate::check;

#[derive(Deserialize)]
struct SignUp {
    name: String,
    email: String,
    password: String,
    organization: String,
    currency: String,
    timezone: String,
}

/// What the resource actor says of what it founded.
#[derive(Deserialize)]
struct Founded {
    organization_id: OrganizationId,
}

pub(super) async fn answer(shared: &Shared, ask: &Ask) -> Result<Verdict, Failure> {
    if !shared.settings.sign_up {
        let detail = "Sign-up is closed here. Ask for an invitation.";
        return Ok(Verdict::Refuse(Problem::new(Code::RoleForbidden, detail)));
    }
    let new: SignUp = read(ask)?;
    let beside = [
        new.name.as_str(),
        new.email.as_str(),
        new.organization.as_str(),
    ];
    let wrong: Vec<FieldError> = [
        check::name("name", &new.name),
        check::email(&new.email),
        check::password("password", &new.password, &beside),
        check::name("organization", &new.organization),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !wrong.is_empty() {
        return Ok(refuse(wrong));
    }
    if let Err(after) = shared.admit(ask, &fold(&new.email)) {
        return Ok(too_often(after));
    }
    let user = UserId(shared.random.uuid_v7(shared.clock.now()));
    match found(shared, ask, new, user).await? {
        Ok(organization) => shared.begin(ask, user, Some(organization), None).await,
        Err(problem) if problem.code == Code::Conflict => {
            let detail = "There is an account with this address. Log in instead.";
            Ok(refuse([FieldError::pointer("#/email", "taken", detail)]))
        }
        Err(problem) => Ok(Verdict::Refuse(problem)),
    }
}

/// The new organization of a new user, or why there is neither.
async fn found(
    shared: &Shared,
    ask: &Ask,
    new: SignUp,
    user: UserId,
) -> Result<Result<OrganizationId, Problem>, Failure> {
    let body = json!({
        "name": new.organization,
        "plan": shared.settings.plan,
        "currency": new.currency,
        "timezone": new.timezone,
        "owner": {
            "id": user,
            "name": new.name,
            "email": new.email,
            "password_hash": shared.hashed(new.password).await?,
        },
    });
    let head = Head::new(ask.head.request_id, "organization.found", "");
    let subject = subjects::found_organization();
    let verdict = shared
        .asker
        .ask(&subject, head, body.to_string().into(), ask.deadline)
        .await
        .map_err(|error| Failure::bus("ask for an organization", error))?;
    match verdict {
        Verdict::Respond(response) => {
            let founded: Founded = serde_json::from_slice(&response.body)
                .map_err(|source| Failure::internal("read what was founded", source))?;
            Ok(Ok(founded.organization_id))
        }
        Verdict::Refuse(problem) => Ok(Err(problem)),
        Verdict::Continue(_) => Err(Failure::internal("found an organization", "no answer")),
    }
}
