//! What several pages read: clients, projects and a person's time.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use hoursmith_domain::{Day, Zone};
use hoursmith_kit::Failure;
use hoursmith_routes::client::Client;
use hoursmith_routes::expense::Expense;
use hoursmith_routes::invoice::{Invoice, InvoiceList};
use hoursmith_routes::member::Member;
use hoursmith_routes::project::Project;
use hoursmith_routes::task::{Task, TaskList};
use hoursmith_routes::time_entry::{TimeEntry, TimeEntryList};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::ask::{Person, Question};
use crate::halt::Halt;
use crate::page::Frame;

/// The most that the API gives at a time.
pub(crate) const MOST: u32 = 200;

/// How many pages of a list are read for one of ours: 1,000 rows, which a browser still shows at
/// once. What comes after them is found through the API.
const PAGES: usize = 5;

/// How many names are read one by one for a page, each a question of its own. The rest go without.
const NAMES: usize = 50;

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

/// A page of a list, whatever it is of.
#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

/// A project that somebody may log on, with its open tasks.
pub(crate) struct Place<'a> {
    pub(crate) project: &'a Project,
    pub(crate) tasks: Vec<&'a Task>,
}

/// Where a member may log: the projects that the member is in. What is logged already stays a choice,
/// whatever became of its project and task, so that it is where it was unless somebody moves it.
pub(crate) fn places<'a>(
    projects: &'a [Project],
    tasks: &'a [Task],
    member: Uuid,
    logged: Option<(Uuid, Option<Uuid>)>,
) -> Vec<Place<'a>> {
    let its_project = logged.map(|(project, _)| project);
    let its_task = logged.and_then(|(_, task)| task);
    let may_log = |project: &&Project| {
        let is_in = project.members.iter().any(|one| one.member_id == member);
        (is_in && !project.archived) || its_project == Some(project.id)
    };
    let is_open = |task: &&Task| task.completed_at.is_none() || its_task == Some(task.id);
    let place = |project: &'a Project| Place {
        tasks: (tasks.iter().filter(is_open))
            .filter(|task| task.project_id == project.id)
            .collect(),
        project,
    };
    projects.iter().filter(may_log).map(place).collect()
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
    let question = || Question::new("client.list").with("archived", archived);
    let mut list: Vec<Client> = all(person, question).await?;
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
    let question = || Question::new("project.list").with(name, value);
    let mut list: Vec<Project> = all(person, question).await?;
    list.sort_by_cached_key(|project| project.name.to_lowercase());
    Ok(list)
}

/// The tasks that are open, of all projects, by name.
pub(crate) async fn open_tasks(person: &Person<'_>) -> Result<Vec<Task>, Halt> {
    let question = || Question::new("task.list").with("status", "open");
    let mut list: Vec<Task> = all(person, question).await?;
    list.sort_by_cached_key(|task| task.name.to_lowercase());
    Ok(list)
}

/// The newest tasks of a project, one page of the API: the open ones first, by name.
pub(crate) async fn tasks(person: &Person<'_>, project: Uuid) -> Result<Vec<Task>, Halt> {
    let question = Question::new("task.list")
        .with("limit", MOST)
        .with("project_id", project);
    let mut list = person.read::<TaskList>(question).await?.data;
    list.sort_by_cached_key(|task| (task.completed_at.is_some(), task.name.to_lowercase()));
    Ok(list)
}

/// Reads the projects of these ids that are not among those that a page has, such as archived ones.
pub(crate) async fn with_projects(
    person: &Person<'_>,
    mut projects: Vec<Project>,
    ids: Vec<Uuid>,
) -> Result<Vec<Project>, Halt> {
    let known: BTreeSet<Uuid> = projects.iter().map(|project| project.id).collect();
    for id in beside(&known, ids) {
        let question = Question::new("project.read").of("project_id", id);
        projects.push(person.read(question).await?);
    }
    Ok(projects)
}

/// Reads the tasks of these ids that are not among those that a page has, such as completed ones.
pub(crate) async fn with_tasks(
    person: &Person<'_>,
    mut tasks: Vec<Task>,
    ids: Vec<Uuid>,
) -> Result<Vec<Task>, Halt> {
    let known: BTreeSet<Uuid> = tasks.iter().map(|task| task.id).collect();
    for id in beside(&known, ids) {
        let question = Question::new("task.read").of("task_id", id);
        tasks.push(person.read(question).await?);
    }
    Ok(tasks)
}

/// The ids that are not known, each once, as many as are read one by one.
fn beside(known: &BTreeSet<Uuid>, ids: Vec<Uuid>) -> Vec<Uuid> {
    let unknown: BTreeSet<Uuid> = ids.into_iter().filter(|id| !known.contains(id)).collect();
    unknown.into_iter().take(NAMES).collect()
}

/// Active members whom the person sees, by name.
pub(crate) async fn members(person: &Person<'_>) -> Result<Vec<Member>, Halt> {
    let question = || Question::new("member.list").with("status", "active");
    let mut list: Vec<Member> = all(person, question).await?;
    list.sort_by_cached_key(|member| member.name.to_lowercase());
    Ok(list)
}

/// The person's own time of seven days.
pub(crate) async fn week(person: &Person<'_>, first: Day) -> Result<Vec<TimeEntry>, Halt> {
    let question = || {
        Question::new("time_entry.list")
            .with("member_id", person.caller.member())
            .with("from", first)
            .with("to", first.plus(6))
    };
    all(person, question).await
}

/// The expenses from one day to another, the latest first.
pub(crate) async fn expenses(
    person: &Person<'_>,
    first: Day,
    last: Day,
) -> Result<Vec<Expense>, Halt> {
    let question = || {
        Question::new("expense.list")
            .with("from", first)
            .with("to", last)
    };
    let mut list: Vec<Expense> = all(person, question).await?;
    list.sort_by_key(|expense| Reverse(expense.spent_on));
    Ok(list)
}

/// A list, page by page.
async fn all<'q, T: DeserializeOwned>(
    person: &Person<'_>,
    question: impl Fn() -> Question<'q>,
) -> Result<Vec<T>, Halt> {
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES {
        let mut question = question().with("limit", MOST);
        if let Some(cursor) = &cursor {
            question = question.with("cursor", cursor);
        }
        // On the heap, since a page waits for several lists at once.
        let page: Page<T> = Box::pin(person.read(question)).await?;
        found.extend(page.data);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(found)
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

/// The name of a project; of one that the page did not read, that it is another.
pub(crate) fn project_name(projects: &[Project], id: impl Borrow<Uuid>) -> &str {
    let found = projects.iter().find(|project| project.id == *id.borrow());
    found.map_or("Another project", |project| project.name.as_str())
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
