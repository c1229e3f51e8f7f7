//! Members. Over HTTP they are read; in the app they are invited, changed and removed, by operations on
//! the bus. The operator, who adds and changes them too, comes to the same functions.

mod change;
mod input;
mod invitation;
mod sql;
mod state;
#[cfg(test)]
mod tests;

use hoursmith_bus::Response;
use hoursmith_domain::{Code, Door, InvitationSecret, MemberId, OrganizationId, Problem, fold};
use hoursmith_store::{Conn, Statement};
use serde_json::json as value;

use crate::base::place;
use crate::condition;
use crate::error::Error;
use crate::list::{Page, json};
use crate::organization;
use crate::request::Request;
use crate::sight::Reach;
use crate::write::{write, write_secret};
pub(crate) use change::{
    ChangeError, Hand, add as put_in, change, find_or_insert_user, insert_user, join,
};
pub use input::{MemberChange, NewMember};
pub(crate) use invitation::{accept, has_password, link};
pub(crate) use sql::{
    Row as MemberRow, find, find_by_email, hold, list_all, member_columns, member_joins,
};
pub(crate) use state::{MemberState, Status};

pub(crate) fn statements() -> Vec<Statement> {
    [
        sql::statements(),
        change::statements(),
        invitation::statements(),
    ]
    .concat()
}

/// `GET /api/v1/members`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let page = Page::of(request)?;
    let filter = sql::Filter {
        organization: request.caller.organization(),
        reach: request.reach(),
        role: request.param("role")?,
        status: request.param("status")?,
        project: request.param("project_id")?,
        q: request.param::<String>("q")?.map(|text| fold(&text)),
        external_reference_id: request.param("external_reference_id")?,
    };
    let mut conn = request.context.db.read().await?;
    let rows = sql::list(&mut conn, &filter, &page).await?;
    drop(conn);
    let sight = request.sight();
    let place = |member: &MemberState| place(&page, member);
    page.respond(request, rows, place, |member| member.to_wire(sight))
}

/// `GET /api/v1/members/{member_id}`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let id: MemberId = request.id("member_id")?;
    let organization = request.caller.organization();
    let mut conn = request.context.db.read().await?;
    let member = find(&mut conn, organization, id, request.reach())
        .await?
        .ok_or_else(Problem::not_found)?;
    let body = json(200, &member.to_wire(request.sight()))?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(body, member.base.version, conditions))
}

/// `member.invite`, with a body of `email`, `role` and perhaps `name`: the member, and the link that is
/// to be handed on. An address that is invited already gets a new link, and the one before ends.
pub(crate) async fn invite(request: &Request) -> Result<Response, Error> {
    in_the_app(request)?;
    let new = request
        .ask
        .with_document(|body| input::invitation(body.value()))??;
    let (organization, sight) = (request.caller.organization(), request.sight());
    let (by, hand) = (request.caller.member(), Hand::Member(request.caller.role()));
    let mut random = [0; 32];
    request.context.random.fill(&mut random);
    let secret = InvitationSecret::generate(random);
    let digest = secret.digest(&request.context.keys);
    let link = secret.link(&request.context.public_url);
    write_secret(request, move |conn, stamp| {
        Box::pin(async move {
            let (member, expires_at) =
                invitation::invite(conn, stamp, organization, (by, hand), &new, digest).await?;
            let member = member.to_wire(sight);
            let body = value!({ "member": member, "link": link, "expires_at": expires_at });
            json(201, &body)
        })
    })
    .await
}

/// `member.update`, with a merge patch of `role`, `timezone`, `billable_rate`, `cost_rate` and
/// `weekly_capacity_seconds`, if the member is of the version that the conditions name.
pub(crate) async fn update(request: &Request) -> Result<Response, Error> {
    in_the_app(request)?;
    let id: MemberId = request.id("member_id")?;
    let input = request
        .ask
        .with_document(|body| input::patch(body.value()))??;
    let (organization, sight) = (request.caller.organization(), request.sight());
    let hand = Hand::Member(request.caller.role());
    let conditions = request.ask.head.conditions.clone();
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            // Whoever changes a member holds the organization: the version stays what it is here.
            organization::hold(conn, organization).await?;
            if let Some(member) = find(conn, organization, id, Reach::ALL).await? {
                condition::check(member.base.version, &conditions)?;
            }
            let apply = |member: &mut MemberState| input.apply(member);
            let member = change(conn, &mut stamp, organization, id, hand, apply).await?;
            let body = json(200, &member.to_wire(sight))?;
            Ok(condition::tagged(body, member.base.version))
        })
    })
    .await
}

/// `member.remove`: an active member, or one who was invited, whose link ends.
pub(crate) async fn remove(request: &Request) -> Result<Response, Error> {
    in_the_app(request)?;
    let id: MemberId = request.id("member_id")?;
    let organization = request.caller.organization();
    let hand = Hand::Member(request.caller.role());
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let apply = |member: &mut MemberState| member.status = Status::Removed;
            change(conn, &mut stamp, organization, id, hand, apply).await?;
            Ok(Response::empty(204))
        })
    })
    .await
}

/// Whether there is such a member whom the caller sees, and who can act.
pub(crate) async fn is_active(
    conn: &mut Conn,
    organization: OrganizationId,
    id: MemberId,
    reach: Reach,
) -> Result<bool, Error> {
    let found = find(conn, organization, id, reach).await?;
    Ok(found.is_some_and(|member| member.is_active()))
}

/// Whoever can add members can give away everything, so that no token may: one that leaked must not
/// be able to leave somebody behind.
fn in_the_app(request: &Request) -> Result<(), Problem> {
    if request.caller.door() == Door::App {
        return Ok(());
    }
    let detail = "Members are invited, changed and removed in the app alone.";
    Err(Problem::new(Code::RoleForbidden, detail))
}
