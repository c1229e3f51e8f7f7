//! Who works on a project, and what an hour of each costs there.

use hoursmith_bus::Response;
use serde_json::json;

use super::{Forms, back, page};
use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;

/// Puts a member into the project.
pub(super) async fn add(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let member = form.get("member_id").to_owned();
    put(person, id, &member, form, ("in_project", "member_rate")).await
}

/// Gives a member another rate there.
pub(super) async fn rate(
    person: &Person<'_>,
    id: &str,
    member: &str,
    form: Form,
) -> Result<Response, Halt> {
    put(person, id, member, form, ("rate", "Hourly rate")).await
}

/// Takes a member out.
pub(super) async fn remove(person: &Person<'_>, id: &str, member: &str) -> Result<Response, Halt> {
    let question = Question::new("project_member.delete")
        .of("project_id", id)
        .of("member_id", member);
    person.ask(question).await?;
    Ok(back(id, "left"))
}

/// `shown` is what the form calls the rate.
async fn put(
    person: &Person<'_>,
    id: &str,
    member: &str,
    form: Form,
    (done, shown): (&str, &str),
) -> Result<Response, Halt> {
    let question = Question::new("project_member.put")
        .of("project_id", id)
        .of("member_id", member)
        .body(json!({ "billable_rate": form.some("member_rate") }));
    match person.ask(question).await {
        Ok(_) => Ok(back(id, done)),
        Err(halt) => {
            let refusal = halt.correctable()?.renamed("billable_rate", shown);
            page(person, id, Forms::adding(form.refused(refusal))).await
        }
    }
}
