//! A page on its way out: its headers, its frame, and what there is instead of one.

use askama::Template;
use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use futures::try_join;
use hoursmith_bus::Response;
use hoursmith_domain::{Plan, Role, session_cookie};
use hoursmith_kit::Failure;
use hoursmith_routes::app::closed;
use hoursmith_routes::member::Member;
use hoursmith_routes::organization::Organization;

use crate::ask::{Console, Person, Question};
use crate::form::Form;
use crate::halt::{Halt, Refusal};
use crate::switch::{self, Place};

/// What every page inside shows around itself.
pub(crate) struct Frame {
    pub(crate) organization: Organization,
    pub(crate) member: Member,
    pub(crate) role: Role,
    pub(crate) plan: Plan,
    /// The organizations to switch between; none for a person who is in this one alone.
    pub(crate) places: Vec<Place>,
    /// What was just done, in a sentence.
    pub(crate) done: &'static str,
}

impl Frame {
    /// Reads it.
    pub(crate) async fn of(person: &Person<'_>) -> Result<Self, Halt> {
        let member = Question::new("member.read").of("member_id", person.caller.member());
        let query = Form::parse(person.guest.visit.query.as_bytes());
        let (organization, member, places) = try_join!(
            person.read(Question::new("organization.read")),
            person.read(member),
            switch::places(&person.guest)
        )?;
        Ok(Self {
            organization,
            member,
            places: if places.len() > 1 { places } else { Vec::new() },
            role: person.caller.role(),
            plan: person.caller.plan(),
            done: done(query.get("done")),
        })
    }

    /// Whether it is someone who runs the place: clients and invoices are theirs alone.
    pub(crate) fn runs_it(&self) -> bool {
        runs_it(self.role)
    }

    /// Whether it is someone who leads projects, perhaps some of them alone: tasks and members of a
    /// project are theirs.
    pub(crate) fn leads(&self) -> bool {
        self.role != Role::Member
    }

    /// Whether it is an owner.
    pub(crate) fn owns_it(&self) -> bool {
        self.role == Role::Owner
    }
}

/// Whether it is the role of someone who runs the place.
pub(crate) fn runs_it(role: Role) -> bool {
    matches!(role, Role::Owner | Role::Admin)
}

/// The sentence of a word in the query, so that nobody can put one of their own on a page of ours.
fn done(word: &str) -> &'static str {
    match word {
        "client" => "The client was created.",
        "project" => "The project was created.",
        "time" => "The time was logged.",
        "saved" => "The changes were saved.",
        "archived" => "It is archived. It can come back at any time.",
        "restored" => "It is back among the others.",
        "gone" => "It was deleted.",
        "task" => "The task was created.",
        "completed" => "The task is done.",
        "reopened" => "The task is open again.",
        "in_project" => "The member was added to the project.",
        "rate" => "The rate was saved. It holds for what is logged from now on.",
        "left" => "The member was taken out of the project. What was logged stays.",
        "expense" => "The expense was added.",
        "plan" => "The plan was changed.",
        "started" => "The timer runs.",
        "stopped" => "The timer was stopped.",
        "deleted" => "The entry was deleted.",
        "sent" => "The invoice was sent. Its lines are frozen and its time is locked.",
        "paid" => "The payment was recorded.",
        "void" => "The invoice was voided. What it billed is in the next draft.",
        "password" => "The password was changed. Your other sessions have ended.",
        "ended" => "The session has ended.",
        "others" => "Your other sessions have ended.",
        "switched" => "What you see now is this organization’s.",
        "revoked" => "The token was revoked. Its next request is refused.",
        "joined" => "Welcome: you are in.",
        "member" => "The member was changed.",
        "member_removed" => "The member was removed. Their next request is refused.",
        "endpoint-saved" => "The endpoint was changed.",
        "endpoint-enabled" => "The endpoint is enabled. A replay sends what it missed.",
        "endpoint-disabled" => "The endpoint is disabled. Nothing is sent to it.",
        "endpoint-deleted" => "The endpoint was deleted.",
        "replayed" => "The delivery is sent again.",
        _ => "",
    }
}

/// A page.
pub(crate) fn show(status: u16, page: &impl Template) -> Result<Response, Halt> {
    let html = page
        .render()
        .map_err(|source| Failure::internal("write a page", source))?;
    let mut response = Response::empty(status);
    response.body = html.into();
    Ok(closed(response).with_header("content-type", "text/html; charset=utf-8"))
}

/// Goes on to a page of ours, as a GET (RFC 9110, section 15.4.4).
pub(crate) fn go(path: &str) -> Response {
    closed(Response::empty(303)).with_header("location", path)
}

/// The cookie that takes a session's place when it ends.
pub(crate) fn end(console: &Console) -> String {
    cookie(console, "", 0)
}

/// The cookie of a session. Lax: a link from elsewhere finds one logged in, and a form from elsewhere
/// comes without it.
pub(crate) fn cookie(console: &Console, secret: &str, lives_seconds: i64) -> String {
    Cookie::build((session_cookie(&console.public_url), secret))
        .path("/")
        .http_only(true)
        .secure(console.public_url.starts_with("https://"))
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(lives_seconds))
        .build()
        .to_string()
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage<'a> {
    title: &'a str,
    detail: &'a str,
}

/// The page of a refusal that no form can show.
pub(crate) fn refusal(refusal: &Refusal) -> Result<Response, Halt> {
    let title = match refusal.status {
        404 => "There is no such page",
        403 => "That is not allowed",
        405 => "That cannot be done here",
        409 => "That is not possible now",
        402 => "Your plan does not include this",
        _ => "That did not work",
    };
    let page = RefusalPage {
        title,
        detail: &refusal.detail,
    };
    show(refusal.status.max(400), &page)
}
