//! Years of time before the story, to see what a list is like with a million entries.
//!
//! They are brought in as an operator would: the books are opened, entries come in bounded batches,
//! now and then one client is sent its draft and pays, and the books are closed again. A run that was
//! cut off is taken up by the next one, which counts what is there.

mod sql;

use std::time::Duration;

use futures::future::join;
use hoursmith_bus::Conditions;
use hoursmith_domain::{Day, MemberId, OrganizationId, Patch, ProjectId, TaskId};
use hoursmith_store::{Conn, Statement};
use serde_json::json;

use super::body::Body;
use super::dice::Dice;
use super::plan::DAYS;
use super::{SLUG, close_books, home, unknown};
use crate::admin::{Admin, AdminError, OrganizationChange};
use crate::error::Error;
use crate::invoice::{self, Sending, Status};
use crate::time_entry::{TimeEntryInput, make_many};
use crate::write::Stamp;

/// Entries in one transaction: a tenth of a second of work, for which other writers wait at most.
const BATCH: u64 = 2_000;

/// The days that the entries are spread over, before those of the story.
const SPAN_DAYS: u32 = 5 * 365;

/// Of so many entries one is to be on an invoice.
const INVOICED_OF: u64 = 20;

const TAGS: &[&str] = &[
    "build", "design", "frontend", "meeting", "research", "review",
];

const DESCRIPTIONS: &[&str] = &[
    "Answered a ticket",
    "Call with the client",
    "First draft",
    "Fixes after review",
    "Tests",
    "Workshop",
];

pub(super) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// Where time can be tracked: a member in a project, and the project's tasks.
#[derive(Debug)]
struct Seat {
    project: ProjectId,
    member: MemberId,
    tasks: Vec<TaskId>,
}

/// Fills time entries up to a number, spread over the years before the story. Tells after each batch
/// how many there are.
pub async fn fill(admin: &Admin, rows: u64, progress: impl Fn(u64)) -> Result<(), AdminError> {
    let organization = admin.organization(SLUG).await?;
    let mut conn = admin.db.read().await?;
    let (mut there, mut invoiced) = sql::count(&mut conn, organization).await?;
    let seats = sql::seats(&mut conn, organization).await?;
    drop(conn);
    if there >= rows {
        return Ok(());
    }
    let opened = OrganizationChange {
        lock_before: Patch::Null,
        ..OrganizationChange::default()
    };
    admin.set_organization(SLUG, opened).await?;
    let mut work = Work {
        seats,
        dice: Dice::new(there),
        first: home()?
            .day_of(admin.clock.now())
            .minus(DAYS.saturating_add(SPAN_DAYS)),
        number: 0,
        last: rows.saturating_sub(there),
    };
    let mut inputs = work.batch()?;
    let mut turn = 0;
    while !inputs.is_empty() {
        let count = inputs.len() as u64;
        let written = bring_in(admin, organization, inputs);
        // The next are thought of while these are written.
        let (written, next) = join(written, async { work.batch() }).await;
        written?;
        inputs = next?;
        there = there.saturating_add(count);
        if invoiced.saturating_mul(INVOICED_OF) < there {
            invoiced = invoiced.saturating_add(bill(admin, organization, turn).await?);
            turn = turn.saturating_add(1);
        }
        progress(there);
    }
    close_books(admin).await
}

/// Work that is made up, the earliest first, so that the indexes grow at their ends.
struct Work {
    seats: Vec<Seat>,
    dice: Dice,
    first: Day,
    number: u64,
    last: u64,
}

impl Work {
    /// The next entries; none when all were made.
    fn batch(&mut self) -> Result<Vec<TimeEntryInput>, AdminError> {
        let count = BATCH.min(self.last.saturating_sub(self.number));
        (0..count).map(|_| Ok(self.entry()?)).collect()
    }

    fn entry(&mut self) -> Result<TimeEntryInput, Error> {
        let days = u64::from(SPAN_DAYS).saturating_mul(self.number) / self.last.max(1);
        self.number = self.number.saturating_add(1);
        let day = self.first.plus(u32::try_from(days).unwrap_or(SPAN_DAYS));
        // What falls on a weekend was done on the Friday before.
        let day = day.minus(day.days_from_monday().saturating_sub(4));
        let dice = &mut self.dice;
        let begin = Duration::from_secs(dice.between(7 * 60, 16 * 60).saturating_mul(60));
        let length = Duration::from_secs(dice.between(1, 36).saturating_mul(300));
        let start = day.midnight_utc().plus(begin);
        let seat = dice.one_of(&self.seats);
        let seat = seat.ok_or_else(|| unknown(&"a member of a project"))?;
        let mut body = Body::default();
        body.set("member_id", json!(seat.member.0));
        body.set("project_id", json!(seat.project.0));
        body.set("description", json!(dice.one_of(DESCRIPTIONS)));
        if dice.percent(85) {
            body.set("started_at", json!(start));
            body.set("ended_at", json!(start.plus(length)));
        } else {
            body.set("spent_on", json!(day));
            body.set("duration_seconds", json!(length.as_secs()));
        }
        if let Some(task) = dice.one_of(&seat.tasks)
            && dice.percent(60)
        {
            body.set("task_id", json!(task.0));
        }
        if dice.percent(15) {
            body.set("billable", json!(false));
        }
        if dice.percent(40) {
            body.set("tags", json!([dice.one_of(TAGS)]));
        }
        if dice.percent(10) {
            let id = format!("{}-{}", day, self.number);
            body.set(
                "external_reference",
                json!({ "service": "toggl", "id": id }),
            );
        }
        body.read(TimeEntryInput::read_new)
    }
}

async fn bring_in(
    admin: &Admin,
    organization: OrganizationId,
    inputs: Vec<TimeEntryInput>,
) -> Result<(), AdminError> {
    let operator = admin.clone();
    admin
        .db
        .write(move |conn| {
            Box::pin(async move {
                let stamp = operator.stamp(organization);
                Ok(make_many(conn, &stamp, organization, inputs).await?)
            })
        })
        .await
}

/// Sends the draft of the client whose turn it is, and records that it was paid. How many entries it
/// billed.
async fn bill(admin: &Admin, organization: OrganizationId, turn: usize) -> Result<u64, AdminError> {
    let operator = admin.clone();
    admin
        .write(move |conn| {
            Box::pin(async move {
                let stamp = || operator.stamp(organization);
                Ok(bill_next(conn, stamp, organization, turn).await?)
            })
        })
        .await
}

async fn bill_next(
    conn: &mut Conn,
    stamp: impl Fn() -> Stamp,
    organization: OrganizationId,
    turn: usize,
) -> Result<u64, Error> {
    let any = Conditions::default();
    let mut drafts = invoice::newest(conn, organization, Some(Status::Draft)).await?;
    drafts.sort_by_key(|draft| draft.client);
    let place = turn.checked_rem(drafts.len()).unwrap_or(0);
    let draft = match drafts.into_iter().nth(place) {
        Some(draft) => invoice::fill(conn, organization, draft).await?,
        None => None,
    };
    let Some(draft) = draft.filter(|draft| !draft.lines.is_empty()) else {
        return Ok(0);
    };
    let sending = Sending {
        issued_on: draft.period.map(|(_, last)| last),
        ..Sending::default()
    };
    let sent = invoice::send_draft(conn, stamp(), organization, draft.id, sending, &any).await?;
    let billed: usize = sent
        .lines
        .iter()
        .map(|line| line.time_entry_ids.len())
        .sum();
    invoice::pay_invoice(conn, stamp(), organization, sent.id, None, &any).await?;
    Ok(billed as u64)
}
