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

/// The days of a week, the first as ISO 8601 has it.
pub(crate) const WEEKDAYS: &[&str] = &[
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// A project that somebody may log on, with its open tasks.
pub(crate) struct Place<'a> {
    pub(crate) project: &'a Project,
    pub(crate) tasks: Vec<&'a Task>,
}

/// Where a member may log: the projects that the member is in.
pub(crate) fn places<'a>(
    projects: &'a [Project],
    tasks: &'a [Task],
    member: Uuid,
) -> Vec<Place<'a>> {
    let is_in = |project: &&Project| project.members.iter().any(|one| one.member_id == member);
    let open = |task: &&Task| task.completed_at.is_none();
    let place = |project: &'a Project| Place {
        tasks: (tasks.iter().filter(open))
            .filter(|task| task.project_id == project.id)
            .collect(),
        project,
    };
    projects.iter().filter(is_in).map(place).collect()
}

/// What was chosen of them: a project, and perhaps a task of it.
pub(crate) fn place(chosen: &str) -> (&str, Option<&str>) {
    match chosen.split_once('/') {
        Some((project, task)) => (project, Some(task)),
        None => (chosen, None),
    }
}

/// What a form calls that choice.
pub(crate) fn chosen(project: impl Borrow<Uuid>, task: Option<Uuid>) -> String {
    match task {
        Some(task) => format!("{}/{task}", project.borrow()),
        None => project.borrow().to_string(),
    }
}

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

/// The person's own time of seven days.
pub(crate) async fn week(person: &Person<'_>, first: Day) -> Result<Vec<TimeEntry>, Halt> {
    let question = Question::new("time_entry.list")
        .with("limit", MOST)
        .with("member_id", person.caller.member())
        .with("from", first)
        .with("to", first.plus(6));
    Ok(person.read::<TimeEntryList>(question).await?.data)
}

/// The person's timer that runs, in whichever week it began.
pub(crate) async fn running(person: &Person<'_>) -> Result<Option<TimeEntry>, Halt> {
    let question = Question::new("time_entry.list")
        .with("limit", 1)
        .with("member_id", person.caller.member())
        .with("running", true);
    let list: TimeEntryList = person.read(question).await?;
    Ok(list.data.into_iter().next())
}

/// Invoices in a state, the newest first.
pub(crate) async fn invoices_that_are(
    person: &Person<'_>,
    status: &str,
) -> Result<Vec<Invoice>, Halt> {
    let question = Question::new("invoice.list")
        .with("limit", MOST)
        .with("status", status);
    Ok(person.read::<InvoiceList>(question).await?.data)
}

/// Whether an invoice was ever issued: drafts have no day of issue yet.
pub(crate) async fn has_sent_invoice(person: &Person<'_>) -> Result<bool, Halt> {
    let question = Question::new("invoice.list")
        .with("limit", 1)
        .with("from", "1970-01-01");
    let list: InvoiceList = person.read(question).await?;
    Ok(!list.data.is_empty())
}

/// Invoices, the newest first.
pub(crate) async fn invoices(person: &Person<'_>) -> Result<Vec<Invoice>, Halt> {
    let question = Question::new("invoice.list").with("limit", MOST);
    Ok(person.read::<InvoiceList>(question).await?.data)
}

/// Today where the person is.
pub(crate) fn today(person: &Person<'_>, frame: &Frame) -> Result<Day, Halt> {
    Ok(zone(frame)?.day_of(person.guest.console.clock.now()))
}

/// Where the person is.
pub(crate) fn zone(frame: &Frame) -> Result<Zone, Halt> {
    let zone = frame.member.timezone.parse::<Zone>();
    zone.map_err(|source| Failure::internal("read a member's time zone", source).into())
}

/// The first day of a day's week, which begins as the organization says.
pub(crate) fn week_of(frame: &Frame, day: Day) -> Day {
    let first = WEEKDAYS
        .iter()
        .zip(0_u32..)
        .find(|(name, _)| name.eq_ignore_ascii_case(&frame.organization.week_start))
        .map_or(0, |(_, number)| number);
    // Both are less than seven.
    day.minus((day.days_from_monday() + 7 - first) % 7)
}

/// The name of a day of the week.
pub(crate) fn weekday(day: impl Borrow<Day>) -> &'static str {
    let number = usize::try_from(day.borrow().days_from_monday());
    let name = number.ok().and_then(|number| WEEKDAYS.get(number));
    name.copied().unwrap_or_default()
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

/// The name of a task; nothing where there is none.
pub(crate) fn task_name(tasks: &[Task], id: impl Borrow<Option<Uuid>>) -> Option<&str> {
    let found = tasks.iter().find(|task| Some(task.id) == *id.borrow());
    found.map(|task| task.name.as_str())
}

/// The name of a member.
pub(crate) fn member_name(members: &[Member], id: impl Borrow<Uuid>) -> &str {
    let found = members.iter().find(|member| member.id == *id.borrow());
    found.map_or("Somebody who left", |member| member.name.as_str())
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
