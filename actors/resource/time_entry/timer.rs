//! What a member's entries have to do with one another: one timer at most, and no overlap where the
//! organization allows none.
//!
//! The member is held, so that what is looked up here stays true until the transaction ends. The
//! unique index of running entries stands behind it all the same.

use hoursmith_domain::{
    Code, FieldError, MemberId, OrganizationId, Problem, TimeEntryId, Timestamp,
};
use hoursmith_store::{Conn, ErrorKind};

use super::state::TimeEntryState;
use super::terms::Terms;
use super::when::When;
use super::{change, sql};
use crate::base::missing;
use crate::error::Error;
use crate::sight::Reach;
use crate::write::Stamp;

/// The running entry of a member who is held, held as well, if the caller may stop it: one's own
/// always, also on a project that one left meanwhile, and another's within reach.
pub(super) async fn hold_running(
    conn: &mut Conn,
    organization: OrganizationId,
    reach: Reach,
    member: MemberId,
    stamp: &mut Stamp,
) -> Result<Option<TimeEntryState>, Error> {
    let Some((id, _)) = sql::running(conn, organization, member).await? else {
        return Ok(None);
    };
    sql::hold(conn, organization, id).await?;
    let reach = if member == reach.member {
        Reach::ALL
    } else {
        reach
    };
    let entry = sql::find(conn, organization, id, reach).await?;
    if let Some(entry) = &entry {
        stamp.renew(entry.base.updated_at);
    }
    Ok(entry)
}

/// Ends a running entry at an instant, or where it began when that is later. Its draft is for the
/// caller to tell, last of all.
pub(super) async fn end(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    before: &TimeEntryState,
    at: Timestamp,
) -> Result<TimeEntryState, Error> {
    before.refuse_locked()?;
    if !before.is_running() {
        return Err(Problem::new(Code::Conflict, "The time entry does not run.").into());
    }
    let terms = Terms::of_entry(conn, organization, before).await?;
    let mut entry = before.clone();
    entry.stop(at, &terms)?;
    change::save(conn, stamp, organization, before, &mut entry).await?;
    Ok(entry)
}

/// Refuses a second timer of a member (409), and names the first to whom may see it.
pub(super) async fn refuse_second(
    conn: &mut Conn,
    organization: OrganizationId,
    reach: Reach,
    entry: &TimeEntryState,
) -> Result<(), Error> {
    if !entry.is_running() {
        return Ok(());
    }
    match sql::running(conn, organization, entry.member).await? {
        Some((first, _)) if first != entry.id => {
            match sql::find(conn, organization, first, reach).await? {
                Some(first) => Err(second(Some(first.id)).into()),
                None if entry.member == reach.member => Err(second(None).into()),
                None => Err(second_unseen().into()),
            }
        }
        _ => Ok(()),
    }
}

/// Refuses a span that shares time with another of the member's (409), where the organization says
/// so. A running entry has no end.
pub(super) async fn refuse_overlap(
    conn: &mut Conn,
    organization: OrganizationId,
    terms: &Terms,
    entry: &TimeEntryState,
) -> Result<(), Error> {
    let (start, end) = match entry.when {
        When::Running(start) => (start, Timestamp::from_micros(i64::MAX)),
        When::Span(start, end) if start < end => (start, end),
        When::Span(..) | When::Duration(_) => return Ok(()),
    };
    if terms.ground.allow_overlap {
        return Ok(());
    }
    let running = sql::running(conn, organization, entry.member).await?;
    let by_running = running.is_some_and(|(id, since)| id != entry.id && since < end);
    if !by_running && !sql::overlaps(conn, organization, entry, start, end).await? {
        return Ok(());
    }
    Err(Problem::new(
        Code::Conflict,
        "The member has other time then, and the organization allows no overlap.",
    )
    .with_error(FieldError::pointer(
        "#/started_at",
        "overlap",
        "shares time with another entry of the member",
    ))
    .into())
}

/// What the database refuses of an entry's row, past all that was asked before: the member's second
/// timer, the one unique key, or a task or project that was deleted a moment ago. A project with
/// tasks cannot be deleted, so that where a task is named it is the task.
pub(super) fn refused(error: hoursmith_store::Error, entry: &TimeEntryState) -> Error {
    match (error.kind(), entry.task) {
        (ErrorKind::UniqueViolation, _) => second(None).into(),
        (ErrorKind::ForeignKeyViolation, Some(_)) => missing("task_id").into(),
        (ErrorKind::ForeignKeyViolation, None) => missing("project_id").into(),
        _ => error.into(),
    }
}

/// The same where the caller does not see the first and so cannot have it make way.
fn second_unseen() -> Problem {
    Problem::new(
        Code::Conflict,
        "The member has a timer running that you do not see. Whoever sees it has to stop it first.",
    )
}

fn second(running: Option<TimeEntryId>) -> Problem {
    let problem = Problem::new(
        Code::Conflict,
        "The member has a timer running. Stop it first, or start this one with `?stop_running=true`.",
    );
    match running {
        Some(id) => problem.with_member("running_time_entry_id", id.to_string()),
        None => problem,
    }
}
