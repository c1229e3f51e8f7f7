//! Time entries: what members spent, and timers that run.
//!
//! A write holds the member first and the entry after it, always in this order: what is read of the
//! member's time then stays true (one timer at most, no overlap), and no two writes wait for one
//! another. After the entry come its totals, its event and the client's draft.

mod change;
mod input;
mod list;
mod rollup;
mod sql;
mod state;
mod terms;
#[cfg(test)]
mod tests;
mod timer;
mod when;

use hoursmith_bus::{Conditions, Response};
use hoursmith_domain::{Cursor, Problem, TimeEntryId};
use hoursmith_store::Statement;

use crate::base::{held, place};
use crate::condition;
use crate::error::Error;
use crate::list::{Page, json};
use crate::request::Request;
use crate::write::write;
pub(crate) use change::tell_of_invoice;
use input::TimeEntryInput;
use list::Filter;
use state::TimeEntryState;
use terms::{Terms, hold_member};
use when::When;

pub(crate) fn statements() -> Vec<Statement> {
    [
        list::statements(),
        rollup::statements(),
        sql::statements(),
        terms::statements(),
    ]
    .concat()
}

/// `GET /api/v1/time_entries`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let page = Page::of(request)?;
    let filter = Filter::of(request)?;
    let mut conn = request.context.db.read().await?;
    let rows = filter.rows(&mut conn, &page).await?;
    drop(conn);
    let sight = request.sight();
    let at = |entry: &TimeEntryState| match page.updated_since {
        Some(_) => place(&page, entry),
        None => Cursor {
            sort: entry.order_at.as_micros(),
            id: entry.id.0,
        },
    };
    page.respond(request, rows, at, |entry| entry.to_wire(sight))
}

/// `GET /api/v1/time_entries/{time_entry_id}`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let id: TimeEntryId = request.id("time_entry_id")?;
    let organization = request.caller.organization();
    let mut conn = request.context.db.read().await?;
    let entry = sql::find(&mut conn, organization, id, request.reach())
        .await?
        .ok_or_else(Problem::not_found)?;
    let body = json(200, &entry.to_wire(request.sight()))?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(body, entry.base.version, conditions))
}

/// `POST /api/v1/time_entries`
pub(crate) async fn create(request: &Request) -> Result<Response, Error> {
    let input = request
        .ask
        .with_document(|document| TimeEntryInput::read_new(document.value()))??;
    let stop_running = request.param("stop_running")?.unwrap_or(false);
    let organization = request.caller.organization();
    let (reach, sight) = (request.reach(), request.sight());
    let location = format!("{}/api/v1/time_entries/", request.context.public_url);
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let terms = Terms::of_new(conn, organization, reach, &input).await?;
            input.refuse_hidden(sight)?;
            let starts_timer = input.when.starts_timer();
            // What can meet no other time of the member need not wait for it.
            if starts_timer || !terms.ground.allow_overlap {
                hold_member(conn, organization, terms.member).await?;
            }
            let running = if starts_timer && stop_running {
                timer::hold_running(conn, organization, reach, terms.member, &mut stamp).await?
            } else {
                None
            };
            let id = TimeEntryId(stamp.new_id());
            let entry = TimeEntryState::create(id, input, &terms, stamp.now)?;
            let mut stopped = None;
            if let (When::Running(start), Some(running)) = (entry.when, &running) {
                stopped = Some(timer::end(conn, &stamp, organization, running, start).await?);
            }
            timer::refuse_second(conn, organization, reach, &entry).await?;
            timer::refuse_overlap(conn, organization, &terms, &entry).await?;
            change::add(conn, &stamp, organization, &entry).await?;
            if let Some(stopped) = &stopped {
                change::tell_drafts(conn, &stamp, organization, &[stopped]).await?;
            }
            let body = json(201, &entry.to_wire(sight))?
                .with_header("location", format!("{location}{}", entry.id));
            Ok(condition::tagged(body, entry.base.version))
        })
    })
    .await
}

/// `PATCH /api/v1/time_entries/{time_entry_id}`
pub(crate) async fn update(request: &Request) -> Result<Response, Error> {
    let id: TimeEntryId = request.id("time_entry_id")?;
    let input = request
        .ask
        .with_document(|document| TimeEntryInput::read_patch(document.value()))??;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let (reach, sight) = (request.reach(), request.sight());
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let other = input.member.clone().into_option();
            let found = change::hold(conn, organization, reach, id, other).await?;
            let entry = found.ok_or_else(Problem::not_found)?;
            let terms = Terms::of_changed(conn, organization, reach, &input, &entry).await?;
            input.refuse_hidden(sight)?;
            let before = held(Some(entry), &conditions, &mut stamp)?;
            before.refuse_locked()?;
            let mut entry = before.clone();
            entry.change(input, &terms, stamp.now)?;
            if (entry.when, entry.member) != (before.when, before.member) {
                timer::refuse_second(conn, organization, reach, &entry).await?;
                timer::refuse_overlap(conn, organization, &terms, &entry).await?;
            }
            if change::save(conn, &stamp, organization, &before, &mut entry).await? {
                change::tell_drafts(conn, &stamp, organization, &[&before, &entry]).await?;
            }
            let body = json(200, &entry.to_wire(sight))?;
            Ok(condition::tagged(body, entry.base.version))
        })
    })
    .await
}

/// `POST /api/v1/time_entries/{time_entry_id}/stop`
pub(crate) async fn stop(request: &Request) -> Result<Response, Error> {
    let id: TimeEntryId = request.id("time_entry_id")?;
    let organization = request.caller.organization();
    let (reach, sight) = (request.reach(), request.sight());
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let found = change::hold(conn, organization, reach, id, None).await?;
            // A timer is stopped whatever else of it changed: no condition is taken.
            let before = held(found, &Conditions::default(), &mut stamp)?;
            let entry = timer::end(conn, &stamp, organization, &before, stamp.now).await?;
            change::tell_drafts(conn, &stamp, organization, &[&entry]).await?;
            let body = json(200, &entry.to_wire(sight))?;
            Ok(condition::tagged(body, entry.base.version))
        })
    })
    .await
}

/// `DELETE /api/v1/time_entries/{time_entry_id}`
pub(crate) async fn delete(request: &Request) -> Result<Response, Error> {
    let id: TimeEntryId = request.id("time_entry_id")?;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let reach = request.reach();
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let found = change::hold(conn, organization, reach, id, None).await?;
            let entry = held(found, &conditions, &mut stamp)?;
            entry.refuse_locked()?;
            change::remove(conn, &stamp, organization, &entry).await?;
            Ok(Response::empty(204))
        })
    })
    .await
}
