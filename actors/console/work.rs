//! What several pages read: clients, projects and a person's time, each at most one page of the API.

use std::borrow::Borrow;

use hoursmith_domain::{Day, Zone};
use hoursmith_kit::Failure;
use hoursmith_routes::client::{Client, ClientList};
use hoursmith_routes::invoice::{Invoice, InvoiceList};
use hoursmith_routes::member::{Member, MemberList};
use hoursmith_routes::project::{Project, ProjectList};
use hoursmith_routes::task::{Task, TaskList};
use hoursmith_routes::time_entry::{TimeEntry, TimeEntryList};
use uuid::Uuid;

use crate::ask::{Person, Question};
use crate::halt::Halt;
use crate::page::Frame;

/// The most that the API gives at a time. An organization with more finds them through it.
pub(crate) const MOST: u32 = 200;

/// Clients that are not archived, by name.
pub(crate) async fn clients(person: &Person<'_>) -> Result<Vec<Client>, Halt> {
    clients_of(person, false).await
}

/// Clients that are archived, or those that are not, by name.
pub(crate) async fn clients_of(person: &Person<'_>, archived: bool) -> Result<Vec<Client>, Halt> {
    let question = Question::new("client.list")
        .with("limit", MOST)
        .with("archived", archived);
    let mut list = person.read::<ClientList>(question).await?.data;
    list.sort_by_cached_key(|client| client.name.to_lowercase());
    Ok(list)
}

/// Projects that are not archived, by name.
pub(crate) async fn projects(person: &Person<'_>) -> Result<Vec<Project>, Halt> {
    projects_of(person, ("archived", "false")).await
}

/// Projects that a parameter of their list narrows down to, by name.
pub(crate) async fn projects_of(
    person: &Person<'_>,
    (name, value): (&str, &str),
) -> Result<Vec<Project>, Halt> {
    let question = Question::new("project.list")
        .with("limit", MOST)
        .with(name, value);
    let mut list = person.read::<ProjectList>(question).await?.data;
    list.sort_by_cached_key(|project| project.name.to_lowercase());
    Ok(list)
}

/// Tasks, of a project or all: the open ones first, by name.
pub(crate) async fn tasks(person: &Person<'_>, project: Option<Uuid>) -> Result<Vec<Task>, Halt> {
    let mut question = Question::new("task.list").with("limit", MOST);
    if let Some(project) = project {
        question = question.with("project_id", project);
    }
    let mut list = person.read::<TaskList>(question).await?.data;
    list.sort_by_cached_key(|task| (task.completed_at.is_some(), task.name.to_lowercase()));
    Ok(list)
}

/// Active members whom the person sees, by name.
pub(crate) async fn members(person: &Person<'_>) -> Result<Vec<Member>, Halt> {
    let question = Question::new("member.list")
        .with("limit", MOST)
        .with("status", "active");
    let mut list = person.read::<MemberList>(question).await?.data;
    list.sort_by_cached_key(|member| member.name.to_lowercase());
    Ok(list)
}

/// The person's own time of a week.
pub(crate) async fn week(person: &Person<'_>, monday: Day) -> Result<Vec<TimeEntry>, Halt> {
    let question = Question::new("time_entry.list")
        .with("limit", MOST)
        .with("member_id", person.caller.member())
        .with("from", monday)
        .with("to", monday.plus(6));
    Ok(person.read::<TimeEntryList>(question).await?.data)
}

/// Invoices, the newest first.
pub(crate) async fn invoices(person: &Person<'_>) -> Result<Vec<Invoice>, Halt> {
    let question = Question::new("invoice.list").with("limit", MOST);
    Ok(person.read::<InvoiceList>(question).await?.data)
}

/// Today where the person is.
pub(crate) fn today(person: &Person<'_>, frame: &Frame) -> Result<Day, Halt> {
    let now = person.guest.console.clock.now();
    let zone = frame.member.timezone.parse::<Zone>();
    zone.map(|zone| zone.day_of(now))
        .map_err(|source| Failure::internal("read a member's time zone", source).into())
}

/// The Monday of a day's week.
pub(crate) fn monday(day: Day) -> Day {
    day.minus(day.days_from_monday())
}

/// The name of a client; of none, a dash.
pub(crate) fn client_name(clients: &[Client], id: impl Borrow<Option<Uuid>>) -> &str {
    let found = clients
        .iter()
        .find(|client| Some(client.id) == *id.borrow());
    found.map_or("–", |client| client.name.as_str())
}

/// The name of a project.
pub(crate) fn project_name(projects: &[Project], id: impl Borrow<Uuid>) -> &str {
    let found = projects.iter().find(|project| project.id == *id.borrow());
    found.map_or("Archived project", |project| project.name.as_str())
}

/// A key for a form, so that sending it twice does it once.
pub(crate) fn once(person: &Person<'_>) -> String {
    let console = person.guest.console;
    console
        .random
        .uuid_v7(console.clock.now())
        .simple()
        .to_string()
}

/// An id that is there. Templates have references.
pub(crate) fn some(id: impl Borrow<Uuid>) -> Option<Uuid> {
    Some(*id.borrow())
}

/// Deletes; what is in use is refused with a sentence of our own, since the actor's tells of the API.
pub(crate) async fn delete(
    person: &Person<'_>,
    question: Question<'_>,
    in_use: &str,
) -> Result<(), Halt> {
    match person.ask(question).await {
        Err(Halt::Refused(refusal)) if refusal.status == 409 => Err(Halt::refused(409, in_use)),
        other => other.map(drop),
    }
}

/// Something that is there, or the empty text of a form.
pub(crate) fn text(value: &Option<impl ToString>) -> String {
    value.as_ref().map(ToString::to_string).unwrap_or_default()
}
