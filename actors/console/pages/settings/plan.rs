//! Settings → Plan: what the plan gives, what the others would open, and the change, if the operator
//! leaves it to owners.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_domain::Plan;
use hoursmith_routes::organization::PlanChoice;
use serde_json::json;

use crate::ask::{Person, Question};
use crate::form::Form;
use crate::halt::{Halt, Refusal};
use crate::page::{Frame, go, show};

#[derive(Template)]
#[template(path = "settings/plan.html")]
struct PlanPage<'a> {
    frame: &'a Frame,
    offers: Vec<Offer>,
    /// Whether the person may change it.
    may_change: bool,
    owners_may_change: bool,
    refusal: &'a Refusal,
    once: String,
}

/// A plan as it is offered.
struct Offer {
    name: &'static str,
    word: &'static str,
    is_current: bool,
    api: bool,
    webhooks: bool,
    /// How many requests a token may make: `600 requests a minute`.
    pace: String,
}

pub(crate) async fn page(person: &Person<'_>, form: Option<Form>) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let choice: PlanChoice = person.read(Question::new("organization.plan")).await?;
    let offers = person.guest.console.paces.iter().map(|pace| Offer {
        name: match pace.plan {
            Plan::Free => "Free",
            Plan::Studio => "Studio",
            Plan::Agency => "Agency",
        },
        word: pace.plan.as_str(),
        is_current: pace.plan == choice.plan,
        api: pace.plan >= Plan::Studio,
        webhooks: pace.plan >= Plan::Agency,
        pace: match pace.seconds {
            60 => format!("{} requests a minute", pace.requests),
            seconds => format!("{} requests in {seconds} s", pace.requests),
        },
    });
    let form = form.unwrap_or_default();
    let page = PlanPage {
        offers: offers.collect(),
        may_change: choice.owners_may_change && frame.owns_it(),
        owners_may_change: choice.owners_may_change,
        refusal: &form.refusal,
        once: person.form_key(),
        frame: &frame,
    };
    show(form.status(), &page)
}

pub(crate) async fn change(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    person.must_be_here(&form)?;
    let body = json!({ "plan": form.get("plan") });
    let question = Question::new("organization.change_plan").body(body);
    match person.ask(question).await {
        Ok(_) => Ok(go("/app/settings/plan?done=plan")),
        Err(halt) => page(person, Some(form.refused(halt.correctable()?))).await,
    }
}
