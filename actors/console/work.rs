//! What several pages read: clients, projects and a person's time, each at most one page of the API.

use std::borrow::Borrow;

use hoursmith_domain::{Day, Zone};
use hoursmith_kit::Failure;
use hoursmith_routes::client::{Client, ClientList};
use hoursmith_routes::invoice::{Invoice, InvoiceList};
use hoursmith_routes::project::{Project, ProjectList};
use hoursmith_routes::time_entry::{TimeEntry, TimeEntryList};
use uuid::Uuid;

use crate::ask::{Person, Question};
use crate::halt::Halt;
use crate::page::Frame;

/// The most that the API gives at a time. An organization with more finds them through it.
const MOST: u32 = 200;

/// Clients that are not archived, by name.
pub(crate) async fn clients(person: &Person<'_>) -> Result<Vec<Client>, Halt> {
    let question = Question::new("client.list")
        .with("limit", MOST)
        .with("archived", false);
    let mut list = person.read::<ClientList>(question).await?.data;
    list.sort_by_cached_key(|client| client.name.to_lowercase());
    Ok(list)
}

/// Projects that are not archived, by name.
pub(crate) async fn projects(person: &Person<'_>) -> Result<Vec<Project>, Halt> {
    let question = Question::new("project.list")
        .with("limit", MOST)
        .with("archived", false);
    let mut list = person.read::<ProjectList>(question).await?.data;
    list.sort_by_cached_key(|project| project.name.to_lowercase());
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

/// The person's timer, whenever it was begun.
pub(crate) async fn running(person: &Person<'_>) -> Result<Option<TimeEntry>, Halt> {
    let question = Question::new("time_entry.list")
        .with("limit", 1)
        .with("member_id", person.caller.member())
        .with("running", true);
    let list: TimeEntryList = person.read(question).await?;
    Ok(list.data.into_iter().next())
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
    person.form_key()
}

/// An id that is there. Templates have references.
pub(crate) fn some(id: impl Borrow<Uuid>) -> Option<Uuid> {
    Some(*id.borrow())
}
