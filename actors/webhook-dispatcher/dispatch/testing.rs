//! A claim by itself, to measure it without what is sent.

use hoursmith_domain::{OrganizationId, Timestamp};
use hoursmith_store::{Conn, Error};
use uuid::Uuid;

use super::claim::{self, Claimed, Standing, Terms};
use super::lanes::SHARES;
use super::pace::Pace;
use crate::settings::WebhookSettings;

/// Looks for the proven endpoint that has waited longest for its turn and claims as much as the
/// default settings permit. How many deliveries.
pub async fn claim(conn: &mut Conn, now: Timestamp) -> Result<usize, Error> {
    let nobody = [OrganizationId(Uuid::nil()); SHARES];
    let due = claim::due_endpoints(conn, Standing::Proven, now, nobody, 1).await?;
    let Some((organization, endpoint)) = due.first().copied() else {
        return Ok(0);
    };
    let settings = WebhookSettings::default();
    let terms = Terms {
        now,
        lease: settings.lease(),
        at_a_time: settings.endpoint_concurrency.get(),
        pace: Pace::new(settings.endpoint_rate_per_second),
        room: settings.concurrency.get(),
    };
    Ok(
        match claim::claim(conn, organization, endpoint, terms).await? {
            Claimed::Some(_, claims) => claims.len(),
            Claimed::Nothing | Claimed::Skipped(_) => 0,
        },
    )
}
