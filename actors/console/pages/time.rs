//! Time: a week of the person's own, the timer, and an hour to log.

use askama::Template;
use futures::try_join;
use hoursmith_bus::Response;
use hoursmith_domain::Day;
use hoursmith_routes::project::Project;
use hoursmith_routes::time_entry::TimeEntry;
use serde_json::json;

use crate::ask::{Person, Question};
use crate::form::{Form, seconds};
use crate::halt::{FieldRefusal, Halt, Refusal};
use crate::page::{Frame, go, show};
use crate::work;

#[derive(Template)]
#[template(path = "time.html")]
struct TimePage<'a> {
    frame: &'a Frame,
    projects: &'a [Project],
    days: Vec<DayOfWork<'a>>,
    running: Option<&'a TimeEntry>,
    total_seconds: i64,
    monday: Day,
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
    let (frame, projects, running) = try_join!(
        Frame::of(person),
        work::projects(person),
        work::running(person),
    )?;
    let today = work::today(person, &frame)?;
    let query = Form::parse(person.guest.visit.query.as_bytes());
    let monday = work::monday(query.get("week").parse().unwrap_or(today));
    let entries = work::week(person, monday).await?;
    let form = form.unwrap_or_else(|| Form::with(&[("spent_on", &today.to_string())]));
    let of_day = |day: Day| DayOfWork {
        day,
        seconds: total(entries.iter().filter(|entry| entry.spent_on == day)),
        entries: entries
            .iter()
            .filter(|entry| entry.spent_on == day)
            .collect(),
    };
    let days = (0..7).rev().map(|days| of_day(monday.plus(days)));
    let page = TimePage {
        frame: &frame,
        projects: &projects,
        days: days.filter(|day| !day.entries.is_empty()).collect(),
        running: running.as_ref(),
        total_seconds: total(entries.iter()),
        monday,
        form: &form,
        once: work::once(person),
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
        let wrong = FieldRefusal {
            pointer: "#/duration".to_owned(),
            detail: "must be a duration, such as 1:30 or 1.5".to_owned(),
        };
        let refusal = Refusal {
            status: 422,
            detail: String::new(),
            errors: vec![wrong],
        };
        return page(person, Some(form.refused(refusal))).await;
    };
    let body = json!({
        "project_id": form.get("project_id"),
        "spent_on": form.some("spent_on"),
        "duration_seconds": duration_seconds,
        "description": form.some("description"),
    });
    let question = Question::new("time_entry.create")
        .body(body)
        .once(form.get("once"));
    match person.ask(question).await {
        Ok(_) => Ok(go("/app/time?done=time")),
        Err(halt) => page(person, Some(form.refused(halt.correctable()?))).await,
    }
}

/// Starts a timer; one that runs is stopped.
pub(crate) async fn start(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    let body = json!({
        "project_id": form.get("project_id"),
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

pub(crate) async fn delete(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let question = Question::new("time_entry.delete").of("time_entry_id", id);
    person.ask(question).await?;
    Ok(go("/app/time?done=deleted"))
}
