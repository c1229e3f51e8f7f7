//! One project: what it is and was worth so far, its tasks, and who works on it.

mod members;
mod tasks;

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_routes::client::Client;
use hoursmith_routes::member::Member;
use hoursmith_routes::project::Project;
use hoursmith_routes::project_member::{ProjectMember, ProjectMemberList};
use hoursmith_routes::task::Task;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::Halt;
use crate::page::{Frame, go, show};
use crate::work;

#[derive(Template)]
#[template(path = "project.html")]
struct ProjectPage<'a> {
    frame: &'a Frame,
    project: &'a Project,
    clients: &'a [Client],
    /// Its client, where that is not among the others any more.
    archived_client: Option<String>,
    tasks: &'a [Task],
    members: &'a [ProjectMember],
    /// Those who are not in it yet.
    others: Vec<&'a Member>,
    /// Of the project itself.
    form: &'a Form,
    /// Of a task or a member to add.
    adding: &'a Form,
    once: String,
    me: Uuid,
}

/// The forms of the page, as they are shown.
#[derive(Default)]
struct Forms {
    /// The project as somebody changed it, and what was wrong with that.
    project: Option<Form>,
    /// A task or a member to add.
    adding: Form,
}

impl Forms {
    fn adding(form: Form) -> Self {
        Self {
            project: None,
            adding: form,
        }
    }
}

/// Answers what is below `/app/projects/<id>`.
pub(crate) async fn answer(
    person: &Person<'_>,
    post: bool,
    id: &str,
    parts: &[&str],
    form: Form,
) -> Result<Response, Halt> {
    match (post, parts) {
        (false, []) => page(person, id, Forms::default()).await,
        (true, []) => save(person, id, form).await,
        (true, ["archive"]) => archive(person, id, true).await,
        (true, ["restore"]) => archive(person, id, false).await,
        (true, ["delete"]) => delete(person, id).await,
        (true, ["tasks"]) => tasks::create(person, id, form).await,
        (true, ["tasks", task, turn]) => tasks::turn(person, id, task, turn).await,
        (true, ["members"]) => members::add(person, id, form).await,
        (true, ["members", member]) => members::rate(person, id, member, form).await,
        (true, ["members", member, "remove"]) => members::remove(person, id, member).await,
        _ => Err(Halt::no_page()),
    }
}

async fn page(person: &Person<'_>, id: &str, forms: Forms) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let question = Question::new("project.read").of("project_id", id);
    let (project, tag): (Project, String) = person.read_tagged(question).await?;
    let question = Question::new("project_member.list")
        .of("project_id", id)
        .with("limit", work::MOST);
    let mut members = person.read::<ProjectMemberList>(question).await?.data;
    members.sort_by_cached_key(|member| member.name.to_lowercase());
    let everybody = match frame.leads() {
        true => work::members(person).await?,
        false => Vec::new(),
    };
    let is_in = |member: &&Member| members.iter().any(|one| one.member_id == member.id);
    let form = forms.project.unwrap_or_else(|| as_it_is(&project, &tag));
    let clients = work::clients(person).await?;
    let gone = |id: &Uuid| clients.iter().all(|client| client.id != *id);
    let page = ProjectPage {
        frame: &frame,
        archived_client: project.client_id.filter(gone).map(|id| id.to_string()),
        clients: &clients,
        tasks: &work::tasks(person, project.id).await?,
        others: everybody.iter().filter(|member| !is_in(member)).collect(),
        members: &members,
        project: &project,
        form: &form,
        adding: &forms.adding,
        once: person.form_key(),
        me: person.caller.member().0,
    };
    show(form.status().max(forms.adding.status()), &page)
}

/// The form of a project as it is.
fn as_it_is(project: &Project, tag: &str) -> Form {
    let budget = project.budget.as_ref();
    let kind = budget.map_or("", |budget| budget.kind.as_str());
    Form::with(&[
        ("version", tag),
        ("name", &project.name),
        ("client_id", &work::text(&project.client_id)),
        ("code", &work::text(&project.code)),
        ("billing_method", &project.billing_method),
        ("billable", if project.billable { "on" } else { "" }),
        ("billable_rate", &work::text(&project.billable_rate)),
        ("fixed_fee", &work::text(&project.fixed_fee)),
        ("budget_kind", kind),
        ("budget_amount", budget.map_or("", |budget| &budget.amount)),
        (
            "budget_period",
            budget.map_or("total", |budget| &budget.period),
        ),
        ("starts_on", &work::text(&project.starts_on)),
        ("ends_on", &work::text(&project.ends_on)),
        ("notes", &work::text(&project.notes)),
    ])
}

async fn save(person: &Person<'_>, id: &str, form: Form) -> Result<Response, Halt> {
    let method = form.get("billing_method");
    let budget = form.some("budget_kind").map(|kind| {
        json!({
            "kind": kind,
            "amount": form.get("budget_amount"),
            "period": form.get("budget_period"),
        })
    });
    let body = json!({
        "name": form.get("name"),
        "client_id": form.some("client_id"),
        "code": form.some("code"),
        "billing_method": method,
        "billable": method != "none" && form.ticked("billable"),
        "billable_rate": form.some("billable_rate"),
        "fixed_fee": form.some("fixed_fee").filter(|_| method == "fixed"),
        "budget": budget,
        "starts_on": form.some("starts_on"),
        "ends_on": form.some("ends_on"),
        "notes": form.some("notes"),
    });
    let question = change(id, body).if_match(form.get("version"));
    match person.ask(question).await {
        Ok(_) => Ok(back(id, "saved")),
        Err(halt) => {
            let refusal = halt
                .correctable()?
                .renamed("budget/amount", "budget_amount");
            let forms = Forms {
                project: Some(form.refused(refusal)),
                adding: Form::default(),
            };
            page(person, id, forms).await
        }
    }
}

async fn archive(person: &Person<'_>, id: &str, archived: bool) -> Result<Response, Halt> {
    person
        .ask(change(id, json!({ "archived": archived })))
        .await?;
    Ok(back(id, if archived { "archived" } else { "restored" }))
}

async fn delete(person: &Person<'_>, id: &str) -> Result<Response, Halt> {
    let question = Question::new("project.delete").of("project_id", id);
    let in_use = "The project has tasks, time, expenses or invoice lines. Archive it instead: it is \
                  then out of the way, and its books stay whole.";
    match work::delete(person, question, in_use).await {
        Ok(()) => Ok(go("/app/projects?done=gone")),
        Err(halt) => {
            let refused = Form::default().refused(halt.correctable()?);
            page(person, id, Forms::adding(refused)).await
        }
    }
}

fn change(id: &str, body: Value) -> Question<'_> {
    Question::new("project.update")
        .of("project_id", id)
        .body(body)
}

/// To the project, with a sentence of what was done.
fn back(id: &str, done: &str) -> Response {
    go(&format!("/app/projects/{id}?done={done}"))
}
