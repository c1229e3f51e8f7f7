//! Notes when tokens were used, to the minute, beside the requests and never in their way.
//!
//! The time is a hint for people who look for tokens to revoke. So a note that finds the channel
//! full, or the database busy, is dropped: the next use makes another.

use std::collections::HashMap;
use std::time::Duration;

use hoursmith_domain::{OrganizationId, Timestamp, TokenId};
use hoursmith_kit::Task;
use hoursmith_store::{Db, Error};
use tokio::sync::mpsc;

use crate::sql::{self, Principal};

/// A token's use is written at most once in this time.
const RESOLUTION: Duration = Duration::from_secs(60);

/// Notes on their way: some seconds of a database that is slow to write, at 40 bytes each.
const QUEUE: usize = 1_024;

/// Notes written in one transaction. A statement takes some ten microseconds, for which others
/// wait.
const BATCH: usize = 128;

struct Use {
    organization: OrganizationId,
    token: TokenId,
    at: Timestamp,
}

/// Where uses are noted. Cheap to clone.
#[derive(Clone)]
pub(crate) struct LastUsed {
    notes: mpsc::Sender<Use>,
}

impl LastUsed {
    /// Starts the one task that writes.
    pub(crate) fn start(db: Db) -> (Self, Task) {
        let (notes, inbox) = mpsc::channel(QUEUE);
        (
            Self { notes },
            Task::start("token-auth last use", write_down(db, inbox)),
        )
    }

    /// Notes a use, unless one was noted a moment ago.
    pub(crate) fn note(&self, principal: &Principal, at: Timestamp) {
        if principal
            .last_used_at
            .is_some_and(|last| last >= at.minus(RESOLUTION))
        {
            return;
        }
        let Principal {
            organization,
            token,
            ..
        } = *principal;
        // Full or closed: dropped, see above.
        let _ = self.notes.try_send(Use {
            organization,
            token,
            at,
        });
    }
}

async fn write_down(db: Db, mut inbox: mpsc::Receiver<Use>) {
    let mut batch = Vec::with_capacity(BATCH);
    while inbox.recv_many(&mut batch, BATCH).await > 0 {
        // A busy token is noted by each request until the first note is written.
        let uses: HashMap<_, _> = batch
            .drain(..)
            .map(
                |Use {
                     organization,
                     token,
                     at,
                 }| ((organization, token), at),
            )
            .collect();
        let written = db.write(move |conn| {
            Box::pin(async move {
                for ((organization, token), at) in uses {
                    sql::touch(conn, organization, token, at, at.minus(RESOLUTION)).await?;
                }
                Ok::<(), Error>(())
            })
        });
        if let Err(error) = written.await {
            tracing::warn!(
                plugin.name = crate::NAME,
                error = &error as &dyn std::error::Error,
                "When tokens were used could not be written down."
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoursmith_domain::{MemberId, Plan, Role, Scope, UserId};
    use uuid::Uuid;

    #[test]
    fn a_recent_use_is_not_noted_and_a_full_channel_stops_nobody() {
        let (notes, mut inbox) = mpsc::channel(1);
        let last_used = LastUsed { notes };
        let id = Uuid::from_u128(1);
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let used = |last: Option<Timestamp>| Principal {
            organization: OrganizationId(id),
            user: UserId(id),
            member: MemberId(id),
            token: TokenId(id),
            role: Role::Owner,
            plan: Plan::Studio,
            scope: Scope::Read,
            last_used_at: last,
        };
        last_used.note(&used(Some(at(40))), at(100));
        assert!(inbox.try_recv().is_err());
        last_used.note(&used(Some(at(39))), at(100));
        last_used.note(&used(None), at(101));
        assert_eq!(inbox.try_recv().unwrap().at, at(100));
        assert!(inbox.try_recv().is_err());
    }
}
