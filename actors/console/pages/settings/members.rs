//! Settings → Members: who is in the organization, and for those who run it how to invite, change and
//! remove them. The link of an invitation is shown this once, to whoever invites: no mail is sent.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_domain::Role;
use hoursmith_routes::member::{Member, MemberList};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::ask::{Person, Question};
use crate::form::{Form, seconds};
use crate::format;
use crate::halt::{FieldRefusal, Halt, Refusal};
use crate::page::{Frame, go, show};

/// The most that the API gives at a time.
const MOST: u32 = 200;

#[derive(Template)]
#[template(path = "settings/members.html")]
struct MembersPage<'a> {
    frame: &'a Frame,
    members: &'a [Member],
    roles: &'a [Role],
    form: &'a Form,
    invited: Option<&'a Invited>,
    once: String,
}

#[derive(Template)]
#[template(path = "settings/member.html")]
struct MemberPage<'a> {
    frame: &'a Frame,
    member: &'a Member,
    roles: &'a [Role],
    form: &'a Form,
}

/// What is answered to whoever invites.
#[derive(Deserialize)]
pub(crate) struct Invited {
    member: Member,
    link: String,
    expires_at: String,
}

pub(crate) async fn page(
    person: &Person<'_>,
    form: Option<Form>,
    invited: Option<&Invited>,
) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let mut members = of_status(person, "active").await?;
    members.extend(of_status(person, "invited").await?);
    members.sort_by_cached_key(|member| member.name.to_lowercase());
    let form = form.unwrap_or_else(|| Form::with(&[("role", "member")]));
    let page = MembersPage {
        members: &members,
        roles: roles(frame.role),
        form: &form,
        invited,
        once: person.form_key(),
        frame: &frame,
    };
    show(form.status(), &page)
}

/// One member, to change.
pub(crate) async fn one(
    person: &Person<'_>,
    id: &str,
    form: Option<Form>,
    refusal: Option<Refusal>,
) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    if !frame.runs_it() {
        let detail = "Members are changed by owners and admins.";
        return Err(Halt::refused(403, detail));
    }
    let (member, tag) = read(person, id).await?;
    let form = form.unwrap_or_else(|| {
        Form::with(&[
            ("version", &tag),
            ("role", member.role.as_str()),
            (
                "billable_rate",
                member.billable_rate.as_deref().unwrap_or_default(),
            ),
            ("cost_rate", member.cost_rate.as_deref().unwrap_or_default()),
            (
                "weekly_capacity",
                &format::hours(member.weekly_capacity_seconds),
            ),
        ])
    });
    let form = match refusal {
        Some(refusal) => form.refused(refusal),
        None => form,
    };
    let page = MemberPage {
        member: &member,
        // An admin can leave an owner's role as it is, and nothing else.
        roles: match (frame.role, member.role) {
            (Role::Admin, Role::Owner) => &[],
            (role, _) => roles(role),
        },
        form: &form,
        frame: &frame,
    };
    show(form.status(), &page)
}

pub(crate) async fn invite(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    let body = json!({
        "name": form.some("name"),
        "email": form.get("email"),
        "role": form.get("role"),
    });
    let question = Question::new("member.invite")
        .body(body)
        .once(form.get("once"));
    match person.read::<Invited>(question).await {
        Ok(invited) => page(person, None, Some(&invited)).await,
        Err(halt) => page(person, Some(form.refused(halt.correctable()?)), None).await,
    }
}

/// A new link for somebody who is invited; the one before ends.
pub(crate) async fn link(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let (member, _) = read(person, id).await?;
    let body = json!({ "email": member.email, "role": member.role });
    let question = Question::new("member.invite").body(body);
    match person.read::<Invited>(question).await {
        Ok(invited) => page(person, None, Some(&invited)).await,
        Err(halt) => one(person, id, None, Some(halt.correctable()?)).await,
    }
}

pub(crate) async fn update(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let (member, _) = read(person, id).await?;
    let mut body = Map::new();
    for rate in ["billable_rate", "cost_rate"] {
        body.insert(rate.to_owned(), form.some(rate).into());
    }
    if let Some(role) = form.some("role") {
        body.insert("role".to_owned(), role.into());
    }
    // What was left as it is stays the organization's, if it is.
    let capacity = form.get("weekly_capacity");
    if capacity != format::hours(member.weekly_capacity_seconds) {
        let seconds = match (capacity, seconds(capacity)) {
            ("", _) => Value::Null,
            (_, Some(seconds)) => seconds.into(),
            (_, None) => return one(person, id, Some(form), Some(no_duration())).await,
        };
        body.insert("weekly_capacity_seconds".to_owned(), seconds);
    }
    let question = Question::new("member.update")
        .of("member_id", id)
        .body(Value::Object(body))
        .if_match(form.get("version"));
    match person.ask(question).await {
        Ok(_) => Ok(go("/app/settings/members?done=member")),
        Err(halt) => {
            let refusal = halt
                .correctable()?
                .renamed("weekly_capacity_seconds", "weekly_capacity");
            one(person, id, Some(form), Some(refusal)).await
        }
    }
}

pub(crate) async fn remove(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let question = Question::new("member.remove").of("member_id", id);
    match person.ask(question).await {
        Ok(_) => Ok(go("/app/settings/members?done=member_removed")),
        Err(halt) => one(person, id, None, Some(halt.correctable()?)).await,
    }
}

/// The roles that somebody with this one may give.
fn roles(of: Role) -> &'static [Role] {
    match of {
        Role::Owner => Role::ALL,
        Role::Admin => Role::ALL.get(1..).unwrap_or_default(),
        Role::Manager | Role::Member => &[],
    }
}

/// The member with its tag.
async fn read(person: &Person<'_>, id: &str) -> Result<(Member, String), Halt> {
    let question = Question::new("member.read").of("member_id", id);
    let (member, tag): (Member, String) = person.read_tagged(question).await?;
    match member.status.as_str() {
        "removed" => Err(Halt::no_page()),
        _ => Ok((member, tag)),
    }
}

async fn of_status(person: &Person<'_>, status: &str) -> Result<Vec<Member>, Halt> {
    let question = Question::new("member.list")
        .with("limit", MOST)
        .with("status", status);
    Ok(person.read::<MemberList>(question).await?.data)
}

fn no_duration() -> Refusal {
    let wrong = FieldRefusal {
        pointer: "#/weekly_capacity".to_owned(),
        detail: "must be a duration, such as 38:30 or 40".to_owned(),
    };
    Refusal {
        status: 422,
        detail: String::new(),
        errors: vec![wrong],
    }
}
