//! The dashboard: the way for a newcomer, the week, what is not billed yet, and what happened last.

mod happened;

use std::collections::BTreeMap;

use askama::Template;
use futures::try_join;
use hoursmith_bus::Response;
use hoursmith_domain::{Amount, Currency};
use hoursmith_routes::client::Client;
use hoursmith_routes::invoice::Invoice;
use hoursmith_routes::project::Project;
use hoursmith_routes::time_entry::TimeEntry;

use crate::ask::Person;
use crate::halt::Halt;
use crate::page::{Frame, runs_it, show};
use crate::pages::time::total;
use crate::{format, work};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    frame: &'a Frame,
    bars: &'a [Bar],
    week_seconds: i64,
    running: Option<TimeEntry>,
    projects: &'a [Project],
    drafts: Vec<&'a Invoice>,
    /// What the drafts come to, by currency, where there are several.
    unbilled: Vec<String>,
    happened: Vec<happened::Happened>,
    clients: &'a [Client],
    has_client: bool,
    has_project: bool,
    has_time: bool,
    /// The first draft with something in it.
    draft: Option<&'a Invoice>,
    is_new: bool,
}

/// A project's hours of the week.
struct Bar {
    name: String,
    seconds: i64,
    /// Of the longest bar, 0 to 100.
    percent: i64,
}

pub(crate) async fn page(person: &Person<'_>) -> Result<Response, Halt> {
    let drafts = async {
        match runs_it(person.caller.role()) {
            true => work::invoices_that_are(person, "draft").await,
            false => Ok(Vec::new()),
        }
    };
    let (frame, clients, projects, running, drafts) = try_join!(
        Frame::of(person),
        work::clients(person),
        work::projects(person),
        work::running(person),
        drafts,
    )?;
    let first = work::week_of(&frame, work::today(person, &frame)?);
    let (week, happened, has_sent) = try_join!(
        work::week(person, first),
        happened(person, &frame),
        has_sent(person, &frame),
    )?;
    let mut bars: Vec<Bar> = projects
        .iter()
        .map(|project| Bar {
            name: project.name.clone(),
            seconds: total(week.iter().filter(|entry| entry.project_id == project.id)),
            percent: 0,
        })
        .filter(|bar| bar.seconds > 0)
        .collect();
    let shown = bars
        .iter()
        .fold(0, |sum, bar| bar.seconds.saturating_add(sum));
    let week_seconds = total(week.iter());
    if week_seconds > shown {
        bars.push(Bar {
            name: "Other projects".to_owned(),
            seconds: week_seconds.saturating_sub(shown),
            percent: 0,
        });
    }
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.seconds));
    let longest = bars.first().map_or(1, |bar| bar.seconds.max(1));
    for bar in &mut bars {
        bar.percent = bar.seconds.saturating_mul(100) / longest;
    }
    let drafts: Vec<&Invoice> = drafts
        .iter()
        .filter(|draft| !draft.lines.is_empty())
        .collect();
    let page = HomePage {
        week_seconds,
        running,
        unbilled: sums(&drafts),
        happened,
        has_client: !clients.is_empty(),
        has_project: !projects.is_empty(),
        has_time: !week.is_empty() || projects.iter().any(|project| project.tracked_seconds > 0),
        draft: drafts.first().copied(),
        is_new: frame.runs_it() && !has_sent,
        bars: &bars,
        clients: &clients,
        projects: &projects,
        drafts,
        frame: &frame,
    };
    show(200, &page)
}

/// What happened last, for whom it is to be seen.
async fn happened(person: &Person<'_>, frame: &Frame) -> Result<Vec<happened::Happened>, Halt> {
    match frame.runs_it() {
        true => happened::latest(person, frame).await,
        false => Ok(Vec::new()),
    }
}

/// Whether an invoice ever left, for whom it is to be seen.
async fn has_sent(person: &Person<'_>, frame: &Frame) -> Result<bool, Halt> {
    match frame.runs_it() {
        true => work::has_sent_invoice(person).await,
        false => Ok(false),
    }
}

/// What invoices come to, by currency.
fn sums(invoices: &[&Invoice]) -> Vec<String> {
    let mut sums: BTreeMap<&str, (Currency, Amount)> = BTreeMap::new();
    for invoice in invoices {
        let sum = sums
            .entry(invoice.currency.as_str())
            .or_insert((invoice.currency, Amount::ZERO));
        let total = invoice.total.parse().unwrap_or(Amount::ZERO);
        sum.1 = sum.1.plus(total).unwrap_or(sum.1);
    }
    let written = |(currency, sum): &(Currency, Amount)| {
        format::money(&sum.display(*currency), currency.as_str())
    };
    sums.values().map(written).collect()
}
