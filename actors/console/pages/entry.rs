//! One entry of time, to correct.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_routes::project::Project;
use hoursmith_routes::task::Task;
use hoursmith_routes::time_entry::TimeEntry;
use serde_json::json;

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
    form: &'a Form,
}

pub(crate) async fn page(
    person: &Person<'_>,
    id: &str,
    form: Option<Form>,
) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let entry = find(person, id).await?;
    let projects = work::projects(person).await?;
    let tasks = work::tasks(person, None).await?;
    let form = form.unwrap_or_else(|| {
        let duration = entry.duration_seconds.map(format::hours);
        Form::with(&[
            ("project_id", &work::chosen(entry.project_id, entry.task_id)),
            ("description", &work::text(&entry.description)),
            ("spent_on", &entry.spent_on.to_string()),
            ("duration", &duration.unwrap_or_default()),
            ("billable", if entry.billable { "on" } else { "" }),
        ])
    });
    // The task that it is on stays a choice once it is done.
    let mut places = work::places(&projects, &tasks, entry.member_id);
    for place in &mut places {
        let is_its = |task: &&Task| Some(task.id) == entry.task_id && task.completed_at.is_some();
        let its = tasks.iter().filter(is_its);
        place
            .tasks
            .extend(its.filter(|task| task.project_id == place.project.id));
    }
    let page = EntryPage {
        frame: &frame,
        places,
        projects: &projects,
        tasks: &tasks,
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
    let entry = find(person, id).await?;
    let (project, task) = work::place(form.get("project_id"));
    // The form has minutes: left as it was, the length stays to the second.
    let shown = entry.duration_seconds.map(format::hours);
    let same = shown.as_deref().and_then(seconds) == Some(duration);
    let body = json!({
        "project_id": project,
        "task_id": task,
        "description": form.some("description"),
        "spent_on": form.get("spent_on"),
        "billable": form.ticked("billable"),
        "duration_seconds": entry.duration_seconds.filter(|_| same).unwrap_or(duration),
    });
    let question = Question::new("time_entry.update")
        .of("time_entry_id", id)
        .body(body);
    match person.ask(question).await {
        Ok(_) => Ok(go(&format!(
            "/app/time?day={}&done=saved",
            form.get("spent_on")
        ))),
        Err(halt) => page(person, id, Some(form.refused(halt.correctable()?))).await,
    }
}

async fn find(person: &Person<'_>, id: &str) -> Result<TimeEntry, Halt> {
    let question = Question::new("time_entry.read").of("time_entry_id", id);
    person.read(question).await
}
