//! Invitations: links by which somebody becomes the member that was made for them.
//!
//! No mail is sent, so whoever invites has the link in hand first. It therefore opens nothing that was
//! somebody's before: a person who has a password proves to accounts that it is them, and one who acts
//! in another organization without a password gets one by the operator's link alone. Otherwise an owner
//! could invite a colleague of somebody else's, and log in as them there.
//!
//! It has no caller: it is one of the [`guarded`](crate::guarded) questions, which accounts alone may ask.
//!
//! Accepting is one transaction of this actor's: link, member, name, password and event are there
//! together or not at all. The session comes after, and whoever has none logs in.

mod sql;

use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_bus::{Ask, Response};
use hoursmith_domain::{
    Code, FieldError, INVITATION_LIFE, InvitationDigest, MemberId, OrganizationId, Problem,
    Timestamp, UserId,
};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Statement};
use serde::Deserialize;

use super::NewMember;
use super::change::{ChangeError, Hand, add, change};
use super::sql::{find, find_by_email};
use super::state::{MemberState, Status};
use crate::base::refuse_any;
use crate::error::Error;
use crate::organization;
use crate::request::Context;
use crate::sight::Reach;
use crate::write::{Stamp, write_for};

pub(crate) use sql::{has_password, withdraw};

pub(super) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// How many may be invited at a time: whoever invites makes a member and perhaps a person, whom nobody
/// has asked for yet.
const MOST_INVITED: i64 = 1_000;

/// What accounts says of whoever accepts.
#[derive(Clone, Deserialize)]
struct Acceptance {
    invitation: InvitationDigest,
    by: By,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    /// Somebody whose password or session it has seen.
    Known(UserId),
    /// Somebody who has just chosen a password, and perhaps a name.
    New {
        name: Option<String>,
        password_hash: String,
    },
}

/// Who is in now.
struct Accepted {
    user: UserId,
    organization: OrganizationId,
}

/// Makes a member who is invited, with the link of a digest; one who is invited already gets another
/// role and link, however many are.
pub(super) async fn invite(
    conn: &mut Conn,
    mut stamp: Stamp,
    organization: OrganizationId,
    (by, hand): (MemberId, Hand),
    new: &NewMember,
    digest: InvitationDigest,
) -> Result<(MemberState, Timestamp), Error> {
    if !hand.may_give(new.role) {
        return Err(ChangeError::Owners.into());
    }
    organization::hold(conn, organization).await?;
    let found = find_by_email(conn, organization, &new.email).await?;
    let member = match found {
        Some(member) if member.status == Status::Invited => {
            let apply = |member: &mut MemberState| member.role = new.role;
            change(conn, &mut stamp, organization, member.id, hand, apply).await?
        }
        _ => {
            if sql::count_invited(conn, organization).await? >= MOST_INVITED {
                return Err(too_many().into());
            }
            let added = add(conn, &stamp, organization, new, Status::Invited).await?;
            added.ok_or_else(is_member)?
        }
    };
    let expires_at = issue(conn, &stamp, organization, member.id, Some(by), digest).await?;
    Ok((member, expires_at))
}

/// Gives a member a link of the operator's, by which they choose a password, whatever they had before.
pub(crate) async fn link(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    member: MemberId,
    digest: InvitationDigest,
) -> Result<Timestamp, Error> {
    issue(conn, stamp, organization, member, None, digest).await
}

async fn issue(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    member: MemberId,
    invited_by: Option<MemberId>,
    digest: InvitationDigest,
) -> Result<Timestamp, Error> {
    let expires_at = stamp.now.plus(INVITATION_LIFE);
    let new = sql::NewInvitation {
        member,
        digest,
        invited_by,
        now: stamp.now,
        expires_at,
    };
    sql::put(conn, organization, &new).await?;
    Ok(expires_at)
}

/// Makes whoever it is the member: 200 with who is in now.
pub(crate) fn accept<'a>(
    context: &'a Arc<Context>,
    ask: &'a Ask,
) -> BoxFuture<'a, Result<Response, Error>> {
    Box::pin(async move {
        let acceptance = serde_json::from_slice(&ask.body)
            .map_err(|source| Failure::internal("read who accepts what", source))?;
        let Accepted { user, organization } = let_in(context, ask, acceptance).await?;
        let body = serde_json::json!({ "user_id": user, "organization_id": organization });
        Ok(Response::json(200, body.to_string()))
    })
}

/// Unknown, used, withdrawn and expired are one answer: not found.
async fn let_in(
    context: &Arc<Context>,
    ask: &Ask,
    acceptance: Acceptance,
) -> Result<Accepted, Error> {
    let mut conn = context.db.read().await?;
    let found = sql::find(&mut conn, acceptance.invitation).await?;
    drop(conn);
    let organization = found.ok_or_else(Problem::not_found)?.organization();
    write_for(context, organization, ask.deadline, move |conn, stamp| {
        Box::pin(enter(conn, stamp, organization, acceptance))
    })
    .await
}

async fn enter(
    conn: &mut Conn,
    mut stamp: Stamp,
    organization: OrganizationId,
    acceptance: Acceptance,
) -> Result<Accepted, Error> {
    organization::hold(conn, organization).await?;
    // Whoever waited for another with the same link finds here that it was used.
    let found = sql::find(conn, acceptance.invitation).await?;
    let invitation = found
        .filter(|invitation| stamp.now < invitation.expires_at())
        .ok_or_else(Problem::not_found)?;
    let id = invitation.member();
    let member = find(conn, organization, id, Reach::ALL)
        .await?
        .ok_or_else(Problem::not_found)?;
    let name = match acceptance.by {
        By::Known(user) if user == member.user => None,
        By::Known(_) => return Err(not_theirs().into()),
        By::New {
            name,
            password_hash,
        } => {
            let person = sql::hold_person(conn, organization, member.user).await?;
            if !invitation.is_operators() && !person.is_new() {
                return Err(is_known().into());
            }
            sql::set_password(conn, member.user, &password_hash, stamp.now).await?;
            name.filter(|_| member.status == Status::Invited && person.is_nobodys())
        }
    };
    if let Some(name) = &name {
        sql::rename(conn, &member, name, stamp.now).await?;
    }
    withdraw(conn, organization, id).await?;
    change(
        conn,
        &mut stamp,
        organization,
        id,
        Hand::Operator,
        |member| {
            member.status = Status::Active;
        },
    )
    .await?;
    Ok(Accepted {
        user: member.user,
        organization,
    })
}

fn too_many() -> Problem {
    let detail = format!(
        "{MOST_INVITED} people are invited and have not accepted yet, which is the most. Withdraw an \
         invitation first."
    );
    Problem::new(Code::Conflict, detail)
}

fn is_member() -> Error {
    let detail = "is a member here already";
    let refused = refuse_any(vec![FieldError::pointer("#/email", "taken", detail)]);
    // One wrong field is refused.
    refused.err().unwrap_or_else(Problem::internal).into()
}

fn not_theirs() -> Problem {
    Problem::new(Code::Conflict, "The invitation is for somebody else.")
}

fn is_known() -> Problem {
    let detail = "There is an account with this address by now. Open the link again.";
    Problem::new(Code::Conflict, detail)
}
