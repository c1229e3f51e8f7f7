//! How time and expenses become an invoice's, and are released again.
//!
//! A row is an invoice's by one guarded UPDATE that names no ids: everything unbilled up to the last
//! that the draft shows. Of two that want the same row the database lets one have it. The change is
//! counted by the resource whose row it is (`tell_of_invoice`), in the same transaction, and told by
//! [`tell`]: with few statements however many rows there are, since all of it is one job.

mod sql;

use hoursmith_domain::EventType;
use hoursmith_store::{Conn, Statement};

use crate::base::Stored;
use crate::error::Error;
use crate::write::{Changed, Stamp, changed_fields};

pub(crate) use sql::{claim, hold_client, hold_projects, next_number, release};

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// What an invoice does with time and expenses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Billing {
    /// It took them.
    Taken,
    /// It is about to let them go.
    Released,
}

/// Writes the events of rows that are an invoice's: as they were taken, or as they will be released.
/// `free` gives a row as it is without the invoice.
pub(crate) async fn tell<R: Stored + Send>(
    conn: &mut Conn,
    stamp: &Stamp,
    kind: EventType,
    billed: Vec<R>,
    billing: Billing,
    free: impl Fn(&R) -> R + Send + Sync,
) -> Result<(), Error> {
    let changes = billed.into_iter().map(|billed| {
        let free = free(&billed);
        let (before, after) = match billing {
            Billing::Taken => (free, billed),
            Billing::Released => (billed, free),
        };
        let object = after.to_event();
        Changed {
            resource_id: after.id(),
            previous: changed_fields(&before.to_event(), &object),
            object,
        }
    });
    stamp.events(conn, kind, changes).await
}
