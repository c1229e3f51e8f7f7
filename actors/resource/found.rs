//! Founding: the organization of somebody who has just signed up, asked for by accounts.
//!
//! What the operator's `org create` does, over the bus, with a user who can log in. Both stand in one
//! transaction: nobody is left who has an address taken but no organization or no password, whatever
//! ends half-way. It has no caller, since whoever asks is a member of nothing yet: it is one of the
//! [`guarded`](crate::guarded) questions, and accounts has checked who it is for.

use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::{Ask, Response};
use hoursmith_domain::{Code, OrganizationId, Plan, Problem, Role, UserId, fold};
use hoursmith_kit::Failure;
use serde::Deserialize;
use serde_json::json;

use crate::admin::{self, AdminError, NewMember, NewOrganization};
use crate::error::Error;
use crate::member::insert_user;
use crate::request::Context;
use crate::write;

/// What accounts says.
#[derive(Deserialize)]
struct Founding {
    name: String,
    plan: Plan,
    currency: String,
    timezone: String,
    owner: Owner,
}

/// Who signs up.
#[derive(Clone, Deserialize)]
struct Owner {
    id: UserId,
    name: String,
    email: String,
    password_hash: String,
}

/// Makes the user, the organization and its owner: 201 with the organization's id. A conflict when the
/// address is somebody's, who is left as it is.
pub(crate) fn answer<'a>(
    context: &'a Arc<Context>,
    ask: &'a Ask,
) -> BoxFuture<'a, Result<Response, Error>> {
    Box::pin(async move {
        let founding = serde_json::from_slice(&ask.body)
            .map_err(|source| Failure::internal("read who founds what", source))?;
        let id = found(context, ask, founding).await?;
        let body = json!({ "organization_id": id });
        Ok(Response::json(201, body.to_string()))
    })
}

async fn found(
    context: &Arc<Context>,
    ask: &Ask,
    founding: Founding,
) -> Result<OrganizationId, Error> {
    let mut random = [0; 4];
    context.random.fill(&mut random);
    let organization = NewOrganization {
        slug: slug(&founding.name, random),
        name: founding.name,
        plan: founding.plan,
        currency: (founding.currency.parse())
            .map_err(|_| invalid("The currency must be an ISO 4217 code."))?,
        timezone: founding.timezone,
    };
    let Owner {
        id: user,
        name,
        email,
        password_hash,
    } = founding.owner;
    let owner = NewMember {
        name,
        email,
        role: Role::Owner,
    };
    admin::check_founding(&organization, &owner).map_err(refuse)?;
    let id = OrganizationId(context.random.uuid_v7(context.clock.now()));
    write::write_for(context, id, ask.deadline, move |conn, stamp| {
        Box::pin(async move {
            if !insert_user(conn, user, &owner, &password_hash, stamp.now).await? {
                let detail = "There is a user with this address.";
                return Err(Problem::new(Code::Conflict, detail).into());
            }
            admin::found(conn, &stamp, id, &organization, user, &owner)
                .await
                .map_err(refuse)?;
            Ok(id)
        })
    })
    .await
}

fn refuse(error: AdminError) -> Error {
    match error {
        AdminError::Store(error) => error.into(),
        AdminError::Stored(failure) => failure.into(),
        AdminError::Invalid { .. } => invalid(&format!("{error}.")),
        // The short name is random, and the rest is about organizations that are there.
        error => Failure::internal("found an organization", error).into(),
    }
}

fn invalid(detail: &str) -> Error {
    Problem::new(Code::ValidationFailed, detail).into()
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
mod tests;
