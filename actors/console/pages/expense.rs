//! One expense, to correct.

use askama::Template;
use futures::try_join;
use hoursmith_bus::Response;
use hoursmith_routes::expense::Expense;
use hoursmith_routes::project::Project;
use serde_json::{Value, json};

use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{Frame, go, show};
use crate::pages::expenses::{fields, month_of, named};
use crate::work;

#[derive(Template)]
#[template(path = "expense.html")]
struct ExpensePage<'a> {
    frame: &'a Frame,
    expense: &'a Expense,
    /// The month that it is in, such as `2026-11`.
    month: String,
    projects: &'a [Project],
    places: Vec<work::Place<'a>>,
    form: &'a Form,
}

pub(crate) async fn page(
    person: &Person<'_>,
    id: &str,
    form: Option<Form>,
) -> Result<Response, Halt> {
    let (frame, (expense, tag), projects) =
        try_join!(Frame::of(person), find(person, id), work::projects(person))?;
    let its_project = vec![expense.project_id];
    let projects = work::with_projects(person, projects, its_project).await?;
    let ticked = |yes| if yes { "on" } else { "" };
    let form = form.unwrap_or_else(|| {
        Form::with(&[
            ("version", &tag),
            ("project_id", &work::chosen(expense.project_id, None)),
            ("spent_on", &expense.spent_on.to_string()),
            ("category", &work::text(&expense.category)),
            ("description", &work::text(&expense.description)),
            ("amount", &expense.amount),
            ("tax_amount", &work::text(&expense.tax_amount)),
            ("billable", ticked(expense.billable)),
            ("reimbursable", ticked(expense.reimbursable)),
        ])
    });
    let page = ExpensePage {
        places: work::places(
            &projects,
            &[],
            expense.member_id,
            Some((expense.project_id, None)),
        ),
        projects: &projects,
        month: named(expense.spent_on),
        expense: &expense,
        frame: &frame,
        form: &form,
    };
    show(form.status(), &page)
}

pub(crate) async fn save(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let (expense, _) = find(person, id).await?;
    let mut body = fields(&form);
    body.insert("billable".to_owned(), json!(form.ticked("billable")));
    // It stays where it is unless it is moved: then its amounts are in what the other project is
    // billed in, as the form says.
    let project = form.get("project_id");
    if project != expense.project_id.to_string() {
        let read = Question::new("project.read").of("project_id", project);
        let project: Project = person.read(read).await?;
        body.insert("project_id".to_owned(), json!(project.id));
        body.insert("currency".to_owned(), json!(project.currency));
    }
    // The form has no quantity and price: they stay as long as the amount does, and make way for
    // another one.
    if expense.quantity.is_some() {
        if form.get("amount") == expense.amount {
            body.remove("amount");
        } else {
            body.insert("quantity".to_owned(), Value::Null);
            body.insert("unit_price".to_owned(), Value::Null);
        }
    }
    let question = Question::new("expense.update")
        .of("expense_id", id)
        .body(Value::Object(body))
        .if_match(form.get("version"));
    match person.ask(question).await {
        Ok(_) => Ok(go(&format!("{}&done=saved", month_of(&form)))),
        Err(halt) => page(person, id, Some(form.refused(halt.correctable()?))).await,
    }
}

pub(crate) async fn delete(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let (expense, _) = find(person, id).await?;
    let question = Question::new("expense.delete").of("expense_id", id);
    person.ask(question).await?;
    let month = named(expense.spent_on);
    Ok(go(&format!("/app/expenses?month={month}&done=gone")))
}

/// The expense with its tag.
async fn find(person: &Person<'_>, id: &str) -> Result<(Expense, String), Halt> {
    let question = Question::new("expense.read").of("expense_id", id);
    person.read_tagged(question).await
}
