//! The tasks of a project: made, done and opened again. The rest is on a task's own page.

use hoursmith_bus::Response;
use serde_json::json;

use super::{Forms, back, page};
use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;

/// Makes a task.
pub(super) async fn create(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let body = json!({ "project_id": id, "name": form.get("task_name") });
    let question = Question::new("task.create")
        .body(body)
        .once(form.get("once"));
    match person.ask(question).await {
        Ok(_) => Ok(back(id, "task")),
        Err(halt) => {
            let refusal = halt.correctable()?.renamed("name", "task_name");
            page(person, id, Forms::adding(form.refused(refusal))).await
        }
    }
}

/// Completes a task, or opens it again.
pub(super) async fn turn(
    person: &Person<'_>,
    id: &str,
    task: &str,
    turn: &str,
) -> Result<Response, Halt> {
    let (status, done) = match turn {
        "complete" => ("completed", "completed"),
        "reopen" => ("open", "reopened"),
        _ => return Err(Halt::no_page()),
    };
    let question = Question::new("task.update")
        .of("task_id", task)
        .body(json!({ "status": status }));
    person.ask(question).await?;
    Ok(back(id, done))
}
