//! Many entries at once, as an operator brings them in: what holds for one holds for each, and what is
//! the same for many is read and written once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use hoursmith_domain::{Code, OrganizationId, Problem, TimeEntryId};
use hoursmith_store::Conn;

use super::change;
use super::input::TimeEntryInput;
use super::state::TimeEntryState;
use super::terms::Terms;
use crate::error::Error;
use crate::sight::Reach;
use crate::write::Stamp;

/// Makes entries that are over, each of the member and project that it names, or none of them. Only
/// where time may overlap: how they lie among one another is not looked at.
pub(crate) async fn make_many(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    inputs: Vec<TimeEntryInput>,
) -> Result<(), Error> {
    let mut terms = BTreeMap::new();
    let mut entries = Vec::with_capacity(inputs.len());
    for input in inputs {
        let place = (&input.project, &input.member, &input.task);
        let place = (
            place.0.clone().into_option(),
            place.1.clone().into_option(),
            place.2.clone().into_option(),
        );
        let terms = match terms.entry(place) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                new.insert(Terms::of_new(conn, organization, Reach::ALL, &input).await?)
            }
        };
        if input.when.starts_timer() || !terms.ground.allow_overlap {
            let detail = "Only time that is over comes in at once, and only where it may overlap.";
            return Err(Problem::new(Code::Conflict, detail).into());
        }
        let id = TimeEntryId(stamp.new_id());
        entries.push(TimeEntryState::create(id, input, terms, stamp.now)?);
    }
    let rest = change::add(conn, stamp, organization, &entries).await?;
    rest.write(conn, stamp, organization).await
}
