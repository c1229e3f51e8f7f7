//! Signing up: a person, their organization, and a session.
//!
//! The person first: the address is taken by one guarded statement, and an address that is
//! somebody's already is never given a new password. Then the organization, by the actor that keeps
//! them. If that fails the person is taken back, so that the address may be used again.

use hoursmith_bus::{Ask, Head, Verdict, subjects};
use hoursmith_domain::{Code, FieldError, OrganizationId, Problem, UserId, fold};
use hoursmith_kit::Failure;
use serde::Deserialize;
use serde_json::json;

use super::{Shared, hash, read, refuse, too_often};
use crate::check;
use crate::sql::{self, NewUser};

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
    organization_id: String,
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
    let mut salt = [0; 16];
    shared.random.fill(&mut salt);
    let now = shared.clock.now();
    let id = UserId(shared.random.uuid_v7(now));
    let user = NewUser {
        id,
        name: new.name.clone(),
        email: new.email.clone(),
        password_hash: hash::hash(new.password.clone(), salt).await?,
        now,
    };
    let taken: Result<bool, hoursmith_store::Error> = shared
        .db
        .write(move |conn| Box::pin(async move { sql::insert_user(conn, &user).await }))
        .await;
    if !taken? {
        let detail = "There is an account with this address. Log in instead.";
        return Ok(refuse([FieldError::pointer("#/email", "taken", detail)]));
    }
    match found(shared, ask, &new).await {
        Ok(Ok(organization)) => shared.begin(ask, id, Some(organization), None).await,
        Ok(Err(problem)) => {
            take_back(shared, id).await?;
            Ok(Verdict::Refuse(problem))
        }
        Err(failure) => {
            take_back(shared, id).await?;
            Err(failure)
        }
    }
}

/// The new organization, or what is wrong with it.
async fn found(
    shared: &Shared,
    ask: &Ask,
    new: &SignUp,
) -> Result<Result<OrganizationId, Problem>, Failure> {
    let mut random = [0; 4];
    shared.random.fill(&mut random);
    let body = json!({
        "name": new.organization,
        "slug": slug(&new.organization, random),
        "plan": shared.settings.plan,
        "currency": new.currency,
        "timezone": new.timezone,
        "owner_name": new.name,
        "owner_email": new.email,
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
            let id = founded.organization_id.parse();
            id.map(Ok)
                .map_err(|source| Failure::internal("read what was founded", source))
        }
        Verdict::Refuse(problem) => Ok(Err(problem)),
        Verdict::Continue(_) => Err(Failure::internal("found an organization", "no answer")),
    }
}

async fn take_back(shared: &Shared, user: UserId) -> Result<(), Failure> {
    let gone: Result<u64, hoursmith_store::Error> = shared
        .db
        .write(move |conn| Box::pin(sql::delete_user(conn, user)))
        .await;
    gone?;
    Ok(())
}

/// A short name: what is readable of the name, and four random bytes, since it must be nobody
/// else's.
fn slug(name: &str, random: [u8; 4]) -> String {
    let mut slug = String::new();
    for c in fold(name).chars().take(40) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    if !slug.is_empty() && !slug.ends_with('-') {
        slug.push('-');
    }
    for byte in random {
        slug.push_str(&format!("{byte:02x}"));
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_slug_is_what_an_organization_may_be_called() {
        assert_eq!(
            slug("Studio Nørd & Co.", [1, 2, 3, 255]),
            "studio-n-rd-co-010203ff"
        );
        assert_eq!(slug("日本", [0; 4]), "00000000");
    }
}
