//! The dashboard: the way for a newcomer, the week, and what is not billed yet.

use askama::Template;
use hoursmith_bus::Response;
use hoursmith_routes::client::Client;
use hoursmith_routes::invoice::Invoice;
use hoursmith_routes::time_entry::TimeEntry;

use crate::ask::Person;
use crate::halt::Halt;
use crate::page::{Frame, show};
use crate::pages::time::total;
use crate::work;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    frame: &'a Frame,
    bars: &'a [Bar],
    week_seconds: i64,
    running: Option<&'a TimeEntry>,
    drafts: Vec<&'a Invoice>,
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
    let frame = Frame::of(person).await?;
    let clients = work::clients(person).await?;
    let projects = work::projects(person).await?;
    let monday = work::week_of(&frame, work::today(person, &frame)?);
    let week = work::week(person, monday).await?;
    let invoices = match frame.runs_it() {
        true => work::invoices(person).await?,
        false => Vec::new(),
    };
    let mut bars: Vec<Bar> = projects
        .iter()
        .map(|project| Bar {
            name: project.name.clone(),
            seconds: total(week.iter().filter(|entry| entry.project_id == project.id)),
            percent: 0,
        })
        .filter(|bar| bar.seconds > 0)
        .collect();
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.seconds));
    let longest = bars.first().map_or(1, |bar| bar.seconds.max(1));
    for bar in &mut bars {
        bar.percent = bar.seconds.saturating_mul(100) / longest;
    }
    let drafts: Vec<&Invoice> = invoices
        .iter()
        .filter(|invoice| invoice.status == "draft" && !invoice.lines.is_empty())
        .collect();
    let settled = invoices.iter().any(|invoice| invoice.status != "draft");
    let page = HomePage {
        week_seconds: total(week.iter()),
        running: week.iter().find(|entry| entry.is_running),
        has_client: !clients.is_empty(),
        has_project: !projects.is_empty(),
        has_time: !week.is_empty() || projects.iter().any(|project| project.tracked_seconds > 0),
        draft: drafts.first().copied(),
        is_new: frame.runs_it() && !settled,
        bars: &bars,
        clients: &clients,
        drafts,
        frame: &frame,
    };
    show(200, &page)
}
