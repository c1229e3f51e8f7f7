//! Members of projects: list, put, delete.
//!
//! A link has no life of its own: adding, removing and re-rating a member are changes of the
//! project, whose row is held meanwhile, whose version they count and whose event they write. The
//! link's own version is for its ETag.

mod sql;

use hoursmith_bus::{Conditions, Response};
use hoursmith_domain::{
    Amount, Code, Currency, Cursor, Fields, MemberId, OrganizationId, Problem, ProjectId, Role,
    Timestamp,
};
use hoursmith_routes::project_member::ProjectMember;
use hoursmith_store::{Conn, Statement};
use simd_json::borrowed::Value;

use crate::condition;
use crate::error::Error;
use crate::list::{Page, json};
use crate::member;
use crate::project::{self, ProjectState};
use crate::request::Request;
use crate::sight::{Reach, Sight};
use crate::task;
use crate::write::{Stamp, write};

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// A member of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    project: ProjectId,
    member: MemberId,
    name: String,
    role: Role,
    billable_rate: Option<Amount>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// `GET /api/v1/projects/{project_id}/members`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let id: ProjectId = request.id("project_id")?;
    let page = Page::of(request)?;
    let organization = request.caller.organization();
    let now = request.context.clock.now();
    let mut conn = request.context.db.read().await?;
    let project = project::find(&mut conn, organization, id, request.reach(), now)
        .await?
        .ok_or_else(Problem::not_found)?;
    let rows = sql::list(&mut conn, organization, id, &page).await?;
    drop(conn);
    let sight = request.sight();
    let place = |link: &Link| link.place(&page);
    page.respond(request, rows, place, |link| {
        link.to_wire(sight, project.currency)
    })
}

/// `PUT /api/v1/projects/{project_id}/members/{member_id}`
pub(crate) async fn put(request: &Request) -> Result<Response, Error> {
    let id: ProjectId = request.id("project_id")?;
    let member: MemberId = request.id("member_id")?;
    let rate = request
        .ask
        .with_document(|document| read_rate(document.value()))??;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let (reach, sight) = (request.reach(), request.sight());
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let to = (id, member, &conditions);
            let (link, is_new, currency) =
                join(conn, &mut stamp, organization, reach, to, rate).await?;
            let status = if is_new { 201 } else { 200 };
            let body = json(status, &link.to_wire(sight, currency))?;
            Ok(condition::tagged(body, link.version))
        })
    })
    .await
}

/// Puts a member into a project at a rate, or gives it another rate there. The link, whether it is
/// new, and the project's currency.
pub(crate) async fn join(
    conn: &mut Conn,
    stamp: &mut Stamp,
    organization: OrganizationId,
    reach: Reach,
    (id, member, conditions): (ProjectId, MemberId, &Conditions),
    rate: Option<Amount>,
) -> Result<(Link, bool, Currency), Error> {
    // Before the project, in the order in which a removal holds them: a member who is being
    // removed cannot slip into a project meanwhile.
    member::hold(conn, organization, member).await?;
    let before = hold(conn, stamp, organization, id, reach).await?;
    if !member::is_active(conn, organization, member, reach).await? {
        return Err(Problem::not_found().into());
    }
    let known = sql::find(conn, organization, id, member).await?;
    check(known.as_ref(), conditions)?;
    let mut project = before.clone();
    project.add(member, rate);
    if project::change(conn, stamp, organization, &before, &mut project).await? {
        sql::put(conn, organization, id, member, rate, stamp.now).await?;
    }
    let link = sql::find(conn, organization, id, member)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok((link, known.is_none(), project.currency))
}

/// `DELETE /api/v1/projects/{project_id}/members/{member_id}`
pub(crate) async fn delete(request: &Request) -> Result<Response, Error> {
    let id: ProjectId = request.id("project_id")?;
    let member: MemberId = request.id("member_id")?;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let reach = request.reach();
    write(request, move |conn: &mut Conn, mut stamp| {
        Box::pin(async move {
            let project = hold(conn, &mut stamp, organization, id, reach).await?;
            let link = sql::find(conn, organization, id, member)
                .await?
                .ok_or_else(Problem::not_found)?;
            check(Some(&link), &conditions)?;
            leave(conn, &stamp, organization, &project, member).await?;
            Ok(Response::empty(204))
        })
    })
    .await
}

/// Takes a member out of every project that it is in, with the events of each.
pub(crate) async fn leave_all(
    conn: &mut Conn,
    stamp: &mut Stamp,
    organization: OrganizationId,
    member: MemberId,
) -> Result<(), Error> {
    for id in sql::projects_of(conn, organization, member).await? {
        let project = hold(conn, stamp, organization, id, Reach::ALL).await?;
        leave(conn, stamp, organization, &project, member).await?;
    }
    Ok(())
}

/// Takes a member off a project that is held, and off its tasks.
async fn leave(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    before: &ProjectState,
    member: MemberId,
) -> Result<(), Error> {
    task::unassign(conn, stamp, organization, before.id, member).await?;
    sql::delete(conn, organization, before.id, member).await?;
    let mut project = before.clone();
    project.remove(member);
    project::change(conn, stamp, organization, before, &mut project).await?;
    Ok(())
}

/// The project, held until the transaction ends, so that its members change one after the other.
async fn hold(
    conn: &mut Conn,
    stamp: &mut Stamp,
    organization: OrganizationId,
    id: ProjectId,
    reach: Reach,
) -> Result<ProjectState, Error> {
    let project = project::lock(conn, organization, id, reach, stamp.now)
        .await?
        .ok_or_else(Problem::not_found)?;
    stamp.renew(project.base.updated_at);
    Ok(project)
}

/// Reads the body of a PUT: what it does not name is none.
fn read_rate(body: &Value<'_>) -> Result<Option<Amount>, Problem> {
    let mut fields = Fields::of(body);
    let rate = fields.amount("billable_rate", Amount::from_ten_thousandths(0));
    fields.read_only(&[
        "project_id",
        "member_id",
        "name",
        "role",
        "currency",
        "created_at",
        "updated_at",
    ]);
    fields.finish().map(|()| rate.into_option())
}

/// `If-Match` against the link; what is not there matches nothing (RFC 9110, section 13.1.1).
fn check(known: Option<&Link>, conditions: &Conditions) -> Result<(), Problem> {
    match known {
        Some(link) => condition::check(link.version, conditions),
        None if conditions.if_match.is_some() => Err(Problem::new(
            Code::PreconditionFailed,
            "`If-Match` names a version, and the member is not in the project.",
        )),
        None => Ok(()),
    }
}

impl Link {
    /// Where it stands in a list.
    fn place(&self, page: &Page) -> Cursor {
        let at = if page.updated_since.is_some() {
            self.updated_at
        } else {
            self.created_at
        };
        Cursor {
            sort: at.as_micros(),
            id: self.member.0,
        }
    }

    /// What a caller sees, in the project's currency.
    fn to_wire(&self, sight: Sight, currency: Currency) -> ProjectMember {
        ProjectMember {
            project_id: self.project.0,
            member_id: self.member.0,
            name: self.name.clone(),
            role: self.role,
            billable_rate: sight.rate(self.billable_rate, currency),
            currency: currency.to_string(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
