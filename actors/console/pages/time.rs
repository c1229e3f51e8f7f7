//! Time: a week of the person's own, the timer, and an hour to log.

use askama::Template;
use futures::try_join;
use hoursmith_bus::Response;
use hoursmith_domain::Day;
use hoursmith_routes::project::Project;
use hoursmith_routes::task::Task;
use hoursmith_routes::time_entry::TimeEntry;
use serde_json::json;

use crate::ask::{Person, Question};
use crate::form::{Form, seconds};
use crate::halt::{Halt, Refusal};
use crate::page::{Frame, go, show};
use crate::work;

/// What is wrong with text that is no duration.
pub(crate) const NO_DURATION: &str = "must be a duration, such as 1:30 or 1.5";

#[derive(Template)]
#[template(path = "time.html")]
struct TimePage<'a> {
    frame: &'a Frame,
    projects: &'a [Project],
    tasks: &'a [Task],
    places: Vec<work::Place<'a>>,
    /// Whether there is a project at all that may be logged on.
    has_projects: bool,
    days: Vec<DayOfWork<'a>>,
    running: Option<TimeEntry>,
    total_seconds: i64,
    is_empty: bool,
    /// The first day of the week that is shown, and of this one.
    first: Day,
    this: Day,
    today: Day,
    form: &'a Form,
    once: String,
}

/// A day with what was done on it.
struct DayOfWork<'a> {
    day: Day,
    seconds: i64,
    entries: Vec<&'a TimeEntry>,
}

pub(crate) async fn page(person: &Person<'_>, form: Option<Form>) -> Result<Response, Halt> {
    let (frame, projects, tasks, running) = try_join!(
        Frame::of(person),
        work::projects(person),
        work::open_tasks(person),
        work::running(person),
    )?;
    let today = work::today(person, &frame)?;
    let query = Form::parse(person.guest.visit.query.as_bytes());
    let day: Day = query.get("day").parse().unwrap_or(today);
    let first = work::week_of(&frame, query.get("week").parse().unwrap_or(day));
    let entries = work::week(person, first).await?;
    let has_projects = !projects.is_empty();
    let shown = entries.iter().chain(&running);
    let on = shown.clone().map(|entry| entry.project_id).collect();
    let doing = shown.filter_map(|entry| entry.task_id).collect();
    let (projects, tasks) = try_join!(
        work::with_projects(person, projects, on),
        work::with_tasks(person, tasks, doing),
    )?;
    let form = form.unwrap_or_else(|| Form::with(&[("spent_on", &day.to_string())]));
    let of_day = |day: Day| DayOfWork {
        day,
        seconds: total(entries.iter().filter(|entry| entry.spent_on == day)),
        entries: entries
            .iter()
            .filter(|entry| entry.spent_on == day)
            .collect(),
    };
    let page = TimePage {
        frame: &frame,
        places: work::places(&projects, &tasks, person.caller.member().0, None),
        has_projects,
        projects: &projects,
        tasks: &tasks,
        days: (0..7).map(|days| of_day(first.plus(days))).collect(),
        running,
        total_seconds: total(entries.iter()),
        is_empty: entries.is_empty(),
        first,
        this: work::week_of(&frame, today),
        today,
        form: &form,
        once: person.form_key(),
    };
    show(form.status(), &page)
}

/// Seconds of entries that are done.
pub(crate) fn total<'a>(entries: impl Iterator<Item = &'a TimeEntry>) -> i64 {
    entries
        .filter_map(|entry| entry.duration_seconds)
        .fold(0, i64::saturating_add)
}

pub(crate) async fn log(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    let Some(duration_seconds) = seconds(form.get("duration")) else {
        let refusal = Refusal::at("duration", NO_DURATION);
        return page(person, Some(form.refused(refusal))).await;
    };
    let (project, task) = work::place(form.get("project_id"));
    let body = json!({
        "project_id": project,
        "task_id": task,
        "spent_on": form.some("spent_on"),
        "duration_seconds": duration_seconds,
        "description": form.some("description"),
    });
    let question = Question::new("time_entry.create")
        .body(body)
        .once(form.get("once"));
    match person.ask(question).await {
        Ok(_) => Ok(go(&format!(
            "/app/time?day={}&done=time",
            form.get("spent_on")
        ))),
        Err(halt) => page(person, Some(form.refused(halt.correctable()?))).await,
    }
}

/// Starts a timer; one that runs is stopped.
pub(crate) async fn start(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    let (project, task) = work::place(form.get("project_id"));
    let body = json!({
        "project_id": project,
        "task_id": task,
        "description": form.some("description"),
    });
    let question = Question::new("time_entry.create")
        .with("stop_running", true)
        .body(body)
        .once(form.get("once"));
    match person.ask(question).await {
        Ok(_) => Ok(go("/app/time?done=started")),
        Err(halt) => page(person, Some(form.refused(halt.correctable()?))).await,
    }
}

pub(crate) async fn stop(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let question = Question::new("time_entry.stop").of("time_entry_id", id);
    person.ask(question).await?;
    Ok(go("/app/time?done=stopped"))
}
