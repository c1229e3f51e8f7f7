//! The list of time entries: what it is narrowed by, and which index serves it.
//!
//! With a million entries a list must not read what it does not show. So one filter drives: it picks
//! the statement whose index holds the list's order under that filter's value, and the other filters
//! only pass over rows on the way. The most selective one that is given drives.

mod sql;

use hoursmith_domain::{
    ClientId, Cursor, Day, MemberId, OrganizationId, ProjectId, TaskId, Timestamp,
};
use hoursmith_store::{Conn, Statement};
use std::time::Duration;
use uuid::Uuid;

use super::state::TimeEntryState;
use crate::error::Error;
use crate::list::Page;
use crate::request::Request;
use crate::sight::Reach;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// How far an entry's place may lie from its day. A place is an instant, a day begins up to 14 hours
/// before and 12 after midnight UTC, and an entry may count for a day next to its own. No further than
/// that: a page passes over all entries in between.
const BEFORE_ITS_DAY: Duration = Duration::from_secs((24 + 14) * 60 * 60);
const AFTER_ITS_DAY: Duration = Duration::from_secs((2 * 24 + 12) * 60 * 60);

/// What a list is narrowed by.
#[derive(Debug)]
pub(crate) struct Filter {
    organization: OrganizationId,
    reach: Reach,
    member: Option<MemberId>,
    client: Option<ClientId>,
    project: Option<ProjectId>,
    task: Option<TaskId>,
    from: Option<Day>,
    to: Option<Day>,
    running: Option<bool>,
    billable: Option<bool>,
    invoiced: Option<bool>,
    locked: Option<bool>,
    tag: Option<String>,
    external_reference_id: Option<String>,
}

/// Which condition the rows are found by, in the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Driver {
    Reference,
    Task,
    Running,
    Tag,
    Project,
    Member,
    Client,
    Invoiced,
    NotInvoiced,
    Locked,
    Projects,
    Billable,
    Order,
    UpdatedReference,
    UpdatedMember,
    Updated,
}

impl Filter {
    /// Reads the query.
    pub(crate) fn of(request: &Request) -> Result<Self, Error> {
        Ok(Self {
            organization: request.caller.organization(),
            reach: request.reach(),
            member: request.param("member_id")?,
            client: request.param("client_id")?,
            project: request.param("project_id")?,
            task: request.param("task_id")?,
            from: request.param("from")?,
            to: request.param("to")?,
            running: request.param("running")?,
            billable: request.param("billable")?,
            invoiced: request.param("invoiced")?,
            locked: request.param("locked")?,
            tag: request.param("tag")?,
            external_reference_id: request.param("external_reference_id")?,
        })
    }

    /// Reads a page.
    pub(crate) async fn rows(
        mut self,
        conn: &mut Conn,
        page: &Page,
    ) -> Result<Vec<TimeEntryState>, Error> {
        if self.reach.own {
            match self.member {
                Some(other) if other != self.reach.member => return Ok(Vec::new()),
                _ => self.member = Some(self.reach.member),
            }
        }
        let lock_before = match self.locked {
            Some(_) => sql::lock_before(conn, self.organization).await?,
            None => None,
        };
        if self.locked == Some(false) {
            // What is not locked is on no invoice and in no locked period, which an index knows.
            self.from = self.from.max(lock_before);
            match self.invoiced {
                Some(true) => return Ok(Vec::new()),
                _ => self.invoiced = Some(false),
            }
        }
        let driver = self.driver(page.updated_since.is_some());
        sql::list(conn, &self, driver, page, lock_before).await
    }

    fn driver(&self, by_update: bool) -> Driver {
        if by_update {
            return match (&self.external_reference_id, self.member) {
                (Some(_), _) => Driver::UpdatedReference,
                (None, Some(_)) => Driver::UpdatedMember,
                (None, None) => Driver::Updated,
            };
        }
        let given = [
            (self.external_reference_id.is_some(), Driver::Reference),
            (self.task.is_some(), Driver::Task),
            (self.running == Some(true), Driver::Running),
            (self.tag.is_some(), Driver::Tag),
            (self.project.is_some(), Driver::Project),
            (self.member.is_some(), Driver::Member),
            (self.client.is_some(), Driver::Client),
            (self.invoiced == Some(true), Driver::Invoiced),
            (self.locked == Some(true), Driver::Locked),
            (!self.reach.all, Driver::Projects),
            (self.invoiced == Some(false), Driver::NotInvoiced),
            (self.billable.is_some(), Driver::Billable),
        ];
        given
            .into_iter()
            .find(|(is_given, _)| *is_given)
            .map_or(Driver::Order, |(_, driver)| driver)
    }

    /// The first place that an entry since `from` can have, in microseconds.
    fn first_place(&self) -> i64 {
        self.from.map_or(i64::MIN, |day| first_of(day).as_micros())
    }

    /// Where the page begins: behind the row before it, and not before the last place that an entry
    /// up to `to` can have.
    fn start(&self, after: Cursor) -> Cursor {
        match self.to {
            Some(day) => before(after, past(day)),
            None => after,
        }
    }
}

/// The first place that an entry of a day, or of a later one, can have.
fn first_of(day: Day) -> Timestamp {
    day.midnight_utc().minus(BEFORE_ITS_DAY)
}

/// The place past every entry of a day and of those before it.
fn past(day: Day) -> Timestamp {
    day.midnight_utc().plus(AFTER_ITS_DAY)
}

/// The earlier of a place and the last one before an instant.
fn before(place: Cursor, instant: Timestamp) -> Cursor {
    if place.sort < instant.as_micros() {
        return place;
    }
    Cursor {
        sort: instant.as_micros(),
        id: Uuid::nil(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time_entry::when::When;
    use hoursmith_domain::Zone;
    use proptest::prelude::*;

    proptest! {
        /// The window of places in which the days of a filter are looked for leaves nothing out, in
        /// no zone, also where its offset jumped.
        #[test]
        fn every_entry_lies_near_its_day(
            instant in 0_i64..32_503_593_600,
            zone in prop::sample::select(&["Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Apia",
                "Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Etc/GMT+12", "UTC"][..]),
            next in 0_u32..3,
        ) {
            let zone: Zone = zone.parse().unwrap();
            let start = Timestamp::from_micros(instant * 1_000_000);
            let day = zone.day_of(start).minus(1).plus(next);
            for when in [When::Running(start), When::Duration(1)] {
                if when.check_day(day, zone).is_none() {
                    let place = when.order_at(day, zone);
                    prop_assert!(first_of(day) <= place && place < past(day), "{place} of {day}");
                }
            }
        }
    }
}
