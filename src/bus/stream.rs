//! The stream: where public events are kept for subscribers that come later.
//!
//! A port beside [`Bus`](crate::Bus) and no part of it: the bus owns nothing, and what a process
//! without a stream tells on it reaches whoever listens at the moment. The stream is a copy too.
//! Losing it loses no data, since every event stands in the database.

use std::fmt;

use futures::future::BoxFuture;

use crate::{Envelope, Error, Subject};

/// Keeps events for subscribers.
pub trait EventStream: Send + Sync + fmt::Debug + 'static {
    /// Puts an event in and returns once it is kept. A second one with the same `id` is no second
    /// message while the stream's window for duplicates lasts, and no error. What is put in after
    /// another was kept stands behind it.
    ///
    /// Ends within seconds, whatever is down. [`TooLarge`](crate::ErrorKind::TooLarge) is for good;
    /// after any other error the event may be kept or not, and is to be put in again.
    fn put<'a>(
        &'a self,
        subject: Subject,
        id: &'a str,
        envelope: Envelope,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Sees to it that the stream and its subscribers' places in it are there and as they are set;
    /// makes anew what is gone. Changes nothing where nothing is amiss.
    fn tend(&self) -> BoxFuture<'_, Result<(), Error>>;
}
