//! What operators watch that is no count of this process: how late the oldest delivery is, how many
//! endpoints wait for a place, and how endpoints fare.
//!
//! Whether deliveries are sent shows in the first of these and nowhere else: a process that is up
//! and claims nothing counts no failures. It is seen twice, since an endpoint that is sent as much as
//! it may be has nothing due, however much waits behind that.

mod sql;

use std::sync::Arc;
use std::time::Duration;

use hoursmith_domain::Timestamp;
use hoursmith_kit::Clock;
use hoursmith_store::{Db, Error, Statement};
use hoursmith_telemetry::names;
use metrics::gauge;
use tokio::time::MissedTickBehavior;

use super::claim;
use super::pace::{LONGEST, SKEW};
use crate::endpoint::Status;

/// Time between two looks; Prometheus looks every 15 s by default.
const EVERY: Duration = Duration::from_secs(5);

pub(super) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// Before every instant.
const EVER: Timestamp = Timestamp::from_micros(i64::MIN);

/// Looks for good.
pub(super) async fn run(db: Db, clock: Arc<dyn Clock>) {
    let mut looks = tokio::time::interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        // That the database is away is told by those who work with it.
        let _ = look(&db, clock.as_ref()).await;
        let _ = hurry(&db, clock.now()).await;
    }
}

/// Brings back what a rate holds up until an instant that none can name: its clock has been set back
/// since. Nobody else looks at such an endpoint before that instant.
pub(super) async fn hurry(db: &Db, now: Timestamp) -> Result<(), Error> {
    let latest = now.plus(SKEW).plus(LONGEST);
    if !sql::is_held_up(&mut *db.read().await?, latest).await? {
        return Ok(());
    }
    db.write(move |conn| Box::pin(sql::hurry(conn, now, latest)))
        .await
}

async fn look(db: &Db, clock: &dyn Clock) -> Result<(), Error> {
    let mut conn = db.read().await?;
    let now = clock.now();
    let late = |due: Option<Timestamp>| {
        let late = due.map_or(Duration::ZERO, |due| due.until(now));
        late.as_secs_f64()
    };
    let due = claim::next_due(&mut conn, EVER).await?;
    gauge!(names::WEBHOOK_OLDEST_DUE).set(late(due));
    let pending = sql::oldest_pending(&mut conn).await?;
    gauge!(names::WEBHOOK_OLDEST_PENDING).set(late(pending));
    let (prompt, patient) = sql::due(&mut conn, now).await?;
    for (lane, due) in [("prompt", prompt), ("patient", patient)] {
        let due = u32::try_from(due).unwrap_or(u32::MAX);
        gauge!(names::WEBHOOK_QUEUE, "lane" => lane).set(due);
    }
    let counts = sql::endpoints(&mut conn).await?;
    for status in [Status::Enabled, Status::Failing, Status::Disabled] {
        let of_status = counts.iter().find(|(word, _)| word == status.as_str());
        let count = of_status.map_or(0, |(_, count)| *count);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        gauge!(names::WEBHOOK_ENDPOINTS, "status" => status.as_str()).set(count);
    }
    Ok(())
}
