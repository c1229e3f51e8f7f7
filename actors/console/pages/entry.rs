//! One entry of time, to correct.

use askama::Template;
use futures::try_join;
use hoursmith_bus::Response;
use hoursmith_routes::member::Member;
use hoursmith_routes::project::Project;
use hoursmith_routes::task::Task;
use hoursmith_routes::time_entry::TimeEntry;
use serde_json::{Map, Value, json};

use crate::ask::{Person, Question};
use crate::form::{Form, seconds};
use crate::halt::{Halt, Refusal};
use crate::page::{Frame, go, show};
use crate::pages::time::NO_DURATION;
use crate::{format, work};

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage<'a> {
    frame: &'a Frame,
    entry: &'a TimeEntry,
    projects: &'a [Project],
    tasks: &'a [Task],
    places: Vec<work::Place<'a>>,
    /// Read where it is the time of somebody else, for the name.
    members: &'a [Member],
    form: &'a Form,
}

pub(crate) async fn page(
    person: &Person<'_>,
    id: &str,
    form: Option<Form>,
) -> Result<Response, Halt> {
    let (frame, (entry, tag), projects, tasks) = try_join!(
        Frame::of(person),
        find(person, id),
        work::projects(person),
        work::open_tasks(person),
    )?;
    let its_task = entry.task_id.into_iter().collect();
    let (projects, tasks, members) = try_join!(
        work::with_projects(person, projects, vec![entry.project_id]),
        work::with_tasks(person, tasks, its_task),
        others(person, &entry),
    )?;
    let form = form.unwrap_or_else(|| {
        let duration = entry.duration_seconds.map(format::hours);
        Form::with(&[
            ("version", &tag),
            ("project_id", &work::chosen(entry.project_id, entry.task_id)),
            ("description", &work::text(&entry.description)),
            ("spent_on", &entry.spent_on.to_string()),
            ("duration", &duration.unwrap_or_default()),
            ("billable", if entry.billable { "on" } else { "" }),
        ])
    });
    let logged = Some((entry.project_id, entry.task_id));
    let page = EntryPage {
        frame: &frame,
        places: work::places(&projects, &tasks, entry.member_id, logged),
        projects: &projects,
        tasks: &tasks,
        members: &members,
        entry: &entry,
        form: &form,
    };
    show(form.status(), &page)
}

pub(crate) async fn save(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let Some(duration) = seconds(form.get("duration")) else {
        let refusal = Refusal::at("duration", NO_DURATION);
        return page(person, id, Some(form.refused(refusal))).await;
    };
    let (entry, _) = find(person, id).await?;
    let question = Question::new("time_entry.update")
        .of("time_entry_id", id)
        .body(Value::Object(changes(&entry, &form, duration)))
        .if_match(form.get("version"));
    match person.ask(question).await {
        Ok(_) => Ok(go(&format!(
            "/app/time?day={}&done=saved",
            form.get("spent_on")
        ))),
        Err(halt) => page(person, id, Some(form.refused(halt.correctable()?))).await,
    }
}

pub(crate) async fn delete(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let (entry, _) = find(person, id).await?;
    let question = Question::new("time_entry.delete").of("time_entry_id", id);
    person.ask(question).await?;
    Ok(go(&format!(
        "/app/time?day={}&done=deleted",
        entry.spent_on
    )))
}

/// What a form makes of an entry. Where it is and when it was are left out where they stay.
fn changes(entry: &TimeEntry, form: &Form, duration: i64) -> Map<String, Value> {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("description", json!(form.some("description")));
    set("billable", json!(form.ticked("billable")));
    let (project, task) = work::place(form.get("project_id"));
    if project != entry.project_id.to_string() {
        set("project_id", json!(project));
    }
    if task != entry.task_id.map(|id| id.to_string()).as_deref() {
        set("task_id", json!(task));
    }
    // The form has minutes: left as it was, the length stays to the second.
    let shown = entry.duration_seconds.map(format::hours);
    let same = shown.as_deref().and_then(seconds) == Some(duration);
    if !same || form.get("spent_on") != entry.spent_on.to_string() {
        let kept = entry.duration_seconds.filter(|_| same);
        set("spent_on", json!(form.get("spent_on")));
        set("duration_seconds", json!(kept.unwrap_or(duration)));
        // Instants would hold it to their day, and to their length.
        if entry.started_at.is_some() {
            set("started_at", Value::Null);
        }
    }
    body
}

/// The members, where it is the time of one of the others.
async fn others(person: &Person<'_>, entry: &TimeEntry) -> Result<Vec<Member>, Halt> {
    match entry.member_id == person.caller.member().0 {
        true => Ok(Vec::new()),
        false => work::members(person).await,
    }
}

/// The entry with its tag.
async fn find(person: &Person<'_>, id: &str) -> Result<(TimeEntry, String), Halt> {
    let question = Question::new("time_entry.read").of("time_entry_id", id);
    person.read_tagged(question).await
}
