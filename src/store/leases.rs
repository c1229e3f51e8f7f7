//! Leases: who may do what only one may do at a time.
//!
//! A lease is taken for a while and held on by its holder; once that time is over, anybody may take
//! it. Clocks differ and a process may be stopped for longer than it knows, so the time alone keeps
//! nobody from the work: each taking has a token of its own, larger than any before (a fencing
//! token), and every transaction of the work begins with [`take`] or [`hold`]. They write the row,
//! so that a second transaction waits for the first and then finds whose the lease is.
//!
//! A clock that is ahead takes a lease too early: the work changes hands more often, and stays right.
//! One that was set back would find the lease of before taken for hours, so a lease that ends later
//! than any can, by twice its time, counts as over.

use hoursmith_domain::Timestamp;
use uuid::Uuid;

use crate::conn::Conn;
use crate::error::Error;
use crate::{execute, fetch_optional};

crate::statements! {
    /// Takes a lease that nobody has, or whose time is over; writes no row otherwise.
    TAKE_LEASE = "INSERT INTO leases (name, holder, token, expires_at) VALUES ($1, $2, 1, $4)
        ON CONFLICT (name) DO UPDATE
        SET holder = excluded.holder, token = leases.token + 1, expires_at = excluded.expires_at
        WHERE leases.expires_at <= $3 OR leases.expires_at > $5
        RETURNING token";
    /// Holds on to a lease that nobody has taken meanwhile; writes no row otherwise.
    HOLD_LEASE = "UPDATE leases SET expires_at = $4 WHERE name = $1 AND holder = $2 AND token = $3";
    /// Ends a lease before its time.
    RELEASE_LEASE = "UPDATE leases SET expires_at = 0 WHERE name = $1 AND holder = $2";
}

/// A lease that was taken. Whether it still counts, [`hold`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// What it is for.
    pub name: &'static str,
    /// Who took it.
    pub holder: Uuid,
    /// Larger than that of any holder before.
    pub token: i64,
}

/// Takes a lease until an instant; `None` while it is another's, or the holder's own under an
/// earlier token. The transaction holds the lease's row from then on.
pub async fn take(
    conn: &mut Conn,
    name: &'static str,
    holder: Uuid,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Lease>, Error> {
    let taken = fetch_optional!(
        conn,
        TAKE_LEASE as (i64,),
        name,
        holder,
        now.as_micros(),
        until.as_micros(),
        until.plus(now.until(until)).as_micros(),
    )?;
    Ok(taken.map(|(token,)| Lease {
        name,
        holder,
        token,
    }))
}

/// The fence: whether the lease is still the holder's, who has it until the instant then. Its time
/// may be over, as long as nobody else has taken it. The transaction holds the lease's row from
/// then on.
pub async fn hold(conn: &mut Conn, lease: &Lease, until: Timestamp) -> Result<bool, Error> {
    let held = execute!(
        conn,
        HOLD_LEASE,
        lease.name,
        lease.holder,
        lease.token,
        until.as_micros(),
    )?;
    Ok(held == 1)
}

/// Gives a lease back, so that nobody has to wait for its time to be over. Nothing happens to one
/// that is another's by now. The token does not matter: whoever leaves may not have heard of the last
/// transaction in which it took the lease.
pub async fn release(conn: &mut Conn, name: &'static str, holder: Uuid) -> Result<(), Error> {
    execute!(conn, RELEASE_LEASE, name, holder).map(drop)
}
