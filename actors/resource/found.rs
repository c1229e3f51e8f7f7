//! Founding: the organization of somebody who has just signed up, asked for by accounts.
//!
//! What the operator's `org create` does, over the bus. It has no caller, since whoever asks is a
//! member of nothing yet; nobody but accounts may ask, and accounts has checked who it is for.

use std::sync::Arc;

use hoursmith_bus::{Ask, Response, Verdict};
use hoursmith_domain::{Code, Currency, Plan, Problem, Role};
use hoursmith_kit::Failure;
use serde::Deserialize;

use crate::admin::{Admin, AdminError, NewMember, NewOrganization};
use crate::request::Context;

/// What accounts says.
#[derive(Deserialize)]
struct Founding {
    name: String,
    slug: String,
    plan: Plan,
    currency: String,
    timezone: String,
    owner_name: String,
    owner_email: String,
}

/// Makes the organization and its owner: 201 with its id.
pub(crate) async fn answer(context: &Context, ask: &Ask) -> Result<Verdict, Failure> {
    let founding: Founding = serde_json::from_slice(&ask.body)
        .map_err(|source| Failure::internal("read who founds what", source))?;
    let currency: Currency = match founding.currency.parse() {
        Ok(currency) => currency,
        Err(_) => return Ok(refuse("The currency must be an ISO 4217 code.")),
    };
    let admin = Admin {
        db: context.db.clone(),
        clock: Arc::clone(&context.clock),
        random: Arc::clone(&context.random),
    };
    let organization = NewOrganization {
        name: founding.name,
        slug: founding.slug,
        plan: founding.plan,
        currency,
        timezone: founding.timezone,
    };
    let owner = NewMember {
        name: founding.owner_name,
        email: founding.owner_email,
        role: Role::Owner,
    };
    match admin.create_organization(organization, owner).await {
        Ok((id, _member)) => {
            context.wake_up.ring();
            let body = serde_json::json!({ "organization_id": id.to_string() });
            Ok(Verdict::Respond(Response::json(201, body.to_string())))
        }
        Err(error @ (AdminError::Invalid { .. } | AdminError::Exists(_))) => {
            Ok(refuse(&format!("{error}.")))
        }
        Err(error) => Err(Failure::internal("found an organization", error)),
    }
}

fn refuse(detail: &str) -> Verdict {
    Verdict::Refuse(Problem::new(Code::ValidationFailed, detail))
}
