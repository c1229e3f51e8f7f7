//! Where an instant lies in an organization's feed.
//!
//! Events are numbered in the order of their commits, and their moments were taken before: the two
//! orders agree but for [`DISORDER`]. So the place of an instant is found by halving the feed, at a
//! few dozen short looks however long it is, and there is no index by moments for every change to
//! write.

mod sql;
#[cfg(test)]
mod tests;

use std::time::Duration;

use hoursmith_domain::{OrganizationId, Timestamp};
use hoursmith_store::{Conn, Error, Statement};

/// How far the order of the feed and the moments of its events may disagree: longer than a
/// transaction lasts and than the clocks of two processes differ.
pub(crate) const DISORDER: Duration = Duration::from_secs(300);

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// The number of an event that is older than an instant and that is followed by one that is not, or
/// by none; 0 where the feed begins with one that is not.
///
/// There may be several such places, no further apart than [`DISORDER`]. Whichever this is: no event of
/// an instant or later stands before the place of that instant less the disorder, and no earlier one
/// behind the place of that instant and the disorder.
pub(crate) async fn last_before(
    conn: &mut Conn,
    organization: OrganizationId,
    instant: Timestamp,
) -> Result<i64, Error> {
    let (mut found, mut last) = (0, sql::last(conn, organization).await?);
    while found < last {
        let middle = last.saturating_sub(last.saturating_sub(found).div_euclid(2));
        match sql::first_from(conn, organization, middle).await? {
            Some((sequence, at)) if at < instant => found = sequence,
            Some(_) | None => last = middle.saturating_sub(1),
        }
    }
    Ok(found)
}
