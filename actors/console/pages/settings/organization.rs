//! Settings → Organization: its name, its defaults, and how its time is counted.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_routes::organization::Organization;
use serde_json::{Value, json};

use crate::ask::{Person, Question};
use crate::form::{Form, seconds};
use crate::halt::{Halt, Refusal};
use crate::page::{Frame, go, show};
use crate::pages::time::NO_DURATION;
use crate::{format, work};

/// The directions in which time is rounded, in words.
const MODES: &[(&str, &str)] = &[
    ("none", "not at all"),
    ("up", "up"),
    ("down", "down"),
    ("nearest", "to the nearest step"),
];

#[derive(Template)]
#[template(path = "settings/organization.html")]
struct OrganizationPage<'a> {
    frame: &'a Frame,
    modes: &'a [(&'a str, &'a str)],
    weekdays: &'a [&'a str],
    form: &'a Form,
    once: String,
}

pub(crate) async fn page(person: &Person<'_>, form: Option<Form>) -> Result<Response, Halt> {
    let frame = Frame::of(person).await?;
    let form = match form {
        Some(form) => form,
        None => as_it_is(
            &person
                .read_tagged(Question::new("organization.read"))
                .await?,
        ),
    };
    let page = OrganizationPage {
        frame: &frame,
        modes: MODES,
        weekdays: work::WEEKDAYS,
        form: &form,
        once: person.form_key(),
    };
    show(form.status(), &page)
}

/// The form of the organization as it is.
fn as_it_is((organization, tag): &(Organization, String)) -> Form {
    let rounding = &organization.rounding;
    Form::with(&[
        ("version", tag),
        ("name", &organization.name),
        ("currency", &organization.currency),
        ("timezone", &organization.timezone),
        ("week_start", &organization.week_start),
        (
            "default_billable_rate",
            &work::text(&organization.default_billable_rate),
        ),
        ("mode", &rounding.mode),
        ("minutes", &rounding.minutes.to_string()),
        (
            "allow_overlap",
            if organization.allow_overlap { "on" } else { "" },
        ),
        ("lock_before", &work::text(&organization.lock_before)),
        (
            "capacity",
            &format::hours(organization.weekly_capacity_seconds),
        ),
    ])
}

pub(crate) async fn save(person: &Person<'_>, form: Form) -> Result<Response, Halt> {
    person.must_be_here(&form)?;
    let minutes = form.get("minutes");
    let minutes = minutes
        .parse::<i64>()
        .map_or_else(|_| Value::from(minutes), Value::from);
    let mut body = json!({
        "name": form.get("name"),
        "currency": form.get("currency").to_uppercase(),
        "timezone": form.get("timezone"),
        "week_start": form.get("week_start"),
        "default_billable_rate": form.some("default_billable_rate"),
        "rounding": { "mode": form.get("mode"), "minutes": minutes },
        "allow_overlap": form.ticked("allow_overlap"),
        "lock_before": form.some("lock_before"),
    });
    // The form has minutes: left as it was shown, the week stays to the second.
    let organization: Organization = person.read(Question::new("organization.read")).await?;
    let shown = format::hours(organization.weekly_capacity_seconds);
    if form.get("capacity") != shown
        && let Some(fields) = body.as_object_mut()
    {
        let Some(capacity) = seconds(form.get("capacity")) else {
            let refusal = Refusal::at("capacity", NO_DURATION);
            return page(person, Some(form.refused(refusal))).await;
        };
        fields.insert("weekly_capacity_seconds".to_owned(), capacity.into());
    }
    let question = Question::new("organization.update")
        .body(body)
        .if_match(form.get("version"));
    match person.ask(question).await {
        Ok(_) => Ok(go("/app/settings/organization?done=saved")),
        Err(halt) => {
            let refusal = halt.correctable()?;
            let refusal = refusal
                .renamed("rounding/minutes", "minutes")
                .renamed("weekly_capacity_seconds", "capacity");
            page(person, Some(form.refused(refusal))).await
        }
    }
}
