//! Expenses: what was paid for projects, a month at a time.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_domain::Day;
use hoursmith_routes::expense::{Expense, ExpenseList};
use hoursmith_routes::member::Member;
use hoursmith_routes::project::Project;
use serde_json::{Value, json};

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
    let question = Question::new("expense.list")
        .with("limit", work::MOST)
        .with("from", first)
        .with("to", after.minus(1));
    let mut expenses = person.read::<ExpenseList>(question).await?.data;
    expenses.sort_by_key(|expense| std::cmp::Reverse(expense.spent_on));
    let form = form.unwrap_or_else(|| {
        let billable = ("billable", "on");
        Form::with(&[("spent_on", &today.to_string()), billable])
    });
    let projects = work::projects(person).await?;
    let page = ExpensesPage {
        frame: &frame,
        places: work::places(&projects, &[], person.caller.member().0),
        projects: &projects,
        members: &work::members(person).await?,
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
    let question = Question::new("expense.create")
        .body(body(&form))
        .once(form.get("once"));
    match person.ask(question).await {
        Ok(_) => Ok(go(&format!("{}&done=expense", month_of(&form)))),
        Err(halt) => page(person, Some(form.refused(halt.correctable()?))).await,
    }
}

pub(crate) async fn delete(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let read = Question::new("expense.read").of("expense_id", id);
    let expense: Expense = person.read(read).await?;
    let question = Question::new("expense.delete").of("expense_id", id);
    person.ask(question).await?;
    let month = named(expense.spent_on);
    Ok(go(&format!("/app/expenses?month={month}&done=gone")))
}

/// An expense as the forms have it.
pub(super) fn body(form: &Form) -> Value {
    json!({
        "project_id": form.get("project_id"),
        "spent_on": form.some("spent_on"),
        "category": form.some("category"),
        "description": form.some("description"),
        "amount": form.get("amount"),
        "tax_amount": form.some("tax_amount"),
        "billable": form.ticked("billable"),
        "reimbursable": form.ticked("reimbursable"),
    })
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
