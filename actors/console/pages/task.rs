//! One task: its name and what else may be said of it, who it is for, and its end.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_routes::project::Project;
use hoursmith_routes::project_member::{ProjectMember, ProjectMemberList};
use hoursmith_routes::task::Task;
use serde_json::{Value, json};

use crate::ask::{Person, Question};
use crate::form::{Form, seconds};
use crate::halt::{Halt, Refusal};
use crate::page::{Frame, go, show};
use crate::pages::time::NO_DURATION;
use crate::{format, work};

#[derive(Template)]
#[template(path = "task.html")]
struct TaskPage<'a> {
    frame: &'a Frame,
    task: &'a Task,
    project: &'a Project,
    members: &'a [ProjectMember],
    form: &'a Form,
}

/// Answers what is below `/app/tasks/<id>`.
pub(crate) async fn answer(
    person: &Person<'_>,
    post: bool,
    id: &str,
    parts: &[&str],
    form: Form,
) -> Result<Response, Halt> {
    match (post, parts) {
        (false, []) => page(person, id, None).await,
        (true, []) => save(person, id, form).await,
        (true, ["delete"]) => delete(person, id).await,
        _ => Err(Halt::no_page()),
    }
}

async fn page(person: &Person<'_>, id: &str, form: Option<Form>) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let (task, tag) = find(person, id).await?;
    let question = Question::new("project.read").of("project_id", task.project_id);
    let project: Project = person.read(question).await?;
    let question = Question::new("project_member.list")
        .of("project_id", task.project_id)
        .with("limit", work::MOST);
    let mut members = person.read::<ProjectMemberList>(question).await?.data;
    members.sort_by_cached_key(|member| member.name.to_lowercase());
    let form = form.unwrap_or_else(|| as_it_is(&task, &tag));
    let page = TaskPage {
        frame: &frame,
        task: &task,
        project: &project,
        members: &members,
        form: &form,
    };
    show(form.status(), &page)
}

/// The task with its tag.
async fn find(person: &Person<'_>, id: &str) -> Result<(Task, String), Halt> {
    let question = Question::new("task.read").of("task_id", id);
    person.read_tagged(question).await
}

/// The estimate as the form has it.
fn estimate(task: &Task) -> String {
    let estimate = task.estimated_seconds.map(format::hours);
    estimate.unwrap_or_default()
}

/// The form of a task as it is.
fn as_it_is(task: &Task, tag: &str) -> Form {
    let assignees: Vec<String> = task.assignee_ids.iter().map(ToString::to_string).collect();
    let assignees = assignees.iter().map(|id| ("assignee", id.as_str()));
    let (due, rate) = (work::text(&task.due_on), work::text(&task.billable_rate));
    let description = work::text(&task.description);
    let estimate = estimate(task);
    let mut fields = vec![
        ("version", tag),
        ("name", task.name.as_str()),
        ("description", &description),
        ("billable", if task.billable { "on" } else { "" }),
        ("billable_rate", &rate),
        ("estimate", &estimate),
        ("due_on", &due),
    ];
    fields.extend(assignees);
    Form::with(&fields)
}

async fn save(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let (task, _) = find(person, id).await?;
    let mut body = json!({
        "name": form.get("name"),
        "description": form.some("description"),
        "billable": form.ticked("billable"),
        "billable_rate": form.some("billable_rate"),
        "assignee_ids": form.picked("assignee").collect::<Vec<_>>(),
        "due_on": form.some("due_on"),
    });
    // The form has minutes, and a year of them at most: left as it was shown, the estimate stays.
    let typed = form.get("estimate");
    if typed != estimate(&task)
        && let Some(fields) = body.as_object_mut()
    {
        let seconds = match (typed, seconds(typed)) {
            ("", _) => Value::Null,
            (_, Some(seconds)) => seconds.into(),
            (_, None) => {
                let refusal = Refusal::at("estimate", NO_DURATION);
                return page(person, id, Some(form.refused(refusal))).await;
            }
        };
        fields.insert("estimated_seconds".to_owned(), seconds);
    }
    let question = Question::new("task.update")
        .of("task_id", id)
        .body(body)
        .if_match(form.get("version"));
    match person.ask(question).await {
        Ok(_) => Ok(go(&format!("/app/tasks/{id}?done=saved"))),
        Err(halt) => page(person, id, Some(form.refused(halt.correctable()?))).await,
    }
}

async fn delete(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let (task, tag) = find(person, id).await?;
    let question = Question::new("task.delete").of("task_id", id);
    let in_use = "Time is logged on the task. Complete it instead: nobody is offered it any more, and \
                  what was logged stays.";
    match work::delete(person, question, in_use).await {
        Ok(()) => Ok(go(&format!("/app/projects/{}?done=gone", task.project_id))),
        Err(halt) => {
            let form = as_it_is(&task, &tag).refused(halt.correctable()?);
            page(person, id, Some(form)).await
        }
    }
}
