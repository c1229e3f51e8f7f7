//! Which endpoints are worth a look, in the database.

use hoursmith_domain::{OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_store::{Conn, Error, fetch_all, fetch_optional};
use uuid::Uuid;

use super::Standing;
use crate::dispatch::lanes::SHARES;

hoursmith_store::statements! {
    /// Proven endpoints that have something due, but for those of the organizations that have as
    /// many places as they may.
    FIND_PROVEN_DUE = "SELECT organization_id, id FROM webhook_endpoints
        WHERE due_at <= $1 AND proven AND organization_id NOT IN ($3, $4, $5, $6)
        ORDER BY served_at, id LIMIT $2";
    /// The other endpoints that have something due.
    FIND_ON_PROBATION_DUE = "SELECT organization_id, id FROM webhook_endpoints
        WHERE due_at <= $1 AND NOT proven AND organization_id NOT IN ($3, $4, $5, $6)
        ORDER BY served_at, id LIMIT $2";
    /// When the first endpoint is worth a look, after an instant.
    FIND_NEXT_DUE = "SELECT due_at FROM webhook_endpoints WHERE due_at > $1 ORDER BY due_at LIMIT 1";
}

/// Endpoints of a standing that are due, the least recently served first; not those of some
/// organizations.
pub(in crate::dispatch) async fn due_endpoints(
    conn: &mut Conn,
    standing: Standing,
    now: Timestamp,
    without: [OrganizationId; SHARES],
    limit: u32,
) -> Result<Vec<(OrganizationId, WebhookEndpointId)>, Error> {
    let (now, limit) = (now.as_micros(), i64::from(limit));
    let [first, second, third, fourth] = without.map(|organization| organization.0);
    macro_rules! rows {
        ($statement:path) => {
            fetch_all!(
                conn,
                $statement as (Uuid, Uuid),
                now,
                limit,
                first,
                second,
                third,
                fourth,
            )
        };
    }
    let rows = match standing {
        Standing::Proven => rows!(FIND_PROVEN_DUE),
        Standing::OnProbation => rows!(FIND_ON_PROBATION_DUE),
    }?;
    let ids = rows.into_iter();
    Ok(ids
        .map(|(organization, id)| (OrganizationId(organization), WebhookEndpointId(id)))
        .collect())
}

/// When the first endpoint is worth a look, after an instant; `None` when nothing is pending for it.
pub(in crate::dispatch) async fn next_due(
    conn: &mut Conn,
    after: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let due = fetch_optional!(conn, FIND_NEXT_DUE as (i64,), after.as_micros())?;
    Ok(due.map(|(due,)| Timestamp::from_micros(due)))
}
