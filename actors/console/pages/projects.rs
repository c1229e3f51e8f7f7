//! Projects: what time is spent on.

use askama::Template;
use futures::try_join;
use hoursmith_bus::Response;
use hoursmith_kit::Failure;
use hoursmith_routes::client::Client;
use hoursmith_routes::project::Project;
use serde_json::json;

use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{Frame, go, show};
use crate::work;

#[derive(Template)]
#[template(path = "projects.html")]
struct ProjectsPage<'a> {
    frame: &'a Frame,
    projects: &'a [Project],
    clients: &'a [Client],
    archived: bool,
    form: &'a Form,
    once: String,
}

pub(crate) async fn page(person: &Person<'_>, form: Option<Form>) -> Result<Response, Halt> {
    let query = Form::parse(person.guest.visit.query.as_bytes());
    let archived = query.chose("archived", "true");
    let word = if archived { "true" } else { "false" };
    let (frame, projects, clients) = try_join!(
        Frame::of(person),
        work::projects_of(person, ("archived", word)),
        work::clients(person),
    )?;
    let form = form.unwrap_or_else(|| Form::with(&[("billing_method", "hourly")]));
    let page = ProjectsPage {
        frame: &frame,
        projects: &projects,
        archived,
        clients: &clients,
        form: &form,
        once: person.form_key(),
    };
    show(form.status(), &page)
}

/// Makes a project, and puts whoever makes it on it, since time is logged by its members.
pub(crate) async fn create(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    let method = form.get("billing_method");
    let rate = match form.some("billable_rate") {
        Some(rate) => Some(rate.to_owned()),
        None if method == "hourly" => client_rate(person, form.some("client_id")).await?,
        None => None,
    };
    let body = json!({
        "name": form.get("name"),
        "client_id": form.some("client_id"),
        "billing_method": method,
        "billable": method != "none",
        "billable_rate": rate,
        "fixed_fee": form.some("fixed_fee").filter(|_| method == "fixed"),
    });
    let question = Question::new("project.create")
        .body(body)
        .once(form.get("once"));
    let response = match person.ask(question).await {
        Ok(response) => response,
        Err(halt) => return page(person, Some(form.refused(halt.correctable()?))).await,
    };
    let project: Project = serde_json::from_slice(&response.body)
        .map_err(|source| Failure::internal("read a new project", source))?;
    let question = Question::new("project_member.put")
        .of("project_id", project.id)
        .of("member_id", person.caller.member())
        .body(json!({}));
    person.ask(question).await?;
    Ok(go("/app/projects?done=project"))
}

/// The rate of a client, which a project takes over when none is typed: what a client's hour costs is
/// said once, and stands on the project from then on.
async fn client_rate(person: &Person<'_>, client: Option<&str>) -> Result<Option<String>, Halt> {
    let Some(client) = client else {
        return Ok(None);
    };
    let question = Question::new("client.read").of("client_id", client);
    Ok(person.read::<Client>(question).await?.billable_rate)
}
