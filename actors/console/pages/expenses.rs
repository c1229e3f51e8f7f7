//! Expenses: what was paid for projects, a month at a time.

use askama::Template;
use futures::try_join;
use hoursmith_bus::Response;
use hoursmith_domain::Day;
use hoursmith_routes::expense::Expense;
use hoursmith_routes::member::Member;
use hoursmith_routes::project::Project;
use serde_json::{Map, Value, json};

use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{Frame, go, show};
use crate::{format, work};

#[derive(Template)]
#[template(path = "expenses.html")]
struct ExpensesPage<'a> {
    frame: &'a Frame,
    projects: &'a [Project],
    places: Vec<work::Place<'a>>,
    members: &'a [Member],
    expenses: &'a [Expense],
    /// The month that is shown, in words, and the ones next to it.
    month: String,
    before: String,
    after: String,
    form: &'a Form,
    once: String,
}

pub(crate) async fn page(person: &Person<'_>, form: Option<Form>) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let today = work::today(person, &frame)?;
    let query = Form::parse(person.guest.visit.query.as_bytes());
    let first = first_of(query.get("month")).unwrap_or_else(|| begin(today));
    let after = begin(first.plus(31));
    let (expenses, projects, members) = try_join!(
        work::expenses(person, first, after.minus(1)),
        work::projects(person),
        work::members(person),
    )?;
    let theirs = expenses.iter().map(|expense| expense.project_id).collect();
    let projects = work::with_projects(person, projects, theirs).await?;
    let form = form.unwrap_or_else(|| Form::with(&[("spent_on", &today.to_string())]));
    let page = ExpensesPage {
        frame: &frame,
        places: work::places(&projects, &[], person.caller.member().0, None),
        projects: &projects,
        members: &members,
        expenses: &expenses,
        month: format::month(first),
        before: named(first.minus(1)),
        after: named(after),
        form: &form,
        once: person.form_key(),
    };
    show(form.status(), &page)
}

pub(crate) async fn add(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    let mut body = fields(&form);
    body.insert("project_id".to_owned(), json!(form.get("project_id")));
    // Without it, the project decides.
    if let Some(answer) = form.some("billable") {
        body.insert("billable".to_owned(), json!(answer == "yes"));
    }
    let question = Question::new("expense.create")
        .body(Value::Object(body))
        .once(form.get("once"));
    match person.ask(question).await {
        Ok(_) => Ok(go(&format!("{}&done=expense", month_of(&form)))),
        Err(halt) => page(person, Some(form.refused(halt.correctable()?))).await,
    }
}

/// What the forms of an expense have in common.
pub(super) fn fields(form: &Form) -> Map<String, Value> {
    let text = |name: &str| (name.to_owned(), json!(form.some(name)));
    Map::from_iter([
        text("spent_on"),
        text("category"),
        text("description"),
        ("amount".to_owned(), json!(form.get("amount"))),
        text("tax_amount"),
        (
            "reimbursable".to_owned(),
            json!(form.ticked("reimbursable")),
        ),
    ])
}

/// The page of the month in which a form's expense is.
pub(super) fn month_of(form: &Form) -> String {
    let month = form.get("spent_on").get(..7).unwrap_or_default();
    format!("/app/expenses?month={month}")
}

/// The first day of a month such as `2026-11`.
fn first_of(month: &str) -> Option<Day> {
    format!("{month}-01").parse().ok()
}

/// A day's month, such as `2026-11`.
pub(super) fn named(day: Day) -> String {
    day.to_string().get(..7).unwrap_or_default().to_owned()
}

/// The first day of a day's month.
fn begin(day: Day) -> Day {
    first_of(&named(day)).unwrap_or(day)
}
